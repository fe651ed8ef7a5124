//! `runstone views`.

use crate::error::CliError;
use crate::exit::Exit;
use crate::progress::Progress;
use crate::render::views;
use crate::settings::Settings;
use crate::ui::{Face, Ui};

/// Make the files for people and scripts again
///
/// Views are what can be read without runstone: `runs/RUN/STAGE/COHORT/` with metadata, metrics and
/// diffs, an index of each run, and `LATEST.json` of each cohort. They are derived from the log:
/// all of them may be deleted.
#[derive(Debug, clap::Args)]
pub(crate) struct ViewsArgs {
    #[command(subcommand)]
    verb: ViewsVerb,
}

#[derive(Debug, clap::Subcommand)]
enum ViewsVerb {
    /// Make every view again, equal byte for byte
    ///
    /// What is missing or differs is written, what belongs to no snapshot is removed, what is right
    /// is left. Exits with 8 if a snapshot cannot be read, with 5 if a later
    /// release wrote one or something stands in the way; their views stay as they are.
    Rebuild {
        /// Only the views of this cohort
        #[arg(long)]
        cohort: Option<String>,
    },
}

pub(crate) fn run(args: &ViewsArgs, ui: &Ui, settings: &Settings) -> Result<Exit, CliError> {
    let ViewsVerb::Rebuild { cohort } = &args.verb;
    let ledger = settings.open_ledger()?;
    let cohort = cohort
        .as_deref()
        .map(|named| ledger.find_cohort(named))
        .transpose()?;
    let mut progress = Progress::new(ui, "snapshots");
    let rebuilt = ledger.rebuild_views(cohort.as_ref(), &mut |done, total| {
        progress.at(done, total);
    })?;
    drop(progress);
    match ui.face {
        Face::Json => ui.json(&rebuilt.to_json())?,
        Face::Text => ui.data(&views::text(&rebuilt))?,
    }
    Ok(if !rebuilt.unreadable.is_empty() {
        Exit::Damaged
    } else if !rebuilt.left.is_empty() || !rebuilt.newer.is_empty() {
        Exit::Partly
    } else {
        Exit::Done
    })
}
