//! The history of one metric, as a picture of it needs it.
//!
//! Points with their part in the judgement, and the band they were held against: the same numbers
//! that the verdict rests on, in the order of the log. The invariant kept: a run that did not serve
//! is never shown as if it had. Drawing belongs to the faces.

use serde_json::{Value, json};

use super::answer::Verdict;
use super::held::HeldAgainst;
use super::point::{Point, yardsticks};
use crate::canon;
use crate::id::SnapshotSeq;
use crate::metric::MetricValue;
use crate::profile::Direction;

/// The history of one metric up to the current run.
#[derive(Debug, Clone, PartialEq)]
pub struct Trail {
    /// The metric.
    pub name: String,
    /// Which way is better.
    pub direction: Direction,
    /// Runs with a finite value that were not deleted, oldest first, the current one last.
    pub points: Vec<TrailPoint>,
    /// What the current run was held against, where its noise is known.
    pub band: Option<TrailBand>,
    /// The first run after a lasting step that the current run shows.
    pub onset: Option<SnapshotSeq>,
}

/// One run of a history.
#[derive(Debug, Clone, PartialEq)]
pub struct TrailPoint {
    /// Its position in the log.
    pub seq: SnapshotSeq,
    /// The run.
    pub run_id: String,
    /// Its value.
    pub value: f64,
    /// Its part in the judgement.
    pub part: Part,
}

/// The part of a run in the judgement of the current one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// It is judged.
    Current,
    /// It has the current settings, and serves.
    Serves,
    /// It has other settings.
    OtherSettings,
    /// It serves for nobody: failed, a candidate, or another attempt of a run.
    Apart,
}

impl Part {
    /// Returns the word used in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Serves => "serves",
            Self::OtherSettings => "other_settings",
            Self::Apart => "apart",
        }
    }
}

/// The values between which a run does not count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrailBand {
    /// Below it a run counts.
    pub low: f64,
    /// The middle.
    pub center: f64,
    /// Above it a run counts.
    pub high: f64,
    /// The oldest and the newest run that it was measured from.
    pub between: (SnapshotSeq, SnapshotSeq),
}

/// Returns the history of a metric. `history` is the cohort's log below `current`, newest first;
/// `verdict` is the one on `current`. `None` if the current run has no finite value.
pub fn trail(
    history: &[Point],
    current: &Point,
    name: &str,
    direction: Direction,
    verdict: &Verdict,
) -> Option<Trail> {
    let value = |point: &Point| point.metric(name).and_then(MetricValue::finite);
    let shown = |point: &Point, part| {
        Some(TrailPoint {
            seq: point.seq,
            run_id: point.run_id.clone(),
            value: value(point)?,
            part,
        })
    };
    let last = shown(current, Part::Current)?;
    let serving: Vec<SnapshotSeq> = yardsticks(history, Some(current))
        .map(|point| point.seq)
        .collect();
    let part = |point: &Point| match serving.contains(&point.seq) {
        false => Part::Apart,
        true if point.settings == current.settings => Part::Serves,
        true => Part::OtherSettings,
    };
    let mut points: Vec<TrailPoint> = history
        .iter()
        .take(super::LOOK_BACK)
        .filter(|point| !point.deleted)
        .filter_map(|point| shown(point, part(point)))
        .collect();
    points.reverse();
    points.push(last);
    let judged = verdict.metrics.iter().find(|metric| metric.name == name);
    let held = judged.and_then(|metric| metric.held.as_ref().ok());
    Some(Trail {
        name: name.to_owned(),
        direction,
        points,
        band: held.map(band),
        onset: judged
            .and_then(|metric| metric.shift.as_ref())
            .map(|shift| shift.onset),
    })
}

fn band(held: &HeldAgainst) -> TrailBand {
    TrailBand {
        low: held.low,
        center: held.median,
        high: held.high,
        between: held.between,
    }
}

impl Trail {
    /// Returns the newest values of runs that serve and of the current one, oldest first, at most
    /// so many.
    pub fn newest(&self, at_most: usize) -> Vec<f64> {
        let served = self.points.iter().filter(|point| point.part != Part::Apart);
        let values: Vec<f64> = served.map(|point| point.value).collect();
        values[values.len().saturating_sub(at_most)..].to_vec()
    }

    /// Returns the stable JSON form.
    pub fn to_json(&self) -> Value {
        let number = canon::number;
        json!({
            "metric": self.name,
            "direction": self.direction.as_str(),
            "points": self.points.iter().map(|point| json!({
                "snapshot_seq": point.seq,
                "run_id": point.run_id,
                "value": number(point.value),
                "part": point.part.as_str(),
            })).collect::<Vec<_>>(),
            "band": self.band.map(|band| json!({
                "low": number(band.low),
                "center": number(band.center),
                "high": number(band.high),
                "first_seq": band.between.0,
                "last_seq": band.between.1,
            })),
            "onset_seq": self.onset,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::answer::Overall;
    use super::super::answer::sample::verdict;
    use super::super::point::sample::{history, point};
    use super::*;
    use crate::digest::Digest;
    use crate::snapshot::Status;

    #[test]
    fn each_run_that_was_not_deleted_is_shown_with_its_part_and_the_current_one_last() {
        let mut points = history(&[0.1, 0.2, 0.3, f64::NAN, 0.5]);
        points[0].settings = Digest::of(b"other"); // seq 5
        points[2].status = Status::Failed; // seq 3
        points[3].deleted = true; // seq 2
        let found = trail(
            &points,
            &point(6, 0.6),
            "auc",
            Direction::Higher,
            &verdict(Overall::Undecided),
        )
        .unwrap();
        let shown: Vec<(u64, Part)> = found
            .points
            .iter()
            .map(|point| (point.seq.0, point.part))
            .collect();
        assert_eq!(
            shown,
            [
                (1, Part::Serves),
                (3, Part::Apart),
                (5, Part::OtherSettings),
                (6, Part::Current),
            ]
        );
        assert_eq!((found.band, found.onset), (None, None));
        assert_eq!(found.newest(3), [0.1, 0.5, 0.6]);
    }

    #[test]
    fn without_a_value_of_its_own_there_is_no_history_to_show() {
        let points = history(&[0.1; 3]);
        let none = |point: &Point, name: &str| {
            trail(
                &points,
                point,
                name,
                Direction::Higher,
                &verdict(Overall::Undecided),
            )
            .is_none()
        };
        assert!(none(&point(4, f64::NAN), "auc"));
        assert!(none(&point(4, 0.5), "loss"));
        assert!(!none(&point(4, 0.5), "auc"));
    }
}
