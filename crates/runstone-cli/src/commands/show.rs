//! `runstone show`.

use crate::error::CliError;
use crate::exit::Exit;
use crate::render::snapshot;
use crate::settings::Settings;
use crate::ui::{Face, Ui, escaped};

/// Show one snapshot
#[derive(Debug, clap::Args)]
#[command(after_help = REFERENCES)]
pub(crate) struct ShowArgs {
    /// The snapshot
    #[arg(value_name = "REF", default_value = "@latest")]
    reference: String,
    /// Show the run document as it was handed in, and nothing else
    #[arg(long)]
    document: bool,
    /// Show it also if it was deleted
    #[arg(long)]
    deleted: bool,
}

/// How a snapshot is named, for the help of every command that takes a reference.
pub(crate) const REFERENCES: &str = "\
A reference is a run id, RUN:STAGE, RUN:STAGE:ATTEMPT, RUN:STAGE@COHORT,
COHORT#SEQ, the beginning of a digest, @latest, @prev or @baseline. Unique
prefixes of cohorts, digests and run ids do, from 4 characters of a run id on.";

pub(crate) fn run(args: &ShowArgs, ui: &Ui, settings: &Settings) -> Result<Exit, CliError> {
    let ledger = settings.open_ledger()?;
    let stored = if args.deleted {
        ledger.find_also_deleted(&args.reference)?
    } else {
        ledger.find(&args.reference)?
    };
    if args.document {
        let document = serde_json::to_string_pretty(&stored.snapshot.document)
            .map_err(|error| CliError::output(error.into()))?;
        ui.data(&format!("{}\n", escaped(&document)))?;
        return Ok(Exit::Done);
    }
    match ui.face {
        Face::Json => ui.json(&stored.to_json(&ledger.notes_about(&stored.place)?))?,
        Face::Text => {
            let answer = ledger.compared(&stored)?;
            let notes = ledger.notes_about(&stored.place)?;
            ui.data(&snapshot::text(&stored, &answer, &notes))?;
            let mut warnings = answer.warnings(&stored.place.cohort);
            for warning in notes.warnings(&stored.place.cohort) {
                if !warnings.contains(&warning) {
                    warnings.push(warning);
                }
            }
            for warning in warnings {
                ui.warn(&warning);
            }
        }
    }
    Ok(Exit::Done)
}
