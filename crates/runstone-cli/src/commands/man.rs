//! `runstone man`.

use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory as _};
use clap_mangen::Man;
use serde_json::json;

use crate::error::CliError;
use crate::exit::Exit;
use crate::output_file::Output;
use crate::ui::{Face, Ui, plain};

/// Print a page of the manual, or write all of them into a directory
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  runstone man record | man -l -
  runstone man --dir ~/.local/share/man/man1")]
pub(crate) struct ManArgs {
    /// The command, such as `record` or `profile show` [default: all of Runstone]
    #[arg(value_name = "COMMAND", conflicts_with = "dir")]
    names: Vec<String>,
    /// Write a page for each command into this directory, made if it is missing
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(crate) fn run(args: &ManArgs, ui: &Ui) -> Result<Exit, CliError> {
    // `help` is a page that says nothing `--help` does not.
    let mut whole = crate::Cli::command().disable_help_subcommand(true);
    whole.build();
    if let Some(folder) = &args.dir {
        return write_all(&whole, folder, ui);
    }
    if ui.face == Face::Json {
        return Err(CliError::usage(
            "`--json` says nothing here: a page is printed for `man`",
            "leave `--json` away, or write all pages: `runstone man --dir man --json`",
        ));
    }
    ui.data(&page(named(&whole, &args.names)?)?)?;
    Ok(Exit::Done)
}

fn named<'a>(whole: &'a Command, names: &[String]) -> Result<&'a Command, CliError> {
    let mut found = whole;
    for name in names {
        found = shown(found)
            .find(|command| command.get_name() == name)
            .ok_or_else(|| {
                CliError::usage(
                    format!("there is no command `{}`", names.join(" ")),
                    "`runstone help` lists the commands",
                )
            })?;
    }
    Ok(found)
}

fn shown(command: &Command) -> impl Iterator<Item = &Command> {
    command
        .get_subcommands()
        .filter(|below| !below.is_hide_set())
}

fn page(command: &Command) -> Result<String, CliError> {
    let mut page = Vec::new();
    Man::new(command.clone())
        .source(concat!("runstone ", env!("CARGO_PKG_VERSION")))
        .manual("Runstone")
        .render(&mut page)
        .map_err(CliError::output)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

fn write_all(whole: &Command, folder: &Path, ui: &Ui) -> Result<Exit, CliError> {
    if folder.exists() && !folder.is_dir() {
        return Err(CliError::usage(
            format!("`{}` is no directory", folder.display()),
            "name one, or let one be made: `runstone man --dir man`",
        ));
    }
    std::fs::create_dir_all(folder).map_err(|source| CliError::Unwritable {
        path: folder.to_owned(),
        source,
    })?;
    let mut pages = Vec::new();
    let mut open = vec![whole];
    while let Some(command) = open.pop() {
        open.extend(shown(command));
        let name = format!(
            "{}.1",
            command.get_display_name().unwrap_or(command.get_name())
        );
        let mut output = Output::open(&folder.join(&name), true)?;
        output.write(&page(command)?)?;
        output.finish()?;
        let names = command.get_bin_name().unwrap_or_default();
        let names = names.split_once(' ').map_or("", |(_, names)| names);
        pages.push((names.to_owned(), name));
    }
    pages.sort();
    match ui.face {
        Face::Json => ui.json(&json!({
            "schema": "runstone.man/1",
            "dir": folder.display().to_string(),
            "pages": pages
                .iter()
                .map(|(command, file)| json!({ "command": command, "file": file }))
                .collect::<Vec<_>>(),
        }))?,
        Face::Text => ui.talk(&format!(
            "wrote {} pages into {}\n",
            pages.len(),
            plain(&folder.display().to_string())
        )),
    }
    Ok(Exit::Done)
}
