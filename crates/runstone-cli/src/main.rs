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
mod naming;
mod output_file;
mod progress;
mod render;
mod settings;
mod source;
mod spelling;
mod tally;
mod ui;
mod usage;
mod values;

use std::io::{self, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, FromArgMatches as _, Parser};

use crate::commands::Command;
use crate::exit::Exit;
use crate::settings::{Given, Settings, When};
use crate::ui::{Face, Ui};

/// Recording makes and drops many small values, in several threads for a stream.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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

fn main() {
    leave(answered());
}

/// Ends the process. Nothing is tidied up that the system takes back by itself: the allocator gave
/// memory back in some seventy calls.
fn leave(exit: Exit) -> ! {
    // What could not be written was told where it was written.
    drop(io::stdout().flush());
    signal_hook::low_level::exit(exit.code().into())
}

/// Reads the arguments, calls the verb, and shows what came of it.
fn answered() -> Exit {
    let cli = match parsed() {
        Ok(cli) => cli,
        Err(exit) => return exit,
    };
    execution::outlive_full_files();
    use_colour(cli.global.color.unwrap_or(When::Auto));
    let face = if cli.global.json {
        Face::Json
    } else {
        Face::Text
    };
    let ui = Ui::new(face, cli.global.quiet).naming(cli.global.store.as_deref());
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
        let profile = cli.command.named_profile().map(str::to_owned);
        let answer = commands::run(cli.command, &ui, &settings);
        if answer.is_err() {
            ui.learn(|| settings.rules_for_words(profile.as_deref()));
        }
        answer
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
}

/// Reads the arguments; where there is nothing to run, says so and returns with what to end.
fn parsed() -> Result<Cli, Exit> {
    match Cli::try_parse() {
        Ok(cli) => Ok(cli),
        Err(error) if error.kind() == ErrorKind::DisplayVersion => {
            Err(usage::answer(&error, &Cli::command()))
        }
        // Nothing is known yet of the commands that were not asked for, and help lists them all.
        Err(_said_in_part) => {
            let mut program = whole();
            let matches = program.try_get_matches_from_mut(std::env::args_os());
            let cli = matches.and_then(|matches| Cli::from_arg_matches(&matches));
            cli.map_err(|error| usage::answer(&error, &program))
        }
    }
}

/// Returns the program with all its commands put together, for help and for whoever lists them.
fn whole() -> clap::Command {
    let mut program = Cli::command();
    // What puts a command together as parsing does, and nothing below it, is asking how it is used.
    program.render_usage();
    for command in program.get_subcommands_mut() {
        command.render_usage();
    }
    program
}

fn use_colour(when: When) {
    match when {
        // Whether there is a terminal that shows colour is found out at each write.
        When::Auto => {}
        When::Always => anstream::ColorChoice::Always.write_global(),
        When::Never => anstream::ColorChoice::Never.write_global(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_do_not_contradict_each_other() {
        Cli::command().debug_assert();
    }
}
