//! Arguments that cannot be understood: what is wrong with them, and a command that works.
//!
//! The parser of arguments says what is wrong; here its words become an error like every other, in
//! text and in JSON. What was typed is quoted, so it goes out by the door that takes secrets away.
//! Which arguments there are is left to the commands.

use std::error::Error as _;
use std::ffi::{OsStr, OsString};

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::error::CliError;
use crate::exit::Exit;
use crate::render::command_line::command_line;
use crate::spelling::nearest;
use crate::ui::{Face, Ui};

/// Shows help, the version or what is wrong with the arguments, and returns the exit code.
pub(crate) fn answer(error: &clap::Error, program: &clap::Command) -> Exit {
    let typed: Vec<OsString> = std::env::args_os().skip(1).collect();
    let own = typed.iter().take_while(|argument| *argument != "--");
    let wants_json = own.clone().any(|argument| argument == "--json");
    let named = Named::among(own, program);
    let is_help = matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    );
    if is_help || (lacks_command(error) && !wants_json) {
        if let Err(source) = error.print() {
            let lost = CliError::output(source);
            // Nobody reading the help is no error.
            if is_help && !lost.is_closed_pipe() {
                Ui::new(Face::Text, false).error(&lost);
                return match named.names.first() {
                    Some(&"run") => Exit::Wrapper,
                    _ => lost.exit(),
                };
            }
        }
    } else {
        let ui = Ui::new(if wants_json { Face::Json } else { Face::Text }, false);
        ui.error(&CliError::Arguments {
            what: what(error),
            usage: usage(error),
            hint: hint(error, &named, &typed),
        });
    }
    match named.names.first() {
        _ if is_help => Exit::Done,
        // A caller of `run` takes any other code for the command's own.
        Some(&"run") => Exit::Wrapper,
        _ => Exit::Usage,
    }
}

/// The command that the arguments name, as far as they name one.
struct Named<'p> {
    names: Vec<&'p str>,
    command: &'p clap::Command,
}

impl<'p> Named<'p> {
    /// Finds it among arguments that may not be legal: an argument that is neither an option of
    /// every command nor the value of one.
    fn among<'t>(typed: impl Iterator<Item = &'t OsString>, program: &'p clap::Command) -> Self {
        let mut named = Self {
            names: Vec::new(),
            command: program,
        };
        let mut typed = typed.map(|argument| argument.to_str().unwrap_or_default());
        while let Some(argument) = typed.next() {
            match argument {
                "--store" | "--color" => {
                    typed.next();
                }
                option if option.starts_with('-') => {}
                word => match named.command.find_subcommand(word) {
                    // It has no help of its own to point at.
                    Some(below) if below.get_name() != "help" => {
                        named.names.push(below.get_name());
                        named.command = below;
                    }
                    _ => break,
                },
            }
        }
        named
    }

    /// Returns the whole name, with `more` behind it.
    fn with(&self, more: &str) -> String {
        let words = ["runstone"].into_iter().chain(self.names.iter().copied());
        words.chain([more]).collect::<Vec<_>>().join(" ")
    }

    fn is_run(&self) -> bool {
        self.names == ["run"]
    }
}

/// Tells whether the arguments end where a command has to be named.
fn lacks_command(error: &clap::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    )
}

/// Returns what is wrong, without the frame that the parser puts around it.
fn what(error: &clap::Error) -> String {
    let said = error.render().to_string();
    let said = said.split("\n\n").next().unwrap_or_default();
    let mut words: String = said
        .trim_start_matches("error: ")
        .lines()
        .map(str::trim)
        .collect::<Vec<_>>()
        .join(" ");
    if lacks_command(error) {
        "no command is named".clone_into(&mut words);
    }
    // What a value should look like is said by the hint.
    if let Some(advice) = advice(error) {
        let end = words.strip_suffix(&format!(": {advice}")).map(str::len);
        words.truncate(end.unwrap_or(words.len()));
    }
    words
}

/// Returns what the reader of a value says of how to write it.
fn advice(error: &clap::Error) -> Option<String> {
    let said = error.source()?.to_string();
    said.starts_with("write ").then_some(said)
}

/// Returns how the command is used, where an argument is missing or too many.
fn usage(error: &clap::Error) -> Option<String> {
    let is_about_shape = matches!(
        error.kind(),
        ErrorKind::MissingRequiredArgument | ErrorKind::UnknownArgument
    ) && error.get(ContextKind::SuggestedArg).is_none();
    let said = error.render().to_string();
    let line = said.lines().find_map(|line| line.strip_prefix("Usage: "))?;
    is_about_shape.then(|| format!("usage: {line}"))
}

fn hint(error: &clap::Error, named: &Named<'_>, typed: &[OsString]) -> String {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => texts.first().cloned(),
        _ => None,
    };
    let help = format!("see `{}`", named.with("--help"));
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let word = context(ContextKind::InvalidSubcommand).unwrap_or_default();
            let known = named.command.get_subcommands();
            let known = known.filter(|it| !it.is_hide_set() && it.get_name() != "help");
            let near = nearest(&word, known.map(clap::Command::get_name))
                .map(str::to_owned)
                .or_else(|| context(ContextKind::SuggestedSubcommand));
            match near {
                Some(near) => format!(
                    "did you mean `{}`? `{}` lists the commands",
                    named.with(&near),
                    named.with("--help")
                ),
                None => format!("`{}` lists the commands", named.with("--help")),
            }
        }
        ErrorKind::UnknownArgument => {
            let unknown = context(ContextKind::InvalidArg).unwrap_or_default();
            match context(ContextKind::SuggestedArg) {
                Some(meant) => format!(
                    "did you mean `{meant}`? `{}` lists all",
                    named.with("--help")
                ),
                None if named.is_run() => behind_dashes(&unknown, typed).unwrap_or(help),
                None if named.names == ["record"] && !unknown.starts_with('-') => {
                    "one FILE is taken, and it may hold several documents: \
                     `cat *.json | runstone record -`"
                        .to_owned()
                }
                None => help,
            }
        }
        ErrorKind::MissingRequiredArgument if named.is_run() => {
            "name the command behind `--`, such as `runstone run -- python train.py`".to_owned()
        }
        ErrorKind::InvalidValue => match context(ContextKind::SuggestedValue) {
            Some(meant) => format!("did you mean `{meant}`? {help}"),
            None => help,
        },
        ErrorKind::ValueValidation => advice(error).unwrap_or(help),
        ErrorKind::ArgumentConflict => format!("leave one of them away; {help}"),
        _ if lacks_command(error) => format!("`{}` lists the commands", named.with("--help")),
        _ => help,
    }
}

/// Returns what to do about a word that `run` takes for one of its own, and that begins the
/// command: all from there on stands behind `--`.
fn behind_dashes(unknown: &str, typed: &[OsString]) -> Option<String> {
    if unknown.starts_with('-') {
        return Some(
            "options of the command stand behind `--`, as in `runstone run -- ./train --lr 0.1`"
                .to_owned(),
        );
    }
    let at = typed.iter().position(|argument| argument == unknown)?;
    let (own, command) = typed.split_at(at);
    let words: Vec<OsString> = [OsString::from("runstone")]
        .into_iter()
        .chain(own.iter().cloned())
        .chain([OsString::from("--")])
        .chain(
            command
                .iter()
                .filter(|word| *word != OsStr::new("--"))
                .cloned(),
        )
        .collect();
    Some(format!(
        "the command stands behind `--`: `{}`",
        command_line(&words)
    ))
}
