//! The ways of keeping runs that are compared.
//!
//! Each is made, opened and read by its own means. A [`Peer`] is how it is called and started, a
//! [`Keeping`] what a process of ours does with it.

mod bare;
mod command;
mod lock;
mod runstone;
mod sqlite;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Map, Value};

use crate::Failure;
use crate::arguments::Arguments;

/// One open handle.
pub(crate) trait Keeper {
    /// Records one run and returns the name under which it will be found once it is acknowledged.
    ///
    /// # Errors
    /// Those of the peer; then nothing was acknowledged.
    fn record(&mut self, document: Map<String, Value>) -> Result<String, Failure>;
}

/// A place in which one peer keeps runs.
pub(crate) trait Keeping {
    fn make(&self) -> Result<(), Failure>;
    fn open(&self) -> Result<Box<dyn Keeper>, Failure>;
    /// Returns the names of all runs that are there, by the peer's own reading.
    fn runs(&self) -> Result<BTreeSet<String>, Failure>;
}

/// Returns the keeping of one peer of ours in the folder `at`.
///
/// # Errors
/// If no peer of ours has this name.
pub(crate) fn named(
    name: &str,
    at: &Path,
    program: Option<&Path>,
) -> Result<Box<dyn Keeping>, Failure> {
    let folder = || at.to_path_buf();
    Ok(match (name, program) {
        ("bare", _) => Box::new(bare::Bare(folder())),
        ("sqlite", _) => Box::new(sqlite::Sqlite(folder())),
        ("lock-lines", _) => Box::new(lock::Lines(folder())),
        ("lock-files", _) => Box::new(lock::Files(folder())),
        ("runstone", _) => Box::new(runstone::Library::acknowledged(at)),
        ("runstone-answered", _) => Box::new(runstone::Library::answered(at)),
        ("runstone-views", _) => Box::new(runstone::Library::with_views(at)),
        ("runstone-command", Some(program)) => Box::new(command::Processes::of(program, at)),
        _ => return Err(format!("no peer is called `{name}`").into()),
    })
}

/// How one peer is called and started.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    /// What it is, and what it flushes before it acknowledges.
    pub(crate) flushes: &'static str,
    pub(crate) is_ours: bool,
    pub(crate) has_views: bool,
    by: By,
}

/// What the processes of a peer are.
#[derive(Debug, Clone)]
enum By {
    /// This program; with the command of Runstone, where it is started anew for each run.
    This(Option<PathBuf>),
    /// A Python in which the peer is installed.
    Python(PathBuf),
}

/// The hands of peers in Python.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/python/hand.py");

/// The word of `python/hand.py` for each peer in Python, and what it flushes.
const IN_PYTHON: [(&str, &str); 4] = [
    (
        "mlflow",
        "SQLite with its rollback journal, synchronous=FULL by default; create_run, log_batch, \
         set_terminated: some transactions a run, each with its flushes",
    ),
    (
        "sacred",
        "FileStorageObserver: nothing is flushed, so a power cut loses what it acknowledged",
    ),
    (
        "sacred-lean",
        "the same without git, sources, and what it captures of output, processor and GPU",
    ),
    (
        "trackio",
        "SQLite with a log, told synchronous=FULL (its own NORMAL flushes at checkpoints alone); \
         init, log, finish; without its monitors",
    ),
];

/// Returns the peers that were asked for and can be had.
///
/// # Errors
/// If one that was asked for by name is not among them.
pub(crate) fn all(arguments: &Arguments) -> Result<Vec<Peer>, Failure> {
    let peer = |name, flushes| Peer {
        name,
        flushes,
        is_ours: false,
        has_views: false,
        by: By::This(None),
    };
    let ours = |name, flushes| Peer {
        is_ours: true,
        ..peer(name, flushes)
    };
    let mut all = vec![
        peer(
            "bare",
            "4 KiB in a temporary file, a flush, a link under the next number, a flush of the \
             directory",
        ),
        ours(
            "runstone",
            "a library call with an open handle, acknowledged: file and directory flushed; no \
             views",
        ),
        ours(
            "runstone-answered",
            "the same, and the answer to what changed",
        ),
        peer(
            "sqlite",
            "WAL, synchronous=FULL, one row a run, BEGIN IMMEDIATE, waits 60 s for the lock: the \
             log flushed",
        ),
        peer(
            "lock-lines",
            "a line of JSON at the end of one file, flock held over its fdatasync",
        ),
        peer(
            "lock-files",
            "a file a run under the next number, flock held over the flushes of file and directory",
        ),
    ];
    if let Some(program) = &arguments.runstone {
        all.push(Peer {
            by: By::This(Some(program.clone())),
            has_views: true,
            ..ours(
                "runstone-command",
                "`runstone record` as a new process for each run, with answer and views",
            )
        });
    }
    all.push(Peer {
        has_views: true,
        ..ours(
            "runstone-views",
            "a library call, acknowledged, answered, and views written (not flushed: they are \
             derived)",
        )
    });
    if let Some(python) = &arguments.python {
        let in_python = IN_PYTHON.iter().map(|&(name, flushes)| Peer {
            by: By::Python(python.clone()),
            ..peer(name, flushes)
        });
        all.extend(in_python);
    }
    for name in &arguments.only {
        if !all.iter().any(|peer| peer.name == name) {
            let names: Vec<&str> = all.iter().map(|peer| peer.name).collect();
            return Err(
                format!("no peer is called `{name}`; there are {}", names.join(", ")).into(),
            );
        }
    }
    all.retain(|peer| arguments.only.is_empty() || arguments.only.iter().any(|it| it == peer.name));
    Ok(all)
}

impl Peer {
    /// Returns what has to be started for a crowd of so many processes.
    pub(crate) fn hands(&self, at: &Path, processes: usize) -> Vec<Command> {
        match &self.by {
            By::This(_) => (0..processes).map(|_| self.hand("work", at)).collect(),
            By::Python(_) => {
                let mut crowd = self.hand("work", at);
                crowd.arg(processes.to_string());
                vec![crowd]
            }
        }
    }

    /// Lets one process make the place, or name the runs that are there.
    ///
    /// # Errors
    /// If it cannot, with what it said.
    pub(crate) fn ask(&self, word: &str, at: &Path) -> Result<BTreeSet<String>, Failure> {
        let output = self.hand(word, at).output()?;
        if !output.status.success() {
            return Err(format!("{} could not `{word}`: {}", self.name, output.status).into());
        }
        let text = String::from_utf8(output.stdout)?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    fn hand(&self, word: &str, at: &Path) -> Command {
        let (program, script) = match &self.by {
            By::This(_) => (Path::new("/proc/self/exe"), "hand"),
            By::Python(python) => (python.as_path(), SCRIPT),
        };
        let mut command = Command::new(program);
        command.arg(script).args([word, self.name]).arg(at);
        if let By::This(Some(program)) = &self.by {
            command.arg(program);
        }
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        command
    }
}
