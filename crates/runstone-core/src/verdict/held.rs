//! What a value was held against, or why it was held against nothing.
//!
//! The invariant kept: whoever is not judged is told why, and a lack of runs, which passes by
//! itself, is told from everything else. Making them belongs to the metric, words about a distance
//! to the sentence.

use std::fmt;

use serde_json::{Value, json};

use super::noise::Side;
use crate::canon;
use crate::id::SnapshotSeq;

/// What a value was held against.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldAgainst {
    /// Whether the noise was borrowed from other settings: degrees of freedom and settings.
    pub pooled: Option<(usize, usize)>,
    /// The single run it was held against, where it was not the middle of them.
    pub one: Option<SnapshotSeq>,
    /// By how many spreads that one is expected to be better than a typical run, since it was
    /// chosen as the best of several.
    pub luck: f64,
    /// How many earlier runs.
    pub runs: usize,
    /// The oldest and the newest of them.
    pub between: (SnapshotSeq, SnapshotSeq),
    /// Their median; their mean where noise was borrowed; the value of the single run.
    pub median: f64,
    /// The value below which a run counts.
    pub low: f64,
    /// The value above which a run counts.
    pub high: f64,
    /// The smallest shift to the worse side that is seen nine times in ten, in the metric's own
    /// unit; to either side where none is better.
    pub detectable: f64,
    /// Runs left out as broken, one to each side at most.
    pub without: Vec<SnapshotSeq>,
    /// Whether the logarithms were judged.
    pub log: bool,
    /// Runs left out because they repeated another one exactly.
    pub twins: usize,
    /// Runs left out because they have no finite value.
    pub not_finite: usize,
}

/// A lasting step.
#[derive(Debug, Clone, PartialEq)]
pub struct ShiftSeen {
    /// The first run after it.
    pub onset: SnapshotSeq,
    /// Runs since, the current one included.
    pub since: usize,
    /// Median before.
    pub before: f64,
    /// Median since.
    pub after: f64,
    /// To which side.
    pub side: Side,
}

/// Why a value was held against nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotHeld {
    /// It is no finite number.
    NotFinite {
        /// The metric.
        name: String,
        /// The single run it was to be held against, where it is that one's value.
        place: Option<SnapshotSeq>,
    },
    /// The scatter of the metric is too large to be measured.
    TooLarge {
        /// The metric.
        name: String,
    },
    /// No other run has these settings; a point of a sweep has settings of its own by intention.
    NewSettings {
        /// Whether it is a point of a sweep.
        is_sweep_point: bool,
    },
    /// Too few runs have these settings.
    TooFew {
        /// The metric.
        name: String,
        /// Runs with a value of it that count.
        have: usize,
        /// Runs needed.
        need: usize,
        /// Runs left out because they repeated another one exactly.
        twins: usize,
        /// Runs left out because they have no finite value.
        not_finite: usize,
    },
}

impl NotHeld {
    /// Whether more runs like this one would have it judged.
    pub fn is_for_lack_of_runs(&self) -> bool {
        match self {
            Self::NewSettings { .. } | Self::TooFew { .. } => true,
            Self::NotFinite { .. } | Self::TooLarge { .. } => false,
        }
    }
}

impl fmt::Display for NotHeld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFinite { name, place: None } => {
                write!(f, "`{name}` is not a finite number in this run")
            }
            Self::NotFinite {
                name,
                place: Some(place),
            } => write!(f, "`{name}` is not a finite number in #{place}"),
            Self::TooLarge { name } => write!(
                f,
                "the scatter of `{name}` is too large to be measured in binary64"
            ),
            Self::NewSettings {
                is_sweep_point: true,
            } => f.write_str("a point of a sweep, the first run with these settings"),
            Self::NewSettings {
                is_sweep_point: false,
            } => f.write_str("first run with these settings"),
            Self::TooFew {
                name,
                have,
                need,
                twins,
                not_finite,
            } => {
                match have {
                    0 => f.write_str("no earlier run with these settings counts")?,
                    1 => f.write_str("1 earlier run with these settings")?,
                    _ => write!(f, "{have} earlier runs with these settings")?,
                }
                let repeats = match twins {
                    0 => None,
                    1 => Some("1 exact repeat".to_owned()),
                    _ => Some(format!("{twins} exact repeats")),
                };
                let silent =
                    (*not_finite > 0).then(|| format!("{not_finite} without a finite `{name}`"));
                let left_out: Vec<String> = [repeats, silent].into_iter().flatten().collect();
                if !left_out.is_empty() {
                    write!(f, ", {} left out", left_out.join(" and "))?;
                }
                write!(f, "; telling noise takes {need}")
            }
        }
    }
}

impl HeldAgainst {
    /// Whether every limit is a number: beyond an infinite one nothing would ever count.
    pub(super) fn is_finite(&self) -> bool {
        [self.median, self.low, self.high, self.detectable]
            .into_iter()
            .all(f64::is_finite)
    }
}

impl HeldAgainst {
    /// Returns the stable JSON form.
    pub(super) fn to_json(&self) -> Value {
        let number = |value: f64| canon::number(value);
        json!({
            "runs": self.runs,
            "first_seq": self.between.0,
            "last_seq": self.between.1,
            "center": number(self.median),
            "center_seq": self.one,
            "center_luck": number(self.luck),
            "low": number(self.low),
            "high": number(self.high),
            "detectable": number(self.detectable),
            "scale": if self.log { "log" } else { "linear" },
            "without": self.without,
            "exact_repeats": self.twins,
            "not_finite": self.not_finite,
            "pooled": self.pooled.map(|(degrees, settings)| json!({
                "degrees_of_freedom": degrees,
                "settings": settings,
            })),
        })
    }
}

impl ShiftSeen {
    /// Returns the stable JSON form.
    pub(super) fn to_json(&self) -> Value {
        let number = |value: f64| canon::number(value);
        json!({
            "onset_seq": self.onset,
            "runs_since": self.since,
            "before": number(self.before),
            "after": number(self.after),
        })
    }
}
