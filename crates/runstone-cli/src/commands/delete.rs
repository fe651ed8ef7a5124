//! `runstone delete`.

use runstone::core::note::Said;

use crate::commands::show::REFERENCES;
use crate::commands::signature::SignatureArgs;
use crate::error::CliError;
use crate::exit::Exit;
use crate::render::note;
use crate::settings::Settings;
use crate::ui::{Face, Ui};

/// Delete a snapshot: it is no longer listed, and no yardstick
///
/// A tombstone is noted beside it; its place in the log and its key stay taken, so that recording
/// the same again finds it. Answers that were given before stay what they were. `runstone show REF
/// --deleted` still shows it, with who deleted it, when and why.
#[derive(Debug, clap::Args)]
#[command(after_help = REFERENCES)]
pub(crate) struct DeleteArgs {
    /// The snapshot
    #[arg(value_name = "REF")]
    reference: String,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    signature: SignatureArgs,
}

pub(crate) fn run(args: &DeleteArgs, ui: &Ui, settings: &Settings) -> Result<Exit, CliError> {
    let signature = args.signature.read()?;
    let ledger = settings.open_ledger()?;
    let stored = ledger.find_also_deleted(&args.reference)?;
    let is_deleted = ledger.notes_about(&stored.place)?.marks.deleted.is_some();
    let run_id = &stored.snapshot.run_id;
    let question = format!("delete {} ({run_id})?", stored.place);
    if !args.yes && !is_deleted && !ui.confirm(&question) {
        return Err(CliError::Refused {
            what: format!("{} was not deleted: nobody confirmed it", stored.place),
            hint: format!("`runstone delete {} --yes` does not ask", stored.place),
        });
    }
    let noting = ledger.note(&stored, Said::Delete, signature)?;
    let exit = note::show(ui, "delete", &noting)?;
    if ui.face == Face::Text {
        ui.talk(&format!(
            "its place and its key stay taken; `runstone show {} --deleted` shows it\n",
            stored.place
        ));
    }
    Ok(exit)
}
