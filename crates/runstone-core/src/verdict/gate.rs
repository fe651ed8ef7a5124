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
    /// What it fails by.
    pub by: FailedBy,
    /// What the verdict says about it, as a fragment.
    pub reason: String,
}

/// What a run fails by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailedBy {
    /// How it ended: it failed itself, or was interrupted.
    End(Status),
    /// A condition that was asked for, which it meets.
    Condition(Condition),
}

impl FailedBy {
    /// Returns the word used in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::End(status) => status.as_str(),
            Self::Condition(condition) => condition.as_str(),
        }
    }
}

/// Returns by what a run fails that ended so and was judged so: its end, then each condition that
/// it meets, in their order.
pub fn failures(status: Status, verdict: &Verdict, conditions: &[Condition]) -> Vec<Failure> {
    let met = |condition: &Condition| condition.failed_by(verdict);
    by_end(status)
        .into_iter()
        .chain(conditions.iter().filter_map(met))
        .collect()
}

/// Why a run that ended so passes no gate.
fn by_end(status: Status) -> Option<Failure> {
    let reason = match status {
        Status::Finished => return None,
        Status::Failed => "the run failed: nothing was judged",
        Status::Interrupted => "the run was interrupted: nothing was judged",
    };
    Some(Failure {
        by: FailedBy::End(status),
        reason: reason.to_owned(),
    })
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

    /// Why `verdict` fails by this condition; `None` if it does not.
    fn failed_by(self, verdict: &Verdict) -> Option<Failure> {
        if let (Self::Verdict(Overall::Regression), Some(equal)) =
            (self, &verdict.basis.equal_regression)
        {
            return Some(Failure {
                by: FailedBy::Condition(self),
                reason: format!("repeats #{}, a regression: {}", equal.seq, equal.reason),
            });
        }
        let (is_met, reason) = match self {
            Self::Verdict(overall) => (verdict.overall == overall, &verdict.reason),
            Self::Severity(level) => (verdict.severity >= level, &verdict.severity_reason),
        };
        is_met.then(|| Failure {
            by: FailedBy::Condition(self),
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
    use super::super::answer::EqualRegression;
    use super::super::answer::sample::verdict;
    use super::*;
    use crate::id::SnapshotSeq;

    fn found(status: Status, overall: Overall, severity: Severity, words: &[&str]) -> Vec<Failure> {
        let verdict = Verdict {
            severity,
            reason: "the metric fell".to_owned(),
            severity_reason: "`code.commit` changed".to_owned(),
            ..verdict(overall)
        };
        let conditions: Vec<Condition> = words
            .iter()
            .map(|word| Condition::from_word(word).unwrap())
            .collect();
        failures(status, &verdict, &conditions)
    }

    fn words(failures: &[Failure]) -> Vec<&'static str> {
        failures.iter().map(|failure| failure.by.as_str()).collect()
    }

    #[test]
    fn a_verdict_fails_by_its_own_word_alone_and_a_severity_also_by_graver_ones() {
        let asked = ["critical", "minor", "regression", "undecided", "major"];
        let finished = Status::Finished;
        let found = found(finished, Overall::Regression, Severity::Major, &asked);
        assert_eq!(words(&found), ["minor", "regression", "major"]);
        let reasons: Vec<&str> = found.iter().map(|it| it.reason.as_str()).collect();
        let change = "`code.commit` changed";
        assert_eq!(reasons, [change, "the metric fell", change]);
    }

    #[test]
    fn a_run_that_did_not_finish_fails_by_its_end_whatever_is_asked() {
        for status in [Status::Failed, Status::Interrupted] {
            for asked in [&[][..], &["regression"]] {
                let found = found(status, Overall::Undecided, Severity::None, asked);
                assert_eq!(words(&found), [status.as_str()]);
            }
            let found = found(status, Overall::Undecided, Severity::None, &["undecided"]);
            assert_eq!(words(&found), [status.as_str(), "undecided"]);
        }
        let finished = Status::Finished;
        assert_eq!(found(finished, Overall::Undecided, Severity::None, &[]), []);
    }

    #[test]
    fn what_repeats_a_regression_fails_as_that_one_does_and_by_nothing_else() {
        let same = verdict(Overall::Same).repeating(EqualRegression {
            seq: SnapshotSeq(14),
            reason: "the metric fell".to_owned(),
        });
        let asked = ["regression", "undecided", "improvement", "minor"].map(Condition::from_word);
        let found = failures(Status::Finished, &same, &asked.map(Option::unwrap));
        assert_eq!(words(&found), ["regression"]);
        let said = "repeats #14, a regression: the metric fell";
        assert_eq!(found[0].reason, said);
        assert_eq!(same.overall, Overall::Same);
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
