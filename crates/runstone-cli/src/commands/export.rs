//! `runstone export`.

use std::path::PathBuf;

use clap::ArgGroup;
use runstone::core::query::Expr;
use runstone::export::columns::Columns;
use runstone::export::{Extent, Found};
use runstone::store::CohortName;
use runstone::{Error, Ledger, Stored};
use serde_json::json;

use crate::error::CliError;
use crate::exit::Exit;
use crate::output_file::Output;
use crate::render::csv;
use crate::settings::Settings;
use crate::ui::{Face, Ui, in_a_line, plain};

/// Write every snapshot of the store out, one row each
///
/// One row per run, stage, cohort and attempt, cohorts by id and snapshots by position; without
/// those that were deleted, which `runstone log --deleted --json` lists. A place
/// that cannot be read is named on stderr, and the exit code is then 5. FILE is there when it is
/// whole, and not before.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("form").required(true).args(["jsonl", "csv"]))]
#[command(after_help = "\
Examples:
  runstone export --jsonl all.jsonl
  runstone export --csv runs.csv --where 'stage = \"train\"'
  runstone export --csv | duckdb -c \"select * from read_csv('/dev/stdin')\"

JSON lines hold whole snapshots. CSV holds flat columns, named as filters name
them; the store is read twice for it, because a table needs its columns first.
A text that a spreadsheet would run as a formula gets a leading apostrophe.")]
pub(crate) struct ExportArgs {
    /// Where the rows go; `-` is standard output
    #[arg(default_value = "-")]
    file: PathBuf,
    /// Write JSON lines: whole snapshots
    #[arg(long)]
    jsonl: bool,
    /// Write comma-separated values: flat columns
    #[arg(long)]
    csv: bool,
    /// Only snapshots that pass this filter (see `runstone log --help`)
    #[arg(long = "where", value_name = "EXPR")]
    filter: Option<String>,
    /// Replace FILE if it is there
    #[arg(long)]
    force: bool,
}

/// An export on its way.
struct Export<'a> {
    ledger: &'a Ledger,
    extent: Extent,
    filter: Option<Expr>,
    snapshots: u64,
    cohorts: u64,
    newest_cohort: Option<CohortName>,
    unreadable: Vec<String>,
}

pub(crate) fn run(args: &ExportArgs, ui: &Ui, settings: &Settings) -> Result<Exit, CliError> {
    let to_stdout = args.file == *"-";
    if to_stdout && ui.face == Face::Json {
        return Err(CliError::usage(
            "`--json` answers on standard output, where the rows would go",
            "name a file, such as `runstone export --jsonl all.jsonl --json`",
        ));
    }
    let filter = args.filter.as_deref().map(Expr::parse).transpose();
    let filter = filter.map_err(|error| CliError::Ledger(Error::Query(error)))?;
    let ledger = settings.open_ledger()?;
    let store = settings.find_store()?.value;
    let mut output = Output::outside(&store, &args.file, args.force)?;
    let mut export = Export {
        extent: ledger.extent()?,
        ledger: &ledger,
        filter,
        snapshots: 0,
        cohorts: 0,
        newest_cohort: None,
        unreadable: Vec::new(),
    };
    if args.csv {
        export.csv(&mut output)?;
    } else {
        export.jsonl(&mut output)?;
    }
    output.finish()?;
    export.tell(args, ui, to_stdout)
}

impl Export<'_> {
    fn jsonl(&mut self, output: &mut Output) -> Result<(), CliError> {
        self.rows(&mut |stored| output.write(&format!("{}\n", in_a_line(&stored.to_export_json()))))
    }

    fn csv(&mut self, output: &mut Output) -> Result<(), CliError> {
        let mut columns = Columns::default();
        self.ledger
            .export(&self.extent, self.filter.as_ref(), &mut |found| {
                if let Found::Snapshot(stored) = found {
                    columns.add(stored);
                }
                Ok::<(), CliError>(())
            })?;
        output.write(&csv::line(&columns.names()))?;
        self.rows(&mut |stored| output.write(&csv::values(&columns.row(stored))))
    }

    /// Hands every row to `write`, and counts.
    fn rows(
        &mut self,
        write: &mut dyn FnMut(&Stored) -> Result<(), CliError>,
    ) -> Result<(), CliError> {
        let Self {
            ledger,
            extent,
            filter,
            snapshots,
            cohorts,
            newest_cohort,
            unreadable,
        } = self;
        ledger.export(extent, filter.as_ref(), &mut |found| {
            match found {
                Found::Snapshot(stored) => {
                    write(stored)?;
                    *snapshots += 1;
                    // Rows come cohort by cohort.
                    if newest_cohort.as_ref() != Some(&stored.place.cohort) {
                        *newest_cohort = Some(stored.place.cohort.clone());
                        *cohorts += 1;
                    }
                }
                Found::Unreadable { place, why } => unreadable.push(format!("{place}: {why}")),
            }
            Ok(())
        })
    }

    fn tell(&self, args: &ExportArgs, ui: &Ui, to_stdout: bool) -> Result<Exit, CliError> {
        let (snapshots, cohorts) = (self.snapshots, self.cohorts);
        match ui.face {
            Face::Json => ui.json(&json!({
                "schema": "runstone.export/1",
                "file": args.file.display().to_string(),
                "snapshots": snapshots,
                "cohorts": cohorts,
                "unreadable": self.unreadable,
            }))?,
            Face::Text => {
                for place in &self.unreadable {
                    ui.warn(&format!("not exported: {place}"));
                }
                if snapshots == 0 && self.unreadable.is_empty() {
                    ui.talk(match self.filter {
                        Some(_) => "no snapshot passes the filter\n",
                        None => "the store holds no snapshot yet\n",
                    });
                } else if !to_stdout {
                    ui.talk(&format!(
                        "wrote {snapshots} snapshot{} of {cohorts} cohort{} to {}\n",
                        if snapshots == 1 { "" } else { "s" },
                        if cohorts == 1 { "" } else { "s" },
                        plain(&args.file.display().to_string()),
                    ));
                }
            }
        }
        Ok(if self.unreadable.is_empty() {
            Exit::Done
        } else {
            Exit::Partly
        })
    }
}
