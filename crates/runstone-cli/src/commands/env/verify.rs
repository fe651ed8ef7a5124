//! `runstone env verify`.

use super::machine::MachineArgs;
use crate::error::CliError;
use crate::exit::Exit;
use crate::progress::Progress;
use crate::render::env;
use crate::settings::{Purpose, Settings};
use crate::ui::{Face, Ui};

/// Read every environment that is kept, and name what is damaged
///
/// With `--deep` every file of the machine's Python is read too, and held against the hash that was
/// written down when it was installed: that finds packages which somebody changed by hand. Exits
/// with 8 if something kept is damaged, with 4 if files of Python were changed or are gone, with 5
/// if something could not be looked at. `runstone verify` checks the whole store.
#[derive(Debug, clap::Args)]
pub(crate) struct VerifyArgs {
    /// Read every file of the machine's Python
    #[arg(long)]
    deep: bool,
    #[command(flatten)]
    machine: MachineArgs,
}

pub(crate) fn run(args: &VerifyArgs, ui: &Ui, settings: &Settings) -> Result<Exit, CliError> {
    let ledger = settings.open_environments(Purpose::Reading)?;
    let mut verified = ledger.verify_kept()?;
    if args.deep {
        let mut progress = Progress::new(ui, "files read");
        let request = args.machine.request(settings);
        let files = ledger.verify_python(&request, &mut |files| progress.so_far(files))?;
        verified.python = Some(files);
    }
    match ui.face {
        Face::Json => ui.json(&verified.to_json())?,
        Face::Text => ui.data(&env::verified(&verified))?,
    }
    Ok(if !verified.is_ok() {
        Exit::Damaged
    } else if verified.differs() {
        Exit::Different
    } else if verified.is_partly_done() {
        Exit::Partly
    } else {
        Exit::Done
    })
}
