//! Locking: a package manager asks the index for the hashes of what is installed.
//!
//! uv where it is there and works, since it locks for any Python and platform; else a pip that can
//! lock and runs in the same Python. Neither builds anything, and neither is asked to choose: each
//! version is given. The invariant: what is returned was held against what was asked for. What is
//! asked for, and in which words, is decided by `runstone-env`.

use std::io;

use runstone_env::export::{Export, Lock, NotLocked};
use runstone_env::restore::Manager;
use runstone_env::restore::proof::gone;

use super::program::{Ended, Patience, Program, working};
use super::session::Session;

/// How long a manager may take, in seconds. Chosen: a thousand distributions of a slow index take a
/// few minutes.
const SECONDS_MAX: u64 = 900;
/// How often a manager is asked again without what it could not find: it names one at a time.
/// Chosen: an environment with more of those has an index of its own, which is to be named.
const ROUNDS_MAX: usize = 32;

/// Why nothing was locked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Nobody is there who could.
    #[error(
        "neither a `uv` that answers to `--version` nor a `pip` that can lock for this Python is \
         in `PATH`"
    )]
    NoManager,
    /// A manager could not be started.
    #[error("`{program}` could not be started")]
    NotStarted {
        /// The program.
        program: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A manager failed.
    #[error("`{command}` could not lock the environment ({how})")]
    Failed {
        /// The program and its first words.
        command: &'static str,
        /// How it ended.
        how: String,
        /// The last lines of what it said.
        said: Vec<String>,
    },
    /// A manager answered something else.
    #[error("the answer of `{command}` is no lock of the environment")]
    Unclear {
        /// The program and its first words.
        command: &'static str,
        /// What is wrong with it.
        #[source]
        source: NotLocked,
    },
}

/// Who locks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Uv,
    Pip,
}

impl By {
    const fn program(self) -> &'static str {
        match self {
            Self::Uv => "uv",
            Self::Pip => "pip",
        }
    }

    const fn command(self) -> &'static str {
        match self {
            Self::Uv => "uv pip compile",
            Self::Pip => "pip lock",
        }
    }

    fn ask(self, program: &Program, lock: &Lock) -> Result<Ended, LockError> {
        let patience = Patience::Seconds(SECONDS_MAX);
        let asked = match self {
            Self::Uv => program.run_on(&lock.words_for_uv(), patience, Some(lock.requirements())),
            Self::Pip => program.run(&lock.words_for_pip(), patience),
        };
        asked.map_err(|source| LockError::NotStarted {
            program: self.program(),
            source,
        })
    }
}

/// Has a manager lock an environment. What no index has is left out, and named.
pub(crate) fn locked(mut lock: Lock, session: &Session) -> Result<Export, LockError> {
    if lock.is_empty() {
        return Ok(lock.of_nothing());
    }
    let uv = working("uv", session).map(|(program, said)| (By::Uv, program, said));
    let pip = || {
        let (program, said) = working("pip", session)?;
        lock.suits_pip(&said).then_some((By::Pip, program, said))
    };
    let (by, program, version) = uv.or_else(pip).ok_or(LockError::NoManager)?;
    let version = version.split_whitespace().take(2).collect::<Vec<_>>();
    let mut rounds = 0;
    loop {
        let ended = by.ask(&program, &lock)?;
        if ended.code == 0 && !ended.was_late {
            let answered = lock.answered(&version.join(" "), &ended.stdout);
            return answered.map_err(|source| LockError::Unclear {
                command: by.command(),
                source,
            });
        }
        let said = format!("{}\n{}", ended.stdout, ended.stderr);
        let mut is_less = false;
        for item in gone(Manager::Pip, &said) {
            is_less |= lock.is_gone(&item);
        }
        rounds += 1;
        if !is_less || rounds == ROUNDS_MAX {
            return Err(LockError::Failed {
                command: by.command(),
                how: ended.how(),
                said: ended.last_lines(),
            });
        }
        if lock.is_empty() {
            return Ok(lock.of_nothing());
        }
    }
}

impl LockError {
    /// Returns the error's name for scripts; it never changes.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::NoManager => "no_manager",
            Self::NotStarted { .. } => "manager_not_started",
            Self::Failed { .. } => "not_locked",
            Self::Unclear { .. } => "lock_unclear",
        }
    }

    /// Returns the single findings behind the text.
    pub(crate) fn details(&self) -> Vec<String> {
        match self {
            Self::Failed { said, .. } => said.clone(),
            _ => Vec::new(),
        }
    }

    /// Returns what to do next.
    pub(crate) const fn hint(&self) -> &'static str {
        match self {
            Self::NoManager => {
                "install uv, such as by `python3 -m pip install uv`; `--format requirements` needs \
                 neither, and has no hashes"
            }
            Self::NotStarted { .. } => "see that it runs by itself: `uv --version`",
            Self::Failed { .. } => {
                "see that the index can be reached, and name your own as for uv itself \
                 (`UV_DEFAULT_INDEX`); `--format requirements` asks nobody"
            }
            Self::Unclear { .. } => {
                "its release may speak otherwise than those that are known: `--format requirements` \
                 asks nobody"
            }
        }
    }
}
