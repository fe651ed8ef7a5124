//! `runstone stats`.

use crate::error::CliError;
use crate::exit::Exit;
use crate::progress::Progress;
use crate::render::stats;
use crate::settings::Settings;
use crate::ui::{Face, Ui};

/// Show what the store weighs: bytes by kind, by cohort and by day
///
/// Files are counted once, however many names they have, and none is read: sizes are those of the
/// file system, once as bytes and once as the room they take on the disk. Exits with 5 if something
/// could not be looked at.
#[derive(Debug, clap::Args)]
pub(crate) struct StatsArgs {
    /// How many of the last days to show, today included, by the clocks of those who recorded
    #[arg(long, value_name = "N", default_value_t = 7)]
    days: u32,
    /// List every cohort, not only the largest
    #[arg(long)]
    all: bool,
}

pub(crate) fn run(args: &StatsArgs, ui: &Ui, settings: &Settings) -> Result<Exit, CliError> {
    let ledger = settings.open_ledger()?;
    let mut progress = Progress::new(ui, "files");
    let found = ledger.stats(args.days, &mut |done| progress.so_far(done))?;
    drop(progress);
    match ui.face {
        Face::Json => ui.json(&found.to_json())?,
        Face::Text => ui.data(&stats::text(&found, args.all))?,
    }
    Ok(if found.is_complete() {
        Exit::Done
    } else {
        Exit::Partly
    })
}
