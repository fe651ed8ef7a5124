//! `runstone explain`.

use runstone::core::cohort::{Comparability, Mismatch};
use serde_json::json;

use crate::commands::show::REFERENCES;
use crate::error::CliError;
use crate::exit::Exit;
use crate::render::explain;
use crate::settings::Settings;
use crate::ui::{Face, Ui};

/// Explain why two runs are, or are not, comparable
///
/// With one reference: what makes its cohort, what it is compared with, and the nearest cohort of
/// the same stage and experiment.
#[derive(Debug, clap::Args)]
#[command(after_help = REFERENCES)]
pub(crate) struct ExplainArgs {
    /// The first run
    #[arg(value_name = "A", default_value = "@latest")]
    a: String,
    /// The second run
    #[arg(value_name = "B")]
    b: Option<String>,
}

pub(crate) fn run(args: &ExplainArgs, ui: &Ui, settings: &Settings) -> Result<Exit, CliError> {
    let ledger = settings.open_ledger()?;
    let a = ledger.find(&args.a)?;
    let Some(b) = &args.b else {
        let key = ledger.cohort_key(&a.place.cohort)?;
        let nearest = ledger.nearest(&key, &a.place.cohort)?;
        let answer = ledger.compared(&a)?;
        match ui.face {
            Face::Json => ui.json(&json!({
                "schema": "runstone.explain/1",
                "a": a.place.to_string(),
                "b": null,
                "cohort": a.place.cohort.as_str(),
                "key": key.document(),
                "previous": answer.diff.previous.as_ref().map(|previous| json!({
                    "run_id": previous.run_id, "snapshot_seq": previous.seq,
                })),
                "reason": answer.diff.reason,
                "nearest": nearest.as_ref().map(runstone::Nearest::to_json),
            }))?,
            Face::Text => ui.data(&explain::one(&a, &key, &answer, nearest.as_ref()))?,
        }
        for warning in answer.warnings(&a.place.cohort) {
            ui.warn(&warning);
        }
        return Ok(Exit::Done);
    };
    let b = ledger.find(b)?;
    let comparability = ledger.comparability(&a.place.cohort, &b.place.cohort)?;
    let mismatches: &[Mismatch] = match &comparability {
        Comparability::Comparable => &[],
        Comparability::Incomparable(mismatches) => mismatches,
    };
    let changes = ledger.compared_with(&a, &b)?;
    match ui.face {
        Face::Json => ui.json(&json!({
            "schema": "runstone.explain/1",
            "a": a.place.to_string(),
            "b": b.place.to_string(),
            "environment": changes.to_json()["environment"],
            "comparable": mismatches.is_empty(),
            "mismatches": mismatches.iter().map(Mismatch::to_json).collect::<Vec<_>>(),
        }))?,
        Face::Text => ui.data(&explain::two(&a, &b, mismatches, &changes))?,
    }
    Ok(Exit::Done)
}
