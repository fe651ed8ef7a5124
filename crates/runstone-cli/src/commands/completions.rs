//! `runstone completions`.

use clap::{Command, CommandFactory as _};
use clap_complete::Shell;

use crate::error::CliError;
use crate::exit::Exit;
use crate::ui::{Face, Ui};

/// Print what makes a shell complete the commands and options of Runstone
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  source <(runstone completions bash)
  runstone completions zsh > ~/.zfunc/_runstone
  runstone completions fish > ~/.config/fish/completions/runstone.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(args: &CompletionsArgs, ui: &Ui) -> Result<Exit, CliError> {
    if ui.face == Face::Json {
        return Err(CliError::usage(
            "`--json` says nothing here: what is printed is read by a shell",
            "leave `--json` away",
        ));
    }
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut for_people(), "runstone", &mut script);
    ui.data(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}

/// Returns the command line without the commands that processes of our own start.
fn for_people() -> Command {
    let whole = crate::whole();
    Command::new("runstone")
        .args(crate::Cli::command().get_arguments().cloned())
        .subcommands(
            whole
                .get_subcommands()
                .filter(|command| !command.is_hide_set() && command.get_name() != "help")
                .cloned(),
        )
}
