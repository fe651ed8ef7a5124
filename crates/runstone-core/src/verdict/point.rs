//! One snapshot as the judgement sees it, and which of them serve as a yardstick.
//!
//! A point is what an envelope's summary tells, so that looking back parses no payload. The
//! invariant kept: previous, baseline and noise agree on which runs serve, because all of them ask
//! [`yardsticks`].

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use crate::digest::Digest;
use crate::id::{Attempt, SnapshotSeq};
use crate::metric::MetricValue;
use crate::snapshot::Status;

/// How many snapshots of a cohort are looked back at.
pub const LOOK_BACK: usize = 64;

/// One snapshot as the judgement sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Its position in the cohort's log.
    pub seq: SnapshotSeq,
    /// The run, in the form in which equal ids are equal ([`crate::id::RunId::compared`]).
    pub run_id: String,
    /// Which retry.
    pub attempt: Attempt,
    /// How it ended.
    pub status: Status,
    /// Judged, but no yardstick; `false` once accepted.
    pub candidate: bool,
    /// Deleted by a note: it keeps its place and is no yardstick.
    pub deleted: bool,
    /// Which notes its envelope saw, and which of those seen now made it what it is.
    pub noted: PointNotes,
    /// The search it is a point of.
    pub sweep: Option<String>,
    /// Fingerprint of its settings.
    pub settings: Digest,
    /// The metrics that decide, by name: one, or two or three that decide together.
    pub primary: Vec<(String, MetricValue)>,
    /// Other metrics that are kept for looking back, by name.
    pub others: Arc<[(String, MetricValue)]>,
    /// Equal in two runs of which one repeated the other exactly: with equal factors, seeds among
    /// them, and equal results. `None`: it cannot be told, such as without a declared seed.
    pub twin: Option<Mark>,
    /// Equal in two runs with the same settings, versions, environment and code. `None`: not all
    /// of these are known.
    pub state: Option<Mark>,
    /// SHA-256 of its canonical payload.
    pub sha256: Digest,
}

/// Notes around a point, by their places in the cohort's log of notes, which count from 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PointNotes {
    /// The newest that its envelope saw; 0: none.
    pub seen: u64,
    /// The one that deleted it.
    pub deleted_by: Option<u64>,
    /// The one that accepted it.
    pub accepted_by: Option<u64>,
}

/// Names content among the few snapshots of a window: the first 64 bits of a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(pub u64);

impl Mark {
    /// Returns the mark of a digest.
    pub fn of(digest: Digest) -> Self {
        let bytes = digest.as_bytes().iter().take(8);
        Self(bytes.fold(0, |bits, byte| bits << 8 | u64::from(*byte)))
    }

    /// Reads what [`fmt::Display`] prints.
    pub fn from_text(text: &str) -> Option<Self> {
        let found = Self(u64::from_str_radix(text, 16).ok()?);
        (found.to_string() == text).then_some(found)
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Point {
    /// Returns the point as whoever saw the notes up to `seen` saw it.
    pub(super) fn as_seen(&self, seen: u64) -> Self {
        let is_later = |note: Option<u64>| note.is_some_and(|note| note > seen);
        Self {
            candidate: self.candidate || is_later(self.noted.accepted_by),
            deleted: self.deleted && !is_later(self.noted.deleted_by),
            ..self.clone()
        }
    }

    /// Whether another run has the same settings and the same values of what decides.
    pub fn has_the_values_of(&self, other: &Self) -> bool {
        self.settings == other.settings && self.primary == other.primary
    }

    /// Returns the value of a metric, if it is kept.
    pub fn metric(&self, name: &str) -> Option<MetricValue> {
        let mut all = self.primary.iter().chain(self.others.iter());
        all.find(|(own, _)| own == name).map(|(_, value)| *value)
    }

    /// Returns the metric that decides alone; `None` if none or several do.
    pub fn decides(&self) -> Option<&(String, MetricValue)> {
        match self.primary.as_slice() {
            [alone] => Some(alone),
            _ => None,
        }
    }
}

/// Returns the points that serve as a yardstick for `current`, newest first: of every other run the
/// newest attempt that finished, is no candidate and was not deleted.
pub(super) fn yardsticks<'a>(
    history: &'a [Point],
    current: Option<&Point>,
) -> impl Iterator<Item = &'a Point> {
    serving(&history[..history.len().min(LOOK_BACK)], current)
}

/// The same, however far back.
pub(super) fn serving<'a>(
    history: &'a [Point],
    current: Option<&Point>,
) -> impl Iterator<Item = &'a Point> {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let own = current.map(|point| point.run_id.clone());
    history.iter().filter(move |point| {
        point.status == Status::Finished
            && !point.candidate
            && !point.deleted
            && own.as_ref() != Some(&point.run_id)
            && seen.insert(&point.run_id)
    })
}

/// Returns the points that serve as a yardstick for `current` and have its settings, oldest first.
pub fn same_settings<'a>(history: &'a [Point], current: &Point) -> Vec<&'a Point> {
    let mut found: Vec<&Point> = yardsticks(history, Some(current))
        .filter(|point| point.settings == current.settings)
        .collect();
    found.reverse();
    found
}

/// Returns the points below `first` that serve as a yardstick for `current`, oldest first.
pub fn serving_before<'a>(
    history: &'a [Point],
    current: &Point,
    first: SnapshotSeq,
) -> Vec<&'a Point> {
    let mut found: Vec<&Point> = yardsticks(history, Some(current))
        .filter(|point| point.seq < first)
        .collect();
    found.reverse();
    found
}

#[cfg(test)]
pub(crate) mod sample {
    use super::*;

    /// A finished run at `seq` with settings `s` and the primary metric `auc`.
    pub(crate) fn point(seq: u64, auc: f64) -> Point {
        Point {
            seq: SnapshotSeq(seq),
            run_id: format!("run-{seq}"),
            attempt: Attempt(0),
            status: Status::Finished,
            candidate: false,
            deleted: false,
            noted: PointNotes::default(),
            sweep: None,
            settings: Digest::of(b"s"),
            primary: vec![("auc".to_owned(), MetricValue::new(auc))],
            others: Arc::from([]),
            twin: None,
            state: None,
            sha256: Digest::of(&seq.to_be_bytes()),
        }
    }

    /// The log of points 1, 2, 3 … with these values, newest first.
    pub(crate) fn history(values: &[f64]) -> Vec<Point> {
        let mut points: Vec<Point> = values
            .iter()
            .zip(1..)
            .map(|(auc, seq)| point(seq, *auc))
            .collect();
        points.reverse();
        points
    }
}

#[cfg(test)]
mod tests {
    use super::sample::history;
    use super::*;

    #[test]
    fn each_other_run_serves_once_by_its_newest_finished_attempt() {
        let mut points = history(&[0.5; 6]);
        let named = |points: &mut [Point], seq: usize, run: &str| {
            let at = points.len() - seq;
            points[at].run_id = run.to_owned();
        };
        for (seq, run) in [(1, "a"), (2, "a"), (3, "a"), (4, "own")] {
            named(&mut points, seq, run);
        }
        points[3].status = Status::Failed; // seq 3: the newest attempt of `a`
        points[1].candidate = true; // seq 5
        points.insert(
            0,
            Point {
                deleted: true,
                ..sample::point(7, 0.5)
            },
        );
        let current = Point {
            run_id: "own".into(),
            ..sample::point(8, 0.5)
        };
        let seqs: Vec<u64> = yardsticks(&points, Some(&current))
            .map(|point| point.seq.0)
            .collect();
        assert_eq!(seqs, [6, 2]);
    }

    #[test]
    fn a_mark_reads_back_and_nothing_else_does() {
        let mark = Mark::of(Digest::of(b"content"));
        assert_eq!(Mark::from_text(&mark.to_string()), Some(mark));
        assert_eq!(Digest::of(b"content").prefix(16), mark.to_string());
        for text in ["", "12", "+123456789abcdef", "123456789ABCDEF0"] {
            assert_eq!(Mark::from_text(text), None);
        }
    }

    #[test]
    fn only_the_last_points_are_looked_at() {
        let points = history(&[0.5; LOOK_BACK + 1]);
        assert_eq!(yardsticks(&points, None).count(), LOOK_BACK);
    }
}
