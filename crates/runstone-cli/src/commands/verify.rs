//! `runstone verify`.

use crate::error::CliError;
use crate::exit::Exit;
use crate::render::verify;
use crate::settings::Settings;
use crate::ui::{Face, Ui};

/// Read everything again, recompute everything, and name each damage
///
/// Exits with 8 if truth is damaged. Leftovers and stale hints are listed and harmless.
#[derive(Debug, clap::Args)]
pub(crate) struct VerifyArgs {}

pub(crate) fn run(_args: &VerifyArgs, ui: &Ui, settings: &Settings) -> Result<Exit, CliError> {
    let ledger = settings.open_ledger()?;
    let verified = ledger.verify()?;
    match ui.face {
        Face::Json => ui.json(&verified.to_json())?,
        Face::Text => ui.data(&verify::text(&verified))?,
    }
    Ok(if verified.is_ok() {
        Exit::Done
    } else {
        Exit::Damaged
    })
}
