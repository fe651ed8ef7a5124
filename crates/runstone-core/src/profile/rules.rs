//! The rules of a profile after `extends` is resolved: what the rest of the core asks it.
//!
//! Plain data: a [`Profile`] is only ever made by reading a profile text, so what stands here was
//! checked. What a rule does to a document belongs to the modules that read documents.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::known::KnownFields;
use crate::digest::Digest;
use crate::pattern::NamePattern;
use crate::pointer::{Path, Pattern};
use crate::redact::Redaction;

/// A resolved profile: complete, checked, and named by the digest of its text.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// Its name, part of every cohort key.
    pub name: String,
    /// SHA-256 of [`Profile::text`].
    pub sha256: Digest,
    /// The resolved TOML, as the store keeps it.
    pub text: String,
    /// How fields are read, whatever the stage.
    pub fields: FieldRules,
    /// How stages are spelled.
    pub stage_names: StageNames,
    /// Other names of stages → the name.
    pub stage_aliases: BTreeMap<String, String>,
    /// Rules for stages that are not listed; `None`: such stages are refused.
    pub default: Option<StageRules>,
    /// Rules of the listed stages, by the profile's spelling.
    pub stages: BTreeMap<String, StageRules>,
    /// How the baseline is chosen.
    pub baseline: BaselineRule,
    /// How many runs the noise is measured over.
    pub noise_window: u32,
    /// What is kept out of snapshots.
    pub redaction: Arc<Redaction>,
}

/// How the fields of a document are read, whatever the stage.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldRules {
    /// The field that holds the digest of a captured environment.
    pub environment: Option<Path>,
    /// The field that names the commit of the code.
    pub code: Option<Path>,
    /// The field that names the experiment.
    pub experiment: ExperimentRule,
    /// Instants, compared as UTC.
    pub times: Vec<Pattern>,
    /// Kept, never compared.
    pub ignore: Vec<Pattern>,
    /// Whole numbers.
    pub integers: Vec<Pattern>,
    /// Lists whose order and repetitions mean nothing.
    pub sets: Vec<Pattern>,
    /// Text compared in upper case.
    pub upper: Vec<Pattern>,
    /// Values that may come as `{kind, value?, reason?}`.
    pub tagged: Vec<Pattern>,
    /// The only texts a field may hold, in its normal form.
    pub allowed: BTreeMap<Path, Vec<String>>,
    /// Other names of fields → the name.
    pub aliases: BTreeMap<Path, Path>,
    /// Other texts for a field's value → the text.
    pub value_aliases: BTreeMap<Path, BTreeMap<String, String>>,
}

/// Where the experiment stands, and what an absent one means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExperimentRule {
    /// The field.
    pub path: Path,
    /// An absent experiment is the store's own.
    pub from_store: bool,
}

/// How stages are spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StageNames {
    /// As the document says.
    AsGiven,
    /// Upper case; blanks and `-` are `_`.
    UpperSnake,
}

/// What a profile says about one stage.
#[derive(Debug, Clone, PartialEq)]
pub struct StageRules {
    /// Fields that must be present and not null.
    pub required: Vec<Path>,
    /// What one field's value asks of others.
    pub conditions: Vec<Condition>,
    /// What must be equal for two runs to be comparable.
    pub identity: IdentityRules,
    /// What may differ on purpose; the first match wins.
    pub factors: Vec<FactorRule>,
    /// Identity fields that make the readable part of a cohort's id; at most three.
    pub cohort_name: Vec<Path>,
    /// Whether factors are free or join the identity.
    pub policy: Policy,
    /// First match wins; none: `critical` within the identity, `none` for the process, else
    /// `minor`.
    pub severity: Vec<SeverityRule>,
    /// How metrics are read.
    pub metrics: MetricRules,
    /// Of what decides the identity, the fields of the profile included: worked out once, every
    /// recording asks for it.
    pub(super) identity_digest: Digest,
    /// The fields that are read by name, worked out once as well.
    pub(super) known: KnownFields,
}

/// If one field has a value, others must, or must not, be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The field.
    pub when: Path,
    /// Its text, in normal form.
    pub is: String,
    /// Must be present and not null.
    pub required: Vec<Path>,
    /// Must be absent or null.
    pub forbidden: Vec<Path>,
}

/// The identity of a stage, in named groups. A pattern reaches everything below what it matches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IdentityRules {
    /// Groups by name.
    pub groups: BTreeMap<String, Vec<Pattern>>,
    /// Patterns that end in `*`: each key there is a group of its own.
    pub open: Vec<Pattern>,
}

/// Which fields are factors of a class, and under which key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactorRule {
    /// The class.
    pub class: FactorClass,
    /// Where its factors stand.
    pub source: FactorSource,
}

/// Where factors stand in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FactorSource {
    /// Everything at or below a match is a factor of its own.
    Each {
        /// Where.
        paths: Vec<Pattern>,
        /// Except there.
        except: Vec<Pattern>,
        /// Taken off the front of the dotted path to make the key.
        strip: String,
    },
    /// One factor: the first of these fields that is present and not null.
    FirstOf {
        /// Its key.
        name: String,
        /// The fields, best first.
        paths: Vec<Path>,
    },
}

/// The classes of factors, in the order in which they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FactorClass {
    /// What the user chose.
    Settings,
    /// Seeds of random generators.
    Seeds,
    /// Versions of software.
    Versions,
}

impl FactorClass {
    /// Every class.
    pub const ALL: [Self; 3] = [Self::Settings, Self::Seeds, Self::Versions];

    /// Returns the word used in profiles and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Settings => "settings",
            Self::Seeds => "seeds",
            Self::Versions => "versions",
        }
    }

    /// Reads the word used in profiles and JSON.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == word)
    }
}

/// Whether factors may differ between comparable runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Factors differ freely and are reported.
    Controlled,
    /// Factors join the identity.
    Exact,
}

impl Policy {
    /// Returns the word used in profiles and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Controlled => "controlled",
            Self::Exact => "exact",
        }
    }

    /// Reads the word used in profiles and JSON.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Controlled, Self::Exact]
            .into_iter()
            .find(|policy| policy.as_str() == word)
    }
}

/// How a cohort's baseline is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BaselineRule {
    /// By which measure.
    pub choice: BaselineChoice,
    /// Other runs needed before there is one.
    pub min_runs: u32,
    /// How many of the newest runs it is chosen from.
    pub window: u32,
}

/// The measure by which a baseline is chosen from its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BaselineChoice {
    /// The earliest run within tolerance of the window's best.
    Best,
    /// The run nearest the window's median.
    Median,
    /// Only what a note pins.
    Pinned,
}

impl BaselineChoice {
    /// Returns the word used in profiles and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Best => "best",
            Self::Median => "median",
            Self::Pinned => "pinned",
        }
    }

    /// Reads the word used in profiles and JSON.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Best, Self::Median, Self::Pinned]
            .into_iter()
            .find(|choice| choice.as_str() == word)
    }
}

/// How grave a change is. Ordered: `None < Minor < Major < Critical`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing changed.
    None,
    /// Asked for, or small.
    Minor,
    /// May explain a difference by itself.
    Major,
    /// The runs answer different questions.
    Critical,
}

impl Severity {
    /// Returns the word used in profiles and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minor => "minor",
            Self::Major => "major",
            Self::Critical => "critical",
        }
    }

    /// Reads the word used in profiles and JSON.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::None, Self::Minor, Self::Major, Self::Critical]
            .into_iter()
            .find(|severity| severity.as_str() == word)
    }
}

/// A level for every changed key under one of the path prefixes.
#[derive(Debug, Clone, PartialEq)]
pub struct SeverityRule {
    /// The level.
    pub level: Severity,
    /// Dotted prefixes of changed keys: `versions`, `settings.learning_rate`, `metrics`,
    /// `environment`, `code`, `labels`, `artifacts`, `status`, `identity.split`.
    pub paths: Vec<String>,
}

/// How the metrics of a stage are read. Patterns match whole names without case; `*` is any text.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MetricRules {
    /// Candidates for the primary metric: the first that a run has.
    pub primary: Vec<String>,
    /// Metrics judged beside the primary one.
    pub judged: Vec<String>,
    /// Patterns of metrics of which more is better.
    pub higher: Vec<NamePattern>,
    /// Patterns of metrics of which less is better.
    pub lower: Vec<NamePattern>,
    /// Tolerances; the first match wins, none: exact.
    pub tolerance: Vec<ToleranceRule>,
}

/// How far a metric may move without having moved.
#[derive(Debug, Clone, PartialEq)]
pub struct ToleranceRule {
    /// Patterns of metric names.
    pub names: Vec<NamePattern>,
    /// Absolute, in the metric's own unit.
    pub absolute: f64,
    /// Relative to the larger of both magnitudes, dimensionless.
    pub relative: f64,
    /// Judged on a log scale, as times and sizes are: no two runs repeat them to the bit.
    pub log: bool,
}

/// Which way a metric is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// More is better.
    Higher,
    /// Less is better.
    Lower,
    /// It has no better side, or two rules contradict each other.
    None,
}

impl Direction {
    /// Returns the word used in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Higher => "higher",
            Self::Lower => "lower",
            Self::None => "none",
        }
    }
}
