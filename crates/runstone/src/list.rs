//! Lists: snapshots newest first, and cohorts.
//!
//! Inside a cohort newest is by position. Across cohorts there is no commit order; the lists merge
//! by the writers' clocks, then cohort and position, and nothing is decided by that. Everything is
//! read from the logs; an entry that cannot be read is named beside the rows, never dropped.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

use runstone_core::metric::MetricValue;
use runstone_core::note::{Marks, Noted, Tag};
use runstone_core::query::{Expr, Row as _};
use runstone_core::snapshot::{Captured, Snapshot, Status};
use runstone_core::verdict::Overall;
use runstone_store::{CohortName, Log, Seq};
use serde_json::{Value, json};

use crate::error::Error;
use crate::fields::Fields;
use crate::find::{Head, Sighted, Stored};
use crate::notes::{self, tags};
use crate::open::Ledger;
use crate::recorded::Answered;
use crate::refused::RefusedRow;
use crate::summary;
use crate::under_way::UnderWay;

/// Which snapshots a list shows.
#[derive(Debug, Clone, Default)]
pub struct LogRequest {
    /// Only this cohort (a unique prefix).
    pub cohort: Option<String>,
    /// Only this stage.
    pub stage: Option<String>,
    /// Only this experiment.
    pub experiment: Option<String>,
    /// Only this sweep.
    pub sweep: Option<String>,
    /// Only this status.
    pub status: Option<Status>,
    /// Only snapshots whose writer's clock said this instant or later, UTC RFC 3339.
    pub since: Option<String>,
    /// Only snapshots that bear this tag.
    pub tag: Option<Tag>,
    /// Also snapshots that were deleted.
    pub deleted: bool,
    /// Only rows that pass.
    pub filter: Option<Expr>,
    /// Sorted by the value at this path, what is no number behind the numbers and missing values
    /// last; else newest first.
    pub sort: Option<Sort>,
    /// At most this many rows; 0: all.
    pub at_most: usize,
    /// Every attempt, not only the newest of each stage of each run.
    pub all_attempts: bool,
    /// Rows come with the last values of the metric that decides, at most so many; 0: none.
    pub trend: usize,
}

/// An order other than newest first.
#[derive(Debug, Clone)]
pub struct Sort {
    /// A path as filters know it, such as `metrics.auc`, its parts joined with dots.
    pub path: String,
    /// Largest first.
    pub descending: bool,
}

/// A list of snapshots.
#[derive(Debug, Clone)]
pub struct LogPage {
    /// The rows, in order.
    pub rows: Vec<LogRow>,
    /// Runs under way, which [`Ledger::under_way`] tells; none unless the caller puts them here,
    /// because whether one is lost depends on the host that looks.
    pub under_way: Vec<UnderWay>,
    /// Runs that could not be recorded and wait to be finished, which [`Ledger::refused_runs`]
    /// tells; none unless the caller puts them here.
    pub refused: Vec<RefusedRow>,
    /// Whether more rows pass than are shown.
    pub more: bool,
    /// Places that could not be read, `COHORT#seq`, or `COHORT` where its whole log could not.
    pub unreadable: Vec<String>,
    /// Notes, notices of runs under way and refused runs that could not be read and so were not
    /// followed, in words.
    pub not_followed: Vec<String>,
}

/// One snapshot in a list.
#[derive(Debug, Clone)]
pub struct LogRow {
    /// The snapshot.
    pub stored: Stored,
    /// Its verdict.
    pub verdict: Overall,
    /// What the notes say about it.
    pub marks: Marks,
    /// The last values of the metric that decides, oldest first, its own last; empty unless asked
    /// for, or where it has none.
    pub trend: Vec<f64>,
}

impl LogPage {
    /// Returns the stable JSON form, schema `runstone.log/1`.
    pub fn to_json(&self) -> Value {
        json!({
            "schema": "runstone.log/1",
            "snapshots": self.rows.iter().map(LogRow::to_json).collect::<Vec<_>>(),
            "under_way": self.under_way.iter().map(UnderWay::to_json).collect::<Vec<_>>(),
            "refused": self.refused.iter().map(RefusedRow::to_json).collect::<Vec<_>>(),
            "more": self.more,
            "unreadable": self.unreadable,
            "warnings": self.not_followed,
        })
    }
}

impl LogRow {
    /// Returns the row as JSON.
    pub fn to_json(&self) -> Value {
        let Stored {
            place,
            snapshot,
            envelope,
        } = &self.stored;
        json!({
            "run_id": snapshot.run_id,
            "stage": snapshot.stage,
            "attempt": snapshot.attempt,
            "cohort": place.cohort.as_str(),
            "snapshot_seq": place.seq,
            "sha256": place.sha256,
            "recorded_at": envelope.recorded_at,
            "status": snapshot.status.as_str(),
            "sweep": snapshot.sweep,
            "candidate": snapshot.candidate,
            "accepted": self.marks.accepted.is_some(),
            "deleted": self.marks.deleted.is_some(),
            "tags": tags(&self.marks),
            "verdict": self.verdict.as_str(),
            "code": code(&snapshot.code),
            "environment": environment(&snapshot.environment),
            "metrics": metrics(snapshot),
        })
    }

    /// Returns the metrics that decide, by name.
    pub fn primary(&self) -> Vec<(String, MetricValue)> {
        summary::primary(&self.stored.envelope).unwrap_or_default()
    }

    /// Returns the value at a path as filters know it, such as `metrics.auc`, its parts joined with
    /// dots.
    pub fn value(&self, path: &str) -> Option<Value> {
        Fields {
            stored: &self.stored,
            verdict: Some(self.verdict),
            marks: Some(&self.marks),
        }
        .get(path)
    }
}

/// Returns the name of an environment as JSON, or why there is none.
fn environment(environment: &Captured) -> Value {
    match environment {
        Captured::Known(_) => json!({ "state": "captured", "digest": environment.digest() }),
        Captured::NotCaptured { reason } => json!({ "state": "not_captured", "reason": reason }),
    }
}

/// Returns which code ran as JSON, or why it is not known.
fn code(code: &Captured) -> Value {
    match code {
        Captured::Known(value) => json!({
            "state": value.get("state").and_then(Value::as_str).unwrap_or("captured"),
            "commit": value.get("commit"),
            "patch": value.get("patch"),
            "work_tree": value.get("work_tree"),
        }),
        Captured::NotCaptured { reason } => json!({ "state": "not_captured", "reason": reason }),
    }
}

/// Returns the flat metrics of a snapshot as JSON.
pub fn metrics(snapshot: &Snapshot) -> Value {
    snapshot
        .metrics
        .iter()
        .map(|(name, value)| (name.clone(), value.to_json()))
        .collect()
}

impl Ledger {
    /// Lists snapshots.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown cohort; reading errors of the store. Single damaged
    /// entries are no error; they are named in the page.
    pub fn log(&self, request: &LogRequest) -> Result<LogPage, Error> {
        let cohorts = match &request.cohort {
            Some(prefix) => vec![self.find_cohort(prefix)?],
            None => self.store.cohorts("", None)?,
        };
        let mut unreadable = Vec::new();
        let mut not_followed = Vec::new();
        let mut walks = Vec::new();
        for cohort in cohorts {
            let Some(mut walk) = Walk::from_head(self, &cohort, request.deleted)? else {
                unreadable.push(cohort.to_string());
                continue;
            };
            let unread = walk.noted.unread().iter();
            not_followed.extend(unread.map(|unread| notes::not_followed(&walk.cohort, unread)));
            walk.advance(self, &mut unreadable)?;
            walks.push(walk);
        }
        let mut rows = Vec::new();
        let mut more = false;
        let mut seen = BTreeSet::new();
        // Sorted by a value, every row that passes has to be known; newest first, the first ones.
        let enough = if request.sort.is_some() || request.at_most == 0 {
            usize::MAX
        } else {
            request.at_most
        };
        while let Some((sighted, marks)) = next_newest(self, &mut walks, &mut unreadable)? {
            let (run, stage, _) = sighted.run();
            let stage_of_run = (sighted.cohort.clone(), run.to_owned(), stage.to_owned());
            let bears = |tag| marks.tags.contains(tag);
            if !passes_envelope(request, &sighted) || !request.tag.as_ref().is_none_or(bears) {
                continue;
            }
            if !request.all_attempts && seen.contains(&stage_of_run) {
                continue;
            }
            let stored = match self.stored_copy(&sighted.cohort, sighted.seq) {
                Ok(stored) => stored,
                Err(Error::Damaged { .. } | Error::Payload { .. }) => {
                    unreadable.push(format!("{}#{}", sighted.cohort, sighted.seq));
                    continue;
                }
                Err(error) => return Err(error),
            };
            seen.insert(stage_of_run);
            let Some(row) = self.row(request, stored, marks) else {
                continue;
            };
            if rows.len() == enough {
                more = true;
                break;
            }
            rows.push(row);
        }
        if let Some(sort) = &request.sort {
            sort_rows(&mut rows, sort);
            if request.at_most > 0 && rows.len() > request.at_most {
                rows.truncate(request.at_most);
                more = true;
            }
        }
        Ok(LogPage {
            rows,
            under_way: Vec::new(),
            refused: Vec::new(),
            more,
            unreadable,
            not_followed,
        })
    }

    /// Returns the row of a snapshot if it passes what only the payload tells.
    fn row(&self, request: &LogRequest, stored: Stored, marks: Marks) -> Option<LogRow> {
        if let Some(experiment) = &request.experiment {
            let own = Fields {
                stored: &stored,
                verdict: None,
                marks: None,
            }
            .get("experiment");
            if own.as_ref().and_then(Value::as_str) != Some(experiment) {
                return None;
            }
        }
        // A profile that cannot be read costs its runs their verdicts, not their place in the list.
        let answer = self.compared(&stored).ok();
        let overall = |answer: &Answered| answer.verdict.overall;
        let verdict = answer.as_ref().map_or(Overall::Undecided, overall);
        let trail = answer
            .filter(|_| request.trend > 0)
            .and_then(|answer| self.trail(&stored, &answer).ok()?);
        let row = LogRow {
            stored,
            verdict,
            marks,
            trend: trail.map_or_else(Vec::new, |trail| trail.newest(request.trend)),
        };
        let passes = request.filter.as_ref().is_none_or(|filter| {
            filter.matches(&Fields {
                stored: &row.stored,
                verdict: Some(row.verdict),
                marks: Some(&row.marks),
            })
        });
        passes.then_some(row)
    }
}

/// A walk down the log of one cohort, newest first.
struct Walk {
    cohort: CohortName,
    log: Log,
    noted: Arc<Noted>,
    deleted_too: bool,
    next: Option<Seq>,
    current: Option<Sighted>,
}

impl Walk {
    /// Begins at the newest place; nothing if the log, or what was noted of it, cannot be looked
    /// at.
    fn from_head(
        ledger: &Ledger,
        cohort: &CohortName,
        deleted_too: bool,
    ) -> Result<Option<Self>, Error> {
        let next = match ledger.head_of(cohort)? {
            Head::At(head) => Some(head),
            Head::Nothing => None,
            Head::Unreadable(_) => return Ok(None),
        };
        let noted = match ledger.notes.now(cohort) {
            Ok(noted) => noted,
            Err(error) if error.costs_its_place_alone() => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(Some(Self {
            cohort: cohort.clone(),
            log: Log::Cohort(cohort.clone()),
            noted,
            deleted_too,
            next,
            current: None,
        }))
    }

    /// Moves to the next entry to list and returns the one it stood on, with what is noted about
    /// it.
    fn advance(
        &mut self,
        ledger: &Ledger,
        unreadable: &mut Vec<String>,
    ) -> Result<Option<(Sighted, Marks)>, Error> {
        let stood_on = self.current.take();
        while let Some(seq) = self.next {
            self.next = seq.previous();
            match ledger.sight(&self.log, seq)? {
                Some(envelope) => {
                    let sighted = Sighted {
                        cohort: self.cohort.clone(),
                        seq,
                        envelope,
                    };
                    if self.deleted_too || self.noted.deleted(&sighted.about()).is_none() {
                        self.current = Some(sighted);
                        break;
                    }
                }
                None => {
                    unreadable.push(format!("{}#{seq}", self.cohort));
                }
            }
        }
        Ok(stood_on.map(|sighted| {
            let marks = self.noted.marks(&sighted.about()).cloned();
            (sighted, marks.unwrap_or_default())
        }))
    }
}

fn next_newest(
    ledger: &Ledger,
    walks: &mut [Walk],
    unreadable: &mut Vec<String>,
) -> Result<Option<(Sighted, Marks)>, Error> {
    let newest = walks
        .iter_mut()
        .filter(|walk| walk.current.is_some())
        .max_by(|a, b| {
            let by = |walk: &Walk| {
                let recorded_at = walk
                    .current
                    .as_ref()
                    .map(|sighted| sighted.envelope.recorded_at.clone());
                (recorded_at, walk.cohort.clone())
            };
            by(a).cmp(&by(b))
        });
    match newest {
        Some(walk) => walk.advance(ledger, unreadable),
        None => Ok(None),
    }
}

fn passes_envelope(request: &LogRequest, sighted: &Sighted) -> bool {
    let (_, stage, _) = sighted.run();
    let summary = &sighted.envelope.summary;
    let word = |name: &str| summary.get(name).and_then(Value::as_str);
    request
        .stage
        .as_ref()
        .is_none_or(|named| named.eq_ignore_ascii_case(stage))
        && request
            .status
            .is_none_or(|named| word("status") == Some(named.as_str()))
        && request
            .sweep
            .as_deref()
            .is_none_or(|named| word("sweep") == Some(named))
        && request
            .since
            .as_ref()
            .is_none_or(|since| sighted.envelope.recorded_at >= *since)
}

/// Puts the numbers in order, behind them what is no number, and last what is missing: in either
/// direction, because neither of these is best.
fn sort_rows(rows: &mut [LogRow], sort: &Sort) {
    rows.sort_by(|a, b| {
        let (a, b) = (a.value(&sort.path), b.value(&sort.path));
        let turned = |order: Ordering| {
            if sort.descending {
                order.reverse()
            } else {
                order
            }
        };
        match (number(a.as_ref()), number(b.as_ref())) {
            (Some(a), Some(b)) => turned(a.total_cmp(&b)),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => match (text(a.as_ref()), text(b.as_ref())) {
                (Some(a), Some(b)) => turned(a.cmp(&b)),
                (a, b) => b.is_some().cmp(&a.is_some()),
            },
        }
    });
}

fn number(value: Option<&Value>) -> Option<f64> {
    value?.as_f64().filter(|number| number.is_finite())
}

/// Returns what a value is ordered by that is no number.
fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}
