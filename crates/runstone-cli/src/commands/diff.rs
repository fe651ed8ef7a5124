//! `runstone diff`.

use runstone::{Error, Judged, Ledger, Stored};

use crate::commands::show::REFERENCES;
use crate::error::CliError;
use crate::exit::Exit;
use crate::render::diff::{self, Detail};
use crate::settings::Settings;
use crate::ui::{Face, Ui};

/// Show what changed between two snapshots: only what differs, what matters first
///
/// Without a reference: the newest snapshot against its previous. With one: that snapshot against
/// its previous; the verdict is that of its recording. With two: the second against the first,
/// judged by the noise of the runs with its settings.
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
    let (earlier, later, judged) = compared(&ledger, args)?;
    match ui.face {
        Face::Json => ui.json(&judged.to_json())?,
        Face::Text => {
            let detail = if args.all {
                Detail::All
            } else {
                Detail::Changed
            };
            let sides = (earlier.as_ref(), &later);
            let text = if args.md {
                diff::markdown(sides, &judged, detail)
            } else {
                diff::text(sides, &judged, detail)
            };
            ui.data(&text)?;
        }
    }
    for warning in &judged.warnings {
        ui.warn(warning);
    }
    Ok(if args.exit_code && judged.diff.differs() {
        Exit::Different
    } else {
        Exit::Done
    })
}

/// The earlier snapshot, the later one, and what differs.
type Compared = (Option<Stored>, Stored, Judged);

fn compared(ledger: &Ledger, args: &DiffArgs) -> Result<Compared, Error> {
    if let (Some(a), Some(b)) = (&args.a, &args.b) {
        let (earlier, later) = (ledger.find(a)?, ledger.find(b)?);
        let judged = ledger.against_one(&earlier, &later)?;
        return Ok((Some(earlier), later, judged));
    }
    let later = ledger.find(args.a.as_deref().unwrap_or("@latest"))?;
    let judged = Judged::of(ledger.compared(&later)?, &later.place.cohort);
    let earlier = match &judged.diff.previous {
        // What it was compared with then stays so, deleted since or not.
        Some(previous) => {
            let place = format!("{}#{}", later.place.cohort, previous.seq);
            Some(ledger.find_also_deleted(&place)?)
        }
        None => None,
    };
    Ok((earlier, later, judged))
}
