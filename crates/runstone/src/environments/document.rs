//! The document of an environment, read back from the store.
//!
//! The invariant: an environment that cannot be read is told as such, never as an empty one. What
//! the document says is left to `runstone-env`.

use runstone_core::canon;
use runstone_core::digest::Digest;
use runstone_env::Environment;
use runstone_store::Slot;
use serde_json::Value;

use crate::digests::to_hash;
use crate::error::chain;
use crate::open::Ledger;

/// How many digits name an environment to people.
const DIGITS: usize = 12;

/// What was found in place of an environment, to be said behind its name.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotRead {
    #[error("its document is not in the store")]
    Absent,
    #[error("its document has other bytes than its digest says")]
    Damaged,
    #[error("its document cannot be read: {0}")]
    Unreadable(String),
    #[error("its document is no environment: {0}")]
    Another(String),
}

impl Ledger {
    /// Returns the environment that a digest names, or why it cannot be read, as a fragment for
    /// people.
    ///
    /// # Errors
    /// The reason: its document is missing or damaged, or no environment.
    pub fn environment(&self, digest: &Digest) -> Result<Environment, String> {
        self.read_environment(digest).map_err(|found| {
            let name = digest.prefix(DIGITS);
            match found {
                NotRead::Absent => format!("environment {name} is not in the store"),
                NotRead::Damaged => format!("environment {name} is damaged"),
                NotRead::Unreadable(why) => format!("environment {name} cannot be read: {why}"),
                NotRead::Another(why) => format!("object {name} is no environment: {why}"),
            }
        })
    }

    /// Returns the environment that a digest names, or what was found in its place.
    pub(super) fn read_environment(&self, digest: &Digest) -> Result<Environment, NotRead> {
        let bytes = match self.store.object(&to_hash(digest)) {
            Ok(Slot::Whole(bytes)) => bytes,
            Ok(Slot::Absent) => return Err(NotRead::Absent),
            Ok(Slot::Damaged(_)) => return Err(NotRead::Damaged),
            Err(error) => return Err(NotRead::Unreadable(chain(&error))),
        };
        let document: Value =
            serde_json::from_slice(&bytes).map_err(|error| NotRead::Another(error.to_string()))?;
        Environment::from_json(&canon::settle(document))
            .map_err(|error| NotRead::Another(error.to_string()))
    }
}
