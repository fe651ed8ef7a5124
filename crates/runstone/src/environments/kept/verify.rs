//! Checking what is kept: each environment that is listed can be read as it was written.
//!
//! For those who keep environments and no runs, and quicker than reading the whole store: the log
//! of environments and the documents it names. The invariant: what cannot be read is named, with
//! its id. Everything else is left to [`Ledger::verify`].

use runstone_core::note::EnvironmentEntry;
use runstone_env::capture::{FileFinding, FileState, PythonFiles, python_files};
use runstone_store::{Log, Slot, StoreError};
use serde_json::{Value, json};

use super::log::{KeptEnvironment, id_of};
use crate::environments::choice::CaptureRequest;
use crate::environments::settled::looking_at;
use crate::error::{Error, chain, in_words};
use crate::open::Ledger;

/// What checking the environments that are kept found.
#[derive(Debug, Clone, Default)]
pub struct KeptVerified {
    /// How many are listed and whole.
    pub whole: u64,
    /// Those that are damaged, each with what was found.
    pub damage: Vec<DamagedEnvironment>,
    /// What a later release wrote, and this one cannot tell.
    pub not_checked: Vec<String>,
    /// The files of the machine's Python, if they were asked for.
    pub python: Option<PythonFiles>,
}

/// An environment that cannot be read as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DamagedEnvironment {
    /// Its id, or that of the note about it.
    pub id: String,
    /// What was found.
    pub found: String,
}

impl KeptVerified {
    /// Tells whether no truth is damaged.
    pub fn is_ok(&self) -> bool {
        self.damage.is_empty()
    }

    /// Tells whether files of Python are known to be others than were installed.
    pub fn differs(&self) -> bool {
        self.python.as_ref().is_some_and(PythonFiles::differs)
    }

    /// Tells whether something could not be looked at.
    pub fn is_partly_done(&self) -> bool {
        let is_unread = |it: &FileFinding| matches!(it.state, FileState::Unreadable(_));
        let python = self.python.as_ref();
        !self.not_checked.is_empty()
            || python.is_some_and(|it| !it.problems.is_empty() || it.findings.iter().any(is_unread))
    }

    /// Returns the stable JSON form, schema `runstone.env-verify/1`.
    pub fn to_json(&self) -> Value {
        let damage = self.damage.iter();
        let damage = damage.map(|it| json!({ "id": it.id, "found": it.found }));
        json!({
            "schema": "runstone.env-verify/1",
            "ok": self.is_ok() && !self.differs(),
            "whole": self.whole,
            "damage": damage.collect::<Vec<_>>(),
            "not_checked": self.not_checked,
            "python": self.python.as_ref().map(python_json),
        })
    }
}

fn python_json(files: &PythonFiles) -> Value {
    let finding = |it: &FileFinding| {
        let reason = match &it.state {
            FileState::Unreadable(reason) => Some(reason),
            FileState::Changed | FileState::Missing => None,
        };
        json!({
            "distribution": it.distribution,
            "path": it.path.to_string_lossy(),
            "state": it.state.as_str(),
            "reason": reason,
        })
    };
    json!({
        "interpreter": files.interpreter.as_ref().map(|it| it.to_string_lossy()),
        "distributions": files.distributions,
        "without_record": files.without_record,
        "equal": files.equal,
        "without_hash": files.without_hash,
        "findings": files.findings.iter().map(finding).collect::<Vec<_>>(),
        "findings_count": files.findings_count,
        "problems": files.problems,
    })
}

impl Ledger {
    /// Reads every environment that is kept, with its document.
    ///
    /// # Errors
    /// [`Error::Store`] if the log cannot be looked at. Damage is a finding.
    pub fn verify_kept(&self) -> Result<KeptVerified, Error> {
        let mut verified = KeptVerified::default();
        let log = self.kept_environments()?;
        for kept in log.listed() {
            match self.found_damaged(kept)? {
                None => verified.whole += 1,
                Some(found) => verified.damage.push(DamagedEnvironment {
                    id: kept.id(),
                    found,
                }),
            }
        }
        for (seq, found) in log.unreadable {
            self.unread(&Log::Environments, seq, id_of(seq), found, &mut verified)?;
        }
        for (seq, found) in log.unread_notes {
            let id = format!("note {seq} of the environments");
            self.unread(&Log::EnvironmentNotes, seq, id, found, &mut verified)?;
        }
        Ok(verified)
    }

    /// Reads what the distributions of a machine's Python say they brought, file by file.
    ///
    /// # Errors
    /// [`Error::Usage`] if there is no such root.
    pub fn verify_python(
        &self,
        request: &CaptureRequest,
        progress: &mut dyn FnMut(u64),
    ) -> Result<PythonFiles, Error> {
        let profile = self.profile_of_environments()?;
        let (root, options) =
            looking_at(request, &profile).map_err(|error| super::create::no_root(&error))?;
        Ok(python_files(&root, &options, progress))
    }

    /// Says what is wrong with an environment: of its own place, not of a copy of it.
    fn found_damaged(&self, kept: &KeptEnvironment) -> Result<Option<String>, Error> {
        let entry = match self.store.read(&Log::Environments, kept.seq)? {
            Slot::Whole(entry) => entry,
            Slot::Absent => return Ok(Some("there is no entry".to_owned())),
            Slot::Damaged(damage) => return Ok(Some(in_words(&damage))),
        };
        Ok(match EnvironmentEntry::from_payload(&entry.payload) {
            Ok(entry) => self.environment(&entry.environment.digest()).err(),
            Err(error) => Some(chain(&error)),
        })
    }

    /// Tells what is damaged from what a later release wrote.
    fn unread(
        &self,
        log: &Log,
        seq: runstone_store::Seq,
        id: String,
        found: String,
        verified: &mut KeptVerified,
    ) -> Result<(), Error> {
        let is_later = match self.store.read(log, seq) {
            Ok(Slot::Whole(entry)) if *log == Log::Environments => {
                EnvironmentEntry::from_payload(&entry.payload).is_err_and(|it| it.is_later())
            }
            Ok(Slot::Whole(entry)) => runstone_core::note::Note::from_payload(&entry.payload)
                .is_err_and(|it| it.is_later()),
            Ok(Slot::Absent | Slot::Damaged(_)) => false,
            Err(StoreError::Newer { .. }) => true,
            Err(error) => return Err(error.into()),
        };
        if is_later {
            verified.not_checked.push(format!("{id}: {found}"));
        } else {
            verified.damage.push(DamagedEnvironment { id, found });
        }
        Ok(())
    }
}
