//! The `runstone` command: reads arguments, calls one verb of the ledger, shows the answer.
//!
//! A face translates and never decides. What a command does is in `commands/<verb>.rs`, how its
//! answer looks in `render/`, what reaches the terminal in `ui`, and the exit codes in `exit`.

mod commands;
mod demo;
mod env_vars;
mod error;
mod execution;
mod exit;
mod output_file;
mod progress;
mod render;
mod settings;
mod source;
mod tally;
mod ui;
mod values;

use std::borrow::Cow;
use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use runstone::core::redact::masked;

use crate::commands::Command;
use crate::error::CliError;
use crate::exit::Exit;
use crate::settings::{Given, Settings, When};
use crate::ui::{Face, Ui};

/// A ledger of runs: what changed since the last comparable run, and did it matter
///
/// Every stage of every run becomes an immutable, durable snapshot in the log of the runs it may
/// be compared with, and the answer comes at once.
#[derive(Debug, Parser)]
#[command(name = "runstone", version, max_term_width = 80, after_help = AFTER_HELP)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Start with `runstone demo`, or `runstone init` in your project.
Exit codes: 0 done, 1 failure, 2 usage or illegal document, 3 not found,
4 different or regression, 5 partly done, 6 refused, 7 outcome unknown (the
same command again is safe), 8 truth is damaged, 70 our bug. Of `run`: its
command's code, or 125.";

/// Options of every command.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Everywhere")]
struct Global {
    /// The store: a directory [default: `RUNSTONE_STORE`, else `.runstone` here or above]
    #[arg(long, global = true, value_name = "DIR", display_order = 100)]
    store: Option<PathBuf>,
    /// Answer with one JSON document
    #[arg(long, global = true, display_order = 101)]
    json: bool,
    /// Say nothing but the answer
    #[arg(long, short, global = true, display_order = 102)]
    quiet: bool,
    /// When to use colour [default: auto]
    #[arg(long, global = true, value_name = "WHEN", display_order = 103)]
    color: Option<When>,
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error).into(),
    };
    use_colour(cli.global.color.unwrap_or(When::Auto));
    let face = if cli.global.json {
        Face::Json
    } else {
        Face::Text
    };
    let ui = Ui {
        face,
        quiet: cli.global.quiet,
    };
    let given = Given {
        store: cli.global.store,
        color: cli.global.color,
    };
    let is_run = matches!(cli.command, Command::Run(_));
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let settings = if cli.command.reads_settings_files() {
            Settings::load(given)?
        } else {
            Settings::without_files(given)?
        };
        use_colour(settings.color.value);
        commands::run(cli.command, &ui, &settings)
    }));
    match outcome {
        Ok(Ok(exit)) => exit,
        Ok(Err(error)) if error.is_closed_pipe() => Exit::Done,
        Ok(Err(error)) => {
            ui.error(&error);
            if is_run { Exit::Wrapper } else { error.exit() }
        }
        // The panic's own message, with its place, stands on stderr already.
        Err(_panic) => {
            ui.talk("error: this is a bug in runstone; what was recorded before is safe\n");
            if is_run { Exit::Wrapper } else { Exit::Bug }
        }
    }
    .into()
}

fn use_colour(when: When) {
    match when {
        // Whether there is a terminal that shows colour is found out at each write.
        When::Auto => {}
        When::Always => anstream::ColorChoice::Always.write_global(),
        When::Never => anstream::ColorChoice::Never.write_global(),
    }
}

/// Shows help, the version or what is wrong with the arguments.
fn usage(error: &clap::Error) -> Exit {
    let own: Vec<_> = std::env::args_os()
        .skip(1)
        .take_while(|argument| argument != "--")
        .collect();
    let wants_json = own.iter().any(|argument| argument == "--json");
    // A caller of `run` takes any other code for the command's own.
    let wrong = match subcommand(&own) {
        Some("run") => Exit::Wrapper,
        _ => Exit::Usage,
    };
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // Nobody reading the help is no error.
            match error.print() {
                Ok(()) | Err(_) => Exit::Done,
            }
        }
        _ if wants_json => {
            let what = error.render().to_string();
            let what = what
                .trim_start_matches("error: ")
                .lines()
                .next()
                .unwrap_or_default();
            let ui = Ui {
                face: Face::Json,
                quiet: false,
            };
            ui.error(&CliError::usage(what, "see `runstone help`"));
            wrong
        }
        _ => {
            // What was typed is quoted, and may hold a secret: colours would hide where it begins.
            match masked(&error.render().to_string()) {
                Cow::Borrowed(_) => match error.print() {
                    Ok(()) | Err(_) => {}
                },
                Cow::Owned(said) => ui::say(&said),
            }
            wrong
        }
    }
}

/// Returns the command among arguments that may not be legal: the first that is neither an option
/// of every command nor the value of one.
fn subcommand(arguments: &[OsString]) -> Option<&str> {
    let mut arguments = arguments
        .iter()
        .map(|argument| argument.to_str().unwrap_or_default());
    while let Some(argument) = arguments.next() {
        match argument {
            "--store" | "--color" => {
                arguments.next();
            }
            option if option.starts_with('-') => {}
            command => return Some(command),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn arguments_do_not_contradict_each_other() {
        Cli::command().debug_assert();
    }
}
