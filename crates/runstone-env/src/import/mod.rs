//! Imports: an environment out of the formats of others, one format a file.
//!
//! ```text
//! bytes ──▶ one format a file ──▶ facts of the sources it speaks of ──▶ without secrets, in order
//! ```
//!
//! Pure functions of bytes. The invariant: what a format does not speak of is *not known*, never
//! empty: such a source is not in the document. One that a format speaks of is [`State::Partial`],
//! since a list of wishes or of another tool says nothing about what it does not name. Only what
//! proves to be a document of ours, by its digest, has the states that it tells. Nothing in a file
//! becomes a path, and no other file that it names is read.

mod conda;
mod cyclonedx;
pub mod earlier;
mod json;
mod lines;
mod purl;
mod requirements;

use std::collections::BTreeSet;

use runstone_core::canon;
use runstone_core::json::ReadError;
use runstone_core::redact::Redaction;
use serde_json::{Map, Value};

pub use self::lines::BadLine;
use crate::document::{Environment, NotAnEnvironment, Package, Source};
use crate::names::{SourceName, State};
use crate::url;

/// Largest file that is taken, in bytes. Chosen: as of every file that is read; a document of
/// 100,000 packages is a quarter of it.
pub const BYTES_MAX: usize = 64 * 1024 * 1024;
/// Most packages of one file. Chosen: a hundred times the largest machine met.
const PACKAGES_MAX: usize = 100_000;
/// Longest name or version, in bytes. Chosen: four times the longest name that `PyPI` takes.
const WORD_BYTES_MAX: usize = 1024;
/// Sources that are there and name no package on no system. Where rpm is no more than a tool, its
/// database is empty.
const DATABASES: [SourceName; 3] = [SourceName::Apk, SourceName::Dpkg, SourceName::Pacman];
/// Deepest nesting of what is told beside packages.
const DEPTH_MAX: usize = 64;

/// A format that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// The explicit list of conda and its likes.
    Conda,
    /// A bill of materials.
    CycloneDx,
    /// A document of ours.
    Json,
    /// `requirements.txt` of pip and uv.
    Requirements,
}

/// What was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// The environment, as far as the file speaks of it.
    pub environment: Environment,
    /// What of the file is not in it.
    pub not_taken: Vec<NotTaken>,
    /// What should be said, as sentence fragments for people.
    pub warnings: Vec<String>,
    /// What the file tells of itself: kept beside the document and never hashed.
    pub told: Map<String, Value>,
}

/// Something of a file that is not in the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotTaken {
    /// Where it stands: `line 12`, `/components/3`.
    pub place: String,
    /// What, as the file has it: it may hold anything.
    pub item: String,
    /// Why not.
    pub reason: String,
}

/// Why nothing was read.
#[derive(Debug, thiserror::Error)]
pub enum NotImported {
    /// There is more than is taken.
    #[error("{what} are more than the limit of {limit}")]
    TooMuch {
        /// How much there is: `70000000 bytes`.
        what: String,
        /// Most that is taken.
        limit: usize,
    },
    /// It is no text.
    #[error("line {line} is not UTF-8 text, or holds control characters")]
    NotText {
        /// The first such line, from 1.
        line: usize,
    },
    /// Lines of a list that are not what the list is for.
    #[error(
        "{} of its lines {} none of {}",
        .lines.len(), if .lines.len() == 1 { "is" } else { "are" }, .format.called()
    )]
    Lines {
        /// The format.
        format: Format,
        /// Each of them.
        lines: Vec<BadLine>,
    },
    /// It is not JSON that can be kept exactly.
    #[error("it is not JSON that can be kept exactly")]
    NotJson(#[source] ReadError),
    /// It is JSON of another kind.
    #[error("it is no {}", .format.called())]
    NotThisFormat {
        /// The format.
        format: Format,
        /// What it is instead.
        #[source]
        found: Another,
    },
    /// It is none of our documents.
    #[error("it is no environment")]
    NotAnEnvironment(#[from] NotAnEnvironment),
    /// Nothing in it is a package.
    #[error("it names nothing that could be taken over")]
    Nothing {
        /// What it names.
        not_taken: Vec<NotTaken>,
    },
}

/// What a file is instead of what it was taken for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Another(pub(crate) String);

impl Format {
    /// Every format.
    pub const ALL: [Self; 4] = [Self::Conda, Self::CycloneDx, Self::Json, Self::Requirements];

    /// Returns the word that stands for it, which is that of the export.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Conda => "conda",
            Self::CycloneDx => "cyclonedx",
            Self::Json => "json",
            Self::Requirements => "requirements",
        }
    }

    /// Reads the word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == word)
    }

    /// Returns the format that `bytes` look like. What looks like nothing else is a list of
    /// requirements, the one format without a mark of its own.
    pub fn of(bytes: &[u8]) -> Self {
        let begins = bytes.trim_ascii_start();
        if begins.starts_with(b"{") {
            let is_bom = memchr::memmem::find(bytes, b"\"bomFormat\"").is_some();
            return if is_bom { Self::CycloneDx } else { Self::Json };
        }
        if begins.starts_with(b"<") {
            // The other form of it, which is refused in one sentence.
            return Self::CycloneDx;
        }
        let mut lines = bytes.split(|byte| *byte == b'\n');
        if lines.any(|line| line.trim_ascii() == conda::MARK) {
            Self::Conda
        } else {
            Self::Requirements
        }
    }

    /// Returns what a file of it is called in talk.
    const fn called(self) -> &'static str {
        match self {
            Self::Conda => "an explicit list of conda",
            Self::CycloneDx => "CycloneDX document",
            Self::Json => "environment",
            Self::Requirements => "a list of pinned requirements",
        }
    }
}

/// Reads an environment out of `bytes`.
///
/// # Errors
/// [`NotImported`]: with every line that is wrong, if it is a list; with the place, if it is JSON.
///
/// # Examples
/// ```
/// use runstone_core::redact::Redaction;
/// use runstone_env::import::{Format, import};
/// use runstone_env::{SourceName, State};
///
/// let bytes = b"numpy==2.1.0  # pinned\n";
/// let imported = import(bytes, Format::of(bytes), &Redaction::default())?;
/// let python = &imported.environment.sources[&SourceName::Python];
/// assert_eq!(python.state, State::Partial);
/// assert_eq!(python.packages[0].version, "2.1.0");
/// assert_eq!(imported.environment.sources.len(), 1);
///
/// let refused = import(b"numpy>=2\n", Format::Requirements, &Redaction::default());
/// assert_eq!(
///     refused.unwrap_err().to_string(),
///     "1 of its lines is none of a list of pinned requirements"
/// );
/// # Ok::<(), runstone_env::import::NotImported>(())
/// ```
pub fn import(
    bytes: &[u8],
    format: Format,
    redaction: &Redaction,
) -> Result<Imported, NotImported> {
    if bytes.len() > BYTES_MAX {
        return Err(NotImported::TooMuch {
            what: format!("{} bytes", bytes.len()),
            limit: BYTES_MAX,
        });
    }
    let read = match format {
        Format::Conda => conda::read(bytes)?,
        Format::CycloneDx => cyclonedx::read(bytes)?,
        Format::Json => json::read(bytes)?,
        Format::Requirements => requirements::read(bytes)?,
    };
    read.settled(redaction)
}

/// What a format makes of a file, before secrets are out and packages in order.
#[derive(Debug, Default)]
struct Read {
    environment: Environment,
    not_taken: Vec<NotTaken>,
    warnings: Vec<String>,
    told: Map<String, Value>,
}

impl Read {
    /// Adds a package, if name and version are words.
    fn package(&mut self, place: impl Into<String>, source: SourceName, package: Package) {
        let arch = package.arch.as_deref().unwrap_or("any");
        let words = [package.name.as_str(), package.version.as_str(), arch];
        let is_word = |word: &str| {
            !word.is_empty() && word.len() <= WORD_BYTES_MAX && !word.contains(char::is_control)
        };
        if !words.into_iter().all(is_word) {
            return self.lacks(place, package.name, "its name or its version is no word");
        }
        let partial = || Source::without_facts(State::Partial);
        let source = self.environment.sources.entry(source);
        source.or_insert_with(partial).packages.push(package);
    }

    /// Adds a fact of a source.
    fn fact(&mut self, source: SourceName, name: &str, value: impl Into<Value>) {
        let partial = || Source::without_facts(State::Partial);
        let source = self.environment.sources.entry(source);
        let facts = &mut source.or_insert_with(partial).facts;
        facts.insert(name.to_owned(), value.into());
    }

    /// Says that something of the file is not in the environment.
    fn lacks(
        &mut self,
        place: impl Into<String>,
        item: impl Into<String>,
        reason: impl Into<String>,
    ) {
        self.not_taken.push(NotTaken {
            place: place.into(),
            item: item.into(),
            reason: reason.into(),
        });
    }

    /// Says why states are not believed as the file tells them: no source counts as captured.
    fn is_unproven(&mut self, why: &str) {
        for source in self.environment.sources.values_mut() {
            if source.state == State::Captured {
                source.state = State::Partial;
            }
        }
        self.warnings.push(format!(
            "{why}: nothing in it counts as the whole of a source"
        ));
    }

    /// Takes no database of a system for whole that names no package. A capture says the same.
    fn doubt_empty_databases(&mut self) {
        for (name, source) in &mut self.environment.sources {
            let is_doubtful = source.state == State::Captured && source.packages.is_empty();
            if is_doubtful && DATABASES.contains(name) {
                source.state = State::Partial;
                self.warnings.push(format!(
                    "`{}` names no package, and does not count as the whole of it",
                    name.as_str()
                ));
            }
        }
    }

    /// Takes secrets out, and puts packages in order.
    fn settled(mut self, redaction: &Redaction) -> Result<Imported, NotImported> {
        let packages: usize = self
            .environment
            .sources
            .values()
            .map(|it| it.packages.len())
            .sum();
        if packages > PACKAGES_MAX {
            return Err(NotImported::TooMuch {
                what: format!("{packages} packages"),
                limit: PACKAGES_MAX,
            });
        }
        if self.environment.sources.is_empty() {
            return Err(NotImported::Nothing {
                not_taken: self.not_taken,
            });
        }
        self.doubt_empty_databases();
        let before = self.environment.to_json();
        let mut json = before.clone();
        strip(&mut json);
        let json = canon::settle(redaction.captured("environment", json, None));
        if json != canon::settle(before) {
            self.warnings
                .push("what gives access, or is redacted, was taken out of it".to_owned());
        }
        let mut environment = Environment::from_json(&json)?;
        environment.put_in_order();
        let mut told = Value::Object(self.told);
        strip(&mut told);
        let told = canon::settle(redaction.captured("imported", told, None));
        let Value::Object(told) = told else {
            unreachable!("redaction leaves an object an object")
        };
        let clean = |text: String| redaction.text(&url::stripped_within(&text)).into_owned();
        let not_taken = self.not_taken.into_iter().map(|it| NotTaken {
            item: clean(it.item),
            ..it
        });
        Ok(Imported {
            environment,
            not_taken: not_taken.collect(),
            warnings: self.warnings,
            told,
        })
    }

    /// Leaves one of several equal packages.
    fn without_doubles(&mut self) {
        for source in self.environment.sources.values_mut() {
            let mut seen = BTreeSet::new();
            source.packages.retain(|package| {
                let key = (package.name.clone(), package.arch.clone());
                seen.insert((key, package.version.clone(), canon::text(&package.facts)))
            });
        }
    }
}

/// Takes credentials out of each address in a value.
fn strip(value: &mut Value) {
    match value {
        Value::String(text) if text.contains("//") => *text = url::stripped_within(text),
        Value::Array(items) => items.iter_mut().for_each(strip),
        Value::Object(members) => members.values_mut().for_each(strip),
        Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null => {}
    }
}
