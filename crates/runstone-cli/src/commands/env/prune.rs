//! `runstone env prune`.

use std::num::NonZeroU64;
use std::time::Duration;

use runstone::environments::Retention;

use crate::commands::signature::ByArgs;
use crate::error::CliError;
use crate::exit::Exit;
use crate::render::{env, time};
use crate::settings::{Purpose, Settings};
use crate::ui::{Face, Ui};

/// Remove environments that a rule calls old
///
/// What is pinned, tagged or named by a run stays, and so does what was created less than ten
/// minutes ago or while this is at work.
/// Where both `--keep` and `--older-than` are given, only what both mean goes. Nothing is removed
/// while a run or a note that might hold it cannot be read.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: runstone env prune --keep 10 --older-than 30d --dry-run")]
pub(crate) struct PruneArgs {
    /// How many of the newest stay
    #[arg(long, value_name = "N", value_parser = super::how_many)]
    keep: Option<NonZeroU64>,
    /// Only what was kept longer ago than this goes: `90m`, `24h`, `30d`, `8w`
    #[arg(long, value_name = "AGE", value_parser = time::while_ago)]
    older_than: Option<Duration>,
    /// Say what would go, and remove nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    by: ByArgs,
}

pub(crate) fn run(args: &PruneArgs, ui: &Ui, settings: &Settings) -> Result<Exit, CliError> {
    let by = args.by.read()?.by;
    let ledger = settings.open_environments(Purpose::Reading)?;
    let rule = Retention {
        keep: args.keep,
        older_than: args.older_than,
    };
    let plan = ledger.plan_prune(rule)?;
    if args.dry_run || plan.removes.is_empty() {
        match ui.face {
            Face::Json => ui.json(&plan.to_json())?,
            Face::Text => ui.data(&env::planned(&plan))?,
        }
        warn(ui, &plan.warnings);
        return Ok(Exit::Done);
    }
    if !args.yes {
        if ui.face == Face::Text {
            // The same words as of a dry run, and beside the answer.
            ui.answer_beside(&env::planned(&plan));
        }
        if !ui.confirm("remove these?") {
            return Err(CliError::Refused {
                what: "nothing was removed: nobody confirmed it".to_owned(),
                hint: "the same command with `--yes` does not ask".to_owned(),
            });
        }
    }
    let taken = ledger.remove_planned(plan, by)?;
    match ui.face {
        Face::Json => ui.json(&taken.to_prune_json())?,
        Face::Text => ui.data(&env::pruned(&taken))?,
    }
    warn(ui, &taken.warnings);
    Ok(if taken.is_partly_done {
        Exit::Partly
    } else {
        Exit::Done
    })
}

fn warn(ui: &Ui, warnings: &[String]) {
    if ui.face == Face::Text {
        for warning in warnings {
            ui.warn(warning);
        }
    }
}
