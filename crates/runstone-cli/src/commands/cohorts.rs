//! `runstone cohorts`.

use runstone::core::verdict::Baseline;
use serde_json::json;

use crate::error::CliError;
use crate::exit::Exit;
use crate::render::format::{Format, Rows};
use crate::render::words::{cohort_prefix, cut_within};
use crate::settings::Settings;
use crate::ui::{Ui, width};

/// List cohorts: the sets of runs that may be compared with each other
#[derive(Debug, clap::Args)]
pub(crate) struct CohortsArgs {
    /// How the rows come out
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
}

pub(crate) fn run(args: &CohortsArgs, ui: &Ui, settings: &Settings) -> Result<Exit, CliError> {
    let ledger = settings.open_ledger()?;
    let cohorts = ledger.cohorts()?;
    let document = json!({
        "schema": "runstone.cohorts/1",
        "cohorts": cohorts.iter().map(runstone::CohortRow::to_json).collect::<Vec<_>>(),
    });
    let mut rows = Rows::new(&["cohort", "snapshots", "newest run", "baseline"])
        .lead(&["cohort", "snapshots"]);
    let ids: Vec<&str> = cohorts.iter().map(|row| row.cohort.as_str()).collect();
    let format = Format::of(args.format, ui)?;
    let run = |name: &str| match format {
        Format::Table => cut_within(name, RUN_MAX),
        _ => name.to_owned(),
    };
    let mut cells: Vec<Vec<String>> = Vec::new();
    for cohort in &cohorts {
        let newest = cohort
            .newest
            .as_ref()
            .and_then(|envelope| envelope.key_text.as_ref());
        cells.push(vec![
            match format {
                Format::Table => cohort_prefix(cohort.cohort.as_str(), &ids).to_owned(),
                _ => cohort.cohort.to_string(),
            },
            match (cohort.snapshots, cohort.deleted) {
                (Some(snapshots), Some(0)) => snapshots.to_string(),
                (Some(snapshots), Some(deleted)) => format!("{snapshots} ({deleted} deleted)"),
                (Some(snapshots), None) => format!("{snapshots} (how many deleted: unknown)"),
                (None, _) => "unknown".to_owned(),
            },
            match newest {
                Some(key) => run(&key.run),
                None if cohort.snapshots.is_some() && cohort.deleted == cohort.snapshots => {
                    "all deleted".to_owned()
                }
                None => "unreadable".to_owned(),
            },
            match &cohort.baseline {
                Ok(Baseline::Pinned(pinned)) => {
                    let name = run(pinned.point.run_id.as_str());
                    format!("#{} {name}, pinned", pinned.point.seq)
                }
                Ok(Baseline::Chosen { point, .. }) => {
                    format!("#{} {}", point.seq, run(point.run_id.as_str()))
                }
                Ok(other) => other.to_string(),
                Err(error) => format!("unknown: {error}"),
            },
        ]);
    }
    if format == Format::Table {
        cut_ids(&mut cells);
    }
    for row in cells {
        rows.push(row);
    }
    let text = rows.render(format, &document, "cohorts");
    match format {
        Format::Csv => ui.exact(&text)?,
        _ => ui.data(&text)?,
    }
    if cohorts.is_empty() && format == Format::Table {
        ui.talk("no cohort yet; record a run: `runstone record run.json`\n");
    }
    Ok(Exit::Done)
}

/// Columns between two cells of a table.
const GAP: usize = 2;
/// Columns that an id has in any case, and at most the name of a run: chosen, so that both ends of
/// a name tell it from others.
const ID_MIN: usize = 20;
const RUN_MAX: usize = 24;
/// Columns of a baseline beside which an id is still whole: a place, and the name of a run.
const BASELINE_MAX: usize = 30;

/// Cuts ids in the middle, where they differ least, so that each row fits the terminal.
fn cut_ids(rows: &mut [Vec<String>]) {
    let widest = |column: usize, head: &str| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        let cells = cells.map(|cell| cell.chars().count());
        GAP + cells.max().unwrap_or(0).max(head.len())
    };
    let others = widest(1, "snapshots") + widest(2, "newest run");
    let baseline = widest(3, "baseline").min(GAP + BASELINE_MAX);
    let room = usize::from(width()).saturating_sub(others + baseline);
    for id in rows.iter_mut().filter_map(|row| row.first_mut()) {
        *id = cut_within(id, room.max(ID_MIN));
    }
}
