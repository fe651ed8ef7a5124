//! The answer to "did it matter", and how it is written.
//!
//! The invariant guarded here: the same answer has the same bytes. How it comes about is left to
//! `judge`.

use serde_json::{Value, json};

use super::metric::MetricVerdict;
use crate::canon;
use crate::id::SnapshotSeq;
use crate::profile::Severity;

/// Version of the judgement: the same inputs and the same version give the same bytes.
pub const JUDGE_VERSION: u32 = 7;

/// Did it matter, and how that is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The answer.
    pub overall: Overall,
    /// The answer as one sentence that begins with its word.
    pub sentence: String,
    /// Why this answer and no other, as a fragment.
    pub reason: String,
    /// How grave the change is: the severity of the diff, raised where equal inputs gave outputs
    /// that moved beyond the noise, or perhaps did.
    pub severity: Severity,
    /// Why, naming the path.
    pub severity_reason: String,
    /// Each judged metric, those that decide first; none where the runs were not judged.
    pub metrics: Vec<MetricVerdict>,
    /// The other metrics, counted together.
    pub others: Others,
    /// What the answer rests on.
    pub basis: Basis,
}

/// The answer to "did it matter". Where several metrics are judged the smallest stands for all.
///
/// The order is the order of weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Overall {
    /// Worse beyond the noise.
    Regression,
    /// Not known, and why is said.
    Undecided,
    /// Better beyond the noise.
    Improvement,
    /// Beyond the noise, without a better side.
    Changed,
    /// Nothing that matters.
    Same,
}

impl Overall {
    /// Returns the word used in JSON, gates and talk.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Regression => "regression",
            Self::Undecided => "undecided",
            Self::Improvement => "improvement",
            Self::Changed => "changed",
            Self::Same => "same",
        }
    }

    /// Reads the word used in JSON, gates and talk.
    pub fn from_word(word: &str) -> Option<Self> {
        [
            Self::Regression,
            Self::Undecided,
            Self::Improvement,
            Self::Changed,
            Self::Same,
        ]
        .into_iter()
        .find(|overall| overall.as_str() == word)
    }
}

/// What an answer rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Basis {
    /// By what the current run was judged.
    pub method: Method,
    /// Other runs with the same settings among those looked back at.
    pub runs_same_settings: usize,
    /// What was not captured on both sides, so could differ unseen.
    pub unknown: Vec<&'static str>,
    /// What the run repeats, if it equals its previous one and is worse than the others.
    pub equal_regression: Option<EqualRegression>,
}

/// What a run repeats that is worse than the runs with other values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EqualRegression {
    /// The first run with these settings and values.
    pub seq: SnapshotSeq,
    /// What is worse, as a fragment.
    pub reason: String,
}

/// By what a run was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Everything known equals the previous run.
    IdenticalToPrevious,
    /// By the noise of earlier runs with the same settings.
    Noise,
    /// By the noise within other settings.
    Pooled,
    /// By a lasting step alone.
    Shift,
    /// It was not judged.
    None,
}

impl Method {
    /// Returns the word used in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IdenticalToPrevious => "identical_to_previous",
            Self::Noise => "noise",
            Self::Pooled => "pooled",
            Self::Shift => "shift",
            Self::None => "none",
        }
    }
}

/// The metrics that are not judged, counted together: each by its own history, with a chance of an
/// alarm of its own.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Others {
    /// How many could be held against their own history.
    pub counted: usize,
    /// Those that lie outside their noise, to the worse side or to either where none is better.
    pub outside: Vec<String>,
    /// How many would by chance.
    pub expected: f64,
}

impl Verdict {
    /// Says that the run repeats what is worse than the others: it is no better than what it
    /// equals, and a gate that fails the one fails the other. The word stays, since nothing
    /// changed.
    #[must_use]
    pub fn repeating(mut self, regression: EqualRegression) -> Self {
        let which = format!(
            "; beside the other runs a regression, first at #{}",
            regression.seq
        );
        self.sentence.push_str(&which);
        self.reason.push_str(&which);
        self.basis.equal_regression = Some(regression);
        self
    }

    /// Returns the stable JSON form.
    pub fn to_json(&self) -> Value {
        json!({
            "overall": self.overall.as_str(),
            "sentence": self.sentence,
            "reason": self.reason,
            "severity": self.severity.as_str(),
            "severity_reason": self.severity_reason,
            "metrics": self.metrics.iter().map(MetricVerdict::to_json).collect::<Vec<_>>(),
            "others": self.others.to_json(),
            "basis": self.basis.to_json(),
            "judge_version": JUDGE_VERSION,
        })
    }
}

impl Others {
    /// Returns what they say as a fragment; `None` where none could be held against its history.
    pub fn words(&self) -> Option<String> {
        let Self {
            counted,
            outside,
            expected,
        } = self;
        let metrics = match counted {
            1 => "other metric",
            _ => "other metrics",
        };
        let whose = match (outside.len(), counted) {
            (1, _) | (_, 1) => "its",
            _ => "their",
        };
        (*counted > 0).then(|| {
            format!(
                "{} of {counted} {metrics} outside {whose} noise; {expected:.2} expected by chance",
                outside.len(),
            )
        })
    }

    fn to_json(&self) -> Value {
        json!({
            "counted": self.counted,
            "outside": self.outside,
            "expected": canon::number(self.expected),
        })
    }
}

impl Basis {
    fn to_json(&self) -> Value {
        json!({
            "method": self.method.as_str(),
            "runs_same_settings": self.runs_same_settings,
            "unknown": self.unknown,
            "equal_regression": self.equal_regression.as_ref().map(|it| json!({
                "snapshot_seq": it.seq,
                "reason": it.reason,
            })),
        })
    }
}

#[cfg(test)]
pub(super) mod sample {
    use super::*;

    /// An answer that rests on nothing.
    pub(crate) fn verdict(overall: Overall) -> Verdict {
        Verdict {
            overall,
            sentence: String::new(),
            reason: String::new(),
            severity: Severity::None,
            severity_reason: String::new(),
            metrics: Vec::new(),
            others: Others::default(),
            basis: Basis {
                method: Method::None,
                runs_same_settings: 0,
                unknown: Vec::new(),
                equal_regression: None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_others_are_counted_in_words_that_agree_with_their_number() {
        let words = |counted: usize, outside: &[&str]| {
            let others = Others {
                counted,
                outside: outside.iter().map(|&name| name.to_owned()).collect(),
                expected: 0.01,
            };
            others.words()
        };
        assert_eq!(words(0, &[]), None);
        for (counted, outside, expected) in [
            (1, &[][..], "0 of 1 other metric outside its noise; "),
            (1, &["a"], "1 of 1 other metric outside its noise; "),
            (9, &[], "0 of 9 other metrics outside their noise; "),
            (9, &["a"], "1 of 9 other metrics outside its noise; "),
            (9, &["a", "b"], "2 of 9 other metrics outside their noise; "),
        ] {
            let said = words(counted, outside).unwrap();
            assert_eq!(said, format!("{expected}0.01 expected by chance"));
        }
    }
}
