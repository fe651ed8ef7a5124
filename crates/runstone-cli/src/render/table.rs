//! Runs side by side, as text.
//!
//! As many columns as the terminal has room for, from the left; the others are counted and named.
//! Programs get all of them.

use runstone::core::profile::Direction;
use runstone::core::ranking::{Basis, Cell, Column, Ties};
use runstone::core::snapshot::Status;
use runstone::table::RunTable;
use serde_json::Value;

use crate::render::csv;
use crate::render::format::{Format, Rows};
use crate::render::lines::wrapped;
use crate::render::words::{count, cut_within, metric, metric_name, shown};
use crate::ui::{plain, width};

/// Characters of a run id, as in `log`.
const RUN_SIZE_MAX: usize = 22;
/// Characters of a value; chosen, so that three columns fit beside run and metric.
const CELL_SIZE_MAX: usize = 14;
/// Characters of a column's head.
const HEAD_SIZE_MAX: usize = 16;
/// Blanks between two columns.
const GAP: usize = 2;
/// Columns named where they have no room.
const NAMED_MAX: usize = 4;
/// Stands at what was not captured.
const UNKNOWN: &str = "?";

/// Returns the table in one of its forms.
pub(crate) fn text(table: &RunTable, format: Format) -> String {
    let document = table.to_json();
    match format {
        Format::Table | Format::Md => {}
        Format::Csv => return whole(table),
        Format::Json | Format::Jsonl => {
            return Rows::new(&[]).render(format, &document, "rows");
        }
    }
    let lead = lead(table);
    let columns = &table.ranking.columns;
    let room = usize::from(width());
    let mut taken: usize = lead
        .iter()
        .map(|(head, cells)| size(head, cells) + GAP)
        .sum();
    let mut shown_columns: Vec<(String, Vec<String>)> = Vec::new();
    for column in columns {
        let cells = cells(table, column);
        let head = head(column, columns);
        let own = size(&head, &cells);
        // In a document nothing is cut, on a terminal the first that has no room ends the row.
        if format == Format::Table && taken + own > room {
            break;
        }
        taken += own + GAP;
        shown_columns.push((head, cells));
    }
    let left = &columns[shown_columns.len()..];
    let all: Vec<(String, Vec<String>)> = lead.into_iter().chain(shown_columns).collect();
    let heads: Vec<&str> = all.iter().map(|(head, _)| head.as_str()).collect();
    let mut rows = Rows::new(&heads);
    for at in 0..table.shown {
        rows.push(all.iter().map(|(_, cells)| cells[at].clone()).collect());
    }
    let mut text = rows.render(format, &document, "rows");
    if format == Format::Md {
        text.push('\n');
        text.push_str(&plain(&ties(table)));
        text.push('\n');
        return text;
    }
    text.push_str(&wrapped(&plain(&ties(table))));
    if !left.is_empty() {
        text.push_str(&wrapped(&plain(&left_out(left))));
    }
    text
}

/// The columns that every table has: rank, run, attempt and status where they say something, value.
fn lead(table: &RunTable) -> Vec<(String, Vec<String>)> {
    let rows: Vec<_> = table.shown_rows().collect();
    let rank = |at: usize| {
        let ranked = &table.ranking.runs[at];
        match (ranked.rank, ranked.tied) {
            (None, _) => "–".to_owned(),
            (Some(1), _) => "1".to_owned(),
            (Some(rank), Some(true)) => format!("{rank} ≈"),
            (Some(rank), _) => rank.to_string(),
        }
    };
    let run = |row: &runstone::list::LogRow| {
        let snapshot = &row.stored.snapshot;
        let mut run = cut_within(snapshot.run_id.as_str(), RUN_SIZE_MAX);
        if snapshot.candidate && row.marks.accepted.is_none() {
            run.push_str(" (candidate)");
        }
        if snapshot.status != Status::Finished {
            run = format!("{run} ({})", snapshot.status.as_str());
        }
        plain(&run)
    };
    let value = |at: usize| match table.ranking.runs[at].value {
        Some(value) => metric(value),
        None => String::new(),
    };
    vec![
        (
            String::new(),
            rows.iter().map(|(at, _)| rank(*at)).collect(),
        ),
        (
            "run".to_owned(),
            rows.iter().map(|(_, row)| run(row)).collect(),
        ),
        (
            cut_within(metric_name(&table.metric), HEAD_SIZE_MAX),
            rows.iter().map(|(at, _)| value(*at)).collect(),
        ),
    ]
}

fn cells(table: &RunTable, column: &Column) -> Vec<String> {
    let is_metric = column.key.starts_with("metrics.");
    let cell = |cell: &Cell| match cell {
        Cell::Unknown => UNKNOWN.to_owned(),
        Cell::Absent => shown(None, CELL_SIZE_MAX),
        Cell::Known(Value::Number(number)) if is_metric => {
            let value = number
                .as_f64()
                .map(runstone::core::metric::MetricValue::new);
            value.map_or_else(|| number.to_string(), metric)
        }
        Cell::Known(value) => shown(Some(value), CELL_SIZE_MAX),
    };
    column.cells.iter().take(table.shown).map(cell).collect()
}

/// The name of a column without its section, where no other one has the same.
fn head(column: &Column, all: &[Column]) -> String {
    let short = |key: &str| {
        let below = key.split_once('.').map_or(key, |(_, below)| below);
        metric_name(below).to_owned()
    };
    let own = short(&column.key);
    let is_shared = all.iter().filter(|other| short(&other.key) == own).count() > 1;
    let name = if is_shared { column.key.clone() } else { own };
    cut_within(&plain(&name), HEAD_SIZE_MAX)
}

fn size(head: &str, cells: &[String]) -> usize {
    let sizes = cells.iter().map(|cell| cell.chars().count());
    sizes.chain([head.chars().count()]).max().unwrap_or(0)
}

/// Says which runs cannot be told from the best, or why nothing is said.
fn ties(table: &RunTable) -> String {
    let name = metric_name(&table.metric);
    let side = match table.direction {
        Direction::Higher => "higher is better",
        Direction::Lower => "lower is better",
        Direction::None => "no side is better",
    };
    let ranked = table
        .ranking
        .runs
        .iter()
        .filter(|it| it.rank.is_some())
        .count();
    let of = match table.rows.len() - ranked {
        0 => count(table.rows.len() as u64, "run"),
        unranked => format!(
            "{} ({unranked} without a rank)",
            count(table.rows.len() as u64, "run")
        ),
    };
    let begin = format!("{of} by {name}, {side}");
    match &table.ranking.ties {
        Ties::Unknown { reason } => format!("{begin}; nothing is said of ties: {reason}"),
        Ties::Within {
            scatter,
            limit,
            runs,
        } => {
            let best = table.ranking.runs.first().and_then(|it| it.value?.finite());
            let off = best.map_or_else(String::new, |best| {
                let moved = runstone::core::diff::wording::movement(best, *limit);
                format!(" (≈, as far as {})", moved.curr)
            });
            let found = match runs {
                1 => format!("no other run is within noise of the best{off}"),
                runs => format!("the top {runs} are within noise of the best{off}"),
            };
            let doubt = match scatter.basis {
                Basis::WithinSettings => "",
                Basis::WithinRun => "at least ",
            };
            format!("{begin}; {doubt}{found}, {}", scatter.words())
        }
    }
}

fn left_out(left: &[Column]) -> String {
    let named: Vec<&str> = left
        .iter()
        .take(NAMED_MAX)
        .map(|column| column.key.as_str())
        .collect();
    let more = match left.len().saturating_sub(named.len()) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let verb = if left.len() == 1 { "differs" } else { "differ" };
    format!(
        "{} {verb} too: {}{more}; `--format csv` has all",
        count(left.len() as u64, "column"),
        named.join(", ")
    )
}

/// Every column, for programs: the members of the JSON rows, then the columns.
fn whole(table: &RunTable) -> String {
    const LEAD: [&str; 9] = [
        "rank",
        "tied_with_best",
        "run_id",
        "attempt",
        "snapshot_seq",
        "sha256",
        "status",
        "candidate",
        "value",
    ];
    let columns = &table.ranking.columns;
    let heads = LEAD.iter().map(|name| (*name).to_owned());
    let heads: Vec<String> = heads
        .chain(columns.iter().map(|it| it.key.clone()))
        .collect();
    let mut text = csv::line(&heads);
    let document = table.to_json();
    let rows = document.get("rows").and_then(Value::as_array);
    for (at, row) in rows.into_iter().flatten().enumerate() {
        let lead = LEAD.iter().map(|name| row.get(*name).cloned());
        let cells = columns.iter().map(|column| match &column.cells[at] {
            Cell::Known(value) => Some(value.clone()),
            Cell::Absent | Cell::Unknown => None,
        });
        let values: Vec<Option<Value>> = lead.chain(cells).collect();
        text.push_str(&csv::values(&values));
    }
    text
}
