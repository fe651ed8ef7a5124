//! Capturing: from the files below a root to an environment and the record of its capture.
//!
//! One source a file; each reads what it needs and hands back what it found. No package manager is
//! started, nothing is written. Several are read at once. Here is what all have in common: a source
//! whose folders changed while it was read is read again, secrets are taken out before anything is
//! hashed, and packages are put in order. Keeping the result belongs to the ledger.

mod apk;
mod apt;
mod beside;
mod cargo;
mod conda;
mod cpu;
mod dpkg;
mod found;
mod gpu;
mod kernel;
mod modules;
mod node_modules;
mod npm;
mod os;
mod pacman;
mod pnpm;
mod python;
mod r;
mod rpm;
mod settings;
mod variables;
mod yarn;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use runstone_core::canon;
use runstone_core::redact::Redaction;
use serde_json::Value;

use self::found::Found;
pub(crate) use self::os::FIELDS as RELEASE_FIELDS;
pub use self::python::{FileFinding, FileState, PythonFiles, python_files};
use crate::document::{Digests, Environment, Source};
use crate::names::{SourceName, State};
use crate::root::Root;

/// Sources that take long where there are many packages, the longest first.
const LONGEST: [SourceName; 3] = [SourceName::Python, SourceName::Dpkg, SourceName::Apt];
/// How often a source that changes while it is read is read again.
const AGAIN_MAX: usize = 2;

/// What a capture needs to know about who asks for it: nothing here is found out by itself.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Sources that are not looked for.
    pub skip: BTreeSet<SourceName>,
    /// The interpreter, or the folder of the virtual environment, to capture. `None`: the one that
    /// `python3` would be.
    pub python: Option<PathBuf>,
    /// The folder in which a `.venv` is looked for.
    pub folder: Option<PathBuf>,
    /// The environment variables of the session. Few are kept, and those by name.
    pub variables: BTreeMap<String, String>,
    /// What is redacted, as the store has it.
    pub redaction: Redaction,
}

/// What the sources of an environment say, with the secrets that may be in it.
pub struct Survey {
    found: BTreeMap<SourceName, Found>,
    took: Duration,
}

impl fmt::Debug for Survey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let survey = &mut f.debug_struct("Survey");
        survey.field("took", &self.took).finish_non_exhaustive()
    }
}

/// An environment, and how it was captured.
#[derive(Debug, Clone, PartialEq)]
pub struct Capture {
    /// The facts.
    pub environment: Environment,
    /// Their document: the canonical bytes that their digest names.
    pub document: Vec<u8>,
    /// The digests of the facts.
    pub digests: Digests,
    /// What is not hashed.
    pub record: CaptureRecord,
}

/// How a capture went. Two captures of one environment differ here alone.
///
/// Who captured and when is known to the caller, who has the clock.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CaptureRecord {
    /// What should be said, in the order of the sources.
    pub warnings: Vec<Warning>,
    /// What was seen and is not a part of the environment: jobs, limits, places.
    pub observed: BTreeMap<SourceName, Value>,
    /// How long all of it took, in microseconds.
    pub took_us: u64,
}

/// What should be said about a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The source.
    pub source: SourceName,
    /// What, as a sentence fragment for people.
    pub text: String,
}

/// Captures the environment below `root`.
///
/// This never fails: what could not be read is said in the state of its source, and in the record.
///
/// # Examples
/// ```no_run
/// use runstone_env::{Options, Root, SourceName, State, capture};
///
/// let capture = capture(&Root::host()?, &Options::default());
/// let dpkg = &capture.environment.sources[&SourceName::Dpkg];
/// assert_eq!(dpkg.state, State::Captured);
/// # Ok::<(), runstone_env::RootError>(())
/// ```
pub fn capture(root: &Root, options: &Options) -> Capture {
    survey(root, options).write_up(&options.redaction)
}

/// Reads all that a capture is made of; what is left to do reads nothing of the machine.
pub fn survey(root: &Root, options: &Options) -> Survey {
    let begun = Instant::now();
    let found = all(root, options);
    let took = begun.elapsed();
    Survey { found, took }
}

impl Survey {
    /// Makes a capture of it, without what `redaction` takes out.
    pub fn write_up(self, redaction: &Redaction) -> Capture {
        let begun = Instant::now();
        let mut environment = Environment::default();
        let mut record = CaptureRecord::default();
        for (name, found) in self.found {
            let warnings = found.warnings.iter().map(|text| Warning {
                source: name,
                text: redaction.text(text).into_owned(),
            });
            record.warnings.extend(warnings);
            if !found.observed.is_empty() {
                let observed = Value::Object(found.observed);
                let observed = redaction.captured("observed", observed, None);
                record.observed.insert(name, observed);
            }
            let is_there = !matches!(found.source.state, State::Absent | State::Skipped);
            if is_there || name.is_always_named() {
                environment.sources.insert(name, found.source);
            }
        }
        // Numbers come from files of others.
        environment.settle();
        environment.put_in_order();
        let mut json = environment.to_json();
        if let Some(left) = redaction.changed("environment", &json, None) {
            environment = without_secrets(environment, left, &mut record);
            environment.put_in_order();
            json = environment.to_json();
        }
        let (document, digests) = environment.written(&json);
        let took = self.took + begun.elapsed();
        record.took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        Capture {
            environment,
            document,
            digests,
            record,
        }
    }
}

/// Reads every source, those first that take long, and returns them in their order.
fn all(root: &Root, options: &Options) -> BTreeMap<SourceName, Found> {
    let mut names = SourceName::ALL.to_vec();
    names.sort_by_key(|name| {
        let place = LONGEST.iter().position(|it| it == name);
        place.unwrap_or(LONGEST.len())
    });
    let found = beside::work_off(&names, |name| settled(root, *name, options));
    names.into_iter().zip(found).collect()
}

/// Reads a source until its folders are the same before and after.
fn settled(root: &Root, name: SourceName, options: &Options) -> Found {
    if options.skip.contains(&name) {
        return Found::skipped("left out as asked");
    }
    let mut again = 0;
    loop {
        let mut found = read(root, name, options);
        if found.is_settled(root) {
            return found;
        }
        if again == AGAIN_MAX {
            found.lacks("packages changed while they were read, each time");
            return found;
        }
        again += 1;
    }
}

fn read(root: &Root, name: SourceName, options: &Options) -> Found {
    match name {
        SourceName::Apk => apk::read(root),
        SourceName::Apt => apt::read(root),
        SourceName::Cargo => cargo::read(root, options),
        SourceName::Conda => conda::read(root, options),
        SourceName::Cpu => cpu::read(root),
        SourceName::Dpkg => dpkg::read(root),
        SourceName::Gpu => gpu::read(root),
        SourceName::Kernel => kernel::read(root),
        SourceName::Modules => modules::read(root, options),
        SourceName::Npm => npm::read(root, options),
        SourceName::Os => os::read(root),
        SourceName::Pacman => pacman::read(root),
        SourceName::Pnpm => pnpm::read(root, options),
        SourceName::Python => python::read(root, options),
        SourceName::R => r::read(root, options),
        SourceName::Rpm => rpm::read(root),
        SourceName::Variables => variables::read(root, options),
        SourceName::Yarn => yarn::read(root, options),
    }
}

/// Returns the environment that is left without what the store redacts. Rules by place mean places
/// of the document; one that takes away what a document needs leaves no environment, and that is
/// said.
fn without_secrets(
    environment: Environment,
    left: Value,
    record: &mut CaptureRecord,
) -> Environment {
    Environment::from_json(&canon::settle(left)).unwrap_or_else(|error| {
        let names = environment.sources.into_keys();
        let sources = names.map(|source| {
            let text = format!("nothing is left of it without what is redacted: {error}");
            record.warnings.push(Warning { source, text });
            (source, Source::without_facts(State::Unreadable))
        });
        Environment {
            sources: sources.collect(),
        }
    })
}

impl Options {
    /// Returns a variable that says something.
    fn variable(&self, name: &str) -> Option<&str> {
        let value = self.variables.get(name)?.as_str();
        (!value.is_empty()).then_some(value)
    }

    /// Returns the home directory of whoever asks.
    fn home(&self) -> Option<&Path> {
        self.variable("HOME").map(Path::new)
    }
}
