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

use super::asked::{Asked, One};
use super::held::{HeldAgainst, NotHeld, ShiftSeen};
use super::noise::{REPEATS, Side, Stake};
use super::reference::{Held, Reference, Series};
use super::scale::{Replay, Scale};
use super::{Overall, Point, sentence, told};
use crate::canon;
use crate::profile::Direction;

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
    /// What it was held against, or why that was not possible.
    pub held: Result<HeldAgainst, NotHeld>,
    /// A lasting step that the current run shows.
    pub shift: Option<ShiftSeen>,
}

impl MetricVerdict {
    /// Returns the stable JSON form.
    pub(super) fn to_json(&self) -> Value {
        json!({
            "name": self.name,
            "overall": self.overall.as_str(),
            "reason": sentence::reason(self),
            "direction": self.direction.as_str(),
            "value": self.value.and_then(canon::number),
            "repeats": self.repeats,
            "noise": self.held.as_ref().ok().map(HeldAgainst::to_json),
            "shift": self.shift.as_ref().map(ShiftSeen::to_json),
        })
    }
}

/// Judges one metric.
pub(super) fn judge_metric(
    reference: &Reference<'_>,
    current: &Point,
    asked: Asked<'_>,
) -> MetricVerdict {
    let not_finite = |place| NotHeld::NotFinite {
        name: asked.name.to_owned(),
        place,
    };
    let mut verdict = MetricVerdict {
        name: asked.name.to_owned(),
        overall: Overall::Undecided,
        direction: asked.direction,
        value: asked.value,
        repeats: 1,
        held: Err(not_finite(None)),
        shift: None,
    };
    let Some(value) = asked.value else {
        return verdict;
    };
    if let Some(One {
        place, value: None, ..
    }) = asked.one
    {
        verdict.held = Err(not_finite(Some(place)));
        return verdict;
    }
    let held = reference.held(asked.name, current);
    let values = held.earlier.values.iter().chain(&held.repeats.values);
    let one = asked.one.and_then(|one| one.value);
    let scale = Scale::of(asked, values.copied().chain([value]).chain(one));
    let replay = if asked.is_watched {
        scale.shifts(&held, current.seq, value)
    } else {
        Replay::default()
    };
    let onset = replay.onset;
    // Between two single runs neither repeats nor steps count.
    let (judged, repeats) = match one {
        None => repeated(&held.repeats.values, value),
        Some(_) => (value, 1),
    };
    verdict.value = Some(judged);
    verdict.repeats = repeats;
    if one.is_none() {
        verdict.shift = told::first_told(replay, reference, current, asked);
    }
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
            verdict.held = Err(NotHeld::TooLarge {
                name: asked.name.to_owned(),
            });
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

fn too_few(held: &Held, reference: &Reference<'_>, current: &Point, asked: Asked<'_>) -> NotHeld {
    if reference.same_settings == 0 {
        return NotHeld::NewSettings {
            is_sweep_point: current.sweep.is_some(),
        };
    }
    NotHeld::TooFew {
        name: asked.name.to_owned(),
        have: held.earlier.values.len() + held.repeats.values.len(),
        need: asked.min_runs,
        twins: held.twins,
        not_finite: held.not_finite,
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
