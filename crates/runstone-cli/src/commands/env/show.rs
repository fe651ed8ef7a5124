//! `runstone env show`.

use super::REFERENCES;
use super::machine::MachineArgs;
use crate::error::CliError;
use crate::exit::Exit;
use crate::render::env;
use crate::settings::{Purpose, Settings};
use crate::ui::{Face, Ui};

/// Show an environment: what was read of it, and how far
#[derive(Debug, clap::Args)]
#[command(after_help = REFERENCES)]
pub(crate) struct ShowArgs {
    /// The environment
    #[arg(value_name = "REF", default_value = "@latest")]
    reference: String,
    /// Show which runs were recorded with it
    #[arg(long)]
    runs: bool,
    /// List the packages of this source, such as `python`
    #[arg(long, value_name = "SOURCE", value_parser = env::source)]
    packages: Option<env::SourceName>,
    #[command(flatten)]
    machine: MachineArgs,
}

pub(crate) fn run(args: &ShowArgs, ui: &Ui, settings: &Settings) -> Result<Exit, CliError> {
    let reference = args.reference.parse()?;
    let ledger = settings.open_environments(Purpose::Reading)?;
    let found = ledger.find_environment(&reference, &args.machine.request(settings))?;
    let runs = if args.runs {
        Some(ledger.runs_of_environment(&found.digest().to_string())?)
    } else {
        None
    };
    match ui.face {
        Face::Json => ui.json(&found.to_json(runs.as_ref()))?,
        Face::Text => {
            ui.data(&env::shown(&found, runs.as_ref(), args.packages))?;
            for warning in &found.warnings {
                ui.warn(warning);
            }
            if let Some(warning) = runs.and_then(|runs| runs.warning()) {
                ui.warn(&warning);
            }
        }
    }
    Ok(Exit::Done)
}
