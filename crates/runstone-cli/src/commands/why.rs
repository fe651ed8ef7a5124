//! `runstone why`.

use crate::commands::show::REFERENCES;
use crate::error::CliError;
use crate::exit::Exit;
use crate::render::why;
use crate::settings::Settings;
use crate::ui::{Face, Ui};

/// Say what changed when a metric moved
///
/// Names the run at which the move began, then what changed there, most suspicious first: what was
/// not undone since, was new, and did not change before without harm. This is evidence from the
/// cohort's own history, never proof of a cause. What was not captured is named.
#[derive(Debug, clap::Args)]
#[command(after_help = REFERENCES)]
pub(crate) struct WhyArgs {
    /// The snapshot
    #[arg(value_name = "REF", default_value = "@latest")]
    reference: String,
}

pub(crate) fn run(args: &WhyArgs, ui: &Ui, settings: &Settings) -> Result<Exit, CliError> {
    let ledger = settings.open_ledger()?;
    let stored = ledger.find(&args.reference)?;
    let why = ledger.why(&stored)?;
    match ui.face {
        Face::Json => ui.json(&why.to_json())?,
        Face::Text => {
            ui.data(&why::text(&why))?;
            for warning in why.warnings() {
                ui.warn(&warning);
            }
        }
    }
    Ok(Exit::Done)
}
