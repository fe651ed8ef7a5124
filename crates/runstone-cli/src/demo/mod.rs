//! The demo: the main job on real input, in a few seconds.
//!
//! Several processes train a small real model on a real data set under several settings and seeds,
//! all of them recording into one store at the same time; then one more run comes in, and the
//! answer is shown as `record` shows it; and then the same run again, on a machine where a library
//! was upgraded. The parts are [`dataset`] (read, split, standardise), [`model`] (train and score
//! every fold) and [`machine`] (what it is trained with); [`plan`] is the list of runs. Nothing is
//! staged: the numbers are trained and the machine is read each time, and the store is an ordinary
//! one.

mod dataset;
mod machine;
mod model;
mod pcg;
mod plan;
mod sample;
mod score;
mod tree;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use runstone::core::digest::Digest;
use runstone::core::input::RunInput;
use runstone::core::profile::Direction;
use runstone::init::{InitRequest, init};
use runstone::store::StoreError;
use runstone::{Error, Ledger, RecordRequest, Recorded};
use serde_json::{Value, json};

use self::dataset::{BREAST_CANCER, Dataset, FOLDS};
use self::machine::{LIBRARY, Machine, Release};
use self::model::cross_validate;
use self::pcg::Seed;
use self::plan::{Job, Last, pool};
use crate::error::CliError;
use crate::exit::Exit;
use crate::render::lines::line;
use crate::render::{answer, verify, why};
use crate::ui::{Face, NAME, Ui, plain};

/// Train a small model many times from several processes, record every run, show the answer
///
/// Real work on real data: gradient-boosted trees on the Wisconsin breast-cancer set. Then a
/// setting is changed, and then a library that the training uses. The store is temporary unless
/// `--keep` names a place for it.
#[derive(Debug, clap::Args)]
pub(crate) struct DemoArgs {
    /// How many processes record at the same time
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=64))]
    processes: u32,
    /// Keep the store in this directory
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

/// Train and record every N-th run of the demo.
#[derive(Debug, clap::Args)]
pub(crate) struct WorkerArgs {
    /// The store of the demo.
    #[arg(long)]
    demo_store: PathBuf,
    /// The machine of the demo.
    #[arg(long)]
    demo_machine: PathBuf,
    /// Which worker this is, from 0.
    #[arg(long)]
    worker: usize,
    /// How many workers there are.
    #[arg(long)]
    workers: usize,
}

/// The name the demo's runs have in common.
const EXPERIMENT: &str = "breast-cancer";
/// Deals the cases into folds; the same for every run, or they could not be compared.
const SPLIT_SEED: Seed = Seed(7);

/// Says of a place that cannot take the store of the demo which other one can.
fn in_the_way(error: Error, root: &Path) -> CliError {
    let reason = match &error {
        Error::NotMade { source, .. } => {
            return CliError::usage(
                format!("`{}` cannot hold the demo: {source}", root.display()),
                "name a directory in a folder that you may write to: `runstone demo --keep DIR`",
            );
        }
        Error::Store(StoreError::NotAStore { reason, .. }) => reason.to_string(),
        Error::Store(StoreError::OtherOptions { .. }) => "it is another store".to_owned(),
        _ => return error.into(),
    };
    CliError::usage(
        format!("`{}` cannot hold the demo: {reason}", root.display()),
        "name a directory that is not there yet: `runstone demo --keep demo-store`",
    )
}

pub(crate) fn run(args: &DemoArgs, ui: &Ui) -> Result<Exit, CliError> {
    let began = Instant::now();
    let temporary = tempfile::Builder::new()
        .prefix("runstone-demo-")
        .tempdir()
        .map_err(|source| CliError::Unreadable {
            path: std::env::temp_dir(),
            source,
        })?;
    let root = match &args.keep {
        Some(kept) => kept.clone(),
        None => temporary.path().join("store"),
    };
    let machine = Machine::at(temporary.path().join("machine"));
    machine.install(Release::First)?;
    let request = InitRequest {
        primary: Some(("auc".to_owned(), Direction::Higher)),
        experiment: Some(EXPERIMENT.to_owned()),
        ..InitRequest::default()
    };
    let ledger = init(&root, &request).map_err(|error| in_the_way(error, &root))?;
    let ledger = ledger.ledger;
    train_pool(&root, &machine, args.processes)?;
    let last = Last::new();
    record(&ledger, &machine, &last.usual)?;
    let lowered = record(&ledger, &machine, &last.lowered)?;
    record(&ledger, &machine, &last.back)?;
    machine.install(Release::Careful)?;
    let upgraded = record(&ledger, &machine, &last.upgraded)?;
    let why = ledger.why(&ledger.find(&upgraded.place.to_string())?)?;
    let verified = ledger.verify()?;
    let seconds = began.elapsed().as_secs_f64();
    match ui.face {
        Face::Json => ui.json(&json!({
            "schema": "runstone.demo/1",
            "runs": pool().len() + Last::COUNT,
            "processes": args.processes,
            "seconds": seconds,
            "record": lowered.to_json(),
            "upgraded": upgraded.to_json(),
            "why": why.to_json(),
            "verify": verified.to_json(),
        }))?,
        Face::Text => {
            let cases = Dataset::breast_cancer().case_count();
            let mut text = format!(
                "{} runs of boosted trees on the Wisconsin breast-cancer set ({cases} cases, {FOLDS} \
                 folds),\ntrained and recorded by {} processes at once. Then the learning rate is \
                 lowered:\n\n",
                pool().len(),
                args.processes,
            );
            text.push_str(&answer::text(&lowered));
            line(
                &mut text,
                format_args!(
                    "\nBack at the usual rate, nobody changes a setting, and {LIBRARY} is upgraded:\n"
                ),
            );
            text.push_str(&answer::text(&upgraded));
            text.push_str("\nWhy:\n");
            text.push_str(&why::explanation(&why));
            text.push('\n');
            text.push_str("Every byte read again:\n");
            text.push_str(&verify::text(&verified, &root));
            line(
                &mut text,
                format_args!("{seconds:.1} s in all, training included\n"),
            );
            text.push_str(&where_next(&root, args.keep.is_some()));
            ui.data(&text)?;
        }
    }
    Ok(if verified.is_ok() {
        Exit::Done
    } else {
        Exit::Damaged
    })
}

/// Trains and records its share of the runs; several of these run at the same time.
pub(crate) fn work(args: &WorkerArgs) -> Result<Exit, CliError> {
    let ledger = Ledger::open(&args.demo_store)?;
    let machine = Machine::at(args.demo_machine.clone());
    let own = pool().into_iter().skip(args.worker);
    for job in own.step_by(args.workers.max(1)) {
        record(&ledger, &machine, &job)?;
    }
    Ok(Exit::Done)
}

/// Starts the workers and waits for all of them.
fn train_pool(root: &Path, machine: &Machine, processes: u32) -> Result<(), CliError> {
    let failed = |source| CliError::Unreadable {
        path: PathBuf::from("runstone demo-worker"),
        source,
    };
    let program = std::env::current_exe().map_err(failed)?;
    let mut workers = Vec::new();
    for worker in 0..processes {
        let child = Command::new(&program)
            .arg("demo-worker")
            .arg("--demo-store")
            .arg(root)
            .arg("--demo-machine")
            .arg(machine.folder())
            .args([
                "--worker",
                &worker.to_string(),
                "--workers",
                &processes.to_string(),
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .map_err(failed)?;
        workers.push(child);
    }
    let mut all_done = true;
    for mut worker in workers {
        all_done &= worker.wait().map_err(failed)?.success();
    }
    if all_done {
        Ok(())
    } else {
        Err(CliError::usage(
            "a training process of the demo failed; its error stands above",
            "run `runstone demo` again",
        ))
    }
}

/// Trains one model and records it: the few lines a pipeline of one's own would have.
fn record(ledger: &Ledger, machine: &Machine, job: &Job) -> Result<Recorded, CliError> {
    let data = Dataset::breast_cancer();
    let folds = data.folds(SPLIT_SEED);
    let scores = cross_validate(&folds, job.settings, machine.defaults()?, job.seed);
    let document = json!({
        "run_id": job.run_id(),
        "stage": "train",
        "identity": {
            "dataset": {
                "name": "breast-cancer-wisconsin",
                "sha256": Digest::of(BREAST_CANCER.as_bytes()),
                "rows": data.case_count(),
            },
            "split": { "method": "stratified-kfold", "folds": FOLDS, "seed": SPLIT_SEED },
        },
        "factors": {
            "learning_rate": job.settings.learning_rate,
            "trees": job.settings.trees,
            "depth": job.settings.depth,
            "subsample": job.settings.subsample,
            "seed": job.seed,
        },
        "metrics": scores,
    });
    let Value::Object(document) = document else {
        unreachable!("the literal above is an object")
    };
    Ok(ledger.record(RecordRequest {
        environment: machine.captured(),
        ..RecordRequest::of(RunInput::from_document(document))
    })?)
}

fn where_next(root: &Path, kept: bool) -> String {
    if !kept {
        return format!(
            "The store was temporary. Keep it to look around: {NAME}runstone demo --keep \
             demo-store{NAME:#}\n"
        );
    }
    let store = plain(&root.display().to_string());
    let commands = [
        ("log -n 8", "the newest runs"),
        ("diff", "what changed, in full"),
        (
            "why",
            "since when the numbers are worse, and what changed then",
        ),
        ("baseline show", "the yardstick, and when it moved"),
        ("log --sort -metrics.auc -n 5", "the best runs"),
        ("verify", "read every byte again"),
    ];
    let mut text = "Look around:\n".to_owned();
    for (command, what) in commands {
        line(
            &mut text,
            format_args!("  {NAME}runstone --store {store} {command}{NAME:#}  {what}"),
        );
    }
    text
}
