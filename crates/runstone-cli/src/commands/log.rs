//! `runstone log`.

use std::collections::{BTreeMap, BTreeSet};

use runstone::Ledger;
use runstone::core::note::Tag;
use runstone::core::query::path_of;
use runstone::core::snapshot::Status;
use runstone::list::{LogPage, LogRequest, LogRow, Sort};
use runstone::refused::{RefusedRow, RefusedRuns};
use runstone::under_way::{RunsUnderWay, State, UnderWay};
use serde_json::{Map, Value};

use crate::commands::choice::ChoiceArgs;
use crate::error::CliError;
use crate::execution::ThisHost;
use crate::exit::Exit;
use crate::render::format::{Format, Rows};
use crate::render::lines::{line, wrapped};
use crate::render::sparkline::sparkline;
use crate::render::{csv, time, words};
use crate::settings::Settings;
use crate::ui::{Ui, plain, terminal_width};

/// List snapshots, newest first
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  runstone log --stage train -n 5
  runstone log --where 'metrics.auc > 0.8 and stage = \"train\"'
  runstone log --sort -metrics.auc --columns run_id,metrics.auc --format csv

Filters know: run_id stage attempt status sweep candidate tag cohort seq
experiment recorded_at started_at finished_at profile sha256 verdict metrics.*
labels.* factors.* settings.* seeds.* versions.* identity.* document.*
Operators: = != < <= > >= ~ (with *) in has and or not, and parentheses.
Odd parts of a name stand in backticks, here and in keys to sort by or to show:
'metrics.`val/auc@10`', in single quotes for the shell.

A terminal of 90 columns or more shows the trend of the metric that decides: its
last 8 values in this cohort, low to high from ▁ to █, this run last. Elsewhere
`--columns run_id,trend` shows it.")]
pub(crate) struct LogArgs {
    #[command(flatten)]
    choice: ChoiceArgs,
    /// Sort by a value, such as `metrics.auc`; a leading `-` puts the largest first, and what is
    /// no number stands behind the numbers either way
    #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
    sort: Option<String>,
    /// Show these values, such as `run_id,metrics.auc`
    #[arg(long, value_name = "KEYS", value_delimiter = ',')]
    columns: Vec<String>,
    /// At most this many rows; 0 shows all [default: `log.lines`, else 20]
    #[arg(short = 'n', long = "lines", value_name = "N", value_parser = rows)]
    at_most: Option<usize>,
    /// Show every attempt, not only the newest of each stage of each run
    #[arg(long)]
    all_attempts: bool,
    /// How the rows come out
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
}

pub(crate) fn rows(text: &str) -> Result<usize, String> {
    text.parse()
        .map_err(|_no_count| "write a number of rows, such as 50; 0 shows all".to_owned())
}

pub(crate) fn run(args: &LogArgs, ui: &Ui, settings: &Settings) -> Result<Exit, CliError> {
    let ledger = settings.open_ledger()?;
    let format = Format::of(args.format, ui)?;
    let request = request(args, settings, has_trend(args, format))?;
    let columns = columns(args)?;
    let mut page = ledger.log(&request)?;
    let listed = under_way(&ledger, args)?;
    page.under_way = listed.rows;
    let unlisted = |why| format!("a run may be under way that is not listed: {why}");
    page.not_followed
        .extend(listed.unreadable.into_iter().map(unlisted));
    let refused = refused(&ledger, args)?;
    page.refused = refused.rows;
    let unlisted = |why| format!("a refused run is not listed: {why}");
    page.not_followed
        .extend(refused.unreadable.into_iter().map(unlisted));
    let rows = if args.columns.is_empty() {
        overview(&page)
    } else {
        chosen(&page, &columns)
    };
    let text = match format {
        Format::Csv if !columns.is_empty() => chosen_values(&page, &columns),
        _ => rows.render(format, &document(&page, &columns), "snapshots"),
    };
    match format {
        Format::Csv => ui.exact(&text)?,
        _ => ui.data(&text)?,
    }
    if format == Format::Table {
        if page.rows.is_empty() {
            ui.talk(&nothing_to_show(&ledger, args)?);
        } else if page.more {
            ui.talk("there are more; `-n 0` shows all\n");
        }
    }
    if format == Format::Table {
        for row in &page.under_way {
            ui.talk(&under_way_line(row));
        }
        ui.talk(&refused_lines(&page.refused));
    }
    if format != Format::Json {
        for places in ranges(&page.unreadable) {
            ui.warn(&format!("{places}; `runstone verify` says why"));
        }
        for warning in &page.not_followed {
            ui.warn(warning);
        }
        for path in valueless(&page, &columns, request.sort.as_ref()) {
            ui.warn(&format!("no snapshot shown has a value at `{path}`"));
        }
    }
    Ok(Exit::Done)
}

/// Says what cannot be read and is not listed, places that follow each other in one line.
fn ranges(unreadable: &[String]) -> Vec<String> {
    let mut places: BTreeMap<&str, BTreeSet<u64>> = BTreeMap::new();
    let mut lines = Vec::new();
    for named in unreadable {
        match named.rsplit_once('#').map(|(at, seq)| (at, seq.parse())) {
            Some((cohort, Ok(seq))) => drop(places.entry(cohort).or_default().insert(seq)),
            _ => lines.push(format!("{named} cannot be read and is not listed")),
        }
    }
    for (cohort, seqs) in places {
        let mut seqs = seqs.into_iter().rev().peekable();
        while let Some(last) = seqs.next() {
            let mut first = last;
            while let Some(next) = seqs.next_if(|seq| seq + 1 == first) {
                first = next;
            }
            lines.push(if first == last {
                format!("{cohort}#{last} cannot be read and is not listed")
            } else {
                let places = words::count(last - first + 1, "entry");
                format!("{cohort}#{first} to #{last} ({places}) cannot be read and are not listed")
            });
        }
    }
    lines
}

/// Says that no snapshot is shown, and which names there are if none has one that was asked for.
fn nothing_to_show(ledger: &Ledger, args: &LogArgs) -> Result<String, CliError> {
    Ok(match args.choice.unknown_name(ledger)? {
        Some(why) => wrapped(&format!("no snapshot to show: {why}")),
        None => "no snapshot to show\n".to_owned(),
    })
}

/// Returns the runs under way that the options ask for; those about results ask for none.
fn under_way(ledger: &Ledger, args: &LogArgs) -> Result<RunsUnderWay, CliError> {
    if args.choice.status.is_some() || args.choice.filter.is_some() || args.choice.tag.is_some() {
        return Ok(RunsUnderWay::default());
    }
    let mut listed = ledger.under_way(&ThisHost)?;
    listed.rows.retain(|row| {
        let is_in = |cohort: &String| {
            let own = row.started.cohort.as_deref().unwrap_or_default();
            own.starts_with(cohort.as_str())
        };
        let is_of = |stage: &String| row.started.stage.eq_ignore_ascii_case(stage);
        args.choice.cohort.as_ref().is_none_or(is_in)
            && args.choice.stage.as_ref().is_none_or(is_of)
    });
    Ok(listed)
}

/// Returns the refused runs that the options ask for: as with runs under way, and they are in no
/// cohort yet.
fn refused(ledger: &Ledger, args: &LogArgs) -> Result<RefusedRuns, CliError> {
    let asks_of_results =
        args.choice.status.is_some() || args.choice.filter.is_some() || args.choice.tag.is_some();
    if asks_of_results || args.choice.cohort.is_some() {
        return Ok(RefusedRuns::default());
    }
    let mut listed = ledger.refused_runs()?;
    if let Some(stage) = &args.choice.stage {
        let is_of = |own: &String| own.eq_ignore_ascii_case(stage);
        listed
            .rows
            .retain(|row| row.stage.as_ref().is_some_and(is_of));
    }
    Ok(listed)
}

/// Returns what is refused, why, and the command that finishes it; of many, the last to end.
fn refused_lines(rows: &[RefusedRow]) -> String {
    let mut text = String::new();
    for row in rows.iter().take(REFUSED_MAX) {
        let (run, stage) = (row.run_id.as_deref(), row.stage.as_deref());
        let ended = row.finished_at.as_deref();
        text.push_str(&wrapped(&format!(
            "refused: {}:{}{}: {}",
            plain(run.unwrap_or("?")),
            plain(stage.unwrap_or("?")),
            ended.map_or_else(String::new, |at| format!(", ended {}", time::ago(at))),
            plain(&row.reason)
        )));
        // In one line however long: it is there to be pasted.
        line(
            &mut text,
            format_args!(
                "  finish it: runstone record --refused {}",
                plain(&row.name)
            ),
        );
    }
    if let Some(more) = rows.len().checked_sub(REFUSED_MAX).filter(|more| *more > 0) {
        line(
            &mut text,
            format_args!("refused: {more} more; `runstone log --json` lists them all"),
        );
    }
    text
}

fn under_way_line(row: &UnderWay) -> String {
    let UnderWay { started, state } = row;
    let word = match state {
        State::Unfinished => "under way",
        State::Lost => "lost",
    };
    wrapped(&format!(
        "{word}: {}:{} on {}, began {}",
        plain(&started.run_id),
        plain(&started.stage),
        plain(&started.process.host),
        time::ago(&started.started_at)
    ))
}

/// Returns the paths asked for, as below `metrics`, at which no row has a value: likely slips,
/// where there are rows.
fn valueless<'a>(page: &LogPage, columns: &'a [Column], sort: Option<&'a Sort>) -> Vec<&'a str> {
    let mut asked: Vec<&str> = columns.iter().map(|column| column.path.as_str()).collect();
    let sort = sort.map(|sort| sort.path.as_str());
    asked.extend(sort.filter(|sort| !asked.contains(sort)));
    let is_valueless = |path: &str| page.rows.iter().all(|row| row.value(path).is_none());
    asked
        .into_iter()
        .filter(|path| path.contains('.') && !page.rows.is_empty() && is_valueless(path))
        .collect()
}

/// A column that the caller named.
struct Column {
    /// As it was named.
    name: String,
    /// The path it names, as rows know it.
    path: String,
}

fn columns(args: &LogArgs) -> Result<Vec<Column>, CliError> {
    let column = |name: &String| {
        let path = if name == TREND {
            TREND.to_owned()
        } else {
            known(name)?
        };
        let name = name.clone();
        Ok(Column { name, path })
    };
    args.columns.iter().map(column).collect()
}

/// Returns the key of an order, which a leading `-` turns round.
fn of_order(key: &str) -> &str {
    key.strip_prefix('-').unwrap_or(key)
}

/// The column of the trend, which no filter knows.
const TREND: &str = "trend";
/// Runs of a trend.
const TREND_RUNS: usize = 8;
/// Columns of a terminal from which on a table has room for trends.
const TREND_COLUMNS_MIN: u16 = 90;

/// Whether rows come with their trend: where it was named, and in a table on a wide terminal. Not
/// in one that is piped, which programs read by its columns.
fn has_trend(args: &LogArgs, format: Format) -> bool {
    if !args.columns.is_empty() {
        return args.columns.iter().any(|key| key == TREND);
    }
    format == Format::Table && terminal_width().is_some_and(|columns| columns >= TREND_COLUMNS_MIN)
}

/// Returns the value at a path of a row, the trend among them.
fn value(row: &LogRow, path: &str) -> Option<Value> {
    if path == TREND {
        return (!row.trend.is_empty()).then(|| Value::from(row.trend.clone()));
    }
    row.value(path)
}

/// Returns the path that a key names, written as in filters; refuses one at which no snapshot can
/// have a value, as a filter would.
fn known(key: &str) -> Result<String, CliError> {
    path_of(key).map_err(|error| {
        CliError::usage(
            format!("`{key}` names no value of a snapshot"),
            in_backticks(key)
                .map(|quoted| {
                    format!(
                        "odd parts of a path stand in backticks, and those in single quotes for \
                         the shell: '{quoted}'"
                    )
                })
                .or(error.hint)
                .unwrap_or_else(|| "see the list in `runstone log --help`".to_owned()),
        )
    })
}

/// Returns a key with its name in backticks, if it names a value that way.
fn in_backticks(key: &str) -> Option<String> {
    let (section, name) = key.split_once('.')?;
    let quoted = format!("{section}.`{name}`");
    let is_path = !key.contains(['`', '\'']) && path_of(&quoted).is_ok();
    is_path.then_some(quoted)
}

fn request(args: &LogArgs, settings: &Settings, trend: bool) -> Result<LogRequest, CliError> {
    let sort = |key: &String| -> Result<Sort, CliError> {
        Ok(Sort {
            path: known(of_order(key))?,
            descending: key.starts_with('-'),
        })
    };
    Ok(LogRequest {
        sort: args.sort.as_ref().map(sort).transpose()?,
        at_most: args.at_most.unwrap_or(settings.log_lines.value),
        all_attempts: args.all_attempts,
        trend: if trend { TREND_RUNS } else { 0 },
        ..args.choice.read()?
    })
}

/// Characters of a run id in a table: as many as leave the other columns their room.
const RUN_SIZE_MAX: usize = 22;

/// Refused runs that are shown below a table; chosen, so that many of one cause do not bury it.
const REFUSED_MAX: usize = 5;

/// The columns for people who named none.
fn overview(page: &LogPage) -> Rows {
    let several = |of: fn(&LogRow) -> String| {
        let mut values = page.rows.iter().map(of);
        let first = values.next();
        values.any(|value| Some(value) != first)
    };
    let stages = several(|row| row.stored.snapshot.stage.to_string());
    let statuses = page
        .rows
        .iter()
        .any(|row| row.stored.snapshot.status != Status::Finished || row.marks.deleted.is_some());
    let tags = page.rows.iter().any(|row| !row.marks.tags.is_empty());
    let mut heads = vec!["snapshot", "run"];
    if stages {
        heads.push("stage");
    }
    heads.push("recorded");
    if statuses {
        heads.push("status");
    }
    if tags {
        heads.push("tags");
    }
    let trends = page.rows.iter().any(|row| row.trend.len() > 1);
    heads.push("verdict");
    if trends {
        heads.push(TREND);
    }
    heads.push("metrics");
    let mut rows = Rows::new(&heads).lead(&LEAD);
    let cohorts: Vec<&str> = page
        .rows
        .iter()
        .map(|row| row.stored.place.cohort.as_str())
        .collect();
    for row in &page.rows {
        let stored = &row.stored;
        let snapshot = &stored.snapshot;
        let mut run = words::cut_within(snapshot.run_id.as_str(), RUN_SIZE_MAX);
        if snapshot.attempt.0 > 0 {
            run = format!("{run} (attempt {})", snapshot.attempt);
        }
        if snapshot.candidate && row.marks.accepted.is_none() {
            run.push_str(" (candidate)");
        }
        let mut cells = vec![
            format!(
                "{}#{}",
                words::short_cohort(stored.place.cohort.as_str(), &cohorts),
                stored.place.seq
            ),
            run,
        ];
        if stages {
            cells.push(snapshot.stage.to_string());
        }
        cells.push(time::ago(&stored.envelope.recorded_at));
        if statuses {
            let status = snapshot.status.as_str();
            cells.push(match (&row.marks.deleted, snapshot.status) {
                (Some(_), Status::Finished) => "deleted".to_owned(),
                // What matters first stands first: the end may be cut.
                (Some(_), _) => format!("deleted, {status}"),
                (None, _) => status.to_owned(),
            });
        }
        if tags {
            let tags: Vec<&str> = row.marks.tags.iter().map(Tag::as_str).collect();
            cells.push(tags.join(" "));
        }
        cells.push(row.verdict.as_str().to_owned());
        if trends {
            cells.push(sparkline(&row.trend));
        }
        cells.push(words::metrics(&row.primary(), &snapshot.metrics));
        rows.push(cells);
    }
    rows
}

/// What programs get: every member, and the values the caller named.
fn document(page: &LogPage, columns: &[Column]) -> Value {
    let mut document = page.to_json();
    if columns.is_empty() {
        return document;
    }
    let rows = document.get_mut("snapshots").and_then(Value::as_array_mut);
    for (row, json) in page.rows.iter().zip(rows.into_iter().flatten()) {
        let values: Map<String, Value> = columns
            .iter()
            .map(|Column { name, path }| (name.clone(), value(row, path).unwrap_or(Value::Null)))
            .collect();
        if let Value::Object(members) = json {
            members.insert("columns".to_owned(), Value::Object(values));
        }
    }
    document
}

/// The columns the caller named, for programs.
fn chosen_values(page: &LogPage, columns: &[Column]) -> String {
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    let mut text = csv::line(&names);
    for row in &page.rows {
        let cells: Vec<Option<Value>> = columns
            .iter()
            .map(|column| value(row, &column.path))
            .collect();
        text.push_str(&csv::values(&cells));
    }
    text
}

/// The members of a row that a CSV has in any case.
const LEAD: [&str; 11] = [
    "run_id",
    "stage",
    "attempt",
    "cohort",
    "snapshot_seq",
    "sha256",
    "recorded_at",
    "status",
    "sweep",
    "candidate",
    "verdict",
];

/// The columns the caller named.
fn chosen(page: &LogPage, columns: &[Column]) -> Rows {
    let heads: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    let mut rows = Rows::new(&heads);
    for row in &page.rows {
        let cell = |Column { path, .. }: &Column| match value(row, path) {
            None => String::new(),
            Some(Value::Array(_)) if path == TREND => sparkline(&row.trend),
            Some(Value::String(text)) => text,
            Some(Value::Array(tags)) if path == "tag" => {
                let tags: Vec<&str> = tags.iter().filter_map(Value::as_str).collect();
                tags.join(" ")
            }
            Some(value) => value.to_string(),
        };
        rows.push(columns.iter().map(cell).collect());
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_that_follow_each_other_are_named_in_one_line() {
        let named = ["c#9", "c#3", "c#2", "c#1", "b", "a#4"].map(str::to_owned);
        assert_eq!(
            ranges(&named),
            [
                "b cannot be read and is not listed",
                "a#4 cannot be read and is not listed",
                "c#9 cannot be read and is not listed",
                "c#1 to #3 (3 entries) cannot be read and are not listed",
            ]
        );
    }
}
