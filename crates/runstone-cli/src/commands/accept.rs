//! `runstone accept`.

use runstone::core::note::Said;

use crate::commands::show::REFERENCES;
use crate::commands::signature::SignatureArgs;
use crate::error::CliError;
use crate::exit::Exit;
use crate::render::note;
use crate::settings::Settings;
use crate::ui::Ui;

/// Let a candidate serve as a yardstick for the runs after it
///
/// A candidate is judged like every run and is the previous, the baseline and the noise of none,
/// until it is accepted. Answers that were given before stay what they were.
#[derive(Debug, clap::Args)]
#[command(after_help = REFERENCES)]
pub(crate) struct AcceptArgs {
    /// The candidate
    #[arg(value_name = "REF")]
    reference: String,
    #[command(flatten)]
    signature: SignatureArgs,
}

pub(crate) fn run(args: &AcceptArgs, ui: &Ui, settings: &Settings) -> Result<Exit, CliError> {
    let signature = args.signature.read()?;
    let ledger = settings.open_ledger()?;
    let stored = ledger.find(&args.reference)?;
    note::show(
        ui,
        "accept",
        &ledger.note(&stored, Said::Accept, signature)?,
    )
}
