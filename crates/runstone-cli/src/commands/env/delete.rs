//! `runstone env delete`.

use super::KEPT;
use crate::commands::signature::SignatureArgs;
use crate::error::CliError;
use crate::exit::Exit;
use crate::render::env;
use crate::settings::{Purpose, Settings};
use crate::ui::Ui;

/// Delete an environment that is kept: it is no longer listed
///
/// Its id is never given again. Runs that were recorded with it keep it; what nothing else names is
/// removed by `runstone gc`. A pinned one is refused.
#[derive(Debug, clap::Args)]
#[command(after_help = KEPT)]
pub(crate) struct DeleteArgs {
    /// The environment
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
    let reference = args.reference.parse()?;
    let ledger = settings.open_environments(Purpose::Reading)?;
    let kept = ledger.find_kept_environment(&reference)?;
    let id = kept.id();
    // What is refused is not asked about.
    if !args.yes && !kept.pinned && !ui.confirm(&format!("delete {}?", env::in_words(&kept))) {
        return Err(CliError::Refused {
            what: format!("{id} was not deleted: nobody confirmed it"),
            hint: format!("`runstone env delete {id} --yes` does not ask"),
        });
    }
    let noted = ledger.delete_environment(&kept, signature)?;
    env::noted(ui, "env-delete", "deleted", &noted)
}
