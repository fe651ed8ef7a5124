//! `runstone env list`.

use crate::error::CliError;
use crate::exit::Exit;
use crate::render::env;
use crate::render::format::Format;
use crate::settings::{Purpose, Settings};
use crate::ui::Ui;

/// List the environments that are kept, newest first
///
/// The order is that in which they got their ids. What only runs name is not listed: `runstone
/// show` says which environment a run had.
#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    /// How the rows come out
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
}

pub(crate) fn run(args: &ListArgs, ui: &Ui, settings: &Settings) -> Result<Exit, CliError> {
    let format = Format::of(args.format, ui)?;
    let ledger = settings.open_environments(Purpose::Reading)?;
    let log = ledger.kept_environments()?;
    ui.data(&env::listed(&log, format))?;
    if format != Format::Json {
        for warning in log.warnings() {
            ui.warn(&warning);
        }
    }
    if format == Format::Table && log.listed().next().is_none() {
        ui.talk("no environment is kept; `runstone env create` keeps the machine as it is\n");
    }
    Ok(Exit::Done)
}
