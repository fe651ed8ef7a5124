//! `runstone env diff`.

use super::REFERENCES;
use super::machine::MachineArgs;
use crate::error::CliError;
use crate::exit::Exit;
use crate::render::env;
use crate::settings::{Purpose, Settings};
use crate::ui::{Face, Ui};

/// Show what differs between two environments, what moves numbers first
///
/// Packages are compared by the order of versions of their ecosystem. What was not read on both
/// sides, and packages of two distributions, are not compared, and listed with the reason.
#[derive(Debug, clap::Args)]
#[command(after_help = REFERENCES)]
pub(crate) struct DiffArgs {
    /// The earlier environment
    #[arg(value_name = "A")]
    before: String,
    /// The later environment
    #[arg(value_name = "B", default_value = "current")]
    after: String,
    /// Write Markdown
    #[arg(long)]
    md: bool,
    /// Exit with 4 if they differ
    #[arg(long)]
    exit_code: bool,
    #[command(flatten)]
    machine: MachineArgs,
}

pub(crate) fn run(args: &DiffArgs, ui: &Ui, settings: &Settings) -> Result<Exit, CliError> {
    if args.md && ui.face == Face::Json {
        return Err(CliError::usage(
            "`--json` contradicts `--md`",
            "leave out one of the two",
        ));
    }
    let (before, after) = (args.before.parse()?, args.after.parse()?);
    let ledger = settings.open_environments(Purpose::Reading)?;
    let compared = ledger.diff_environments(&before, &after, &args.machine.request(settings))?;
    match (ui.face, args.md) {
        (Face::Json, _) => ui.json(&compared.to_json())?,
        (Face::Text, true) => ui.data(&env::diff_markdown(&compared))?,
        (Face::Text, false) => ui.data(&env::diff_text(&compared))?,
    }
    if ui.face == Face::Text {
        for warning in compared.warnings() {
            ui.warn(warning);
        }
    }
    Ok(if args.exit_code && compared.differ() {
        Exit::Different
    } else {
        Exit::Done
    })
}
