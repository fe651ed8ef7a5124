//! The chain: one digest for all that stood in a log up to a place.
//!
//! The invariant guarded here: the value at a place depends on the store, the log and every entry
//! up to there, and on nothing else, so segments of any width agree where they end together.

use sha2::{Digest as _, Sha256};

use super::Row;
use crate::hash::Hash256;
use crate::key::StoreId;
use crate::log::Seq;

/// What every chain begins with, so that it is the digest of nothing else.
const DOMAIN: &[u8] = b"runstone-chain/1";

/// The value of a chain at some place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chain(Hash256);

impl Chain {
    /// Returns the value before the first entry of a log.
    pub fn of_log(store: StoreId, log: &str) -> Self {
        let text = format!("\n{store}\n{log}\n");
        Self::over(&[DOMAIN, text.as_bytes()])
    }

    pub(super) const fn from_hash(value: Hash256) -> Self {
        Self(value)
    }

    /// Returns the value as it is written.
    pub const fn hash(self) -> Hash256 {
        self.0
    }

    /// Returns the value after the entries from `first` on.
    #[must_use]
    pub fn after<'r>(self, first: Seq, rows: impl IntoIterator<Item = &'r Row>) -> Self {
        let mut seq = first;
        let mut value = self;
        for row in rows {
            value = Self::over(&[
                value.0.as_bytes(),
                &seq.get().to_be_bytes(),
                row.key.digest().as_bytes(),
                row.sha256.as_bytes(),
            ]);
            seq = seq.next();
        }
        value
    }

    fn over(parts: &[&[u8]]) -> Self {
        let mut digest = Sha256::new();
        for part in parts {
            digest.update(part);
        }
        Self(Hash256::from_bytes(digest.finalize().into()))
    }
}
