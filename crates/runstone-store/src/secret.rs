//! The store's secret: 32 random bytes that nobody outside the store knows.
//!
//! A ledger keys with it what must stay equal without being readable. It is made once, never
//! replaced, and never printed; its id, which says nothing about it, may stand anywhere. The
//! invariant guarded here: a store that ever had a secret never gets another one, because what was
//! keyed with the first would no longer be recognised. What it is used for is left to the ledger.

use std::fmt;

use crate::entropy::Entropy;
use crate::hash::Hash256;

/// Bytes of a secret.
pub(crate) const SECRET_BYTES: usize = 32;
/// Hex digits of its id.
const ID_DIGITS: usize = 16;
/// Stands before the secret where its id is hashed.
const ID_DOMAIN: &[u8] = b"runstone-secret/1\0";

/// The secret of a store.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret([u8; SECRET_BYTES]);

impl Secret {
    pub(crate) fn random(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; SECRET_BYTES];
        for half in bytes.chunks_exact_mut(SECRET_BYTES / 2) {
            half.copy_from_slice(&entropy.nonce());
        }
        Self(bytes)
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Returns the 32 bytes.
    pub const fn bytes(&self) -> &[u8; SECRET_BYTES] {
        &self.0
    }

    /// Returns the id: 16 hex digits of a digest.
    pub fn id(&self) -> String {
        let named = [ID_DOMAIN, &self.0].concat();
        Hash256::of(&named).to_string()[..ID_DIGITS].to_owned()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({})", self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;

    #[test]
    fn a_secret_is_random_and_never_printed() {
        let (one, other) = (
            Secret::random(&SystemEntropy),
            Secret::random(&SystemEntropy),
        );
        assert_ne!(one, other);
        assert_ne!(one.bytes()[..16], one.bytes()[16..]);
        assert_eq!(format!("{one:?}"), format!("Secret({})", one.id()));
    }

    #[test]
    fn the_id_is_that_of_the_first_release() {
        // Computed by another program.
        assert_eq!(Secret([7; 32]).id(), "9969cf1f199c62d5");
    }
}
