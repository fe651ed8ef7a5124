//! Keys: what makes once be once.
//!
//! Whoever appends a snapshot first claims the [`Key`] of its [`KeyText`]; a key holds at most one
//! place of one log. The invariant guarded here: different texts give different keys, because every
//! part is hashed with its length, and no key of one store is a key of another. Which attempt a
//! caller should ask for is left to the ledger.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::hash::{Hash256, NotHex, parse_hex, write_hex};
use crate::log::CohortName;

/// Separates these digests from all others, and one way of making them from the next.
const DOMAIN: &[u8] = b"runstone-key/1";

/// The identity of a store, as a version 4 UUID (RFC 9562).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoreId([u8; 16]);

impl StoreId {
    /// Returns a fresh identity made of 128 random bits, six of which become version and variant.
    pub fn from_random(mut bits: [u8; 16]) -> Self {
        bits[6] = bits[6] & 0x0f | 0x40;
        bits[8] = bits[8] & 0x3f | 0x80;
        Self(bits)
    }
}

impl fmt::Display for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, part) in [0..4, 4..6, 6..8, 8..10, 10..16].into_iter().enumerate() {
            if position > 0 {
                f.write_str("-")?;
            }
            write_hex(&self.0[part], f)?;
        }
        Ok(())
    }
}

impl fmt::Debug for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for StoreId {
    type Err = NotHex;

    fn from_str(text: &str) -> Result<Self, NotHex> {
        let id = Self(parse_hex(&text.replace('-', ""))?);
        // Dashes in other places would make two texts of one identity.
        if id.to_string() == text {
            Ok(id)
        } else {
            Err(NotHex::new(text, 32))
        }
    }
}

impl Serialize for StoreId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for StoreId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// What a key is made of, in plain words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct KeyText {
    /// The run, as its user calls it: free text.
    pub run: String,
    /// The stage of the run.
    pub stage: String,
    /// The cohort the snapshot belongs to.
    pub cohort: CohortName,
    /// The retry of this stage of this run in this cohort, from 0.
    pub attempt: u32,
}

impl KeyText {
    /// Returns the key of this text in the store `store`.
    pub fn key(&self, store: StoreId) -> Key {
        let mut sha = Sha256::new();
        let parts: [&[u8]; 6] = [
            DOMAIN,
            &store.0,
            self.run.as_bytes(),
            self.stage.as_bytes(),
            self.cohort.as_str().as_bytes(),
            &self.attempt.to_be_bytes(),
        ];
        for part in parts {
            sha.update((part.len() as u64).to_be_bytes());
            sha.update(part);
        }
        Key(Hash256::from_bytes(sha.finalize().into()))
    }
}

/// The digest that a claim is filed under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(Hash256);

impl Key {
    /// Returns the key with this digest, which was read from a file.
    pub(crate) const fn from_digest(digest: Hash256) -> Self {
        Self(digest)
    }

    /// Returns the digest behind this key.
    pub const fn digest(&self) -> Hash256 {
        self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The 128 random bits that tell one writing of an entry from every other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nonce([u8; 16]);

impl Nonce {
    /// Returns the nonce made of these bits.
    pub const fn from_bytes(bits: [u8; 16]) -> Self {
        Self(bits)
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl Serialize for Nonce {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Nonce {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_hex(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(run: &str, stage: &str, attempt: u32) -> KeyText {
        let cohort = "train.churn.0123456789abcdef".parse().unwrap();
        KeyText {
            run: run.to_owned(),
            stage: stage.to_owned(),
            cohort,
            attempt,
        }
    }

    fn store() -> StoreId {
        "00010203-0405-4607-8809-0a0b0c0d0e0f".parse().unwrap()
    }

    #[test]
    fn key_of_the_golden_text_never_changes() {
        // Computed apart from this crate: sha256 over each part behind its length as u64
        // big-endian.
        let expected = "9008b249ed0fe2786b4acbdd4d7a3fe55ae7bd54bbaf8a3c9273bdf55512b0c5";
        assert_eq!(
            text("churn-0412", "train", 3).key(store()).to_string(),
            expected
        );
    }

    #[test]
    fn moving_a_letter_between_parts_gives_another_key() {
        assert_ne!(
            text("ab", "c", 0).key(store()),
            text("a", "bc", 0).key(store())
        );
    }

    #[test]
    fn another_store_or_attempt_gives_another_key() {
        let other = StoreId::from_random([7; 16]);
        assert_ne!(text("r", "s", 0).key(store()), text("r", "s", 0).key(other));
        assert_ne!(
            text("r", "s", 0).key(store()),
            text("r", "s", 1).key(store())
        );
    }

    #[test]
    fn store_identity_has_one_text() {
        let id = StoreId::from_random([0xff; 16]);
        assert_eq!(id.to_string(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!(id.to_string().replace('-', "").parse::<StoreId>().is_err());
    }
}
