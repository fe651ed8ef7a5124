//! How the distance of two values of a metric is taken, and from which distance on it counts.
//!
//! A metric is judged as it stands or by its logarithm, never closer than its tolerance and its
//! grain. The invariant kept: limits are worked out on the scale that is judged and told in the
//! metric's own unit. Which runs are held against each other belongs to the metric.

use super::asked::Asked;
use super::held::{HeldAgainst, ShiftSeen};
use super::noise::{
    Band, JUDGED, Pooled, SHIFT_RUNS_MAX, Shift, ShiftWatch, Side, Stake, grain, median,
};
use super::reference::{Held, Reference, Series};
use crate::id::SnapshotSeq;
use crate::profile::{Direction, Tolerance};

/// What replaying the runs up to the current one shows.
#[derive(Debug, Default)]
pub(super) struct Replay {
    /// Where the last step before the current run began, among the values.
    pub(super) onset: Option<usize>,
    /// The step that the current run is the first to show.
    pub(super) seen: Option<ShiftSeen>,
    /// The last step that an earlier run is the first to show.
    pub(super) earlier: Option<EarlierStep>,
}

/// A step that an earlier run is the first to show.
#[derive(Debug)]
pub(super) struct EarlierStep {
    /// The run that shows it.
    pub(super) shown_by: SnapshotSeq,
    /// The run that shows the step before it.
    pub(super) after: Option<SnapshotSeq>,
    /// The step as it stands by now; `None` where nothing is left of it.
    pub(super) step: Option<ShiftSeen>,
}

/// How the distance of two values is taken, and which distance never counts.
pub(super) struct Scale {
    log: bool,
    tolerance: Tolerance,
    /// One step of the values, in their own unit.
    grain: f64,
    min_runs: usize,
    worse: Option<Side>,
    /// The single run that values are held against.
    one: Option<(SnapshotSeq, f64)>,
    /// How lucky that one is expected to be, in spreads.
    luck: f64,
}

impl Scale {
    pub(super) fn of(asked: Asked<'_>, values: impl Iterator<Item = f64> + Clone) -> Self {
        Self {
            // Zero and below have no logarithm: such a metric is judged as it stands.
            log: asked.tolerance.log && values.clone().all(|value| value > 0.0),
            tolerance: asked.tolerance,
            grain: grain(values),
            min_runs: asked.min_runs,
            worse: match asked.direction {
                Direction::Higher => Some(Side::Low),
                Direction::Lower => Some(Side::High),
                Direction::None => None,
            },
            one: asked.one.and_then(|one| Some((one.place, one.value?))),
            luck: asked.one.map_or(0.0, |one| one.luck),
        }
    }

    fn to(&self, value: f64) -> f64 {
        if self.log { libm::log(value) } else { value }
    }

    fn back(&self, value: f64) -> f64 {
        if self.log { libm::exp(value) } else { value }
    }

    /// The distance around `value` that never counts, in its own unit.
    fn floor(&self, value: f64) -> f64 {
        self.tolerance.used(value, value).max(self.grain)
    }

    /// The same on the scale that is judged.
    fn floor_on_scale(&self, value: f64) -> f64 {
        if self.log {
            libm::log1p(self.floor(value) / value)
        } else {
            self.floor(value)
        }
    }

    /// Whether a step between two values, on the scale that is judged, is too small to count.
    fn is_nothing(&self, one: f64, other: f64) -> bool {
        let [one, other] = [one, other].map(|value| self.back(value));
        let last_place = f64::EPSILON * one.abs().max(other.abs());
        self.tolerance.covers(one, other) || (one - other).abs() <= self.grain + last_place
    }

    /// Replays the runs, and looks after each for a lasting step.
    pub(super) fn shifts(&self, held: &Held, current: SnapshotSeq, value: f64) -> Replay {
        let counts = |before: f64, after: f64| !self.is_nothing(before, after);
        let mut places = held.earlier.places.clone();
        places.extend(&held.repeats.places);
        places.push(current);
        let mut values = held.earlier.values.clone();
        values.extend(&held.repeats.values);
        values.push(value);
        let from = values.len().saturating_sub(SHIFT_RUNS_MAX + SHIFT_RUNS_MAX);
        let mut watch = ShiftWatch::default();
        let mut replay = Replay::default();
        let mut last: Option<(usize, Shift)> = None;
        for (at, value) in values.iter().enumerate().skip(from) {
            let Some(shift) = watch.push(self.to(*value), counts) else {
                continue;
            };
            let first = at + 1 - shift.since;
            if at + 1 == values.len() {
                replay.seen = Some(ShiftSeen {
                    onset: places[first],
                    since: shift.since,
                    before: self.back(shift.before),
                    after: self.back(shift.after),
                    side: shift.side,
                });
                break;
            }
            // A shift among the repeats leaves what they are held against as it is.
            replay.onset = (first < held.earlier.values.len())
                .then_some(first)
                .or(replay.onset);
            replay.earlier = Some(EarlierStep {
                shown_by: places[at],
                after: last.map(|(at, _)| places[at]),
                step: None,
            });
            last = Some((at, shift));
        }
        if let (Some((at, shift)), Some(earlier)) = (last, &mut replay.earlier) {
            let first = at + 1 - shift.since;
            let since: Vec<f64> = values[first..].iter().map(|it| self.to(*it)).collect();
            let after = median(&since);
            let is_left = shift.side.down(shift.before) > shift.side.down(after);
            earlier.step = (is_left && counts(shift.before, after)).then(|| ShiftSeen {
                onset: places[first],
                since: since.len(),
                before: self.back(shift.before),
                after: self.back(after),
                side: shift.side,
            });
        }
        replay
    }

    /// By how many spreads a typical run is expected to a side of the single one.
    fn luck_to(&self, side: Side) -> f64 {
        if self.worse == Some(side) {
            self.luck
        } else {
            0.0
        }
    }

    pub(super) fn by_band(&self, window: &Series, stake: Stake) -> Option<HeldAgainst> {
        if window.values.len() < self.min_runs {
            return None;
        }
        let values: Vec<f64> = window.values.iter().map(|value| self.to(*value)).collect();
        let middle = match self.one {
            None => median(&window.values),
            Some((_, value)) => value,
        };
        let floor = self.floor_on_scale(middle);
        let [low, high] = [Side::Low, Side::High].map(|side| Band::of(&values, side, floor, stake));
        let [low, high] = match self.one {
            None => [low?, high?],
            Some((_, value)) => Band::around_one([low?, high?], &values, self.to(value)),
        };
        let sides = [(Side::Low, low), (Side::High, high)]
            .map(|(side, band)| (side, band.with_luck(self.luck_to(side))));
        let mut without: Vec<SnapshotSeq> = sides
            .iter()
            .filter_map(|(_, band)| {
                let dropped = band.dropped?;
                let at = values
                    .iter()
                    .position(|value| value.total_cmp(&dropped).is_eq())?;
                Some(window.places[at])
            })
            .collect();
        without.sort_unstable();
        let end = |(side, band): (Side, Band)| {
            let off = side.down(band.median) - band.distance().max(floor);
            self.back(side.down(off))
        };
        let seen = |(side, band): (Side, Band)| {
            let off = side.down(side.down(band.median) - band.detectable(floor));
            (self.back(off) - self.back(band.median)).abs()
        };
        let asked = sides
            .into_iter()
            .filter(|(side, _)| self.worse.is_none_or(|worse| worse == *side));
        Some(HeldAgainst {
            pooled: None,
            one: self.one.map(|(place, _)| place),
            luck: self.luck,
            runs: window.values.len(),
            between: ends(window)?,
            median: middle,
            low: end(sides[0]),
            high: end(sides[1]),
            detectable: asked.map(seen).fold(0.0, f64::max),
            without,
            log: self.log,
            twins: 0,
            not_finite: 0,
        })
    }

    pub(super) fn by_pool(
        &self,
        window: &Series,
        reference: &Reference<'_>,
        asked: Asked<'_>,
        stake: Stake,
    ) -> Option<HeldAgainst> {
        let between = match self.one {
            None => ends(window)?,
            Some((place, _)) => (place, place),
        };
        let mut groups = reference.by_settings(asked.name);
        if self.log && groups.iter().flatten().any(|value| *value <= 0.0) {
            return None;
        }
        for value in groups.iter_mut().flatten() {
            *value = self.to(*value);
        }
        let pooled = Pooled::of(groups.iter().map(Vec::as_slice))?;
        let (runs, middle) = match self.one {
            None => {
                let on_scale = window.values.iter().map(|value| self.to(*value));
                let middle = on_scale.sum::<f64>() / super::noise::count(&window.values);
                (window.values.len(), middle)
            }
            Some((_, value)) => (1, self.to(value)),
        };
        let own = self.back(middle);
        let floor = self.floor_on_scale(own);
        let judged = stake.judged.min(JUDGED[JUDGED.len() - 1]);
        let distance = pooled.distance(runs, stake.repeats, judged);
        let [below, above] = [Side::Low, Side::High]
            .map(|side| match self.luck_to(side) {
                luck if luck > 0.0 => distance + luck * pooled.deviation,
                _ => distance,
            })
            .map(|distance| distance.max(floor));
        let margin = pooled.margin(runs, stake.repeats);
        let down = (self.back(middle - below - margin) - own).abs();
        let up = (self.back(middle + above + margin) - own).abs();
        Some(HeldAgainst {
            pooled: Some((pooled.degrees, pooled.groups)),
            one: self.one.map(|(place, _)| place),
            luck: self.luck,
            runs,
            between,
            median: own,
            low: self.back(middle - below),
            high: self.back(middle + above),
            detectable: match self.worse {
                Some(Side::Low) => down,
                Some(Side::High) => up,
                None => down.max(up),
            },
            without: Vec::new(),
            log: self.log,
            twins: 0,
            not_finite: 0,
        })
    }

    pub(super) fn is_beyond(&self, held: &HeldAgainst, value: f64, side: Side) -> bool {
        let limit = match side {
            Side::Low => held.low,
            Side::High => held.high,
        };
        side.down(value) < side.down(limit)
            && !self.is_nothing(self.to(held.median), self.to(value))
    }
}

fn ends(series: &Series) -> Option<(SnapshotSeq, SnapshotSeq)> {
    Some((*series.places.first()?, *series.places.last()?))
}
