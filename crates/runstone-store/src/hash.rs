//! Digests: what bytes are called once they are known.
//!
//! A [`Hash256`] names an object, checks a payload and stands in every envelope. It is written as
//! 64 lower-case hex digits wherever it meets a file, a JSON document or a person, and in no other
//! way. The invariant guarded here: one digest has one text. What is hashed, and in which canonical
//! form, is left to those who have the bytes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

/// A SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash256([u8; 32]);

impl Hash256 {
    /// Returns the digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Returns a digest computed elsewhere.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the 32 bytes of the digest.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// A text that is not the hex digits it should be.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
#[error("`{text}` is not {digits} lower-case hex digits")]
pub struct NotHex {
    text: String,
    digits: usize,
}

impl NotHex {
    pub(crate) fn new(text: &str, digits: usize) -> Self {
        Self {
            text: text.chars().take(80).collect(),
            digits,
        }
    }
}

impl fmt::Display for Hash256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl fmt::Debug for Hash256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl FromStr for Hash256 {
    type Err = NotHex;

    fn from_str(text: &str) -> Result<Self, NotHex> {
        parse_hex(text).map(Self)
    }
}

impl Serialize for Hash256 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash256 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Writes bytes as lower-case hex digits, those of a digest in one piece: what a writer of JSON is
/// handed digit by digit it checks digit by digit.
pub(crate) fn write_hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    const PIECE: usize = 32;
    bytes.chunks(PIECE).try_for_each(|piece| {
        let mut digits = [0; 2 * PIECE];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(piece) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 0xf)];
        }
        let text = str::from_utf8(&digits[..2 * piece.len()]);
        f.write_str(text.expect("hex digits are ASCII"))
    })
}

/// Reads exactly `N` bytes from `2 * N` lower-case hex digits.
pub(crate) fn parse_hex<const N: usize>(text: &str) -> Result<[u8; N], NotHex> {
    let refuse = || NotHex::new(text, 2 * N);
    if text.len() != 2 * N {
        return Err(refuse());
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let high = nibble(pair[0]).ok_or_else(refuse)?;
        let low = nibble(pair[1]).ok_or_else(refuse)?;
        *byte = high << 4 | low;
    }
    Ok(bytes)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_of_abc_is_the_published_vector() {
        // FIPS 180-2, appendix B.1.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Hash256::of(b"abc").to_string(), expected);
    }

    #[test]
    fn text_of_a_digest_reads_back_as_the_digest() {
        let digest = Hash256::of(b"round trip");
        assert_eq!(digest.to_string().parse(), Ok(digest));
    }

    #[test]
    fn upper_case_short_and_foreign_texts_are_refused() {
        let good = Hash256::of(b"x").to_string();
        for bad in [
            good.to_uppercase(),
            good[1..].to_owned(),
            "é".repeat(32),
            String::new(),
        ] {
            assert!(bad.parse::<Hash256>().is_err(), "{bad} was accepted");
        }
    }
}
