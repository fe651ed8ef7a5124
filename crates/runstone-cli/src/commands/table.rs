//! `runstone table`.

use runstone::Error;
use runstone::table::TableRequest;

use crate::commands::choice::ChoiceArgs;
use crate::error::CliError;
use crate::exit::Exit;
use crate::render::format::Format;
use crate::render::table;
use crate::settings::Settings;
use crate::ui::{Face, Ui};

/// Put the runs of a cohort side by side, best first
///
/// Only the columns that differ are shown, those first that go along with the metric. Runs that
/// cannot be told from the best are marked, where repeats with equal settings, or the deviations
/// that runs carry, say how far runs scatter; else nothing is claimed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  runstone table --sweep lr-scan-3
  runstone table --where 'settings.depth > 4' --by logloss
  runstone table --cohort train.churn --format csv -n 0

Filters are those of `runstone log`. Without a choice the runs are those of the
cohort of the newest snapshot; runs of several cohorts are never ranked together.")]
pub(crate) struct TableArgs {
    #[command(flatten)]
    choice: ChoiceArgs,
    /// Order by this metric [default: the one that decides]
    #[arg(long, value_name = "METRIC")]
    by: Option<String>,
    /// At most this many rows; 0 shows all [default: `log.lines`, else 20]
    #[arg(short = 'n', long = "lines", value_name = "N", value_parser = super::log::rows)]
    at_most: Option<usize>,
    /// How the rows come out
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
}

pub(crate) fn run(args: &TableArgs, ui: &Ui, settings: &Settings) -> Result<Exit, CliError> {
    let format = Format::of(args.format, ui)?;
    let mut runs = args.choice.read()?;
    runs.at_most = args.at_most.unwrap_or(settings.log_lines.value);
    let ledger = settings.open_ledger()?;
    let request = TableRequest {
        runs,
        by: args.by.clone(),
    };
    let table = match ledger.table(&request) {
        Ok(table) => table,
        Err(error) => {
            if matches!(error, Error::NoRun)
                && ui.face == Face::Text
                && let Some(why) = args.choice.unknown_name(&ledger)?
            {
                ui.warn(&why);
            }
            return Err(error.into());
        }
    };
    let text = table::text(&table, format);
    match format {
        Format::Csv => ui.exact(&text)?,
        _ => ui.data(&text)?,
    }
    if format == Format::Table && table.shown < table.rows.len() {
        ui.talk("there are more; `-n 0` shows all\n");
    }
    if format != Format::Json {
        for warning in &table.warnings {
            ui.warn(warning);
        }
    }
    Ok(Exit::Done)
}
