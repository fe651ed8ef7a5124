//! Which environment runs are recorded with, and how this session describes itself to a capture.
//!
//! The variables and the folder of this process are handed to the ledger here, which takes few of
//! them, by name. What a capture reads is left to it.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use runstone::environments::{CaptureRequest, EnvironmentChoice, EnvironmentReference};
use runstone::{Error, Ledger};

use super::Settings;
use crate::env_vars;

/// Which environment runs are recorded with, when nothing says otherwise of one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Capturing {
    /// That of this machine, for a run that ended on it just now.
    IfJustNow,
    /// That of this machine.
    Current,
    /// None.
    None,
}

impl Capturing {
    /// The words that settings and options have for it.
    pub(super) const WORDS: [&'static str; 3] = ["auto", "current", "none"];

    /// Returns its word.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::IfJustNow => "auto",
            Self::Current => "current",
            Self::None => "none",
        }
    }
}

impl FromStr for Capturing {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "auto" => Ok(Self::IfJustNow),
            "current" => Ok(Self::Current),
            "none" => Ok(Self::None),
            _ => Err("write `current` or `none`, or `auto` for the default".to_owned()),
        }
    }
}

/// What `--environment` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    /// One of the words that settings have too.
    Capturing(Capturing),
    /// An environment that is kept, or that runs name.
    Named(EnvironmentReference),
}

impl FromStr for Asked {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(word) = text.parse() {
            return Ok(Self::Capturing(word));
        }
        text.parse().map(Self::Named).map_err(|_no_reference: Error| {
            "write `current`, `none` or `auto`, or name one that is kept, such as `env#12`, `@latest` \
             or the beginning of a digest"
                .to_owned()
        })
    }
}

impl Settings {
    /// Returns which environment a recording is of: the one asked for here and now, else as
    /// settings have it. One that is named has to be there.
    pub(crate) fn environment_choice(
        &self,
        asked: Option<&Asked>,
        ledger: &Ledger,
    ) -> Result<EnvironmentChoice, Error> {
        let request = || Arc::new(self.capture_request(None, None));
        let word = match asked {
            Some(Asked::Named(reference)) => return ledger.named_environment(reference, request()),
            Some(Asked::Capturing(word)) => *word,
            None => self.environment.value,
        };
        Ok(match word {
            Capturing::None => EnvironmentChoice::left_out(),
            Capturing::Current => EnvironmentChoice::Current(request()),
            Capturing::IfJustNow => EnvironmentChoice::IfJustNow(request()),
        })
    }

    /// Returns what a capture has to know of this session.
    pub(crate) fn capture_request(
        &self,
        root: Option<PathBuf>,
        python: Option<PathBuf>,
    ) -> CaptureRequest {
        let settled = self.environment_root.as_ref().map(|it| it.value.clone());
        CaptureRequest {
            root: root.or(settled),
            python,
            folder: std::env::current_dir().ok(),
            variables: env_vars::all(),
        }
    }
}
