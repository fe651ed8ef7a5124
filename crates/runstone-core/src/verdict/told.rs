//! Which run tells of a lasting step.
//!
//! The run that is the first to show a step tells of it, and no later one. But a note may take a
//! run away or let one count after others were answered, and another attempt takes the place of the
//! one before; then an earlier run is the first to show what it was never told, and the next one
//! has to say it. The invariant kept: as far as the points in sight tell, a step that lasts is told
//! by exactly one run, whatever came between. What each run was told follows from the log below it
//! and the notes that its own envelope saw, so nothing is stored; a run of long ago is asked without
//! those that it saw and the current one does not see any more.

use std::collections::BTreeSet;

use super::asked::Asked;
use super::held::ShiftSeen;
use super::noise::Side;
use super::point::Point;
use super::reference::Reference;
use super::scale::{EarlierStep, Replay, Scale};
use crate::id::SnapshotSeq;
use crate::metric::MetricValue;

/// Returns the step that the current run tells of: the one that it is the first to show, or the one
/// that an earlier run shows and nobody was told.
pub(super) fn first_told(
    replay: Replay,
    reference: &Reference<'_>,
    current: &Point,
    asked: Asked<'_>,
) -> Option<ShiftSeen> {
    if replay.seen.is_some() {
        return replay.seen;
    }
    let earlier = replay.earlier?;
    let step = earlier.step.as_ref()?;
    let is_told = !is_news(&earlier, reference, current, asked)
        || told_since(step.onset, reference, asked)
            .iter()
            .any(|told| told.tells(&earlier, step));
    if is_told { None } else { earlier.step }
}

/// Whether a run is the first to know something of the runs before a step that the run which shows
/// it did not: only it can be the one that has to tell it late.
fn is_news(
    earlier: &EarlierStep,
    reference: &Reference<'_>,
    run: &Point,
    asked: Asked<'_>,
) -> bool {
    let history = reference.history;
    let Some(shown_by) = history.iter().find(|point| point.seq == earlier.shown_by) else {
        return false;
    };
    let could_tell = |point: &&Point| value_to_tell(point, asked).is_some();
    let Some(last) = reference.alike().filter(could_tell).last() else {
        return false;
    };
    let below = history.iter().filter(|point| point.seq < shown_by.seq);
    let known = shown_by.noted.seen.max(last.noted.seen);
    let mut notes = below.clone().flat_map(deciding_notes);
    if notes.any(|note| known < note && note <= run.noted.seen) {
        return true;
    }
    let since = shown_by.seq.max(last.seq);
    let attempts = history.iter().filter(|point| point.seq > since);
    let runs: BTreeSet<&str> = attempts
        .chain([run])
        .map(|point| point.run_id.as_str())
        .collect();
    below
        .clone()
        .any(|point| runs.contains(point.run_id.as_str()))
}

/// Returns the value by which a run told of steps; `None` for one that was a candidate then.
fn value_to_tell(run: &Point, asked: Asked<'_>) -> Option<f64> {
    let was_candidate = |accepted| accepted > run.noted.seen;
    if run.noted.accepted_by.is_some_and(was_candidate) {
        return None;
    }
    run.metric(asked.name).and_then(MetricValue::finite)
}

/// The notes by which a point serves or does not.
fn deciding_notes(point: &Point) -> impl Iterator<Item = u64> + use<> {
    let notes = [point.noted.deleted_by, point.noted.accepted_by];
    notes.into_iter().flatten()
}

/// A run that told of a step.
struct Told {
    run: SnapshotSeq,
    side: Side,
}

impl Told {
    fn tells(&self, earlier: &EarlierStep, step: &ShiftSeen) -> bool {
        self.side == step.side && self.run >= step.onset && Some(self.run) > earlier.after
    }
}

/// Asks every run since `onset` that serves today what it told, oldest first, each with the notes
/// that it saw.
fn told_since(onset: SnapshotSeq, reference: &Reference<'_>, asked: Asked<'_>) -> Vec<Told> {
    let history = reference.history;
    let mut notes: Vec<u64> = history.iter().flat_map(deciding_notes).collect();
    notes.sort_unstable();
    // As it was seen with so many of these notes.
    let mut seen_with: Option<(usize, Vec<Point>)> = None;
    let mut told: Vec<Told> = Vec::new();
    for run in reference.alike().filter(|run| run.seq >= onset) {
        let seen = run.noted.seen;
        let Some(value) = value_to_tell(run, asked) else {
            continue;
        };
        let known = notes.partition_point(|note| *note <= seen);
        if seen_with.as_ref().is_none_or(|(with, _)| *with != known) {
            let points = history.iter().map(|point| point.as_seen(seen));
            seen_with = Some((known, points.collect()));
        }
        let Some((_, points)) = &seen_with else {
            continue;
        };
        let below = points.partition_point(|point| point.seq >= run.seq);
        let told_then = Reference::of(&points[below..], run, asked.min_runs);
        let held = told_then.held(asked.name, run);
        let values = held.earlier.values.iter().chain(&held.repeats.values);
        let scale = Scale::of(asked, values.copied().chain([value]));
        let replay = scale.shifts(&held, run.seq, value);
        let late = replay.earlier.as_ref().and_then(|earlier| {
            let step = earlier.step.as_ref()?;
            let is_late = earlier.shown_by >= onset
                && is_news(earlier, &told_then, run, asked)
                && !told.iter().any(|told| told.tells(earlier, step));
            is_late.then_some(step.side)
        });
        if let Some(side) = replay.seen.map(|step| step.side).or(late) {
            told.push(Told { run: run.seq, side });
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::super::point::PointNotes;
    use super::super::point::sample::point;
    use super::*;
    use crate::profile::{Direction, Tolerance};
    use crate::verdict::metric::judge_metric;

    /// A usual run, whichever place it has.
    const USUAL: [f64; 7] = [0.8203, 0.8196, 0.8211, 0.8189, 0.8207, 0.8193, 0.8201];
    /// By how much less a run has after the step.
    const STEP: f64 = 0.009;

    fn value(seq: u64, first_after: u64) -> f64 {
        let usual = USUAL[usize::try_from(seq).unwrap() % USUAL.len()];
        if seq < first_after {
            usual
        } else {
            usual - STEP
        }
    }

    /// What is noted, and before which run.
    #[derive(Debug, Clone, Copy)]
    enum Noted {
        Deleted(u64),
        Accepted(u64),
    }

    /// The runs that tell of a step to the worse side, of the log of these points, oldest first,
    /// where the notes are made right before the run that each names.
    fn told_by(points: &[Point], notes: &[(u64, Noted)]) -> Vec<u64> {
        let seen = |run: u64| notes.iter().filter(|(before, _)| *before <= run).count() as u64;
        let mut telling = Vec::new();
        for current in points.iter().skip(1) {
            let mut current = current.clone();
            current.noted.seen = seen(current.seq.0);
            let current = &current;
            let mut history: Vec<Point> = points
                .iter()
                .filter(|point| point.seq < current.seq)
                .cloned()
                .collect();
            history.reverse();
            for point in &mut history {
                point.noted.seen = seen(point.seq.0);
                for (place, (before, noted)) in (1..).zip(notes) {
                    if *before > current.seq.0 {
                        continue;
                    }
                    match noted {
                        Noted::Deleted(seq) if *seq == point.seq.0 => {
                            point.deleted = true;
                            point.noted.deleted_by = Some(place);
                        }
                        Noted::Accepted(seq) if *seq == point.seq.0 => {
                            point.candidate = false;
                            point.noted.accepted_by = Some(place);
                        }
                        _ => {}
                    }
                }
            }
            let asked = Asked {
                name: "auc",
                value: current.metric("auc").and_then(MetricValue::finite),
                direction: Direction::Higher,
                tolerance: Tolerance {
                    absolute: 0.0,
                    relative: 0.0,
                    log: false,
                },
                judged: 1,
                one: None,
                is_watched: true,
                min_runs: 5,
                noise_window: 30,
            };
            let reference = Reference::of(&history, current, 5);
            let verdict = judge_metric(&reference, current, asked);
            if verdict.shift.is_some_and(|step| step.side == Side::Low) && !current.candidate {
                telling.push(current.seq.0);
            }
        }
        telling
    }

    fn log(runs: u64, value: impl Fn(u64) -> f64) -> Vec<Point> {
        (1..=runs).map(|seq| point(seq, value(seq))).collect()
    }

    #[test]
    fn a_step_is_told_once_whenever_a_broken_run_is_deleted() {
        let broken = |seq| if seq == 11 { 0.7 } else { value(seq, 18) };
        let points = log(34, broken);
        let usual = told_by(&points, &[]);
        assert_eq!(usual.len(), 1, "{usual:?}");
        for before in 12..=34 {
            let told = told_by(&points, &[(before, Noted::Deleted(11))]);
            assert_eq!(told.len(), 1, "deleted before #{before}: {told:?}");
            assert!(told[0] <= usual[0].max(before), "{before}: {told:?}");
        }
    }

    #[test]
    fn a_step_is_told_once_whenever_candidates_that_show_it_are_accepted() {
        let mut points = log(34, |seq| value(seq, 15));
        for point in &mut points[14..17] {
            point.candidate = true;
        }
        for before in 18..=34 {
            let notes = [15, 16, 17].map(|seq| (before, Noted::Accepted(seq)));
            let told = told_by(&points, &notes);
            assert_eq!(told.len(), 1, "accepted before #{before}: {told:?}");
        }
    }

    #[test]
    fn a_step_is_told_once_whenever_a_broken_run_is_tried_again() {
        let broken = |seq| if seq == 11 { 0.7 } else { value(seq, 20) };
        for at in 12..=40 {
            let mut points = log(40, broken);
            points[at - 1].run_id = points[10].run_id.clone();
            let told = told_by(&points, &[]);
            assert_eq!(told.len(), 1, "again as #{at}: {told:?}");
        }
    }

    #[test]
    fn a_step_is_told_once_also_where_what_told_it_is_half_out_of_sight() {
        let broken = |seq| match seq {
            46 | 51 => 0.7,
            _ => value(seq, 66),
        };
        let points = log(116, broken);
        for before in (70..=112).step_by(6) {
            let notes = [(58, Noted::Deleted(46)), (before, Noted::Deleted(51))];
            let told = told_by(&points, &notes);
            assert_eq!(told.len(), 1, "deleted before #{before}: {told:?}");
        }
    }

    #[test]
    fn each_of_two_steps_to_the_same_side_is_told_once() {
        let twice = |seq| value(seq, 16) - if seq < 26 { 0.0 } else { 2.0 * STEP };
        let points = log(44, twice);
        assert_eq!(told_by(&points, &[]).len(), 2);
        for before in 12..=44 {
            let told = told_by(&points, &[(before, Noted::Deleted(5))]);
            assert_eq!(told.len(), 2, "deleted before #{before}: {told:?}");
        }
    }

    #[test]
    fn a_note_that_changes_nothing_of_a_step_tells_it_to_nobody_again() {
        let points = log(34, |seq| value(seq, 18));
        let usual = told_by(&points, &[]);
        for deleted in [1, 2, 17] {
            for before in 24..=34 {
                let told = told_by(&points, &[(before, Noted::Deleted(deleted))]);
                assert_eq!(told, usual, "#{deleted} deleted before #{before}");
            }
        }
    }

    #[test]
    fn as_seen_takes_back_what_was_noted_later() {
        let mut it = point(3, 0.5);
        it.deleted = true;
        it.noted = PointNotes {
            seen: 1,
            deleted_by: Some(4),
            accepted_by: Some(2),
        };
        let seen = |notes| {
            let then = it.as_seen(notes);
            (then.candidate, then.deleted)
        };
        assert_eq!(
            [seen(1), seen(2), seen(4)],
            [(true, false), (false, false), (false, true)]
        );
    }
}
