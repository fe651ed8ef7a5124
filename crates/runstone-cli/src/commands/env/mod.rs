//! `runstone env`: environments that are kept by request, one verb a file.

mod create;
mod delete;
mod diff;
mod export;
mod import;
mod list;
mod machine;
mod pin;
mod prune;
mod restore;
mod show;
mod verify;

use std::num::NonZeroU64;

use crate::error::CliError;
use crate::exit::Exit;
use crate::settings::Settings;
use crate::ui::Ui;

/// How environments are named, for the help of every command that takes one.
const REFERENCES: &str = "REF is `env#12`, `@latest` (the newest that is kept), `current` (the machine as \
     it is), or 4 or more digits of a digest, also of one that only runs name.";

/// How those are named that can be pinned or deleted.
const KEPT: &str =
    "REF is `env#12`, `@latest` (the newest that is kept), or 4 or more digits of its digest.";

/// Keep environments, find them again, and see what differs
///
/// An environment is the software and the machine under a run, captured by reading what package
/// managers keep about themselves. Runs bring their own; these are kept by request, in the same
/// store. Where there is no store, `$XDG_DATA_HOME/runstone` is made when something is first kept.
#[derive(Debug, clap::Args)]
pub(crate) struct EnvArgs {
    #[command(subcommand)]
    verb: EnvVerb,
}

#[derive(Debug, clap::Subcommand)]
enum EnvVerb {
    Create(create::CreateArgs),
    List(list::ListArgs),
    Show(show::ShowArgs),
    Diff(diff::DiffArgs),
    Delete(delete::DeleteArgs),
    Pin(pin::PinArgs),
    Unpin(pin::UnpinArgs),
    Prune(prune::PruneArgs),
    Verify(verify::VerifyArgs),
    Export(export::ExportArgs),
    Import(import::ImportArgs),
    Restore(restore::RestoreArgs),
}

/// Reads how many environments a rule keeps.
fn how_many(word: &str) -> Result<NonZeroU64, String> {
    word.parse()
        .map_err(|_no_number| "write how many are to stay: 1 or more".to_owned())
}

pub(crate) fn run(args: &EnvArgs, ui: &Ui, settings: &Settings) -> Result<Exit, CliError> {
    match &args.verb {
        EnvVerb::Create(args) => create::run(args, ui, settings),
        EnvVerb::List(args) => list::run(args, ui, settings),
        EnvVerb::Show(args) => show::run(args, ui, settings),
        EnvVerb::Diff(args) => diff::run(args, ui, settings),
        EnvVerb::Delete(args) => delete::run(args, ui, settings),
        EnvVerb::Pin(args) => pin::pin(args, ui, settings),
        EnvVerb::Unpin(args) => pin::unpin(args, ui, settings),
        EnvVerb::Prune(args) => prune::run(args, ui, settings),
        EnvVerb::Verify(args) => verify::run(args, ui, settings),
        EnvVerb::Export(args) => export::run(args, ui, settings),
        EnvVerb::Import(args) => import::run(args, ui, settings),
        EnvVerb::Restore(args) => restore::run(args, ui, settings),
    }
}
