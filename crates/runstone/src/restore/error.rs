//! Why nothing was restored: each refusal with what is in the way, and what to do about it.
//!
//! Every variant means that nothing was changed. What was begun and not ended is no error but an
//! outcome ([`super::Outcome`]), since it has to be told in full.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;

use runstone_core::digest::Digest;
use runstone_env::restore::proof::Unclear;
use runstone_env::restore::{Manager, NotPlanned, ObstacleKind};

use crate::error::ErrorKind;

/// How many digits name a plan to people.
const DIGITS: usize = 12;

/// Most characters of a command line in a sentence. Chosen: two lines of a terminal.
const COMMAND_CHARACTERS_MAX: usize = 160;

/// Why nothing was restored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// The environment cannot be restored here.
    #[error("{0}")]
    NotPlanned(NotPlanned),
    /// A manager would do what is not planned, or not do what is.
    #[error("{} would do something else than planned, and was not started", .manager.as_str())]
    Collateral {
        /// The manager.
        manager: Manager,
        /// What it would do beside, in words.
        collateral: Vec<String>,
        /// What it would not do.
        missing: Vec<String>,
    },
    /// A version is in no index or archive any more.
    #[error("{} cannot find {} any more, nothing was started", .manager.as_str(), .items.join(", "))]
    Gone {
        /// The manager.
        manager: Manager,
        /// What it cannot find.
        items: Vec<String>,
    },
    /// A manager is not there.
    #[error("`{program}` is not in `PATH`, and the plan needs it")]
    NoManager {
        /// The program.
        program: String,
    },
    /// A manager could not be started.
    #[error("`{program}` could not be started")]
    NotStarted {
        /// The program.
        program: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A manager failed to say what it would do.
    #[error("`{}` failed to say what it would do ({how})", cut(.command))]
    Unproven {
        /// The command line.
        command: String,
        /// How it ended.
        how: String,
        /// The last lines of what it said.
        said: Vec<String>,
    },
    /// conda cannot be asked about its prefix without what goes.
    #[error("the lists of `{}` cannot be linked from `{}`", .prefix.display(), .temporary.display())]
    NoLinks {
        /// The prefix.
        prefix: PathBuf,
        /// Where the links were to be.
        temporary: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// What a manager said cannot be understood.
    #[error("it is not known what would be done, so nothing was")]
    Unclear(#[source] Unclear),
    /// The plan changes what belongs to the system, and only root may.
    #[error("{} changes the system, which only root may", .manager.as_str())]
    NotRoot {
        /// The manager.
        manager: Manager,
    },
    /// The folder that is to be changed cannot be written.
    #[error("`{}` cannot be written, and {} would have to", .path.display(), .manager.as_str())]
    NoRights {
        /// The manager.
        manager: Manager,
        /// The folder.
        path: PathBuf,
    },
    /// The machine or the target is not what was planned against.
    #[error("the machine is not what plan {} was made for", .planned.prefix(DIGITS))]
    OtherMachine {
        /// The plan that was shown.
        planned: Digest,
        /// The one that would be made now.
        now: Digest,
    },
    /// A file is no plan.
    #[error("{name} is no plan of a restore: {why}")]
    NotAPlan {
        /// What the caller calls it.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// What stands under the name of the fresh environment was not made by a restore.
    #[error("`{}` is in the way: {what}", .path.display())]
    InTheWay {
        /// The name.
        path: PathBuf,
        /// What stands there.
        what: &'static str,
    },
    /// Another restore is under way on this host.
    #[error("another restore is under way on this host")]
    Busy {
        /// The file by which they exclude each other.
        lock: PathBuf,
    },
    /// The lock or the journal cannot be made.
    #[error("`{}` cannot be written, and nothing is restored without it", .path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl RestoreError {
    /// Returns what a caller can do about it.
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::NotAPlan { .. } => ErrorKind::Illegal,
            Self::Busy { .. } => ErrorKind::Unknown,
            Self::NoManager { .. }
            | Self::NotStarted { .. }
            | Self::Unproven { .. }
            | Self::NoLinks { .. }
            | Self::Unwritable { .. } => ErrorKind::Failure,
            Self::NotPlanned(_)
            | Self::Collateral { .. }
            | Self::Gone { .. }
            | Self::Unclear(_)
            | Self::NotRoot { .. }
            | Self::NoRights { .. }
            | Self::OtherMachine { .. }
            | Self::InTheWay { .. } => ErrorKind::Refused,
        }
    }

    /// Returns the error's name for scripts; it never changes.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::NotPlanned(_) => "not_restorable",
            Self::Collateral { .. } => "collateral",
            Self::Gone { .. } => "version_gone",
            Self::NoManager { .. } => "no_manager",
            Self::NotStarted { .. } => "manager_not_started",
            Self::Unproven { .. } => "unproven",
            Self::NoLinks { .. } => "prefix_not_linked",
            Self::Unclear(_) => "proof_unclear",
            Self::NotRoot { .. } => "not_root",
            Self::NoRights { .. } => "no_rights",
            Self::OtherMachine { .. } => "other_machine",
            Self::NotAPlan { .. } => "not_a_plan",
            Self::InTheWay { .. } => "in_the_way",
            Self::Busy { .. } => "restore_under_way",
            Self::Unwritable { .. } => "journal_unwritable",
        }
    }

    /// Returns the single findings behind the text.
    pub(crate) fn details(&self) -> Vec<String> {
        match self {
            Self::NotPlanned(not) => not
                .obstacles
                .iter()
                .map(|it| format!("{}: {}", it.manager.as_str(), it.text))
                .collect(),
            Self::Collateral {
                collateral,
                missing,
                ..
            } => {
                let collateral = collateral.iter().map(|it| format!("not planned: {it}"));
                let missing = missing.iter().map(|it| format!("would not happen: {it}"));
                collateral.chain(missing).collect()
            }
            Self::Unproven { said, .. } => said.clone(),
            _ => Vec::new(),
        }
    }

    /// Returns what to do next.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::NotPlanned(not) => hint_to_plan(not),
            Self::Collateral { manager, .. } | Self::Gone { manager, .. } => match manager {
                Manager::Apt => {
                    "offer apt the archive of that time (snapshot.debian.org), then `apt-get \
                     update`, or leave the system out: `--only pip`"
                }
                Manager::Conda => {
                    "see what your channels have, set them as for conda itself (`.condarc`, \
                     `CONDA_CHANNELS`), or leave it out with `--only`"
                }
                _ => {
                    "see what the index has, set it as for the manager itself (`PIP_INDEX_URL`, \
                     `npm_config_registry`), or leave it out with `--only`"
                }
            }
            .to_owned(),
            Self::NoManager { program } => format!(
                "install `{program}`, or choose other managers with `--only`; `command -v \
                 {program}` says where it is looked for"
            ),
            Self::NotStarted { program, .. } => format!("see that `{program} --version` runs"),
            Self::Unproven { command, .. } if command.starts_with("conda ") => {
                "its last lines say why; what it was asked for is in `runstone env diff current REF`, \
                 and `conda install --dry-run` of a part of it may say more"
                    .to_owned()
            }
            Self::Unproven { command, .. } if command.chars().count() > COMMAND_CHARACTERS_MAX => {
                "its last lines say why; what it was asked for is in `runstone env diff current REF`"
                    .to_owned()
            }
            Self::Unproven { command, .. } => {
                format!("run it by itself, it changes nothing: `{command}`")
            }
            Self::Unclear(_) => {
                "its release may speak otherwise than those that are known: leave it out with \
                 `--only`, and tell us"
                    .to_owned()
            }
            Self::NoLinks { .. } => {
                "name a folder for what is gone soon: `TMPDIR=/path runstone env restore …`".to_owned()
            }
            Self::NotRoot { .. } => {
                "write what root would do with `--emit-script FILE`, or leave the system out: \
                 `--only pip,npm`"
                    .to_owned()
            }
            Self::NoRights { .. } => {
                "run it as whoever may write there, or write the script with `--emit-script FILE`"
                    .to_owned()
            }
            Self::OtherMachine { .. } => {
                "plan again, and look at it: `runstone env restore REF --dry-run`".to_owned()
            }
            Self::NotAPlan { .. } => {
                "write one with `runstone env restore REF --dry-run --json > plan.json`".to_owned()
            }
            Self::InTheWay { .. } => {
                "name a folder that is not there yet, or one that `--into` made".to_owned()
            }
            Self::Busy { .. } => "wait for it, then run the same command again".to_owned(),
            Self::Unwritable { .. } => {
                "make room or name another place: `XDG_STATE_HOME=/path runstone env restore …`"
                    .to_owned()
            }
        }
    }
}

/// Returns a command line as far as a sentence takes it: it may name hundreds of packages.
fn cut(command: &str) -> String {
    let mut beginning = command.chars();
    let cut: String = beginning.by_ref().take(COMMAND_CHARACTERS_MAX).collect();
    match beginning.count() {
        0 => cut,
        more => format!("{cut}… ({more} characters more)"),
    }
}

/// Returns what helps against what is in the way, the gravest first.
fn hint_to_plan(not: &NotPlanned) -> String {
    let has = |kind: ObstacleKind| not.obstacles.iter().any(|it| it.kind == kind);
    let free: Vec<&str> = not.free.iter().map(|it| it.as_str()).collect();
    if has(ObstacleKind::Contradiction) {
        "leave out `--into`, or every manager but pip".to_owned()
    } else if !free.is_empty() {
        format!("restore what can be: `--only {}`", free.join(","))
    } else if has(ObstacleKind::NotChangeable) && is_condas(not) {
        "make a prefix with `conda create --prefix DIR`, and name it: `--python DIR`".to_owned()
    } else if has(ObstacleKind::NotChangeable) {
        "make a fresh environment: `--into DIR`, or name a virtual one: `--python DIR`".to_owned()
    } else if has(ObstacleKind::NotCaptured) {
        "see what was read of each side, and why not all of it: `runstone env show current`"
            .to_owned()
    } else {
        let asked = not.obstacles.iter().map(|it| it.manager);
        let asked: BTreeSet<&str> = asked
            .filter(|it| it.is_per_user())
            .map(Manager::as_str)
            .collect();
        let asked: Vec<&str> = asked.into_iter().collect();
        match asked.join(",").as_str() {
            "" => "apt restores what was captured on this system alone".to_owned(),
            asked => format!(
                "where that is meant, managers of one user may: `--only {asked} --allow-foreign`"
            ),
        }
    }
}

/// Tells whether all that may not be changed is conda's.
fn is_condas(not: &NotPlanned) -> bool {
    let fixed = not.obstacles.iter();
    let mut fixed = fixed.filter(|it| it.kind == ObstacleKind::NotChangeable);
    fixed.all(|it| it.manager == Manager::Conda)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unproven(command: &str) -> RestoreError {
        RestoreError::Unproven {
            command: command.to_owned(),
            how: "exit code 100".to_owned(),
            said: Vec::new(),
        }
    }

    #[test]
    fn command_line_of_hundreds_of_packages_is_cut_and_a_short_one_is_not() {
        let short = unproven("apt-get --simulate install a=1");
        assert_eq!(
            short.to_string(),
            "`apt-get --simulate install a=1` failed to say what it would do (exit code 100)"
        );
        assert!(short.hint().ends_with("`apt-get --simulate install a=1`"));
        let long = unproven(&"package=1 ".repeat(700));
        let told = long.to_string();
        assert!(told.contains("… (6840 characters more)"), "{told}");
        assert!(told.len() < 300 && long.hint().len() < 300, "{told}");
    }
}
