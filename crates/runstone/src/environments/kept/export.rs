//! An environment in the formats of others, with what is known of its capture.

use std::collections::BTreeMap;

use runstone_env::export::{Details, Export, Format, Lock, PYLOCK, export};

use super::find::FoundEnvironment;
use crate::error::Error;
use crate::managers::{Session, locked};

/// A format, and who makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExportFormat {
    /// Made of what is kept; nobody is asked.
    Made(Format),
    /// `pylock.toml`: uv or pip is started, and asks an index for the hashes.
    Pylock,
}

impl ExportFormat {
    /// Returns every format, in the order of its word.
    pub fn all() -> Vec<Self> {
        let made = Format::ALL.into_iter().map(Self::Made);
        let mut all: Vec<Self> = made.chain([Self::Pylock]).collect();
        all.sort_by_key(|it| it.as_str());
        all
    }

    /// Returns the word that stands for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Made(format) => format.as_str(),
            Self::Pylock => PYLOCK,
        }
    }

    /// Reads the word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::all().into_iter().find(|it| it.as_str() == word)
    }
}

impl FoundEnvironment {
    /// Returns what it is in a format. `variables` are those of the session: where one of them
    /// says how an index is reached, a package manager that has to be started is told.
    ///
    /// # Errors
    /// [`Error::NotExported`] if the source that the format is made of was not read;
    /// [`Error::Lock`] if a package manager is needed, and is not there or fails.
    pub fn export(
        &self,
        format: ExportFormat,
        variables: &BTreeMap<String, String>,
    ) -> Result<Export, Error> {
        let format = match format {
            ExportFormat::Made(format) => format,
            ExportFormat::Pylock => {
                let lock = Lock::of(&self.environment)?;
                return Ok(locked(lock, &Session::of(variables))?);
            }
        };
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
