//! `runstone gc`.

use crate::error::CliError;
use crate::exit::Exit;
use crate::render::gc;
use crate::settings::Settings;
use crate::ui::{Face, Ui};

/// Remove what writers that died left behind
///
/// Temporary files older than a day, by the clock of the file system. Younger ones may be those of
/// a recording at work, and stay. Nothing that was recorded is touched. Exits with 5 if something
/// could not be removed.
#[derive(Debug, clap::Args)]
pub(crate) struct GcArgs {
    /// Say what would be removed, and remove nothing
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn run(args: &GcArgs, ui: &Ui, settings: &Settings) -> Result<Exit, CliError> {
    let collected = settings.open_ledger()?.collect(args.dry_run)?;
    match ui.face {
        Face::Json => ui.json(&collected.to_json())?,
        Face::Text => ui.data(&gc::text(&collected))?,
    }
    Ok(if collected.swept.left > 0 {
        Exit::Partly
    } else {
        Exit::Done
    })
}
