//! `runstone env pin` and `runstone env unpin`.

use super::KEPT;
use crate::commands::signature::SignatureArgs;
use crate::error::CliError;
use crate::exit::Exit;
use crate::render::env;
use crate::settings::{Purpose, Settings};
use crate::ui::Ui;

/// Pin an environment: no rule and no deletion takes it
#[derive(Debug, clap::Args)]
#[command(after_help = KEPT)]
pub(crate) struct PinArgs {
    /// The environment
    #[arg(value_name = "REF")]
    reference: String,
    #[command(flatten)]
    signature: SignatureArgs,
}

pub(crate) fn pin(args: &PinArgs, ui: &Ui, settings: &Settings) -> Result<Exit, CliError> {
    let signature = args.signature.read()?;
    let reference = args.reference.parse()?;
    let ledger = settings.open_environments(Purpose::Reading)?;
    let kept = ledger.find_kept_environment(&reference)?;
    let noted = ledger.pin_environment(&kept, signature)?;
    env::noted(ui, "env-pin", "pinned", &noted)
}

/// Take the pin of an environment away
#[derive(Debug, clap::Args)]
#[command(after_help = KEPT)]
pub(crate) struct UnpinArgs {
    /// The environment
    #[arg(value_name = "REF")]
    reference: String,
    #[command(flatten)]
    signature: SignatureArgs,
}

pub(crate) fn unpin(args: &UnpinArgs, ui: &Ui, settings: &Settings) -> Result<Exit, CliError> {
    let signature = args.signature.read()?;
    let reference = args.reference.parse()?;
    let ledger = settings.open_environments(Purpose::Reading)?;
    let kept = ledger.find_kept_environment(&reference)?;
    let noted = ledger.unpin_environment(&kept, signature)?;
    env::noted(ui, "env-unpin", "unpinned", &noted)
}
