//! An environment in the formats of others, with what is known of its capture.

use runstone_env::export::{Details, Export, Format, export};

use super::find::FoundEnvironment;
use crate::error::Error;

impl FoundEnvironment {
    /// Returns what it is in a format.
    ///
    /// # Errors
    /// [`Error::NotExported`] if the source that the format is made of was not read.
    pub fn export(&self, format: Format) -> Result<Export, Error> {
        // Of the machine as it is, and of a run, the same environment is the same bytes each time.
        let kept = self.kept.as_ref();
        let captured_at = kept.and_then(|_| self.named.captured("at")?.as_str());
        let observed = self.named.captured("observed");
        let releases = observed.and_then(|it| it.get("apt")?.get("releases"));
        let details = Details {
            captured_at: captured_at.map(ToOwned::to_owned),
            releases: releases.cloned(),
        };
        Ok(export(&self.environment, format, &details)?)
    }
}
