//! `runstone baseline`.

use runstone::core::note::Said;
use runstone::notes::Noting;
use runstone::store::CohortName;
use runstone::{Error, Ledger};

use crate::commands::signature::SignatureArgs;
use crate::error::CliError;
use crate::exit::Exit;
use crate::render::{baseline, note};
use crate::settings::Settings;
use crate::ui::{Face, Ui};

/// Show, pin or unpin the yardstick of a cohort
#[derive(Debug, clap::Args)]
pub(crate) struct BaselineArgs {
    #[command(subcommand)]
    verb: BaselineVerb,
}

#[derive(Debug, clap::Subcommand)]
enum BaselineVerb {
    /// Show which run is the baseline, why, and when it moved
    Show {
        /// A cohort or a snapshot of it [default: the newest snapshot's cohort]
        #[arg(value_name = "COHORT|REF")]
        of: Option<String>,
    },
    /// Make a run the baseline of its cohort, whatever the profile's rule says
    ///
    /// It holds for the runs recorded from then on, until another one is pinned or this pin is
    /// taken away. Answers that were given before stay what they were.
    Pin {
        /// The snapshot
        #[arg(value_name = "REF")]
        reference: String,
        #[command(flatten)]
        signature: SignatureArgs,
    },
    /// Take the pin of a cohort away: the profile's rule holds again
    Unpin {
        /// A cohort or a snapshot of it [default: the newest snapshot's cohort]
        #[arg(value_name = "COHORT|REF")]
        of: Option<String>,
        #[command(flatten)]
        signature: SignatureArgs,
    },
}

pub(crate) fn run(args: &BaselineArgs, ui: &Ui, settings: &Settings) -> Result<Exit, CliError> {
    match &args.verb {
        BaselineVerb::Show { of } => {
            let ledger = settings.open_ledger()?;
            let shown = ledger.baseline_show(&cohort_of(&ledger, of.as_deref())?)?;
            match ui.face {
                Face::Json => ui.json(&shown.to_json())?,
                Face::Text => {
                    ui.data(&baseline::text(&shown))?;
                    for warning in shown.warnings() {
                        ui.warn(&warning);
                    }
                }
            }
            Ok(Exit::Done)
        }
        BaselineVerb::Pin {
            reference,
            signature,
        } => {
            let signature = signature.read()?;
            let ledger = settings.open_ledger()?;
            let stored = ledger.find(reference)?;
            let noting = ledger.note(&stored, Said::Pin, signature)?;
            note::show(ui, "baseline-pin", &noting)
        }
        BaselineVerb::Unpin { of, signature } => {
            let signature = signature.read()?;
            let ledger = settings.open_ledger()?;
            let cohort = cohort_of(&ledger, of.as_deref())?;
            if let Some(noting) = ledger.unpin(&cohort, signature)? {
                return note::show(ui, "baseline-unpin", &noting);
            }
            match ui.face {
                Face::Json => ui.json(&Noting::nothing_to_json("baseline-unpin", &cohort))?,
                Face::Text => ui.data(&format!("nothing is pinned in {cohort}\n"))?,
            }
            Ok(Exit::Done)
        }
    }
}

fn cohort_of(ledger: &Ledger, named: Option<&str>) -> Result<CohortName, Error> {
    let Some(text) = named else {
        return Ok(ledger.find("@latest")?.place.cohort);
    };
    match ledger.find_cohort(text) {
        Ok(cohort) => Ok(cohort),
        Err(not_a_cohort) => match ledger.find(text) {
            Ok(stored) => Ok(stored.place.cohort),
            Err(Error::NotFound { .. }) => Err(not_a_cohort),
            Err(error) => Err(error),
        },
    }
}
