//! `runstone cohorts`.

use runstone::core::verdict::Baseline;
use serde_json::json;

use crate::error::CliError;
use crate::exit::Exit;
use crate::render::format::{Format, Rows};
use crate::render::words::cohort_prefix;
use crate::settings::Settings;
use crate::ui::Ui;

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
    for cohort in &cohorts {
        let newest = cohort
            .newest
            .as_ref()
            .and_then(|envelope| envelope.key_text.as_ref());
        rows.push(vec![
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
                Some(key) => key.run.clone(),
                None if cohort.snapshots.is_some() && cohort.deleted == cohort.snapshots => {
                    "all deleted".to_owned()
                }
                None => "unreadable".to_owned(),
            },
            match &cohort.baseline {
                Ok(Baseline::Pinned(pinned)) => {
                    format!("#{} {}, pinned", pinned.point.seq, pinned.point.run_id)
                }
                Ok(Baseline::Chosen { point, .. }) => format!("#{} {}", point.seq, point.run_id),
                Ok(other) => other.to_string(),
                Err(error) => format!("unknown: {error}"),
            },
        ]);
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
