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

impl Ledger {
    /// Returns the environment that a digest names, or why it cannot be read, as a fragment for
    /// people.
    ///
    /// # Errors
    /// The reason: its document is missing or damaged, or no environment.
    pub fn environment(&self, digest: &Digest) -> Result<Environment, String> {
        let name = digest.prefix(DIGITS);
        let bytes = match self.store.object(&to_hash(digest)) {
            Ok(Slot::Whole(bytes)) => bytes,
            Ok(Slot::Absent) => return Err(format!("environment {name} is not in the store")),
            Ok(Slot::Damaged(_)) => return Err(format!("environment {name} is damaged")),
            Err(error) => {
                let why = chain(&error);
                return Err(format!("environment {name} cannot be read: {why}"));
            }
        };
        let no_environment = |why: String| format!("object {name} is no environment: {why}");
        let document: Value =
            serde_json::from_slice(&bytes).map_err(|error| no_environment(error.to_string()))?;
        Environment::from_json(&canon::settle(document))
            .map_err(|error| no_environment(error.to_string()))
    }
}
