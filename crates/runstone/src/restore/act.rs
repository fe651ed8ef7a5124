//! Acting on a proposal: locked, kept safe, written down, verified.
//!
//! The invariant: between what was shown and what is done there is nothing else. The plan is made
//! and proved again under the lock, each command line is in the journal before it is started, and
//! what came of it is captured and not assumed. A failure ends it: what was done is told, and the
//! way back.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use runstone_core::note::NoteText;
use runstone_env::restore::argv::acting;
use runstone_env::restore::{Manager, Places, Plan, Policy, Side, Step, plan};
use serde_json::Value;

use super::error::RestoreError;
use super::fresh;
use super::host_lock::HostLock;
use super::journal::Journal;
use super::machine::can_be_written;
use super::propose::{Proposal, planned};
use super::prove::program;
use super::restored::{Outcome, Ran, Restored};
use crate::environments::{CaptureRequest, Keeping, KeptEnvironment};
use crate::error::{Error, chain};
use crate::managers::{Patience, Session, shown};
use crate::open::Ledger;
use crate::profiles::ProfileChoice;

/// How much of what a program said is in the journal, in bytes.
const SAID_BYTES_MAX: usize = 4096;
/// How many digits of a plan's name stand in the name of its journal.
const DIGITS: usize = 12;

impl Proposal {
    /// Tells whether it can be acted on, before anybody is asked.
    ///
    /// # Errors
    /// [`Error::Restore`] if the rights are missing.
    pub fn may_be_acted_on(&self) -> Result<(), Error> {
        Ok(may_act(&self.plan)?)
    }
}

impl Ledger {
    /// Does what was proposed.
    ///
    /// `tell` hears the words of each command line before it is started.
    ///
    /// # Durability
    /// The environment as it was is kept and pinned, and the journal says what is started, before
    /// it is.
    ///
    /// # Errors
    /// [`Error::Restore`] if nothing was done: another restore is under way, the rights are
    /// missing, or the machine is not what the proposal was made for. What failed in between is an
    /// outcome.
    pub fn restore(
        &self,
        proposal: &Proposal,
        mut tell: impl FnMut(Manager, &str),
    ) -> Result<Restored, Error> {
        let capture = &proposal.request.capture;
        may_act(&proposal.plan)?;
        let _lock = HostLock::take(&lock_file(&capture.variables))?;
        let machine = self.machine(capture)?;
        let now = planned(&machine, &proposal.target, &proposal.plan.policy)?;
        if now.id() != proposal.plan.id() {
            return Err(RestoreError::OtherMachine {
                planned: proposal.plan.id(),
                now: now.id(),
            }
            .into());
        }
        let session = Session::of(&capture.variables);
        proposal.prove(&machine, &session)?;
        let mut journal = self.journal(proposal)?;
        let safety = match proposal.plan.policy.into {
            // What is there is not touched.
            Some(_) => None,
            None => match self.kept_safe(proposal) {
                Ok(id) => Some(id),
                Err(error) => {
                    journal.discard();
                    return Err(error);
                }
            },
        };
        let unwritable = |path: &Path| {
            let path = path.to_owned();
            move |source: io::Error| Error::from(RestoreError::Unwritable { path, source })
        };
        let path = journal.path().to_owned();
        let at = self.clock.now();
        let json = proposal.plan.to_json();
        journal
            .began(&at, &json, safety.as_deref())
            .map_err(unwritable(&path))?;
        let mut ran = Vec::new();
        let stopped = self.act(proposal, &session, &mut journal, &mut ran, &mut tell);
        let mut restored = Restored {
            outcome: Outcome::Exactly,
            ran,
            differences: Vec::new(),
            kept: Vec::new(),
            safety,
            fresh: proposal
                .plan
                .policy
                .into
                .as_ref()
                .and_then(|_| proposal.plan.environment_folder()),
            journal: path,
            warnings: Vec::new(),
        };
        self.verify_restored(proposal, stopped, &mut restored);
        let differences: Vec<Value> = restored.differences.iter().map(Step::to_json).collect();
        let outcome = restored.outcome.as_str();
        if let Err(error) = journal.finished(&self.clock.now(), outcome, &differences) {
            restored
                .warnings
                .push(format!("the journal has no end: {error}"));
        }
        Ok(restored)
    }

    /// Starts the managers, one after the other. Returns how it stopped, if it did.
    fn act(
        &self,
        proposal: &Proposal,
        session: &Session,
        journal: &mut Journal,
        ran: &mut Vec<Ran>,
        tell: &mut impl FnMut(Manager, &str),
    ) -> Option<Outcome> {
        for manager in proposal.plan.at_work() {
            for line in acting(&proposal.plan, manager, &proposal.means) {
                let argv: Vec<String> = line.words().into_iter().map(ToOwned::to_owned).collect();
                let stopped =
                    |how: String, said: Vec<String>| Outcome::Stopped { manager, how, said };
                let program = match program(&line, &proposal.means, session) {
                    Ok(program) => program,
                    Err(error) => return Some(stopped(error.to_string(), Vec::new())),
                };
                if let Err(error) = journal.starts(&self.clock.now(), &argv) {
                    return Some(stopped(format!("the journal failed: {error}"), Vec::new()));
                }
                tell(manager, &argv.join(" "));
                let ended = program.run(&line.arguments, Patience::Endless);
                let at = self.clock.now();
                let (code, said) = match &ended {
                    Ok(ended) => (Some(ended.code), tail(&ended.stderr)),
                    Err(error) => (None, error.to_string()),
                };
                let written = journal.ended(&at, code, &said);
                let took = ended.as_ref().map_or(0, |ended| ended.took.as_millis());
                ran.push(Ran {
                    manager,
                    argv,
                    code,
                    took_ms: u64::try_from(took).unwrap_or(u64::MAX),
                });
                match ended {
                    Err(error) => return Some(stopped(chain(&error), Vec::new())),
                    Ok(ended) if ended.code != 0 => {
                        return Some(stopped(ended.how(), ended.last_lines()));
                    }
                    Ok(_) => {}
                }
                if let Err(error) = written {
                    return Some(stopped(format!("the journal failed: {error}"), Vec::new()));
                }
            }
        }
        None
    }

    /// Captures what is there now and holds it against the target; a fresh environment that is the
    /// target gets its name.
    fn verify_restored(
        &self,
        proposal: &Proposal,
        stopped: Option<Outcome>,
        restored: &mut Restored,
    ) {
        let verified = self.differences(proposal);
        restored.outcome = match (stopped, verified) {
            (Some(stopped), Err(_unknown)) => stopped,
            (None, Err(why)) => Outcome::Unverified { why },
            (stopped, Ok(after)) => {
                restored.differences = after.steps;
                restored.kept = after.kept;
                let outcome = match (restored.differences.is_empty(), restored.kept.is_empty()) {
                    (true, true) => Outcome::Exactly,
                    (true, false) => Outcome::WithMore,
                    (false, _) => Outcome::WithDifferences,
                };
                stopped.unwrap_or(outcome)
            }
        };
        if let (Some(into), Some(folder)) = (&proposal.plan.policy.into, &restored.fresh)
            && restored.outcome.is_whole()
            && let Err(error) = fresh::give_name(into, folder)
        {
            restored.warnings.push(format!(
                "{folder} is whole, but `{into}` could not be made to lead there: {error}"
            ));
        }
    }

    fn differences(&self, proposal: &Proposal) -> Result<Plan, String> {
        let policy = Policy {
            into: None,
            only: proposal.plan.managers.iter().copied().collect(),
            ..proposal.plan.policy.clone()
        };
        let request = match (
            &proposal.plan.policy.into,
            proposal.plan.environment_folder(),
        ) {
            (Some(_), Some(folder)) => CaptureRequest {
                python: Some(PathBuf::from(folder)),
                ..proposal.request.capture.clone()
            },
            _ => proposal.request.capture.clone(),
        };
        let machine = self.machine(&request).map_err(|error| chain(&error))?;
        let target = Side {
            // It stands where it was put, which was settled before.
            places: Places::default(),
            ..machine.target(&proposal.target)
        };
        plan(&machine.side(), &target, &policy).map_err(|not| {
            let texts = not.obstacles.iter().map(|it| it.text.as_str());
            texts.collect::<Vec<_>>().join("; ")
        })
    }

    /// Keeps the machine as it is, pinned, and returns its id.
    fn kept_safe(&self, proposal: &Proposal) -> Result<String, Error> {
        let digest = proposal.target.digest().prefix(DIGITS);
        let name = proposal.target.kept.as_ref().map(KeptEnvironment::id);
        let words = format!("before restoring {}", name.unwrap_or(digest));
        let keeping = Keeping {
            description: Some(NoteText::new(words)?),
            pinned: true,
            by: proposal.request.by.clone(),
            ..Keeping::default()
        };
        let created = self.create_environment(&proposal.request.capture, keeping)?;
        Ok(created.kept.id())
    }

    fn journal(&self, proposal: &Proposal) -> Result<Journal, Error> {
        let profile = self.profile(&ProfileChoice::StoreDefault)?;
        let at = self.clock.now();
        let at = at
            .split('.')
            .next()
            .unwrap_or_default()
            .replace(['-', ':'], "");
        let at = at.trim_end_matches('Z');
        let name = format!("{at}Z-{}", proposal.plan.id().prefix(DIGITS));
        let folder = journals(proposal);
        Ok(Journal::begin(
            &folder,
            &name,
            profile.redaction.for_words(),
        )?)
    }
}

/// Tells whether what has to be written can be, before anything is.
fn may_act(plan: &Plan) -> Result<(), RestoreError> {
    for manager in plan.at_work() {
        let place = match manager {
            Manager::Apt if !rustix::process::geteuid().is_root() => {
                return Err(RestoreError::NotRoot { manager });
            }
            Manager::Apt | Manager::Pnpm | Manager::Yarn => None,
            Manager::Conda => {
                let prefix = plan.places.conda.as_ref();
                prefix.map(|it| Path::new(it).join("conda-meta"))
            }
            Manager::Pip => match &plan.policy.into {
                Some(into) => Path::new(into).parent().map(Path::to_owned),
                None => plan
                    .places
                    .python
                    .as_ref()
                    .map(|it| Path::new(it).join("lib")),
            },
            Manager::Npm => plan.places.npm.as_ref().map(PathBuf::from),
        };
        if let Some(path) = place
            && !can_be_written(&path)
        {
            return Err(RestoreError::NoRights { manager, path });
        }
    }
    Ok(())
}

/// Returns the file by which restores of one host exclude each other: each user's, since nobody
/// could wait for the managers of others.
///
/// It lies where nobody else may make it first: the runtime folder, if it is the caller's own, else
/// beside the journals.
fn lock_file(variables: &BTreeMap<String, String>) -> PathBuf {
    let user = rustix::process::geteuid();
    if user.is_root() {
        return PathBuf::from("/run/runstone-restore.lock");
    }
    let is_own = |folder: &PathBuf| {
        let found = std::fs::metadata(folder);
        found.is_ok_and(|it| it.is_dir() && it.uid() == user.as_raw() && it.mode() & 0o022 == 0)
    };
    match folder(variables, "XDG_RUNTIME_DIR").filter(is_own) {
        Some(runtime) => runtime.join("runstone-restore.lock"),
        None => state(variables).join("restore.lock"),
    }
}

/// Returns the folder of journals: where state of the caller is kept.
fn journals(proposal: &Proposal) -> PathBuf {
    state(&proposal.request.capture.variables).join("restores")
}

fn state(variables: &BTreeMap<String, String>) -> PathBuf {
    let state = folder(variables, "XDG_STATE_HOME");
    let state = state.or_else(|| Some(folder(variables, "HOME")?.join(".local/state")));
    let state = state.unwrap_or_else(|| PathBuf::from("/var/lib"));
    state.join("runstone")
}

fn folder(variables: &BTreeMap<String, String>, name: &str) -> Option<PathBuf> {
    let folder = variables.get(name).map(PathBuf::from);
    folder.filter(|folder| folder.is_absolute())
}

/// Returns the end of what a program said, as a terminal shows it.
fn tail(said: &str) -> String {
    let said: String = shown(said).flat_map(|line| [line, "\n"]).collect();
    let mut start = said.len().saturating_sub(SAID_BYTES_MAX);
    while !said.is_char_boundary(start) {
        start += 1;
    }
    said[start..].to_owned()
}
