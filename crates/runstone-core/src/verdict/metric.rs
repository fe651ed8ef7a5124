//! One metric of the current run against its own history.
//!
//! ```text
//! held values → since the last shift → band of each side, else pooled → beyond?
//!                     └ with the current one → a shift now?
//! ```
//!
//! The invariant kept: a value counts only beyond the noise, the tolerance and the grain at once,
//! and where the noise is not known nothing is said about it. Which metric decides for the run
//! belongs to the judge, the words to the sentence.

use serde_json::{Value, json};

use super::noise::{Band, JUDGED, Pooled, REPEATS, SHIFT_RUNS_MAX, ShiftWatch, Side, Stake, grain};
use super::reference::{Held, Reference, Series};
use super::{Overall, Point, sentence};
use crate::canon;
use crate::id::SnapshotSeq;
use crate::profile::{Direction, Tolerance};

/// What is asked about one metric.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) name: &'a str,
    /// The current run's value; `None` if it has none or no finite one.
    pub(super) value: Option<f64>,
    pub(super) direction: Direction,
    pub(super) tolerance: Tolerance,
    /// How many metrics share the rate of false alarms.
    pub(super) judged: usize,
    /// The single run it is held against; `None`: the middle of its history.
    pub(super) one: Option<One>,
    /// Whether a lasting step is looked for.
    pub(super) is_watched: bool,
    /// Fewest earlier runs.
    pub(super) min_runs: usize,
    /// Most earlier runs.
    pub(super) noise_window: usize,
}

/// A single run that another one is held against.
#[derive(Debug, Clone, Copy)]
pub(super) struct One {
    pub(super) place: SnapshotSeq,
    /// Its value; `None` if it has none or no finite one.
    pub(super) value: Option<f64>,
    /// By how many spreads it is expected on the better side of a typical run, since it was chosen
    /// as the best of several.
    pub(super) luck: f64,
}

/// What became of one metric.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricVerdict {
    /// Its flat name.
    pub name: String,
    /// The answer for it alone.
    pub overall: Overall,
    /// Which way is better.
    pub direction: Direction,
    /// What was judged: the current value, or the median of the repeats.
    pub value: Option<f64>,
    /// How many runs that value stands for.
    pub repeats: usize,
    /// What it was held against, or why that was not possible, as a fragment.
    pub held: Result<HeldAgainst, String>,
    /// A lasting step that the current run shows.
    pub shift: Option<ShiftSeen>,
}

/// What a value was held against.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldAgainst {
    /// Whether the noise was borrowed from other settings: degrees of freedom and settings.
    pub pooled: Option<(usize, usize)>,
    /// The single run it was held against, where it was not the middle of them.
    pub one: Option<SnapshotSeq>,
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

impl MetricVerdict {
    /// Returns the stable JSON form.
    pub(super) fn to_json(&self) -> Value {
        let number = |value: f64| canon::number(value);
        let held = self.held.as_ref().ok();
        json!({
            "name": self.name,
            "overall": self.overall.as_str(),
            "reason": sentence::reason(self),
            "direction": self.direction.as_str(),
            "value": self.value.and_then(number),
            "repeats": self.repeats,
            "noise": held.map(|held| json!({
                "runs": held.runs,
                "first_seq": held.between.0,
                "last_seq": held.between.1,
                "center": number(held.median),
                "center_seq": held.one,
                "low": number(held.low),
                "high": number(held.high),
                "detectable": number(held.detectable),
                "scale": if held.log { "log" } else { "linear" },
                "without": held.without,
                "exact_repeats": held.twins,
                "not_finite": held.not_finite,
                "pooled": held.pooled.map(|(degrees, settings)| json!({
                    "degrees_of_freedom": degrees,
                    "settings": settings,
                })),
            })),
            "shift": self.shift.as_ref().map(|shift| json!({
                "onset_seq": shift.onset,
                "runs_since": shift.since,
                "before": number(shift.before),
                "after": number(shift.after),
            })),
        })
    }
}

/// Judges one metric.
pub(super) fn judge_metric(
    reference: &Reference<'_>,
    current: &Point,
    asked: Asked<'_>,
) -> MetricVerdict {
    let mut verdict = MetricVerdict {
        name: asked.name.to_owned(),
        overall: Overall::Undecided,
        direction: asked.direction,
        value: asked.value,
        repeats: 1,
        held: Err(format!(
            "`{}` is not a finite number in the current run",
            asked.name
        )),
        shift: None,
    };
    let Some(value) = asked.value else {
        return verdict;
    };
    if let Some(One {
        place, value: None, ..
    }) = asked.one
    {
        verdict.held = Err(format!(
            "`{}` is not a finite number in #{place}",
            asked.name
        ));
        return verdict;
    }
    let held = reference.held(asked.name, current);
    let values = held.earlier.values.iter().chain(&held.repeats.values);
    let one = asked.one.and_then(|one| one.value);
    let scale = Scale::of(asked, values.copied().chain([value]).chain(one));
    let (onset, shift) = if asked.is_watched {
        scale.shifts(&held, current.seq, value)
    } else {
        (None, None)
    };
    // Between two single runs neither repeats nor steps count.
    let (judged, repeats) = match one {
        None => repeated(&held.repeats.values, value),
        Some(_) => (value, 1),
    };
    verdict.value = Some(judged);
    verdict.repeats = repeats;
    verdict.shift = shift.filter(|_| one.is_none());
    let window = window(&held.earlier, onset, asked);
    let stake = Stake {
        judged: asked.judged
            * if asked.direction == Direction::None {
                2
            } else {
                1
            },
        repeats,
    };
    let found = scale
        .by_band(&window, stake)
        .or_else(|| scale.by_pool(&window, reference, asked, stake));
    match found {
        None => verdict.held = Err(too_few(&held, reference, current, asked)),
        Some(found) if !found.is_finite() => {
            verdict.held = Err(format!(
                "the scatter of `{}` is too large to be measured in binary64",
                asked.name
            ));
        }
        Some(found) => {
            let side = if scale.is_beyond(&found, judged, Side::Low) {
                Some(Side::Low)
            } else if scale.is_beyond(&found, judged, Side::High) {
                Some(Side::High)
            } else {
                None
            };
            verdict.held = Ok(HeldAgainst {
                twins: held.twins,
                not_finite: held.not_finite,
                ..found
            });
            verdict.overall = side.map_or(Overall::Same, |side| word(asked.direction, side));
        }
    }
    if let Some(shift) = &verdict.shift {
        // A lasting step is known as such also where the noise is not.
        verdict.overall = verdict.overall.min(word(asked.direction, shift.side));
    }
    verdict
}

impl HeldAgainst {
    /// Whether every limit is a number: beyond an infinite one nothing would ever count.
    fn is_finite(&self) -> bool {
        [self.median, self.low, self.high, self.detectable]
            .into_iter()
            .all(f64::is_finite)
    }
}

/// The runs that the noise is measured over: since the last shift once enough of them follow,
/// before it until then.
fn window(earlier: &Series, onset: Option<usize>, asked: Asked<'_>) -> Series {
    let settled = match onset {
        Some(at) if earlier.values.len() - at >= asked.min_runs => earlier.since(at),
        Some(at) if at >= asked.min_runs => earlier.until(at),
        _ => earlier.clone(),
    };
    settled.newest(asked.noise_window)
}

/// The median of the repeats, and how many the tables have a row for: the newest of them.
fn repeated(earlier: &[f64], value: f64) -> (f64, usize) {
    let most = REPEATS[REPEATS.len() - 1];
    let kept = &earlier[earlier.len().saturating_sub(most - 1)..];
    let all = [kept, &[value]].concat();
    (super::noise::median(&all), all.len())
}

fn too_few(held: &Held, reference: &Reference<'_>, current: &Point, asked: Asked<'_>) -> String {
    match reference.same_settings {
        0 if current.sweep.is_some() => "sweep point".to_owned(),
        0 => "first run with these settings".to_owned(),
        _ => {
            let have = held.earlier.values.len() + held.repeats.values.len();
            let twins = match held.twins {
                0 => String::new(),
                1 => ", 1 exact repeat left out".to_owned(),
                twins => format!(", {twins} exact repeats left out"),
            };
            let silent = match held.not_finite {
                0 => String::new(),
                silent => format!(", {silent} without a finite `{}` left out", asked.name),
            };
            format!(
                "{} with these settings{twins}{silent}; noise needs {}",
                earlier_runs(have),
                asked.min_runs
            )
        }
    }
}

fn earlier_runs(count: usize) -> String {
    match count {
        1 => "1 earlier run".to_owned(),
        _ => format!("{count} earlier runs"),
    }
}

/// What a move to a side means.
fn word(direction: Direction, side: Side) -> Overall {
    match (direction, side) {
        (Direction::None, _) => Overall::Changed,
        (Direction::Higher, Side::Low) | (Direction::Lower, Side::High) => Overall::Regression,
        (Direction::Higher, Side::High) | (Direction::Lower, Side::Low) => Overall::Improvement,
    }
}

/// How the distance of two values is taken, and which distance never counts.
struct Scale {
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
    fn of(asked: Asked<'_>, values: impl Iterator<Item = f64> + Clone) -> Self {
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

    /// Replays the runs: where the last shift before the current run began, and what it shows
    /// itself.
    fn shifts(
        &self,
        held: &Held,
        current: SnapshotSeq,
        value: f64,
    ) -> (Option<usize>, Option<ShiftSeen>) {
        let counts = |before: f64, after: f64| !self.is_nothing(before, after);
        let mut places = held.earlier.places.clone();
        places.extend(&held.repeats.places);
        places.push(current);
        let mut values = held.earlier.values.clone();
        values.extend(&held.repeats.values);
        values.push(value);
        let from = values.len().saturating_sub(SHIFT_RUNS_MAX + SHIFT_RUNS_MAX);
        let mut watch = ShiftWatch::default();
        let mut onset = None;
        for (at, value) in values.iter().enumerate().skip(from) {
            let Some(shift) = watch.push(self.to(*value), counts) else {
                continue;
            };
            let first = at + 1 - shift.since;
            if at + 1 == values.len() {
                let seen = ShiftSeen {
                    onset: places[first],
                    since: shift.since,
                    before: self.back(shift.before),
                    after: self.back(shift.after),
                    side: shift.side,
                };
                return (onset, Some(seen));
            }
            // A shift among the repeats leaves what they are held against as it is.
            onset = (first < held.earlier.values.len())
                .then_some(first)
                .or(onset);
        }
        (onset, None)
    }

    /// By how many spreads a typical run is expected to a side of the single one.
    fn luck_to(&self, side: Side) -> f64 {
        if self.worse == Some(side) {
            self.luck
        } else {
            0.0
        }
    }

    fn by_band(&self, window: &Series, stake: Stake) -> Option<HeldAgainst> {
        if window.values.len() < self.min_runs {
            return None;
        }
        let values: Vec<f64> = window.values.iter().map(|value| self.to(*value)).collect();
        let middle = match self.one {
            None => super::noise::median(&window.values),
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

    fn by_pool(
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

    fn is_beyond(&self, held: &HeldAgainst, value: f64, side: Side) -> bool {
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
