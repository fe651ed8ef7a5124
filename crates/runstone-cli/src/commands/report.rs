//! `runstone report`.

use std::path::PathBuf;

use crate::commands::show::REFERENCES;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output_file::Output;
use crate::render::report::{Form, page};
use crate::settings::Settings;
use crate::ui::{Face, Ui, plain};

/// Write one page about a run: did it matter, what changed, beside what
///
/// The same run gives the same page, until somebody notes something about it.
#[derive(Debug, clap::Args)]
#[command(after_help = format!("\
Examples:
  runstone report | mail -s nightly team@example.org
  runstone report --format html --output report.html --force
  runstone report --format github >> \"$GITHUB_STEP_SUMMARY\"

{REFERENCES}"))]
pub(crate) struct ReportArgs {
    /// The snapshot
    #[arg(value_name = "REF", default_value = "@latest")]
    reference: String,
    /// How the page comes out [default: md]
    #[arg(long, value_name = "FORMAT")]
    format: Option<Form>,
    /// Where the page goes; `-` is standard output
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// Replace FILE if it is there
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(args: &ReportArgs, ui: &Ui, settings: &Settings) -> Result<Exit, CliError> {
    let to_stdout = args.output == *"-";
    if ui.face == Face::Json && (args.format.is_some() || !to_stdout) {
        return Err(CliError::usage(
            "`--json` contradicts `--format` and `--output`",
            "leave out one or the other, or send it to a file: `runstone report --json > FILE`",
        ));
    }
    let ledger = settings.open_ledger()?;
    let report = ledger.report(ledger.find(&args.reference)?)?;
    if ui.face == Face::Json {
        ui.json(&report.to_json())?;
        return Ok(Exit::Done);
    }
    let store = settings.find_store()?.value;
    let mut output = Output::outside(&store, &args.output, args.force)?;
    output.write(&page(&report, args.format.unwrap_or(Form::Md)))?;
    output.finish()?;
    if !to_stdout {
        let path = plain(&args.output.display().to_string());
        ui.talk(&format!(
            "wrote the report on {} to {path}\n",
            report.stored.place
        ));
    }
    for warning in report.warnings() {
        ui.warn(&warning);
    }
    Ok(Exit::Done)
}
