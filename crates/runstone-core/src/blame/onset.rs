//! Where a move began: the first run that shows it, the runs since, and those before.
//!
//! The invariant kept: all of them have the settings of the current run and serve as yardsticks, as
//! they did for the verdict, so that a change of settings never hides among them.

use crate::id::SnapshotSeq;
use crate::metric::MetricValue;
use crate::verdict::{MetricVerdict, Overall, Point, same_settings};

/// Where a move began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Onset {
    /// By what it is known.
    pub seen: Seen,
    /// Runs with the same settings before it, oldest first.
    pub before: Vec<SnapshotSeq>,
    /// Runs since, oldest first: the first that shows it, and at the end the current one.
    pub since: Vec<SnapshotSeq>,
}

/// By what it is known where a move began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// A lasting step was found there.
    Step,
    /// From there on every run lies beyond the noise that the current one is held against.
    InARow,
}

impl Seen {
    /// Returns the word used in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::InARow => "in_a_row",
        }
    }
}

impl Onset {
    /// Returns the first run that shows the move.
    pub fn first(&self) -> SnapshotSeq {
        self.since[0]
    }

    /// Returns the last run before it.
    pub fn last_before(&self) -> SnapshotSeq {
        self.before[self.before.len() - 1]
    }
}

/// Finds where the move of a metric began. `history` is the cohort's log below the current run,
/// newest first; `None` if the metric did not move, or no run before it is in reach.
pub fn onset(history: &[Point], current: &Point, verdict: &MetricVerdict) -> Option<Onset> {
    if matches!(verdict.overall, Overall::Same | Overall::Undecided) {
        return None;
    }
    let alike: Vec<&Point> = same_settings(history, current);
    let (seen, split) = match (&verdict.shift, &verdict.held) {
        (Some(shift), _) => {
            let split = alike.partition_point(|point| point.seq < shift.onset);
            (Seen::Step, split)
        }
        (None, Ok(held)) => {
            let is_low = verdict.value? < held.median;
            let is_beyond = |point: &&&Point| {
                let value = point.metric(&verdict.name).and_then(MetricValue::finite);
                value.is_some_and(|value| {
                    if is_low {
                        value < held.low
                    } else {
                        value > held.high
                    }
                })
            };
            let in_a_row = alike.iter().rev().take_while(is_beyond).count();
            (Seen::InARow, alike.len() - in_a_row)
        }
        (None, Err(_)) => return None,
    };
    let (before, since) = alike.split_at(split);
    if before.is_empty() {
        return None;
    }
    let seqs = |points: &[&Point]| points.iter().map(|point| point.seq).collect::<Vec<_>>();
    let mut since = seqs(since);
    since.push(current.seq);
    Some(Onset {
        seen,
        before: seqs(before),
        since,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Direction;
    use crate::verdict::noise::Side;
    use crate::verdict::sample::{history, point};
    use crate::verdict::{HeldAgainst, ShiftSeen};

    fn verdict(value: f64) -> MetricVerdict {
        MetricVerdict {
            name: "auc".to_owned(),
            overall: Overall::Regression,
            direction: Direction::Higher,
            value: Some(value),
            repeats: 1,
            held: Ok(HeldAgainst {
                pooled: None,
                one: None,
                luck: 0.0,
                runs: 6,
                between: (SnapshotSeq(1), SnapshotSeq(6)),
                median: 0.7,
                low: 0.69,
                high: 0.71,
                detectable: 0.01,
                without: Vec::new(),
                log: false,
                twins: 0,
                not_finite: 0,
            }),
            shift: None,
        }
    }

    fn seqs(onset: &Onset) -> (Vec<u64>, Vec<u64>) {
        let of = |seqs: &[SnapshotSeq]| seqs.iter().map(|seq| seq.0).collect();
        (of(&onset.before), of(&onset.since))
    }

    #[test]
    fn a_run_alone_is_its_own_onset() {
        let points = history(&[0.7, 0.701, 0.699]);
        let found = onset(&points, &point(4, 0.6), &verdict(0.6)).unwrap();
        assert_eq!(seqs(&found), (vec![1, 2, 3], vec![4]));
        assert_eq!((found.first().0, found.last_before().0), (4, 3));
    }

    #[test]
    fn runs_in_a_row_beyond_the_noise_began_with_their_first() {
        let mut points = history(&[0.7, 0.5, 0.701, 0.6, 0.61, 0.9]);
        points[0].settings = crate::digest::Digest::of(b"other"); // seq 6
        let found = onset(&points, &point(7, 0.6), &verdict(0.6)).unwrap();
        assert_eq!(seqs(&found), (vec![1, 2, 3], vec![4, 5, 7]));
        assert_eq!(found.seen, Seen::InARow);
        // The other side is another move.
        let found = onset(&points, &point(7, 0.8), &verdict(0.8)).unwrap();
        assert_eq!(seqs(&found), (vec![1, 2, 3, 4, 5], vec![7]));
    }

    #[test]
    fn a_lasting_step_began_where_it_was_found() {
        let points = history(&[0.7, 0.701, 0.699, 0.695, 0.694]);
        let mut stepped = verdict(0.694);
        stepped.shift = Some(ShiftSeen {
            onset: SnapshotSeq(4),
            since: 3,
            before: 0.7,
            after: 0.694,
            side: Side::Low,
        });
        let found = onset(&points, &point(6, 0.694), &stepped).unwrap();
        assert_eq!(seqs(&found), (vec![1, 2, 3], vec![4, 5, 6]));
        assert_eq!(found.seen, Seen::Step);
    }

    #[test]
    fn what_did_not_move_has_no_onset_nor_what_has_nothing_before_it() {
        let mut same = verdict(0.7);
        same.overall = Overall::Same;
        assert_eq!(onset(&history(&[0.7; 6]), &point(7, 0.7), &same), None);
        let all_beyond = history(&[0.5, 0.5]);
        assert_eq!(onset(&all_beyond, &point(3, 0.5), &verdict(0.5)), None);
    }
}
