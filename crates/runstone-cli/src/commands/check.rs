//! `runstone check`.

use runstone::check::{CheckRequest, Outcome, Yardstick};
use runstone::core::verdict::Overall;
use runstone::{Error, Ledger};

use super::record::FailOn;
use crate::commands::show::REFERENCES;
use crate::error::CliError;
use crate::exit::Exit;
use crate::render::check;
use crate::settings::Settings;
use crate::ui::{Face, Ui};

/// Ask whether a run passes: exit with 4 if it is a regression
///
/// The answer is that of its recording, worked out again from the log: nothing is written, and
/// asking twice gives the same. An undecided run passes, and it is said that it is undecided. A run
/// that failed or was interrupted never passes: nothing of it was judged.
#[derive(Debug, clap::Args)]
#[command(after_help = format!("\
Examples:
  runstone check
  runstone check --fail-on regression,undecided,major
  runstone check --against baseline --json

{REFERENCES}"))]
pub(crate) struct CheckArgs {
    /// The snapshot
    #[arg(value_name = "REF", default_value = "@latest")]
    reference: String,
    /// Fail on these: a verdict (`regression`, `undecided` …) or at least this severity
    #[arg(
        long,
        value_name = "WORD",
        value_delimiter = ',',
        default_value = "regression"
    )]
    fail_on: Vec<FailOn>,
    /// Hold it against one run alone: `baseline`, `previous`, or a snapshot of its cohort that
    /// finished (3 for any other) [default: all runs with its settings]
    #[arg(long, value_name = "baseline|previous|REF")]
    against: Option<String>,
    /// Exit with 3 where nothing is comparable
    #[arg(long)]
    require_comparable: bool,
}

pub(crate) fn run(args: &CheckArgs, ui: &Ui, settings: &Settings) -> Result<Exit, CliError> {
    let ledger = settings.open_ledger()?;
    let stored = ledger.find(&args.reference)?;
    let request = CheckRequest {
        yardstick: yardstick(&ledger, args.against.as_deref())?,
        fail_on: args.fail_on.iter().map(|word| word.0).collect(),
        require_comparable: args.require_comparable,
    };
    let checked = ledger.check(stored, request)?;
    match ui.face {
        Face::Json => ui.json(&checked.to_json())?,
        Face::Text => {
            ui.data(&check::text(&checked))?;
            for warning in &checked.warnings {
                ui.warn(warning);
            }
            let passed_undecided =
                checked.outcome == Outcome::Passed && checked.verdict.overall == Overall::Undecided;
            if passed_undecided {
                ui.talk("undecided passes; `--fail-on regression,undecided` lets it fail\n");
            }
        }
    }
    Ok(match checked.outcome {
        Outcome::Passed => Exit::Done,
        Outcome::Failed => Exit::Different,
        Outcome::NothingComparable => Exit::NotFound,
    })
}

fn yardstick(ledger: &Ledger, against: Option<&str>) -> Result<Yardstick, Error> {
    Ok(match against {
        None => Yardstick::History,
        Some("previous") => Yardstick::Previous,
        Some("baseline" | "@baseline") => Yardstick::Baseline,
        Some(reference) => Yardstick::Snapshot(Box::new(ledger.find(reference)?)),
    })
}
