//! `runstone verify`.

use crate::error::CliError;
use crate::exit::Exit;
use crate::render::verify;
use crate::settings::Settings;
use crate::ui::{Face, Ui};

/// Read everything again, recompute everything, and name each damage
///
/// Exits with 8 if truth is damaged, with 5 if a later release wrote what was not checked.
/// Leftovers, stale hints, segments and views are listed and harmless.
#[derive(Debug, clap::Args)]
pub(crate) struct VerifyArgs {
    /// Make again what is derived from the log, and give damaged entries, and claims that are
    /// lost, back what a whole copy has
    #[arg(long)]
    repair: bool,
}

pub(crate) fn run(args: &VerifyArgs, ui: &Ui, settings: &Settings) -> Result<Exit, CliError> {
    let ledger = settings.open_ledger()?;
    let verified = if args.repair {
        ledger.verify_and_repair()?
    } else {
        ledger.verify()?
    };
    let told = match ui.face {
        Face::Json => ui.json(&verified.to_json()),
        Face::Text => ui.data(&verify::text(&verified, &settings.find_store()?.value)),
    };
    // Who reads the first lines alone asked all the same.
    told.or_else(|error| error.is_closed_pipe().then_some(()).ok_or(error))?;
    if let Some(next) = verify::next_step(&verified) {
        ui.hint(next);
    }
    Ok(if !verified.is_ok() {
        Exit::Damaged
    } else if verified.not_checked() > 0 {
        Exit::Partly
    } else {
        Exit::Done
    })
}
