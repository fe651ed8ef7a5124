//! `runstone baseline`.

use crate::error::CliError;
use crate::exit::Exit;
use crate::render::baseline;
use crate::settings::Settings;
use crate::ui::{Face, Ui};

/// Show the yardstick of a cohort
#[derive(Debug, clap::Args)]
pub(crate) struct BaselineArgs {
    #[command(subcommand)]
    verb: BaselineVerb,
}

#[derive(Debug, clap::Subcommand)]
enum BaselineVerb {
    /// Show which run is the baseline, why, and when it moved
    Show {
        /// A cohort or a snapshot of it [default: the newest snapshot's cohort]
        #[arg(value_name = "COHORT|REF")]
        of: Option<String>,
    },
}

pub(crate) fn run(args: &BaselineArgs, ui: &Ui, settings: &Settings) -> Result<Exit, CliError> {
    let BaselineVerb::Show { of } = &args.verb;
    let ledger = settings.open_ledger()?;
    let cohort = match of {
        None => ledger.find("@latest")?.place.cohort,
        Some(text) => match ledger.find_cohort(text) {
            Ok(cohort) => cohort,
            Err(not_a_cohort) => match ledger.find(text) {
                Ok(stored) => stored.place.cohort,
                Err(runstone::Error::NotFound { .. }) => return Err(not_a_cohort.into()),
                Err(error) => return Err(error.into()),
            },
        },
    };
    let shown = ledger.baseline_show(&cohort)?;
    match ui.face {
        Face::Json => ui.json(&shown.to_json())?,
        Face::Text => ui.data(&baseline::text(&shown))?,
    }
    Ok(Exit::Done)
}
