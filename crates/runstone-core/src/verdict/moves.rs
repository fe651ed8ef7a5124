//! When the baseline of a cohort appeared, moved or went away, and why.
//!
//! Takes what each run was held against, oldest first, with the history it saw. The invariant kept:
//! a reason is read from that history and says what made the difference, not what the rule is.
//! Choosing belongs to `choice`, going along a log to the crate `runstone`.

use super::baseline::Baseline;
use super::point::{Point, yardsticks};
use crate::diff::wording;
use crate::id::SnapshotSeq;
use crate::metric::MetricValue;
use crate::profile::{BaselineChoice, BaselineRule, Direction};

/// The baseline appeared, moved or went away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaselineMove {
    /// The first snapshot that is held against it.
    pub at: SnapshotSeq,
    /// The baseline from then on; `None`: none any more.
    pub baseline: Option<SnapshotSeq>,
    /// Whether a note pinned it.
    pub pinned: bool,
    /// Why, as a fragment for people.
    pub why: String,
}

/// What one run was held against.
#[derive(Debug, Clone, Copy)]
pub struct Held<'a> {
    /// The run.
    pub current: &'a Point,
    /// The log below it, newest first, marked with the notes it saw.
    pub history: &'a [Point],
    /// By its own profile.
    pub rule: BaselineRule,
    /// Of its own primary metric.
    pub direction: Direction,
}

/// Gathers the moves of a baseline, run by run.
#[derive(Debug, Clone, Default)]
pub struct Moves {
    last: Option<(Baseline, BaselineChoice)>,
    found: Vec<BaselineMove>,
}

impl Moves {
    /// Takes the next run and the baseline it was held against.
    pub fn see(&mut self, held: Held<'_>, now: Baseline) {
        let of = |baseline: &Baseline| (baseline.seq(), matches!(baseline, Baseline::Pinned(_)));
        let known = self.last.as_ref().map_or((None, false), |(it, _)| of(it));
        let found = of(&now);
        if found != known {
            self.found.push(BaselineMove {
                at: held.current.seq,
                baseline: found.0,
                pinned: found.1,
                why: held.why(self.last.as_ref(), &now),
            });
        }
        self.last = Some((now, held.rule.choice));
    }

    /// Returns the moves, oldest first.
    pub fn end(self) -> Vec<BaselineMove> {
        self.found
    }
}

impl Held<'_> {
    fn why(&self, before: Option<&(Baseline, BaselineChoice)>, now: &Baseline) -> String {
        let new = match now {
            Baseline::Chosen { point, .. } => point.as_ref(),
            Baseline::Pinned(pinned) => return pinned.reason(),
            Baseline::NotYet { have, need } => {
                return format!("{have} of the {need} runs that it needs are left");
            }
            Baseline::NotPinned => return "the profile waits for a pin".to_owned(),
            Baseline::NoPrimary { reason } | Baseline::Unknown { reason } => return reason.clone(),
        };
        match before {
            Some((Baseline::Pinned(pinned), _)) => {
                format!("#{} is no longer pinned", pinned.point.seq)
            }
            Some((Baseline::Chosen { .. }, choice)) if *choice != self.rule.choice => {
                "the profile has another rule".to_owned()
            }
            Some((Baseline::Chosen { point, .. }, _)) => self.why_moved(point, new),
            _ => {
                let name = new.decides().map_or("", |(name, _)| name);
                let serving = yardsticks(self.history, Some(self.current));
                match serving.filter(|it| measures(it, name)).count() {
                    1 => "1 run can carry one".to_owned(),
                    runs => format!("{runs} runs can carry one"),
                }
            }
        }
    }

    /// Says why a run chosen by the same rule is another one.
    fn why_moved(&self, old: &Point, new: &Point) -> String {
        let seq = old.seq;
        let is_deleted = |point: &Point| point.seq == seq && point.deleted;
        if self.history.iter().any(is_deleted) {
            return format!("#{seq} was deleted");
        }
        let serving = || yardsticks(self.history, Some(self.current));
        if let Some(later) = serving().find(|it| it.run_id == old.run_id && it.seq > seq) {
            return format!("#{} is a later attempt of the run of #{seq}", later.seq);
        }
        if self.current.run_id == old.run_id {
            return format!("#{seq} is an attempt of this run itself");
        }
        let (Some((was, before)), Some((name, after))) = (old.decides(), new.decides()) else {
            return format!("#{seq} no longer serves");
        };
        if was != name {
            return format!("`{name}` decides");
        }
        let window = usize::try_from(self.rule.window)
            .unwrap_or(usize::MAX)
            .max(1);
        let measured = serving().filter(|it| measures(it, name));
        if !measured.take(window).any(|it| it.seq == seq) {
            return format!("#{seq} is older than the last {window} runs");
        }
        let (Some(before), Some(after)) = (MetricValue::finite(*before), after.finite()) else {
            return format!("#{seq} no longer serves");
        };
        let is_better = match self.direction {
            Direction::Higher => after > before,
            Direction::Lower => after < before,
            Direction::None => false,
        };
        match self.rule.choice {
            BaselineChoice::Median => format!("#{} is nearer the median by now", new.seq),
            BaselineChoice::Best | BaselineChoice::Pinned if is_better => {
                let moved = wording::movement(before, after);
                format!(
                    "#{} is better: {name} {} → {} ({})",
                    new.seq, moved.prev, moved.curr, moved.delta
                )
            }
            BaselineChoice::Best | BaselineChoice::Pinned => format!(
                "a better run no longer serves, and #{} is within tolerance of the best that is left",
                new.seq
            ),
        }
    }
}

fn measures(point: &Point, metric: &str) -> bool {
    point
        .decides()
        .is_some_and(|(name, value)| name == metric && value.finite().is_some())
}

#[cfg(test)]
mod tests {
    use super::super::point::sample::{history, point};
    use super::*;
    use crate::profile::Tolerance;
    use crate::verdict::baseline;

    const TOLERANCE: Tolerance = Tolerance {
        absolute: 0.001,
        relative: 0.0,
        log: false,
    };

    /// The moves of a log of these points, newest first, each run held against those below.
    fn moves(points: &[Point], choice: BaselineChoice) -> Vec<BaselineMove> {
        let rule = BaselineRule {
            choice,
            min_runs: 5,
            window: 10,
        };
        let direction = Direction::Higher;
        let mut moves = Moves::default();
        for at in (0..points.len()).rev() {
            let (current, below) = (&points[at], &points[at + 1..]);
            let found = baseline(below, Some(current), rule, direction, TOLERANCE, None);
            let held = Held {
                current,
                history: below,
                rule,
                direction,
            };
            moves.see(held, found);
        }
        moves.end()
    }

    fn told(moves: &[BaselineMove]) -> Vec<String> {
        let which = |seq: SnapshotSeq| format!("#{seq}");
        moves
            .iter()
            .map(|it| {
                let from = it.baseline.map_or_else(|| "none".to_owned(), which);
                format!("{from} from #{} on: {}", it.at, it.why)
            })
            .collect()
    }

    #[test]
    fn it_appears_and_moves_to_a_better_run() {
        let points = history(&[0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.6, 0.5]);
        assert_eq!(
            told(&moves(&points, BaselineChoice::Best)),
            [
                "#1 from #6 on: 5 runs can carry one",
                "#7 from #8 on: #7 is better: auc 0.5 → 0.6 (+0.1)",
            ]
        );
    }

    #[test]
    fn it_moves_when_the_best_grows_too_old() {
        let mut values = vec![0.6, 0.55];
        values.extend([0.5; 10]);
        let found = told(&moves(&history(&values), BaselineChoice::Best));
        assert_eq!(
            found[1],
            "#2 from #12 on: #1 is older than the last 10 runs"
        );
    }

    /// The moves of one run held against two histories.
    fn between(before: &[Point], after: &[Point]) -> Vec<String> {
        let current = point(8, 0.5);
        let mut moves = Moves::default();
        for history in [before, after] {
            let held = Held {
                current: &current,
                history,
                rule: BaselineRule {
                    choice: BaselineChoice::Best,
                    min_runs: 5,
                    window: 10,
                },
                direction: Direction::Higher,
            };
            let found = baseline(
                history,
                Some(&current),
                held.rule,
                held.direction,
                TOLERANCE,
                None,
            );
            moves.see(held, found);
        }
        told(&moves.end())
    }

    #[test]
    fn what_was_deleted_is_named() {
        let mut points = history(&[0.6018, 0.6009, 0.6000, 0.5, 0.5, 0.5]);
        let before = points.clone();
        points[5].deleted = true;
        assert_eq!(
            between(&before, &points)[1],
            "#2 from #8 on: #1 was deleted"
        );
        let mut points = history(&[0.6000, 0.6009, 0.6018, 0.5, 0.5, 0.5]);
        let before = points.clone();
        points[3].deleted = true;
        assert_eq!(
            between(&before, &points)[1],
            "#1 from #8 on: a better run no longer serves, and #1 is within tolerance of the best \
             that is left"
        );
    }

    #[test]
    fn a_run_recorded_again_is_no_baseline_of_itself() {
        let mut points = history(&[0.5, 0.9, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]);
        points[1].run_id = "run-2".to_owned(); // seq 8
        assert_eq!(
            told(&moves(&points, BaselineChoice::Best)),
            [
                "#2 from #6 on: 5 runs can carry one",
                "#1 from #8 on: #2 is an attempt of this run itself",
            ]
        );
    }

    #[test]
    fn the_nearest_to_the_median_moves_with_it() {
        let points = history(&[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]);
        let found = told(&moves(&points, BaselineChoice::Median));
        assert_eq!(found[0], "#3 from #6 on: 5 runs can carry one");
        assert_eq!(found[1], "#4 from #8 on: #4 is nearer the median by now");
    }
}
