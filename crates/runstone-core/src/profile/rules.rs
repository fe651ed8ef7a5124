//! The rules of a profile after `extends` is resolved: what the rest of the core asks it.

use std::collections::BTreeMap;

use crate::digest::Digest;

/// A resolved profile: complete, checked, and named by the digest of its text.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// Its name, part of every cohort key.
    pub name: String,
    /// SHA-256 of [`Profile::text`].
    pub sha256: Digest,
    /// The resolved TOML, as the store keeps it.
    pub text: String,
    /// Rules for stages that are not listed; `None`: such stages are refused.
    pub default: Option<StageRules>,
    /// Rules of the listed stages, by the profile's spelling.
    pub stages: BTreeMap<String, StageRules>,
    /// How the baseline is chosen.
    pub baseline: BaselineRule,
    /// How many runs the noise is measured over.
    pub noise_window: u32,
}

/// What a profile says about one stage.
#[derive(Debug, Clone, PartialEq)]
pub struct StageRules {
    /// Whether factors are free or join the identity.
    pub policy: Policy,
    /// First match wins; none: `minor`.
    pub severity: Vec<SeverityRule>,
    /// How metrics are read.
    pub metrics: MetricRules,
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
    pub higher: Vec<String>,
    /// Patterns of metrics of which less is better.
    pub lower: Vec<String>,
    /// Tolerances; the first match wins, none: exact.
    pub tolerance: Vec<ToleranceRule>,
}

/// How far a metric may move without having moved.
#[derive(Debug, Clone, PartialEq)]
pub struct ToleranceRule {
    /// Patterns of metric names.
    pub names: Vec<String>,
    /// Absolute, in the metric's own unit.
    pub absolute: f64,
    /// Relative to the larger of both magnitudes, dimensionless.
    pub relative: f64,
    /// Judged on a log scale.
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
