//! Exports: an environment in the formats of others, one format a file.
//!
//! Pure functions from a document to text; where the text goes belongs to the caller. Of one
//! format, `pylock`, a package manager makes the text, and what it is asked is decided here. The
//! invariant: nothing that a document says becomes an option, a command or a line of its own. Names
//! and versions are held against the grammar of their ecosystem (`grammar`), and what does not
//! pass is left out and named. A source that was not read gives no empty list: that would say that
//! nothing is installed.

mod apt;
mod archive;
mod conda;
mod cyclonedx;
mod docker;
mod json;
mod pylock;
pub(crate) mod requirements;

use serde_json::Value;

pub use self::pylock::{Lock, NotLocked, WORD as PYLOCK};
use crate::document::{Environment, Package, Source};
use crate::names::{SourceName, State};

/// A format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// Lists and pins for apt.
    Apt,
    /// The explicit list of conda and its likes.
    Conda,
    /// A bill of materials.
    CycloneDx,
    /// A fragment of a Dockerfile, with the files it copies.
    Docker,
    /// The document itself, in its canonical form, with its digest.
    Json,
    /// `requirements.txt` of pip and uv.
    Requirements,
}

/// What an environment is in a format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// The texts, of which most formats have one.
    pub parts: Vec<Part>,
    /// What the format cannot say, or must not be told.
    pub left_out: Vec<LeftOut>,
}

/// What is known of a capture beside its document, where a format has a place for it. Nothing of it
/// is asked for here, so that the same environment gives the same bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Details {
    /// When it was captured, as an instant of RFC 3339.
    pub captured_at: Option<String>,
    /// The lists of packages that apt had, as the capture observed them.
    pub releases: Option<Value>,
}

/// A text of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// How such a file is usually called.
    pub file: &'static str,
    /// What is in it.
    pub text: String,
}

/// Something that is not in an export.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftOut {
    /// Whose it is.
    pub source: SourceName,
    /// What, as the document names it: it may hold anything.
    pub item: String,
    /// Why not.
    pub reason: String,
}

/// Why there is no export.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` needs what `{}` reads, which is {}",
    .format, .source_name.as_str(), .state.map_or("missing", State::as_str)
)]
pub struct NotExported {
    /// The word of the format.
    pub format: &'static str,
    /// The source it is made of.
    pub source_name: SourceName,
    /// How far that was read, if the document has it.
    pub state: Option<State>,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 6] = [
        Self::Apt,
        Self::Conda,
        Self::CycloneDx,
        Self::Docker,
        Self::Json,
        Self::Requirements,
    ];

    /// Returns the word that stands for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Apt => "apt",
            Self::Conda => "conda",
            Self::CycloneDx => "cyclonedx",
            Self::Docker => "docker",
            Self::Json => "json",
            Self::Requirements => "requirements",
        }
    }

    /// Reads the word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == word)
    }
}

/// Returns what `environment` is in a format.
///
/// # Errors
/// [`NotExported`] if the source that the format is made of was not read.
///
/// # Examples
/// ```
/// use runstone_env::export::{Details, Format, export};
/// use runstone_env::{Environment, Package, Source, SourceName, State};
///
/// let mut python = Source::without_facts(State::Captured);
/// python.packages.push(Package::new("numpy", "2.1.0"));
/// python
///     .packages
///     .push(Package::new("--index-url=https://x", "1"));
/// let mut environment = Environment::default();
/// environment.sources.insert(SourceName::Python, python);
///
/// let export = export(&environment, Format::Requirements, &Details::default())?;
/// assert!(export.parts[0].text.ends_with("\nnumpy==2.1.0\n"));
/// assert_eq!(export.left_out[0].item, "--index-url=https://x 1");
/// # Ok::<(), runstone_env::export::NotExported>(())
/// ```
pub fn export(
    environment: &Environment,
    format: Format,
    details: &Details,
) -> Result<Export, NotExported> {
    let read = |name| source(environment, format.as_str(), name);
    Ok(match format {
        Format::Apt => apt::export(environment, read(SourceName::Dpkg)?, details),
        Format::Conda => conda::export(read(SourceName::Conda)?),
        Format::CycloneDx => cyclonedx::export(environment, details),
        Format::Docker => docker::export(environment),
        Format::Json => json::export(environment),
        Format::Requirements => requirements::export(environment, read(SourceName::Python)?),
    })
}

fn source<'e>(
    environment: &'e Environment,
    format: &'static str,
    source_name: SourceName,
) -> Result<&'e Source, NotExported> {
    let source = environment.sources.get(&source_name);
    let is_read = |it: &&Source| matches!(it.state, State::Captured | State::Partial);
    source.filter(is_read).ok_or(NotExported {
        format,
        source_name,
        state: source.map(|it| it.state),
    })
}

impl Export {
    fn of_one(file: &'static str, text: String, left_out: Vec<LeftOut>) -> Self {
        let parts = vec![Part { file, text }];
        Self { parts, left_out }
    }
}

/// Adds a line for each of the packages of a source, and returns those that get none, each with the
/// reason.
fn one_a_line<'p>(
    name: SourceName,
    packages: impl Iterator<Item = &'p Package>,
    line: impl Fn(&Package) -> Result<String, &'static str>,
    text: &mut String,
) -> Vec<LeftOut> {
    let mut left_out = Vec::new();
    for package in packages {
        match line(package) {
            Ok(line) => {
                text.push_str(&line);
                text.push('\n');
            }
            Err(reason) => left_out.push(LeftOut {
                source: name,
                item: format!("{} {}", package.name, package.version),
                reason: reason.to_owned(),
            }),
        }
    }
    left_out
}

/// Returns the line that says what the list is of; one that is not whole says so.
fn heading(environment: &Environment, source: &Source) -> String {
    let digest = environment.digests().environment;
    let partly = match source.state {
        State::Partial => ", of which not everything was read",
        _ => "",
    };
    format!("# environment {digest}{partly}\n")
}
