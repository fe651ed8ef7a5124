//! `runstone env create`.

use std::num::NonZeroU64;

use runstone::Error;
use runstone::core::note::{NoteText, Tag};
use runstone::environments::Keeping;

use super::machine::MachineArgs;
use crate::commands::signature::ByArgs;
use crate::error::CliError;
use crate::exit::Exit;
use crate::render::env;
use crate::settings::{Purpose, Settings};
use crate::ui::{Face, Ui};

/// Capture the machine as it is, and keep it
///
/// The environment gets the next id of the store, such as `env#12`, and is there until somebody
/// deletes it or asks for a rule to. Any number may be created at once.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: runstone env create 'before the upgrade' --tag release --keep 10")]
pub(crate) struct CreateArgs {
    /// What it is for
    #[arg(value_name = "DESCRIPTION")]
    description: Option<String>,
    /// A tag it bears; what bears one is never taken by a rule (may be repeated)
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// Keep it from every rule and deletion until it is unpinned
    #[arg(long)]
    pin: bool,
    /// Keep the N newest, this one among them: of those that were there before this began what is
    /// older is removed, unless it is pinned, tagged, named by a run, or was created less than ten
    /// minutes ago
    #[arg(long, value_name = "N", value_parser = super::how_many)]
    keep: Option<NonZeroU64>,
    #[command(flatten)]
    machine: MachineArgs,
    #[command(flatten)]
    by: ByArgs,
}

pub(crate) fn run(args: &CreateArgs, ui: &Ui, settings: &Settings) -> Result<Exit, CliError> {
    let description = args.description.as_deref().map(NoteText::new);
    let tags = args.tags.iter().map(|tag| Tag::new(tag));
    let keeping = Keeping {
        description: description.transpose().map_err(Error::from)?,
        tags: tags.collect::<Result<_, _>>().map_err(Error::from)?,
        pinned: args.pin,
        by: args.by.read()?.by,
        keep: args.keep,
    };
    let ledger = settings.open_environments(Purpose::Keeping)?;
    let created = ledger.create_environment(&args.machine.request(settings), keeping)?;
    match ui.face {
        Face::Json => ui.json(&created.to_json())?,
        Face::Text => {
            ui.data(&env::created(&created))?;
            for warning in &created.warnings {
                ui.warn(warning);
            }
        }
    }
    Ok(if created.taken.is_partly_done {
        Exit::Partly
    } else {
        Exit::Done
    })
}
