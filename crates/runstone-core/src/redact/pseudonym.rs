//! Pseudonyms: equal values stay equal, and nobody without the key learns which they are.
//!
//! A keyed hash (HMAC-SHA-256) over the canonical form of a value as it is compared, so that two
//! spellings of one value share a pseudonym. Guessing a value needs the key, which is the store's
//! secret; making and keeping it belongs to the store.

use std::fmt;
use std::fmt::Write as _;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::mark::{DIGITS, PSEUDONYM};
use crate::canon;

/// Stands before what is hashed, so that the key serves one purpose here and another elsewhere.
const DOMAIN: &[u8] = b"runstone-pseudonym/1\0";
/// Bytes that SHA-256 takes in at once.
const BLOCK: usize = 64;

/// The key of a store's pseudonyms. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct PseudonymKey {
    key: [u8; 32],
    id: String,
}

impl fmt::Debug for PseudonymKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PseudonymKey({})", self.id)
    }
}

impl PseudonymKey {
    /// Takes the key, and the id by which snapshots name it.
    pub fn new(key: [u8; 32], id: impl Into<String>) -> Self {
        Self { key, id: id.into() }
    }

    /// Returns the id, which says nothing about the key.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns what stands for `value`.
    pub fn pseudonym(&self, value: &Value) -> String {
        let mut message = DOMAIN.to_vec();
        message.extend(canon::bytes(value));
        let digest = hmac(&self.key, &message);
        let mut text = PSEUDONYM.to_owned();
        for byte in &digest[..DIGITS / 2] {
            write!(text, "{byte:02x}").expect("text takes every write");
        }
        text
    }
}

/// HMAC with SHA-256.
///
/// # Source
/// RFC 2104; a key is never longer than a block here.
fn hmac(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    let padded = |pad: u8| {
        let mut block = [pad; BLOCK];
        for (byte, key) in block.iter_mut().zip(key) {
            *byte ^= key;
        }
        block
    };
    let inner = Sha256::new()
        .chain_update(padded(0x36))
        .chain_update(message)
        .finalize();
    Sha256::new()
        .chain_update(padded(0x5c))
        .chain_update(inner)
        .finalize()
        .into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::mark::is_mark;
    use super::*;
    use crate::digest::Digest;

    #[test]
    fn the_keyed_hash_is_that_of_the_standard() {
        // RFC 4231, test case 2, whose key is padded with zeros to a block anyway.
        let mut key = [0; 32];
        key[..4].copy_from_slice(b"Jefe");
        let digest = hmac(&key, b"what do ya want for nothing?");
        let hex = Digest::from_bytes(digest).to_string();
        assert_eq!(
            hex,
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn equal_values_share_a_pseudonym_and_other_keys_give_others() {
        let key = PseudonymKey::new([7; 32], "a");
        let other = PseudonymKey::new([8; 32], "b");
        assert_eq!(key.pseudonym(&json!("ann")), key.pseudonym(&json!("ann")));
        assert_ne!(key.pseudonym(&json!("ann")), key.pseudonym(&json!("bob")));
        assert_ne!(key.pseudonym(&json!("5")), key.pseudonym(&json!(5)));
        assert_ne!(key.pseudonym(&json!("ann")), other.pseudonym(&json!("ann")));
        assert!(is_mark(&key.pseudonym(&json!("ann"))));
    }

    #[test]
    fn pseudonyms_are_those_of_the_first_release() {
        // A pseudonym stands in stored identities, and another one would be another cohort.
        // Computed by another program.
        let key = PseudonymKey::new([7; 32], "a");
        let pseudonym = key.pseudonym(&json!("ann"));
        assert_eq!(pseudonym, "pseudonym:4ec5b639d61088ee17d05861811bef0c");
    }

    #[test]
    fn a_key_is_never_printed() {
        let key = PseudonymKey::new([7; 32], "a");
        assert_eq!(format!("{key:?}"), "PseudonymKey(a)");
    }
}
