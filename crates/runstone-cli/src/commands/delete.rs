//! `runstone delete`.

use runstone::core::note::Said;

use crate::commands::show::REFERENCES;
use crate::commands::signature::SignatureArgs;
use crate::error::CliError;
use crate::exit::Exit;
use crate::render::lines::wrapped;
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
    let about = ledger.notes_about(&stored.place)?;
    let is_deleted = about.marks.deleted.is_some();
    let pinned = if about.pinned {
        ", the pinned baseline"
    } else {
        ""
    };
    let run_id = &stored.snapshot.run_id;
    let question = format!("delete {} ({run_id}{pinned})?", stored.place);
    if !args.yes && !is_deleted && !ui.confirm(&question) {
        return Err(CliError::Refused {
            what: format!("{} was not deleted: nobody confirmed it", stored.place),
            hint: format!("`runstone delete {} --yes` does not ask", stored.place),
        });
    }
    let noting = ledger.note(&stored, Said::Delete, signature)?;
    let exit = note::show(ui, "delete", &noting)?;
    if ui.face == Face::Text {
        let show = format!("`runstone show {} --deleted`", stored.place);
        ui.talk(&format!(
            "its place and its key stay taken; it is still shown by\n  {}\n",
            ui.typed_again(&show)
        ));
        if about.pinned && !is_deleted {
            ui.talk(&wrapped(&format!(
                "its pin went with it; the baseline of {} is chosen by the rule again",
                stored.place.cohort
            )));
        }
    }
    Ok(exit)
}
