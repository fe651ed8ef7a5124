//! Which answers fail a build.
//!
//! A gate is a list of conditions on an answer. The invariant kept: a condition looks at the
//! verdict alone, so that every face fails for the same reasons and says them in the same words.
//! Beside them stands how the run ended: of one that did not finish nothing can be judged.
//! Which conditions are asked for, and what a failure costs, belong to whoever asks.

use std::fmt;

use super::answer::{Overall, Verdict};
use crate::profile::Severity;
use crate::snapshot::Status;

/// One answer that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// This verdict.
    Verdict(Overall),
    /// At least this severity.
    Severity(Severity),
}

/// What fails, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The word of the condition that was met, or of how the run ended.
    pub word: &'static str,
    /// What the verdict says about it, as a fragment.
    pub reason: String,
}

impl Failure {
    /// Returns why a run that ended so passes no gate; `None` for one that finished.
    pub fn by_end(status: Status) -> Option<Self> {
        let reason = match status {
            Status::Finished => return None,
            Status::Failed => "the run failed: nothing was judged",
            Status::Interrupted => "the run was interrupted: nothing was judged",
        };
        Some(Self {
            word: status.as_str(),
            reason: reason.to_owned(),
        })
    }
}

impl Condition {
    /// Reads the word of a verdict, or of a severity above `none`.
    pub fn from_word(word: &str) -> Option<Self> {
        let severity = || Severity::from_word(word).filter(|level| *level != Severity::None);
        Overall::from_word(word)
            .map(Self::Verdict)
            .or_else(|| severity().map(Self::Severity))
    }

    /// Returns its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verdict(overall) => overall.as_str(),
            Self::Severity(level) => level.as_str(),
        }
    }

    /// Returns why `verdict` fails by this condition; `None` if it does not.
    pub fn failed_by(self, verdict: &Verdict) -> Option<Failure> {
        let (is_met, reason) = match self {
            Self::Verdict(overall) => (verdict.overall == overall, &verdict.reason),
            Self::Severity(level) => (verdict.severity >= level, &verdict.severity_reason),
        };
        is_met.then(|| Failure {
            word: self.as_str(),
            reason: reason.clone(),
        })
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::super::answer::{Basis, Method, Others};
    use super::*;

    fn verdict(overall: Overall, severity: Severity) -> Verdict {
        Verdict {
            overall,
            sentence: String::new(),
            reason: "the metric fell".to_owned(),
            severity,
            severity_reason: "`code.commit` changed".to_owned(),
            metrics: Vec::new(),
            others: Others::default(),
            basis: Basis {
                method: Method::None,
                runs_same_settings: 0,
                unknown: Vec::new(),
            },
        }
    }

    fn reason(word: &str, verdict: &Verdict) -> Option<String> {
        let condition = Condition::from_word(word).unwrap();
        condition.failed_by(verdict).map(|failure| failure.reason)
    }

    #[test]
    fn a_verdict_fails_by_its_own_word_alone_and_a_severity_also_by_graver_ones() {
        let found = verdict(Overall::Regression, Severity::Major);
        assert_eq!(
            reason("regression", &found).as_deref(),
            Some("the metric fell")
        );
        assert_eq!(reason("undecided", &found), None);
        for word in ["minor", "major"] {
            assert_eq!(
                reason(word, &found).as_deref(),
                Some("`code.commit` changed")
            );
        }
        assert_eq!(reason("critical", &found), None);
    }

    #[test]
    fn a_run_that_did_not_finish_fails_by_its_end() {
        let word = |status| Failure::by_end(status).map(|failure| failure.word);
        assert_eq!(word(Status::Finished), None);
        assert_eq!(word(Status::Failed), Some("failed"));
        assert_eq!(word(Status::Interrupted), Some("interrupted"));
    }

    #[test]
    fn every_word_reads_back_and_none_fails_nothing() {
        for word in [
            "regression",
            "undecided",
            "improvement",
            "changed",
            "same",
            "minor",
            "major",
            "critical",
        ] {
            assert_eq!(Condition::from_word(word).unwrap().as_str(), word);
        }
        for word in ["none", "", "Regression", "worse"] {
            assert_eq!(Condition::from_word(word), None);
        }
    }
}
