//! `runstone env import`.

use std::path::{Path, PathBuf};

use clap::ArgGroup;
use runstone::Error;
use runstone::core::note::{NoteText, Tag};
use runstone::env::import::{BYTES_MAX, Format, NotTaken};
use runstone::environments::{Created, Keeping, SnapshotOutcome};

use crate::commands::signature::ByArgs;
use crate::error::CliError;
use crate::exit::Exit;
use crate::render::env;
use crate::settings::{Purpose, Settings};
use crate::ui::{Face, Ui, plain};
use crate::values::{called, read_beyond};

/// Most that is said of what was not taken over; `--json` has it all.
const TOLD_MAX: usize = 20;

/// Keep an environment that others wrote down
///
/// What a format does not speak of is not known afterwards, never empty; what it speaks of counts
/// as read in part, but for a document of our own whose digest is right. What of the file could not
/// be taken over is named on stderr; the exit code is then 5.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("what").required(true).args(["file", "from"]))]
#[command(after_help = "\
Examples:
  python3 -m pip freeze | runstone env import - --format requirements
  runstone env import bom.cdx.json --tag vendor
  runstone env import --from old-snapshots/

Formats: `conda` (an explicit list), `cyclonedx` (a bill of materials, JSON), \
`json` (of `runstone env export --format json`), `requirements` (pins alone). \
`--from` reads folders of an earlier tool, `DIR/YYYYMMDD_HHMMSS…/metadata.json`; \
those that are kept already are not kept again.")]
pub(crate) struct ImportArgs {
    /// The file; `-` is standard input
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// A folder of snapshots that an earlier tool made
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
    /// The format of FILE [default: what it looks like]
    #[arg(long, value_name = "FORMAT", value_parser = format, conflicts_with = "from")]
    format: Option<Format>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// A tag it bears; what bears one is never taken by a rule (may be repeated)
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// Keep it from every rule and deletion until it is unpinned
    #[arg(long)]
    pin: bool,
    #[command(flatten)]
    by: ByArgs,
}

fn format(word: &str) -> Result<Format, String> {
    Format::from_word(word).ok_or_else(|| {
        let words: Vec<&str> = Format::ALL.iter().map(|it| it.as_str()).collect();
        format!("write one of `{}`", words.join("`, `"))
    })
}

pub(crate) fn run(args: &ImportArgs, ui: &Ui, settings: &Settings) -> Result<Exit, CliError> {
    let description = args.description.as_deref().map(NoteText::new);
    let tags = args.tags.iter().map(|tag| Tag::new(tag));
    let keeping = Keeping {
        description: description.transpose().map_err(Error::from)?,
        tags: tags.collect::<Result<_, _>>().map_err(Error::from)?,
        pinned: args.pin,
        by: args.by.read()?.by,
        keep: None,
    };
    match (&args.file, &args.from) {
        (_, Some(folder)) => folders(folder, &keeping, ui, settings),
        (Some(path), None) => file(args, path, keeping, ui, settings),
        (None, None) => unreachable!("one of the two is demanded"),
    }
}

fn file(
    args: &ImportArgs,
    path: &Path,
    keeping: Keeping,
    ui: &Ui,
    settings: &Settings,
) -> Result<Exit, CliError> {
    let bytes = read_beyond(path, BYTES_MAX)?;
    let ledger = settings.open_environments(Purpose::Keeping)?;
    let imported = ledger.import_file(&called(path), &bytes, args.format, keeping)?;
    match ui.face {
        Face::Json => ui.json(&imported.to_json())?,
        Face::Text => {
            ui.data(&env::imported(&imported.created, imported.format.as_str()))?;
            warn(ui, "", &imported.created, &imported.not_taken);
        }
    }
    Ok(if imported.not_taken.is_empty() {
        Exit::Done
    } else {
        Exit::Partly
    })
}

fn folders(
    folder: &Path,
    keeping: &Keeping,
    ui: &Ui,
    settings: &Settings,
) -> Result<Exit, CliError> {
    let ledger = settings.open_environments(Purpose::Keeping)?;
    let imported = ledger.import_folders(folder, keeping)?;
    match ui.face {
        Face::Json => ui.json(&imported.to_json())?,
        Face::Text => {
            for snapshot in &imported.snapshots {
                ui.data(&env::imported_snapshot(snapshot))?;
                if let SnapshotOutcome::Kept { created, not_taken } = &snapshot.outcome {
                    warn(ui, &format!("{}: ", snapshot.id), created, not_taken);
                }
            }
            if imported.snapshots.is_empty() {
                ui.talk("there is no snapshot of the earlier tool in it\n");
            }
            if !imported.passed_over.is_empty() {
                let names: Vec<String> = imported.passed_over.iter().map(|it| plain(it)).collect();
                ui.warn(&format!("passed over, no snapshots: {}", names.join(", ")));
            }
        }
    }
    if imported.snapshots.is_empty() {
        return Ok(Exit::NotFound);
    }
    Ok(if imported.is_partly_done() {
        Exit::Partly
    } else {
        Exit::Done
    })
}

/// Says what should be known of what was imported, and what was not taken over.
fn warn(ui: &Ui, of: &str, created: &Created, not_taken: &[NotTaken]) {
    for warning in &created.warnings {
        ui.warn(&format!("{of}{warning}"));
    }
    for it in not_taken.iter().take(TOLD_MAX) {
        ui.warn(&format!(
            "{of}not taken: {}, `{}`: {}",
            it.place,
            plain(&it.item),
            it.reason
        ));
    }
    let more = not_taken.len().saturating_sub(TOLD_MAX);
    if more > 0 {
        ui.warn(&format!("{of}not taken: {more} more, which `--json` lists"));
    }
}
