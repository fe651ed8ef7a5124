//! What is known of a run before it runs: from options, the surroundings, and the scheduler.
//!
//! The invariant: a run has an id and a stage, whoever named them. Whether the two are legal is
//! left to the ledger.

use std::path::Path;

use runstone::profiles::ProfileChoice;
use runstone::store::{Entropy as _, SystemEntropy};
use runstone::{AttemptChoice, Error, Ledger, Places};
use serde_json::{Map, Value};

use super::args::RunArgs;
use crate::env_vars;
use crate::error::CliError;
use crate::execution::{Job, Program};
use crate::values::lay_over;

/// Fields that are taken from the command itself: nobody else can say them.
const MEASURED: [&str; 5] = [
    "exit_code",
    "finished_at",
    "process",
    "started_at",
    "status",
];

/// What is known of the run before it runs.
pub(super) struct Stated {
    pub(super) run_id: String,
    pub(super) stage: String,
    pub(super) attempt: AttemptChoice,
    pub(super) sweep: Option<String>,
    pub(super) candidate: bool,
    pub(super) identity: Map<String, Value>,
    pub(super) factors: Map<String, Value>,
    pub(super) places: Places,
}

/// Settles what the options, the surroundings and the scheduler say of the run.
pub(super) fn stated(
    args: &RunArgs,
    set: &[(String, Value)],
    ledger: &Ledger,
    profile: &ProfileChoice,
    program: &Program,
    job: Option<&Job>,
) -> Result<Stated, CliError> {
    let stage = args
        .stage
        .clone()
        .or_else(|| {
            // A run within a run is another stage of it; only somebody in between may say which.
            let outer = env_vars::read(env_vars::RUN_STAGE);
            env_vars::read(env_vars::STAGE).filter(|stage| Some(stage) != outer.as_ref())
        })
        .unwrap_or_else(|| program.stage());
    let run_id = args
        .run_id
        .clone()
        .or_else(|| env_vars::read(env_vars::RUN_ID))
        .or_else(|| job.map(Job::run_id))
        .unwrap_or_else(fresh_run_id);
    let (mut identity, mut factors) = (Map::new(), Map::new());
    for text in &args.identity {
        lay_over(&mut identity, "--identity", text).map_err(named)?;
    }
    for text in &args.factor {
        lay_over(&mut factors, "--factor", text).map_err(named)?;
    }
    let places = ledger.places(profile, &stage)?;
    // What the surroundings say is a default, and no contradiction of what somebody said.
    let is_set = |field: &str| set.iter().any(|(path, _)| path == field);
    Ok(Stated {
        stage: places.stage.to_string(),
        places,
        attempt: match args.attempt {
            Some(attempt) => attempt.choice(),
            None if job.is_some_and(|job| job.is_restarted) => AttemptChoice::Next,
            None => AttemptChoice::Found,
        },
        sweep: args
            .sweep
            .clone()
            .or_else(|| job.filter(|_| !is_set("sweep")).and_then(Job::sweep)),
        candidate: args.candidate || job.is_some_and(|job| job.is_proposal && !is_set("candidate")),
        run_id,
        identity,
        factors,
    })
}

/// Says of a file that cannot be read what helps where standard input is nobody's to read.
pub(super) fn named(error: CliError) -> CliError {
    match error {
        CliError::Unreadable { path, source } => Error::Unreadable { path, source }.into(),
        other => other,
    }
}

/// Refuses options that would read standard input, which is the command's.
pub(super) fn leave_standard_input(args: &RunArgs) -> Result<(), CliError> {
    let refused = |option: &str, hint: &str| {
        CliError::usage(
            format!("`{option}` would read standard input, which is the command's"),
            hint,
        )
    };
    if args.metrics.as_deref() == Some(Path::new("-")) {
        return Err(refused(
            "--metrics -",
            "name the file that the command writes, such as `--metrics metrics.json`",
        ));
    }
    for (option, texts) in [
        ("--identity", &args.identity),
        ("--factor", &args.factor),
        ("--set", &args.set),
    ] {
        for text in texts {
            let file = text
                .strip_prefix('@')
                .or(text.split_once("=@").map(|(_, file)| file));
            if file == Some("-") {
                let said = format!("{option} {text}");
                let hint = format!(
                    "write it to a file and name that: `{}values.json`",
                    said.trim_end_matches('-')
                );
                return Err(refused(&said, &hint));
            }
        }
    }
    Ok(())
}

/// Refuses options that say what is measured: one of the two would be lost.
pub(super) fn refuse_measured(stated: &Stated, set: &[(String, Value)]) -> Result<(), CliError> {
    let at_top = |is_below: bool, said: &'_ Map<String, Value>| -> Vec<String> {
        let keys = said.keys().filter(|_| !is_below);
        keys.cloned().collect()
    };
    let mut said: Vec<String> = set
        .iter()
        .filter_map(|(path, _)| path.split('.').next())
        .map(str::to_owned)
        .chain(at_top(stated.places.identity_below, &stated.identity))
        .chain(at_top(stated.places.factors_below, &stated.factors))
        .filter(|field| MEASURED.contains(&field.as_str()))
        .collect();
    said.sort_unstable();
    said.dedup();
    if said.is_empty() {
        return Ok(());
    }
    let verb = if said.len() == 1 { "is" } else { "are" };
    Err(CliError::usage(
        format!(
            "`{}` {verb} taken from the command and cannot be given, nothing was started",
            said.join("`, `")
        ),
        "leave that out; a run that ended before is recorded with `runstone record`",
    ))
}

/// Makes a run id that sorts by time and is nobody else's.
fn fresh_run_id() -> String {
    let now = env_vars::clock().now();
    let digits = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
    let (date, time) = now.split_once('T').unwrap_or((now.as_str(), ""));
    let time = time.split('.').next().unwrap_or_default();
    let random: String = nonce().chars().take(6).collect();
    format!("{}-{}-{random}", digits(date), digits(time))
}

/// Returns a name that was never used before, 32 hex digits.
pub(super) fn nonce() -> String {
    format!("{:032x}", u128::from_be_bytes(SystemEntropy.nonce()))
}
