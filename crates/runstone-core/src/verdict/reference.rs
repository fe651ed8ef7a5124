//! Which earlier values a metric of the current run is held against.
//!
//! Only runs with the same settings serve, since what separates settings is no noise; seeds and
//! versions may differ, or a library could never be judged. The invariant kept: a run that repeated
//! another one exactly tells nothing of the noise and counts once. What the values say is left to
//! [`super::noise`].

use std::collections::{BTreeMap, BTreeSet};

use super::noise::REPEATS;
use super::point::{Mark, Point, serving, yardsticks};
use crate::digest::Digest;
use crate::id::SnapshotSeq;
use crate::metric::MetricValue;

/// The runs that serve for the current one.
#[derive(Debug)]
pub(super) struct Reference<'h> {
    /// Everything below the current run, newest first.
    pub(super) history: &'h [Point],
    /// Every yardstick, oldest first.
    all: Vec<&'h Point>,
    settings: Digest,
    /// Runs with the same settings, the repeats of the current one included.
    pub(super) same_settings: usize,
    /// How many of the newest of these repeat the current one.
    repeats: usize,
}

/// The values of one metric, oldest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Series {
    pub(super) places: Vec<SnapshotSeq>,
    pub(super) values: Vec<f64>,
}

/// What one metric is held against.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Held {
    /// Earlier runs with the same settings.
    pub(super) earlier: Series,
    /// The runs since then that repeat the current one, itself left out.
    pub(super) repeats: Series,
    /// Runs left out because they repeated another one exactly.
    pub(super) twins: usize,
    /// Runs left out because they have no finite value.
    pub(super) not_finite: usize,
}

impl Series {
    fn push(&mut self, place: SnapshotSeq, value: f64) {
        self.places.push(place);
        self.values.push(value);
    }

    /// Returns the values from a position on.
    pub(super) fn since(&self, at: usize) -> Self {
        Self {
            places: self.places[at..].to_vec(),
            values: self.values[at..].to_vec(),
        }
    }

    /// Returns the values up to a position.
    pub(super) fn until(&self, at: usize) -> Self {
        Self {
            places: self.places[..at].to_vec(),
            values: self.values[..at].to_vec(),
        }
    }

    /// Returns the newest values, at most so many.
    pub(super) fn newest(&self, count: usize) -> Self {
        self.since(self.values.len().saturating_sub(count))
    }
}

impl<'h> Reference<'h> {
    /// Finds the runs that serve. `history` is newest first; so few as `min_runs` earlier runs are
    /// left to hold repeats against, or none is a repeat.
    pub(super) fn of(history: &'h [Point], current: &Point, min_runs: usize) -> Self {
        let mut all: Vec<&Point> = yardsticks(history, Some(current)).collect();
        all.reverse();
        let alike = || {
            all.iter()
                .rev()
                .filter(|at| at.settings == current.settings)
        };
        let same_settings = alike().count();
        let in_a_row = current.state.map_or(0, |state| {
            alike().take_while(|at| at.state == Some(state)).count()
        });
        // Where nothing but chance changed for long, these runs are the noise and no repeats.
        let most = REPEATS[REPEATS.len() - 1];
        let repeats = if in_a_row < most && same_settings - in_a_row >= min_runs {
            in_a_row
        } else {
            0
        };
        Self {
            history,
            all,
            settings: current.settings,
            same_settings,
            repeats,
        }
    }

    /// Returns the runs with the current settings, oldest first.
    pub(super) fn alike(&self) -> impl Iterator<Item = &'h Point> {
        let settings = self.settings;
        let all = self.all.iter().copied();
        all.filter(move |at| at.settings == settings)
    }

    /// Returns what a metric is held against.
    pub(super) fn held(&self, name: &str, current: &Point) -> Held {
        let mut held = Held {
            earlier: Series::default(),
            repeats: Series::default(),
            twins: 0,
            not_finite: 0,
        };
        let alike: Vec<&Point> = self.alike().collect();
        let (earlier, repeats) = alike.split_at(alike.len() - self.repeats);
        let mut seen = BTreeSet::new();
        for point in earlier {
            match finite(point, name) {
                None => held.not_finite += 1,
                Some(_) if is_twin(&mut seen, point.twin) => held.twins += 1,
                Some(value) => held.earlier.push(point.seq, value),
            }
        }
        let mut seen: BTreeSet<Mark> = current.twin.into_iter().collect();
        for point in repeats {
            if let Some(value) = finite(point, name)
                && !is_twin(&mut seen, point.twin)
            {
                held.repeats.push(point.seq, value);
            }
        }
        held
    }

    /// Returns the values of a metric by settings, each exact repeat once, those of the current
    /// settings first.
    pub(super) fn by_settings(&self, name: &str) -> Vec<Vec<f64>> {
        let mut groups: BTreeMap<Digest, Vec<f64>> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for point in &self.all {
            if let Some(value) = finite(point, name)
                && !is_twin(&mut seen, point.twin)
            {
                groups.entry(point.settings).or_default().push(value);
            }
        }
        let own = groups.remove(&self.settings).unwrap_or_default();
        std::iter::once(own).chain(groups.into_values()).collect()
    }
}

/// Returns the values of a metric by settings, oldest first, of every run that serves as a
/// yardstick, each exact repeat once. `value` tells what a run has, given what its point keeps.
pub fn values_by_settings(
    points: &[Point],
    name: &str,
    value: impl Fn(SnapshotSeq, Option<MetricValue>) -> Option<MetricValue>,
) -> Vec<Vec<f64>> {
    let mut groups: BTreeMap<Digest, Vec<f64>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let all: Vec<&Point> = serving(points, None).collect();
    for point in all.into_iter().rev() {
        let found = value(point.seq, point.metric(name)).and_then(MetricValue::finite);
        if let Some(found) = found
            && !is_twin(&mut seen, point.twin)
        {
            groups.entry(point.settings).or_default().push(found);
        }
    }
    groups.into_values().collect()
}

fn finite(point: &Point, name: &str) -> Option<f64> {
    point.metric(name).and_then(MetricValue::finite)
}

fn is_twin(seen: &mut BTreeSet<Mark>, twin: Option<Mark>) -> bool {
    twin.is_some_and(|twin| !seen.insert(twin))
}

#[cfg(test)]
mod tests {
    use super::super::point::sample::{history, point};
    use super::*;

    fn held(points: &[Point], current: &Point) -> Held {
        Reference::of(points, current, 5).held("auc", current)
    }

    #[test]
    fn other_settings_never_serve() {
        let mut points = history(&[0.1, 0.2, 0.3]);
        points[1].settings = Digest::of(b"other");
        let current = point(4, 0.5);
        let found = held(&points, &current);
        assert_eq!(found.earlier.values, [0.1, 0.3]);
        assert_eq!(found.earlier.places, [SnapshotSeq(1), SnapshotSeq(3)]);
    }

    #[test]
    fn exact_repeats_count_once_and_values_that_are_no_numbers_do_not() {
        let mut points = history(&[0.1, 0.1, 0.1, f64::NAN, 0.3]);
        for at in [2, 3, 4] {
            points[at].twin = Some(Mark(7));
        }
        let found = held(&points, &point(6, 0.5));
        assert_eq!(found.earlier.values, [0.1, 0.3]);
        assert_eq!((found.twins, found.not_finite), (2, 1));
        // Equal values that cannot be told to be exact repeats all count.
        assert_eq!(
            held(&history(&[0.1; 5]), &point(6, 0.5))
                .earlier
                .values
                .len(),
            5
        );
    }

    #[test]
    fn runs_since_the_last_change_of_code_repeat_the_current_one() {
        let mut points = history(&[0.1; 8]);
        let current = Point {
            state: Some(Mark(2)),
            ..point(9, 0.5)
        };
        for (at, point) in points.iter_mut().enumerate() {
            point.state = Some(Mark(if at < 2 { 2 } else { 1 }));
        }
        let found = held(&points, &current);
        assert_eq!(
            (found.earlier.values.len(), found.repeats.values.len()),
            (6, 2)
        );
        // Unknown code is not the same code.
        let unknown = Point {
            state: None,
            ..current.clone()
        };
        assert_eq!(held(&points, &unknown).repeats.values.len(), 0);
        // Too few runs before the change: all of them are the noise.
        assert_eq!(held(&points[..6], &current).repeats.values.len(), 0);
    }

    #[test]
    fn where_nothing_changed_for_long_runs_are_the_noise() {
        let mut points = history(&[0.1; 20]);
        for (at, point) in points.iter_mut().enumerate() {
            point.state = Some(Mark(if at < 5 { 2 } else { 1 }));
        }
        let current = Point {
            state: Some(Mark(2)),
            ..point(21, 0.5)
        };
        assert_eq!(held(&points, &current).earlier.values.len(), 20);
    }

    #[test]
    fn values_by_settings_begin_with_the_current_ones() {
        let mut points = history(&[0.1, 0.2, 0.3]);
        points[0].settings = Digest::of(b"a");
        points[2].settings = Digest::of(b"a");
        let found = Reference::of(&points, &point(4, 0.5), 5).by_settings("auc");
        assert_eq!(found, [vec![0.2], vec![0.1, 0.3]]);
    }

    #[test]
    fn a_table_pools_every_run_that_serves_and_each_exact_repeat_once() {
        let mut points = history(&[0.1, 0.1, 0.2, 0.3, f64::NAN]);
        points[4].twin = Some(Mark(7));
        points[3].twin = Some(Mark(7));
        points[1].settings = Digest::of(b"other");
        let of = |points: &[Point]| values_by_settings(points, "auc", |_seq, kept| kept);
        let mut found = of(&points);
        found.sort_by_key(Vec::len);
        assert_eq!(found, [vec![0.3], vec![0.1, 0.2]]);
        points[2].candidate = true;
        assert_eq!(of(&points).concat().len(), 2);
    }
}
