//! Who says something, and why: the options of every command that makes a note.

use runstone::Error;
use runstone::core::note::{Author, NoteText};
use runstone::notes::Signature;

use crate::env_vars;

/// Why a note is made, and by whom.
#[derive(Debug, clap::Args)]
pub(crate) struct SignatureArgs {
    /// Why, in a few words
    #[arg(long, value_name = "TEXT")]
    why: Option<String>,
    #[command(flatten)]
    by: ByArgs,
}

/// By whom a note is made.
#[derive(Debug, clap::Args)]
pub(crate) struct ByArgs {
    /// By whom [default: the login name, from `LOGNAME` or `USER`]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

impl SignatureArgs {
    /// Returns who says it and why, checked.
    pub(crate) fn read(&self) -> Result<Signature, Error> {
        Ok(Signature {
            why: self.why.as_deref().map(NoteText::new).transpose()?,
            ..self.by.read()?
        })
    }
}

impl ByArgs {
    /// Returns who says it, checked. A login name that cannot stand in a note counts as none.
    pub(crate) fn read(&self) -> Result<Signature, Error> {
        let by = match &self.by {
            Some(name) => Some(Author::new(name.as_str())?),
            None => env_vars::read(env_vars::LOGNAME)
                .or_else(|| env_vars::read(env_vars::USER))
                .and_then(|name| Author::new(name).ok()),
        };
        Ok(Signature { why: None, by })
    }
}
