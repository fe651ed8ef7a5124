//! `runstone note`.

use runstone::Error;
use runstone::core::note::{NoteText, Said};

use crate::commands::show::REFERENCES;
use crate::commands::signature::ByArgs;
use crate::error::CliError;
use crate::exit::Exit;
use crate::render::note;
use crate::settings::Settings;
use crate::ui::Ui;

/// Keep a remark beside a snapshot
///
/// The snapshot stays as it was recorded; `runstone show` lists its remarks.
#[derive(Debug, clap::Args)]
#[command(after_help = REFERENCES)]
pub(crate) struct NoteArgs {
    /// The snapshot
    #[arg(value_name = "REF")]
    reference: String,
    /// What to remark, in quotes
    #[arg(value_name = "TEXT")]
    text: String,
    #[command(flatten)]
    by: ByArgs,
}

pub(crate) fn run(args: &NoteArgs, ui: &Ui, settings: &Settings) -> Result<Exit, CliError> {
    let text = NoteText::new(args.text.as_str()).map_err(Error::from)?;
    let signature = args.by.read()?;
    let ledger = settings.open_ledger()?;
    let stored = ledger.find(&args.reference)?;
    note::show(
        ui,
        "note",
        &ledger.note(&stored, Said::Remark(text), signature)?,
    )
}
