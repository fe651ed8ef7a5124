//! `runstone gc`.

use crate::error::CliError;
use crate::exit::Exit;
use crate::progress::Progress;
use crate::render::gc;
use crate::settings::Settings;
use crate::ui::{Face, Ui};

/// Remove what writers that died left behind, and what nothing names
///
/// Temporary files older than a day, by the clock of the file system, are removed. Younger ones may
/// be those of a recording at work, and stay. Objects (attached files, large sections of documents)
/// that are a day old and that no snapshot, deleted or not, and no refused run names go to the
/// trash; a day later they are removed, unless something names them by then: that puts them back.
/// While any entry cannot be read, or a log shows that entries are lost, no object goes. Nothing
/// that was recorded is touched. Exits with 5 if something could not be removed or decided.
#[derive(Debug, clap::Args)]
pub(crate) struct GcArgs {
    /// Say what would be removed or moved, and do neither
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn run(args: &GcArgs, ui: &Ui, settings: &Settings) -> Result<Exit, CliError> {
    let ledger = settings.open_ledger()?;
    let mut progress = Progress::new(ui, "entries read");
    let collected = ledger.collect(args.dry_run, &mut |entries| progress.so_far(entries))?;
    drop(progress);
    match ui.face {
        Face::Json => ui.json(&collected.to_json())?,
        Face::Text => ui.data(&gc::text(&collected))?,
    }
    Ok(if collected.is_partly_done() {
        Exit::Partly
    } else {
        Exit::Done
    })
}
