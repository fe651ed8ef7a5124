//! `runstone env export`.

use std::path::{Path, PathBuf};

use runstone::env::export::{Export, LeftOut};
use runstone::environments::{ExportFormat, FoundEnvironment};
use rustix::fs::Mode;
use rustix::io::Errno;
use serde_json::{Value, json};

use super::REFERENCES;
use super::machine::MachineArgs;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output_file::Output;
use crate::settings::{Purpose, Settings};
use crate::ui::{Face, Ui, plain};

/// Most that is said of what was left out; `--json` has it all.
const TOLD_MAX: usize = 20;

/// Write an environment in a format that others read
///
/// Nothing is asked and nothing is started, but for `pylock`: the hashes in it are those of your
/// index, which uv is asked for, or a pip that can lock. What is in no grammar of its package
/// manager, and what a format has no place for, is left out and named on stderr; the exit code is
/// then 5. A format of several files is written into a folder; standard output gets the first.
#[derive(Debug, clap::Args)]
#[command(after_help = format!("\
Examples:
  runstone env export --format requirements > pins.txt
  runstone env export current --format cyclonedx -o bom.cdx.json
  runstone env export env#12 --format apt -o pins/

Formats: `apt` (lists and pins), `conda` (an explicit list), `cyclonedx` (a bill \
of materials, 1.6), `docker` (a fragment of a Dockerfile), `json` (the document \
and its digest), `pylock` (`pylock.toml`, with hashes, by uv or pip), `requirements` (of pip and uv).

{REFERENCES}"))]
pub(crate) struct ExportArgs {
    /// The environment
    #[arg(value_name = "REF", default_value = "@latest")]
    reference: String,
    /// The format
    #[arg(long, value_name = "FORMAT", value_parser = format)]
    format: ExportFormat,
    /// Where it goes: a file, or a folder for a format of several files; `-` is standard output
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// Replace files that are there
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    machine: MachineArgs,
}

fn format(word: &str) -> Result<ExportFormat, String> {
    ExportFormat::from_word(word).ok_or_else(|| {
        let all = ExportFormat::all();
        let words: Vec<&str> = all.iter().map(|it| it.as_str()).collect();
        format!("write one of `{}`", words.join("`, `"))
    })
}

pub(crate) fn run(args: &ExportArgs, ui: &Ui, settings: &Settings) -> Result<Exit, CliError> {
    let reference = args.reference.parse()?;
    let ledger = settings.open_environments(Purpose::Reading)?;
    let request = args.machine.request(settings);
    let found = ledger.find_environment(&reference, &request)?;
    let export = found.export(args.format, &request.variables)?;
    let store = settings.find_store().map(|found| found.value);
    let paths = written(args, &export, &store.unwrap_or_default())?;
    match ui.face {
        Face::Json => ui.json(&to_json(args, &found, &export, paths.as_deref()))?,
        Face::Text => tell(args, ui, &export, paths.as_deref())?,
    }
    Ok(if export.left_out.is_empty() {
        Exit::Done
    } else {
        Exit::Partly
    })
}

/// Writes the files, if they were asked for: none, if one of them cannot be.
fn written(
    args: &ExportArgs,
    export: &Export,
    store: &Path,
) -> Result<Option<Vec<PathBuf>>, CliError> {
    if args.output == *"-" {
        return Ok(None);
    }
    let paths: Vec<PathBuf> = match export.parts.as_slice() {
        [_] => vec![args.output.clone()],
        parts => {
            folder(&args.output)?;
            parts.iter().map(|it| args.output.join(it.file)).collect()
        }
    };
    let outputs = paths
        .iter()
        .map(|path| Output::outside(store, path, args.force));
    let outputs: Vec<Output> = outputs.collect::<Result<_, _>>()?;
    for (mut output, part) in outputs.into_iter().zip(&export.parts) {
        output.write(&part.text)?;
        output.finish()?;
    }
    Ok(Some(paths))
}

/// Makes a folder, unless it is there.
fn folder(path: &Path) -> Result<(), CliError> {
    match rustix::fs::mkdir(path, Mode::from_raw_mode(0o777)) {
        Ok(()) => Ok(()),
        Err(Errno::EXIST) if path.is_dir() => Ok(()),
        Err(Errno::EXIST) => Err(CliError::usage(
            format!(
                "`{}` is a file, and this format has several",
                path.display()
            ),
            "name a folder with `--output`",
        )),
        Err(error) => Err(CliError::Unwritable {
            path: path.to_owned(),
            source: error.into(),
        }),
    }
}

fn tell(
    args: &ExportArgs,
    ui: &Ui,
    export: &Export,
    paths: Option<&[PathBuf]>,
) -> Result<(), CliError> {
    if let Some(paths) = paths {
        for path in paths {
            ui.talk(&format!("wrote {}\n", plain(&path.display().to_string())));
        }
    } else {
        let mut output = Output::open(Path::new("-"), false)?;
        output.write(&export.parts[0].text)?;
        output.finish()?;
        let others: Vec<&str> = export.parts.iter().skip(1).map(|it| it.file).collect();
        if !others.is_empty() {
            ui.warn(&format!(
                "this is `{}` alone; `--output FOLDER` writes `{}` beside it",
                export.parts[0].file,
                others.join("`, `")
            ));
        }
    }
    for left_out in export.left_out.iter().take(TOLD_MAX) {
        let LeftOut {
            source,
            item,
            reason,
        } = left_out;
        ui.warn(&format!(
            "left out: {} {}: {reason}",
            source.as_str(),
            plain(item)
        ));
    }
    let more = export.left_out.len().saturating_sub(TOLD_MAX);
    if more > 0 {
        ui.warn(&format!(
            "left out: {more} more, which `runstone env export --format {} --json` lists",
            args.format.as_str()
        ));
    }
    Ok(())
}

fn to_json(
    args: &ExportArgs,
    found: &FoundEnvironment,
    export: &Export,
    paths: Option<&[PathBuf]>,
) -> Value {
    let files = export.parts.iter().enumerate().map(|(position, part)| {
        let path = paths.and_then(|paths| paths.get(position));
        json!({
            "name": part.file,
            "path": path.map(|path| path.display().to_string()),
            "text": path.is_none().then_some(&part.text),
        })
    });
    let left_out = export
        .left_out
        .iter()
        .map(|it| json!({ "source": it.source.as_str(), "item": it.item, "reason": it.reason }));
    json!({
        "schema": "runstone.env-export/1",
        "id": found.kept.as_ref().map(runstone::environments::KeptEnvironment::id),
        "digest": found.digest(),
        "format": args.format.as_str(),
        "files": files.collect::<Vec<_>>(),
        "left_out": left_out.collect::<Vec<_>>(),
    })
}
