//! Runs of one cohort side by side, best first, with those that cannot be told from the best.
//!
//! Which runs there are is asked like a list; how far runs scatter is read from the cohort's log,
//! from repeats with equal settings, whether or not they stand in the table. The invariant kept:
//! runs of different cohorts are never ranked together. What is best, tied and telling is decided
//! in the core.

use std::collections::BTreeSet;

use runstone_core::metric::MetricValue;
use runstone_core::profile::{Direction, MetricRules, Primary};
use runstone_core::ranking::{By, Cell, Ranking, Scatter, rank};
use runstone_core::snapshot::{Snapshot, Status};
use runstone_core::verdict::values_by_settings;
use runstone_store::{CohortName, Seq};
use serde_json::{Map, Value, json};

use crate::error::Error;
use crate::list::{LogPage, LogRequest, LogRow};
use crate::open::Ledger;
use crate::profiles::rules_of;

/// How many snapshots of a cohort are asked for repeats; chosen, so that a table of a long log
/// stays quick.
const SCATTER_LOOK_BACK: usize = 1024;

/// Which runs a table shows.
#[derive(Debug, Clone, Default)]
pub struct TableRequest {
    /// Which runs; its order and its attempts are not asked.
    pub runs: LogRequest,
    /// The metric they are ordered by, with or without `metrics.`; else the one that decides.
    pub by: Option<String>,
}

/// Runs of one cohort side by side.
#[derive(Debug)]
pub struct RunTable {
    /// The cohort.
    pub cohort: CohortName,
    /// The metric they are ordered by.
    pub metric: String,
    /// Which way it is better.
    pub direction: Direction,
    /// The runs, as they were listed.
    pub rows: Vec<LogRow>,
    /// Their order, ties and columns; it names the rows by their place in the list.
    pub ranking: Ranking,
    /// How many rows to show; the others are ranked as well.
    pub shown: usize,
    /// What the caller should know and nothing failed for.
    pub warnings: Vec<String>,
}

impl RunTable {
    /// Returns the rows to show, best first, each with its place in the order.
    pub fn shown_rows(&self) -> impl Iterator<Item = (usize, &LogRow)> {
        let ranked = self.ranking.runs.iter().take(self.shown);
        ranked.enumerate().map(|(at, it)| (at, &self.rows[it.at]))
    }

    /// Returns the stable JSON form, schema `runstone.table/1`.
    pub fn to_json(&self) -> Value {
        let columns = &self.ranking.columns;
        let rows = self.shown_rows().map(|(at, row)| {
            let ranked = &self.ranking.runs[at];
            let cells: Map<String, Value> = columns
                .iter()
                .filter_map(|column| match &column.cells[at] {
                    Cell::Known(value) => Some((column.key.clone(), value.clone())),
                    Cell::Absent | Cell::Unknown => None,
                })
                .collect();
            let not_captured: Vec<&String> = columns
                .iter()
                .filter(|column| column.cells[at] == Cell::Unknown)
                .map(|column| &column.key)
                .collect();
            let snapshot = &row.stored.snapshot;
            json!({
                "rank": ranked.rank,
                "tied_with_best": ranked.tied,
                "run_id": snapshot.run_id,
                "attempt": snapshot.attempt,
                "snapshot_seq": row.stored.place.seq,
                "sha256": row.stored.place.sha256,
                "status": snapshot.status.as_str(),
                "candidate": snapshot.candidate,
                "value": ranked.value.map(MetricValue::to_json),
                "columns": cells,
                "not_captured": not_captured,
            })
        });
        json!({
            "schema": "runstone.table/1",
            "cohort": self.cohort.as_str(),
            "metric": { "name": self.metric, "direction": self.direction.as_str() },
            "rows": rows.collect::<Vec<_>>(),
            "runs": self.rows.len(),
            "columns": columns.iter().map(|column| json!({
                "key": column.key,
                "tells": runstone_core::canon::number(column.tells),
            })).collect::<Vec<_>>(),
            "noise": self.ranking.ties.to_json(),
            "more": self.shown < self.rows.len(),
            "warnings": self.warnings,
        })
    }
}

impl Ledger {
    /// Puts runs of one cohort side by side, best first. Without any choice they are those of the
    /// cohort of the newest snapshot.
    ///
    /// # Errors
    /// [`Error::SeveralCohorts`] if the runs are of several, [`Error::NotFound`] if there is none,
    /// [`Error::Usage`] if it is not settled by which metric, or none of them has the one that is
    /// named; else as [`Ledger::log`].
    pub fn table(&self, request: &TableRequest) -> Result<RunTable, Error> {
        let mut runs = LogRequest {
            sort: None,
            at_most: 0,
            all_attempts: false,
            ..request.runs.clone()
        };
        if runs.is_of_all() {
            runs.cohort = Some(self.find("@latest")?.place.cohort.to_string());
        }
        let LogPage {
            rows,
            unreadable,
            not_followed,
            ..
        } = self.log(&runs)?;
        let cohort = alone(&rows)?;
        let stage = &rows[0].stored.snapshot.stage;
        // The newest finished run that has a metric which decides says which, as for the baseline.
        let finished = || {
            let is_finished = |row: &&LogRow| row.stored.snapshot.status == Status::Finished;
            rows.iter().filter(is_finished)
        };
        let deciding = finished()
            .find(|row| !row.primary().is_empty())
            .or_else(|| finished().next())
            .unwrap_or(&rows[0]);
        let deciding = &deciding.stored.snapshot;
        let profile = self.profile_by_digest(&deciding.profile.sha256)?;
        let metrics = &rules_of(&profile, stage)?.metrics;
        let metric = metric(request.by.as_deref(), deciding, metrics, &rows)?;
        let is_measured = |name: &str| rows.iter().any(|row| has(&row.stored.snapshot, name));
        let by = By {
            name: &metric,
            direction: metrics.direction_beside(&metric, is_measured),
            tolerance: metrics.tolerance(&metric),
        };
        let scatter = self.scatter(&cohort, by, &rows)?;
        let snapshots: Vec<&Snapshot> = rows.iter().map(|row| &row.stored.snapshot).collect();
        let ranking = rank(&snapshots, by, scatter);
        let direction = by.direction;
        let left_out = unreadable.iter().map(|place| {
            format!("{place} cannot be read and is not listed; `runstone verify` says why")
        });
        let warnings = left_out.chain(not_followed).collect();
        let shown = match request.runs.at_most {
            0 => rows.len(),
            most => most.min(rows.len()),
        };
        Ok(RunTable {
            cohort,
            metric,
            direction,
            rows,
            ranking,
            shown,
            warnings,
        })
    }

    /// Returns how far runs with equal settings scatter, or why that is not known.
    fn scatter(
        &self,
        cohort: &CohortName,
        by: By<'_>,
        rows: &[LogRow],
    ) -> Result<Result<Scatter, String>, Error> {
        let newest = rows.iter().map(|row| row.stored.place.seq.0).max();
        let head = match self.head_of(cohort)? {
            crate::find::Head::At(head) => Some(head.get()),
            _ => newest,
        };
        let beyond = head.and_then(|head| Seq::new(head.saturating_add(1)));
        let past = match beyond {
            Some(beyond) => self
                .history
                .before_at_most(cohort, beyond, SCATTER_LOOK_BACK)?,
            None => return Ok(Err("the log cannot be read".to_owned())),
        };
        let noted = self.notes.now(cohort)?;
        let past = past.marked(&noted);
        // Envelopes keep the metrics they have room for, the rows have all.
        let known = |seq, kept: Option<MetricValue>| {
            let row = rows.iter().find(|row| row.stored.place.seq == seq);
            row.map_or(kept, |row| {
                row.stored.snapshot.metrics.get(by.name).copied()
            })
        };
        let groups = values_by_settings(&past.points, by.name, known);
        if let Some(scatter) = Scatter::within_settings(&groups, by.tolerance) {
            return Ok(Ok(scatter));
        }
        let finished = rows
            .iter()
            .map(|row| &row.stored.snapshot)
            .filter(|run| run.status == Status::Finished);
        Ok(Scatter::within_runs(by.name, finished, by.tolerance).ok_or_else(|| {
            format!(
                "how far `{}` scatters is not known: too few runs repeat the settings of another \
                 one, and the runs carry no deviation of it",
                by.name
            )
        }))
    }
}

impl LogRequest {
    /// Tells whether nothing is chosen, so that every run of the store is meant.
    fn is_of_all(&self) -> bool {
        let Self {
            cohort,
            stage,
            experiment,
            sweep,
            status,
            since,
            tag,
            deleted: _,
            filter,
            sort: _,
            at_most: _,
            all_attempts: _,
            trend: _,
        } = self;
        [cohort, stage, experiment, sweep, since]
            .into_iter()
            .all(Option::is_none)
            && status.is_none()
            && tag.is_none()
            && filter.is_none()
    }
}

/// Returns the one cohort of all rows.
fn alone(rows: &[LogRow]) -> Result<CohortName, Error> {
    let cohorts: BTreeSet<&CohortName> = rows.iter().map(|row| &row.stored.place.cohort).collect();
    let mut cohorts = cohorts.into_iter();
    match (cohorts.next(), cohorts.next()) {
        (None, _) => Err(Error::NoRun),
        (Some(cohort), None) => Ok(cohort.clone()),
        (Some(first), Some(second)) => {
            let all = [first, second].into_iter().chain(cohorts);
            let runs = |cohort: &CohortName| {
                let of = |row: &&LogRow| row.stored.place.cohort == *cohort;
                (cohort.to_string(), rows.iter().filter(of).count())
            };
            let mut cohorts: Vec<(String, usize)> = all.map(runs).collect();
            cohorts.sort_by_key(|(_, runs)| std::cmp::Reverse(*runs));
            Err(Error::SeveralCohorts { cohorts })
        }
    }
}

fn has(snapshot: &Snapshot, name: &str) -> bool {
    snapshot.metrics.contains_key(name)
}

/// Returns the flat name of the metric that is asked for, or that decides.
fn metric(
    asked: Option<&str>,
    deciding: &Snapshot,
    rules: &MetricRules,
    rows: &[LogRow],
) -> Result<String, Error> {
    let any_has = |name: &str| rows.iter().any(|row| has(&row.stored.snapshot, name));
    let known: BTreeSet<&str> = rows
        .iter()
        .flat_map(|row| row.stored.snapshot.metrics.keys())
        .map(String::as_str)
        .filter(|name| !MetricRules::is_part(name))
        .collect();
    let first: Vec<String> = known
        .iter()
        .take(METRICS_NAMED_MAX)
        .map(|name| format!("`{name}`"))
        .collect();
    let hint = |lead: &str| {
        if first.is_empty() {
            "none of the runs has a metric; `runstone log` lists them".to_owned()
        } else {
            let more = known.len().saturating_sub(first.len());
            let more = if more == 0 {
                String::new()
            } else {
                format!(" and {more} more")
            };
            format!("{lead}: they have {}{more}", first.join(", "))
        }
    };
    let Some(asked) = asked else {
        return match rules.primary(&deciding.metrics) {
            Primary::One(name) => Ok(name),
            other => Err(Error::Usage {
                what: format!("it is not settled by which metric runs are ordered: {other}"),
                hint: hint("name one with `--by`"),
            }),
        };
    };
    let name = asked.strip_prefix("metrics.").unwrap_or(asked);
    [name.to_owned(), format!("{name}.mean"), asked.to_owned()]
        .into_iter()
        .find(|name| any_has(name))
        .ok_or_else(|| Error::Usage {
            what: format!("none of the runs has a metric `{asked}`"),
            hint: hint("name another with `--by`"),
        })
}

/// Metrics named in a hint; chosen, a line of them.
const METRICS_NAMED_MAX: usize = 5;
