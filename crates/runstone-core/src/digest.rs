//! SHA-256 digests, written as 64 hex digits wherever they are stored.
//!
//! A digest names content: fingerprints, profiles, environments and snapshots are all named by
//! one. What is hashed is decided by the callers; this file only guards that a digest is always
//! spelled the same way and that two kinds of content never share a digest by accident
//! ([`Digest::of_named`]).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// A SHA-256 digest. Prints as 64 lower-case hex digits and parses from the same.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Wraps 32 bytes that are already a digest.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the digest of `bytes` as they are, the one `sha256sum` prints.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Returns the digest of `bytes` under a name: equal bytes under two names differ, so that a
    /// fingerprint of one thing is never taken for another's.
    ///
    /// The name goes in front, followed by a zero byte, which no name contains.
    pub fn of_named(name: &str, bytes: &[u8]) -> Self {
        Self::of_parts(name, [bytes])
    }

    /// Returns [`Digest::of_named`] of parts that follow each other, without putting them together.
    pub fn of_parts<'b>(name: &str, parts: impl IntoIterator<Item = &'b [u8]>) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(name.as_bytes());
        hasher.update([0]);
        for part in parts {
            hasher.update(part);
        }
        Self(hasher.finalize().into())
    }

    /// Returns the same of lines, each but the last with its end behind it.
    pub fn of_lines<'b>(name: &str, lines: impl IntoIterator<Item = &'b [u8]>) -> Self {
        let mut end: &[u8] = b"";
        let parts = lines
            .into_iter()
            .flat_map(|line| [std::mem::replace(&mut end, b"\n"), line]);
        Self::of_parts(name, parts)
    }

    /// Returns the first `digits` hex digits, for names and for talk.
    pub fn prefix(&self, digits: usize) -> String {
        self.to_string().chars().take(digits).collect()
    }
}

impl Digest {
    /// Returns the 64 hex digits.
    fn hex(&self) -> [u8; 64] {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut hex = [0; 64];
        for (pair, byte) in hex.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 0xf)];
        }
        hex
    }
}

/// Returns hex digits as text.
fn text_of(hex: &[u8; 64]) -> &str {
    str::from_utf8(hex).expect("hex digits are text")
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(text_of(&self.hex()))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// The text is not 64 lower-case hex digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a digest of 64 lower-case hex digits")]
pub struct NotADigest {
    /// The text as given.
    pub text: String,
}

impl FromStr for Digest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || NotADigest {
            text: text.to_owned(),
        };
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return Err(refuse());
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = hex_value(pair[0]).ok_or_else(refuse)? << 4
                | hex_value(pair[1]).ok_or_else(refuse)?;
        }
        Ok(Self(bytes))
    }
}

fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(text_of(&self.hex()))
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_of_abc_is_the_one_in_the_standard() {
        // FIPS 180-4, appendix B.1.
        assert_eq!(
            Digest::of(b"abc").to_string(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn text_round_trips_and_other_spellings_are_refused() {
        let digest = Digest::of(b"a");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert!(digest.to_string().to_uppercase().parse::<Digest>().is_err());
        assert!("ab".parse::<Digest>().is_err());
    }

    #[test]
    fn equal_bytes_under_two_names_differ() {
        assert_ne!(Digest::of_named("a", b"x"), Digest::of_named("b", b"x"));
    }

    #[test]
    fn parts_and_lines_have_the_digest_of_what_they_are_together() {
        let parts: [&[u8]; 3] = [b"one", b"", b"two"];
        assert_eq!(
            Digest::of_parts("a", parts),
            Digest::of_named("a", b"onetwo")
        );
        assert_eq!(
            Digest::of_lines("a", parts),
            Digest::of_named("a", b"one\n\ntwo")
        );
        assert_eq!(Digest::of_lines("a", []), Digest::of_named("a", b""));
    }
}
