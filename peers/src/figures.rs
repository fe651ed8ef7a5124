//! What one crowd achieved.
//!
//! A run counts for the rate if it was acknowledged before time was up, for the quantiles and among
//! the lost whenever it was acknowledged: a peer that answers late has still answered.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// What one process says at its end.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Report {
    /// The runs that were acknowledged to it, in order.
    pub(crate) runs: Vec<String>,
    /// How long each took, in milliseconds.
    pub(crate) took_ms: Vec<f64>,
    /// How many of them before time was up.
    pub(crate) in_time: usize,
    /// How many were refused with an error.
    pub(crate) refused: usize,
    /// The first of these errors.
    pub(crate) refusal: Option<String>,
}

/// What all processes of a crowd say together.
#[derive(Debug)]
pub(crate) struct Figures {
    /// Runs acknowledged in time, by second.
    pub(crate) per_second: f64,
    /// Half of all recordings took no longer, in milliseconds.
    pub(crate) p50_ms: f64,
    /// Of a hundred recordings one took longer, in milliseconds.
    pub(crate) p99_ms: f64,
    /// Runs that were acknowledged and are not there.
    pub(crate) lost: usize,
    /// Recordings that ended with an error, and the first of these.
    pub(crate) refused: usize,
    pub(crate) refusal: Option<String>,
    /// Processes that ended without a word.
    pub(crate) silent: usize,
    /// Runs acknowledged in time to the process that got fewest, and to the one that got most.
    pub(crate) slowest: usize,
    pub(crate) fastest: usize,
}

impl Figures {
    /// Adds up the reports, beside the runs that are there afterwards.
    #[expect(
        clippy::cast_precision_loss,
        reason = "some ten thousands, some seconds"
    )]
    pub(crate) fn of(
        reports: Vec<Report>,
        there: &BTreeSet<String>,
        processes: usize,
        seconds: u64,
    ) -> Self {
        let in_time = || reports.iter().map(|report| report.in_time);
        let silent = processes.saturating_sub(reports.len());
        let slowest = if silent > 0 { Some(0) } else { in_time().min() };
        let mut took_ms: Vec<f64> = reports
            .iter()
            .flat_map(|report| report.took_ms.iter().copied())
            .collect();
        took_ms.sort_by(f64::total_cmp);
        Self {
            per_second: in_time().sum::<usize>() as f64 / seconds as f64,
            p50_ms: quantile(&took_ms, 0.50),
            p99_ms: quantile(&took_ms, 0.99),
            lost: reports
                .iter()
                .flat_map(|report| &report.runs)
                .filter(|run| !there.contains(*run))
                .count(),
            refused: reports.iter().map(|report| report.refused).sum(),
            silent,
            slowest: slowest.unwrap_or_default(),
            fastest: in_time().max().unwrap_or_default(),
            refusal: reports.into_iter().find_map(|report| report.refusal),
        }
    }

    /// Returns the turn of the median rate, with what was lost, refused or silent in any turn;
    /// nothing without turns.
    pub(crate) fn median(mut turns: Vec<Self>) -> Option<Self> {
        turns.sort_by(|a, b| a.per_second.total_cmp(&b.per_second));
        let lost = turns.iter().map(|turn| turn.lost).sum();
        let refused = turns.iter().map(|turn| turn.refused).sum();
        let silent = turns.iter().map(|turn| turn.silent).sum();
        let refusal = turns.iter().find_map(|turn| turn.refusal.clone());
        let middle = turns.len() / 2;
        Some(Self {
            lost,
            refused,
            refusal,
            silent,
            ..turns.into_iter().nth(middle)?
        })
    }

    /// Returns how many times the fastest process got what the slowest got.
    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    pub(crate) fn spread(&self) -> f64 {
        self.fastest as f64 / self.slowest as f64
    }
}

/// Returns the value below which a share of the sorted values lie; 0 without any.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a position in a list of some ten thousands"
)]
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    let at = (last as f64 * share).round() as usize;
    sorted.get(at).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Figures, Report};

    fn report(runs: &[&str], in_time: usize) -> Report {
        Report {
            runs: runs.iter().map(ToString::to_string).collect(),
            took_ms: (1..).map(f64::from).take(runs.len()).collect(),
            in_time,
            ..Report::default()
        }
    }

    #[test]
    fn a_run_that_was_acknowledged_and_is_not_there_is_lost() {
        let there = ["a".to_owned(), "c".to_owned(), "stray".to_owned()].into();
        let figures = Figures::of(
            vec![report(&["a", "b"], 2), report(&["c"], 1)],
            &there,
            2,
            3,
        );
        assert_eq!(figures.lost, 1);
        assert_eq!((figures.slowest, figures.fastest), (1, 2));
    }

    #[test]
    fn a_late_run_counts_for_the_quantiles_and_not_for_the_rate() {
        let there = ["a".to_owned(), "b".to_owned()].into();
        let figures = Figures::of(vec![report(&["a", "b"], 1)], &there, 1, 1);
        assert!((figures.per_second - 1.0).abs() < 1e-9, "one in one second");
        assert!((figures.p99_ms - 2.0).abs() < 1e-9, "the late one");
    }

    #[test]
    fn a_process_without_a_word_is_the_slowest() {
        let figures = Figures::of(vec![report(&["a"], 1)], &["a".to_owned()].into(), 2, 1);
        assert_eq!((figures.silent, figures.slowest), (1, 0));
    }

    #[test]
    fn what_was_lost_in_any_turn_is_lost() {
        let turn = |runs: &[&str]| {
            let there = ["a".to_owned()].into();
            Figures::of(vec![report(runs, runs.len())], &there, 1, 1)
        };
        let median = Figures::median(vec![
            turn(&["a"]),
            turn(&["b", "c", "d"]),
            turn(&["a", "a"]),
        ])
        .unwrap();
        assert_eq!(median.lost, 3);
        assert!((median.per_second - 2.0).abs() < 1e-9, "the middle turn");
    }
}
