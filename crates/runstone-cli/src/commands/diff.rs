//! `runstone diff`.

use runstone::core::diff::RunDiff;
use runstone::{Error, Ledger, Stored};

use crate::commands::show::REFERENCES;
use crate::error::CliError;
use crate::exit::Exit;
use crate::render::diff::{self, Detail};
use crate::settings::Settings;
use crate::ui::{Face, Ui};

/// Show what changed between two snapshots: only what differs, what matters first
///
/// Without a reference: the newest snapshot against its previous. With one: that snapshot against
/// its previous. With two: the second against the first.
#[derive(Debug, clap::Args)]
#[command(after_help = REFERENCES)]
pub(crate) struct DiffArgs {
    /// The snapshot, or the earlier of two
    #[arg(value_name = "A")]
    a: Option<String>,
    /// The later snapshot
    #[arg(value_name = "B")]
    b: Option<String>,
    /// Show all: equal metrics, times and sizes of the process, every change of a long section
    #[arg(long)]
    all: bool,
    /// Write Markdown
    #[arg(long)]
    md: bool,
    /// Exit with 4 if anything differs but times and sizes of the process
    #[arg(long)]
    exit_code: bool,
}

pub(crate) fn run(args: &DiffArgs, ui: &Ui, settings: &Settings) -> Result<Exit, CliError> {
    if args.md && ui.face == Face::Json {
        return Err(CliError::usage(
            "`--json` contradicts `--md`",
            "leave out one of the two",
        ));
    }
    let ledger = settings.open_ledger()?;
    let (earlier, later, changes, warnings) = compared(&ledger, args)?;
    match ui.face {
        Face::Json => ui.json(&changes.to_json())?,
        Face::Text => {
            let detail = if args.all {
                Detail::All
            } else {
                Detail::Changed
            };
            let sides = (earlier.as_ref(), &later);
            let text = if args.md {
                diff::markdown(sides, &changes, detail)
            } else {
                diff::text(sides, &changes, detail)
            };
            ui.data(&text)?;
        }
    }
    for warning in warnings {
        ui.warn(&warning);
    }
    Ok(if args.exit_code && changes.differs() {
        Exit::Different
    } else {
        Exit::Done
    })
}

/// The earlier snapshot, the later one, what differs, and what could not be compared with.
type Compared = (Option<Stored>, Stored, RunDiff, Vec<String>);

fn compared(ledger: &Ledger, args: &DiffArgs) -> Result<Compared, Error> {
    if let (Some(a), Some(b)) = (&args.a, &args.b) {
        let (earlier, later) = (ledger.find(a)?, ledger.find(b)?);
        let changes = ledger.compared_with(&earlier, &later)?;
        return Ok((Some(earlier), later, changes, Vec::new()));
    }
    let later = ledger.find(args.a.as_deref().unwrap_or("@latest"))?;
    let answer = ledger.compared(&later)?;
    let warnings = answer.warnings(&later.place.cohort);
    let changes = answer.diff;
    let earlier = match &changes.previous {
        // What it was compared with then stays so, deleted since or not.
        Some(previous) => {
            let place = format!("{}#{}", later.place.cohort, previous.seq);
            Some(ledger.find_also_deleted(&place)?)
        }
        None => None,
    };
    Ok((earlier, later, changes, warnings))
}
