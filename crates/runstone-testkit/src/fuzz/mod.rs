//! Promises about arbitrary bytes, one a decoder, as plain functions.
//!
//! Each takes any bytes at all and panics where a promise is broken: what is accepted means the
//! same when it is written again, and damage is never accepted as something else. `fuzz/` looks for
//! bytes that break them; the seeds and everything ever found run through the same functions as a
//! test. Memory and time are bounded by whoever runs them.

mod document;
mod envelope;
mod filter;
mod hint;
mod payload;
mod profile;
mod segment;

pub use self::document::document;
pub use self::envelope::envelope;
pub use self::filter::filter;
pub use self::hint::hint;
pub use self::payload::payload;
pub use self::profile::profile;
pub use self::segment::segment;

/// A promise about arbitrary bytes.
pub type Target = fn(&[u8]);

/// Every promise, by the name of its folder of seeds.
pub const TARGETS: [(&str, Target); 7] = [
    ("document", document),
    ("envelope", envelope),
    ("filter", filter),
    ("hint", hint),
    ("payload", payload),
    ("profile", profile),
    ("segment", segment),
];

/// Returns the same bytes with one bit flipped, which one being drawn from the bytes themselves.
fn flipped(bytes: &[u8]) -> Vec<u8> {
    let drawn = crc32(bytes) as usize;
    let mut flipped = bytes.to_vec();
    let place = drawn / 8 % flipped.len().max(1);
    if let Some(byte) = flipped.get_mut(place) {
        *byte ^= 1 << (drawn % 8);
    }
    flipped
}

/// Returns the CRC-32C of these bytes, byte by byte: not the program's own.
fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = table();
    let next = |sum: u32, byte: &u8| {
        let [low, ..] = sum.to_le_bytes();
        TABLE[usize::from(low ^ byte)] ^ sum >> 8
    };
    !bytes.iter().fold(!0, next)
}

/// Returns what each byte does to a sum.
const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut sum = byte;
        let mut bit = 0;
        while bit < 8 {
            sum = sum >> 1 ^ if sum & 1 == 1 { 0x82f6_3b78 } else { 0 };
            bit += 1;
        }
        table[byte as usize] = sum;
        byte += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    #[test]
    fn checksum_is_the_one_that_files_carry() {
        // The check value of CRC-32C.
        assert_eq!(super::crc32(b"123456789"), 0xe306_9283);
    }
}
