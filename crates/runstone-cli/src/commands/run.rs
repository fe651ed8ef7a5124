//! `runstone run`.

use std::ffi::OsString;
use std::path::PathBuf;

use runstone::core::input::{Fill, Overrides, RunInput};
use runstone::core::snapshot::{Captured, Status};
use runstone::profiles::ProfileChoice;
use runstone::store::{Entropy as _, SystemEntropy};
use runstone::{AttemptChoice, Ledger, Places, RecordRequest, Recorded};
use serde_json::{Map, Value, json};

use super::record::{AttemptArg, FailOn};
use crate::env_vars;
use crate::error::CliError;
use crate::execution::{
    Artifacts, Data, End, Ended, Job, JsonFile, Left, Program, RunDirectory, facts, start_and_watch,
};
use crate::exit::Exit;
use crate::render::answer;
use crate::settings::Settings;
use crate::ui::{Face, NAME, Ui, plain};
use crate::values::{assignment, lay_over};

/// Run a command, record what it leaves behind, and say what changed
///
/// The command finds `RUNSTONE_RUN_ID`, `RUNSTONE_STAGE` and `RUNSTONE_RUN_DIR`, a
/// fresh folder: the JSON objects it writes there as `metrics.json`,
/// `identity.json` and `factors.json` join the run document. Its streams, signals
/// and exit code are its own; the answer goes to stderr. What can be checked is
/// checked before it starts.
#[derive(Debug, clap::Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  runstone run -- python train.py
  runstone run --stage train --factor lr=0.1 -- ./train --lr 0.1
  runstone run --metrics out/metrics.json -- make bench
  runstone run --data train=data/train.csv --attach model.bin -- ./fit

The exit code is the command's: 128 and the signal that killed it, 127 if it is
not found, 126 if it cannot be executed; 125 if runstone failed and the command
did not, 4 by `--fail-on` if it exited with 0."
)]
pub(crate) struct RunArgs {
    /// The run [default: `RUNSTONE_RUN_ID`, else the scheduler's job, else a new one]
    #[arg(long, value_name = "ID")]
    run_id: Option<String>,
    /// The stage [default: `RUNSTONE_STAGE`, else the name of the script or program]
    #[arg(long)]
    stage: Option<String>,
    /// Which retry this is: a number, or `next`
    #[arg(long, value_name = "N|next")]
    attempt: Option<AttemptArg>,
    /// The experiment
    #[arg(long, value_name = "NAME")]
    experiment: Option<String>,
    /// The search over settings this run is a point of [default: the job array]
    #[arg(long, value_name = "NAME")]
    sweep: Option<String>,
    /// Judge this run, but let it be no yardstick for others
    #[arg(long)]
    candidate: bool,
    /// A field that must be equal for runs to be comparable; `@FILE` reads a JSON object
    #[arg(long, value_name = "NAME=VALUE|@FILE")]
    identity: Vec<String>,
    /// A field that may differ and is shown when it does; `@FILE` reads a JSON object
    #[arg(long, value_name = "NAME=VALUE|@FILE")]
    factor: Vec<String>,
    /// A file or folder the command reads: its digest joins the identity
    #[arg(long, value_name = "NAME=PATH")]
    data: Vec<String>,
    /// A file or folder the command makes, stored whole with the run
    #[arg(long, value_name = "PATH")]
    attach: Vec<PathBuf>,
    /// Set any field of the document; `@FILE` reads JSON from a file
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// A JSON object of metrics that the command writes, laid over those of its run directory
    #[arg(long, value_name = "FILE")]
    metrics: Option<PathBuf>,
    /// The rule by which the run is read: a name or a TOML file [default: the store's]
    #[arg(long, value_name = "PROFILE")]
    profile: Option<String>,
    /// Exit with 4 on these: a verdict (`undecided`, `same`) or at least this severity
    #[arg(long, value_name = "WORD", value_delimiter = ',')]
    fail_on: Vec<FailOn>,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<OsString>,
}

pub(crate) fn run(args: RunArgs, ui: &Ui, settings: &Settings) -> Exit {
    let name = args.command.first().cloned().unwrap_or_default();
    let program = match Program::find(args.command.clone()) {
        Ok(program) => program,
        Err(reason) => {
            ui.error(&reason.error(&name));
            return reason.exit();
        }
    };
    let execution = match Execution::prepared(args, program, ui, settings) {
        Ok(execution) => execution,
        Err(error) => {
            ui.error(&error);
            return Exit::Wrapper;
        }
    };
    execution.through(ui)
}

/// A command that is ready to be started: everything that can be checked was.
struct Execution {
    args: RunArgs,
    ledger: Ledger,
    profile: ProfileChoice,
    experiment: Option<String>,
    program: Program,
    job: Option<Job>,
    stated: Stated,
    directory: RunDirectory,
    metrics: Option<JsonFile>,
    data: Vec<Data>,
    set: Vec<(String, Value)>,
}

/// What is known of the run before it runs.
struct Stated {
    run_id: String,
    stage: String,
    attempt: AttemptChoice,
    sweep: Option<String>,
    candidate: bool,
    identity: Map<String, Value>,
    factors: Map<String, Value>,
    places: Places,
}

/// What is known once the command has ended.
struct Outcome {
    started_at: String,
    finished_at: String,
    ended: Ended,
    artifacts: Vec<Value>,
}

impl Execution {
    fn prepared(
        args: RunArgs,
        program: Program,
        ui: &Ui,
        settings: &Settings,
    ) -> Result<Self, CliError> {
        let ledger = settings.open_ledger()?;
        let job = Job::of(&env_vars::read);
        let profile = settings.profile_choice(args.profile.as_deref());
        let mut stated = stated(&args, &ledger, &profile, &program, job.as_ref())?;
        let data = args
            .data
            .iter()
            .map(|text| Data::read(text))
            .collect::<Result<Vec<_>, _>>()?;
        Data::join(&data, &mut stated.identity)?;
        let set = args
            .set
            .iter()
            .map(|text| assignment(text))
            .collect::<Result<Vec<_>, _>>()?;
        let directory = RunDirectory::fresh(&settings.find_store()?.value)?;
        let metrics = args.metrics.clone().map(JsonFile::at);
        let execution = Self {
            args,
            ledger,
            profile,
            experiment: settings.experiment.as_ref().map(|it| it.value.clone()),
            program,
            job,
            stated,
            directory,
            metrics,
            data,
            set,
        };
        let known = execution.request(&Left::default(), None);
        let foreseen = execution.ledger.foresee(&known)?;
        if !foreseen.missing.is_empty() && ui.face == Face::Text {
            ui.warn(&format!(
                "the profile requires `{}`, which the command has to bring in its run directory",
                foreseen.missing.join("`, `")
            ));
        }
        Ok(execution)
    }

    /// Starts the command, watches it to its end and records it.
    fn through(mut self, ui: &Ui) -> Exit {
        let started_at = env_vars::clock().now();
        let mut command = self.program.command();
        command
            .env(env_vars::RUN_ID, &self.stated.run_id)
            .env(env_vars::STAGE, &self.stated.stage)
            .env(env_vars::RUN_DIR, self.directory.path());
        let ended = match start_and_watch(&mut command) {
            Ok(ended) => ended,
            Err(source) => {
                let exit = match source.kind() {
                    std::io::ErrorKind::NotFound => Exit::Command(127),
                    _ => Exit::Command(126),
                };
                ui.error(&CliError::NotRun {
                    name: self.program.name(),
                    source,
                });
                return exit;
            }
        };
        let finished_at = env_vars::clock().now();
        for changed in self.data.iter().filter_map(Data::change) {
            ui.warn(&changed);
        }
        let Artifacts { entries, warnings } =
            Artifacts::read(self.directory.path(), &self.args.attach, &self.ledger);
        for left_out in &warnings {
            ui.warn(left_out);
        }
        let outcome = Outcome {
            started_at,
            finished_at,
            ended,
            artifacts: entries,
        };
        let own = match outcome.ended.end {
            End::Exited(code) => code,
            End::Killed(signal) => u8::try_from(128 + signal).unwrap_or(u8::MAX),
        };
        self.say_how_it_ended(&outcome, ui);
        match self.record(&outcome, ui) {
            Ok(recorded) => {
                self.answer(&recorded, &outcome, ui);
                if let Err(path) = self.directory.remove() {
                    ui.warn(&format!("`{}` could not be removed", path.display()));
                }
                let failed = self
                    .args
                    .fail_on
                    .into_iter()
                    .any(|word| word.is_met(&recorded));
                match own {
                    0 if failed => Exit::Different,
                    own => Exit::Command(own),
                }
            }
            Err(error) => {
                ui.error(&error);
                let kept = self.directory.keep();
                ui.answer_beside(&format!(
                    "the run is not recorded; what the command left is kept in {NAME}{}{NAME:#}\n",
                    plain(&kept.to_string_lossy())
                ));
                match own {
                    0 => Exit::Wrapper,
                    own => Exit::Command(own),
                }
            }
        }
    }

    fn record(&mut self, outcome: &Outcome, ui: &Ui) -> Result<Recorded, CliError> {
        let Stated { run_id, stage, .. } = &self.stated;
        let mut left = Left::read(self.directory.path(), run_id, stage)?;
        if let Some(file) = &self.metrics {
            if file.is_untouched() {
                ui.warn(&format!(
                    "`{}` is as it was before the command started: its metrics are not taken",
                    file.path().display()
                ));
            } else if let Some(metrics) = file.read_as(run_id, stage)? {
                left.metrics.get_or_insert_default().extend(metrics);
            } else {
                ui.warn(&format!("the command left no `{}`", file.path().display()));
            }
        }
        for (name, found, said) in [
            ("identity.json", &left.identity, &self.stated.identity),
            ("factors.json", &left.factors, &self.stated.factors),
        ] {
            for (key, said) in said {
                // An object beside an object is joined, and its members are told apart in the diff.
                match found.as_ref().and_then(|found| found.get(key)) {
                    Some(found) if found != said && !found.is_object() => ui.warn(&format!(
                        "`{key}` is `{found}` in {name} and `{said}` given: the latter is recorded"
                    )),
                    _ => {}
                }
            }
        }
        let acknowledged = self.ledger.commit(self.request(&left, Some(outcome)))?;
        Ok(self.ledger.answer(acknowledged))
    }

    /// Returns what to record, as far as it is known.
    fn request(&self, left: &Left, outcome: Option<&Outcome>) -> RecordRequest {
        let Self { args, stated, .. } = self;
        let mut document = Map::new();
        let objects = [
            (
                "identity",
                stated.places.identity_below,
                &left.identity,
                &stated.identity,
            ),
            (
                "factors",
                stated.places.factors_below,
                &left.factors,
                &stated.factors,
            ),
        ];
        for (member, is_below, found, said) in objects {
            let mut object = found.clone().unwrap_or_default();
            deepen(&mut object, said);
            if is_below && !object.is_empty() {
                document.insert(member.to_owned(), Value::Object(object));
            } else if !is_below {
                document.extend(object);
            }
        }
        if let Some(Outcome {
            started_at,
            finished_at,
            ended,
            artifacts,
        }) = outcome
        {
            if !artifacts.is_empty() {
                document.insert("artifacts".to_owned(), json!(artifacts));
            }
            document.insert("status".to_owned(), json!(facts::status(ended).as_str()));
            document.insert("started_at".to_owned(), json!(started_at));
            document.insert("finished_at".to_owned(), json!(finished_at));
        }
        RecordRequest {
            name: "the run".to_owned(),
            input: RunInput::from_document(document),
            overrides: Overrides {
                run_id: Some(stated.run_id.clone()),
                stage: Some(stated.stage.clone()),
                attempt: None,
                experiment: args.experiment.clone(),
                sweep: stated.sweep.clone(),
                candidate: stated.candidate,
                metrics: left.metrics.clone(),
                set: self.set.clone(),
                fill: Fill {
                    experiment: self.experiment.clone(),
                    ..Fill::default()
                },
            },
            attempt: stated.attempt,
            profile: self.profile.clone(),
            process: match outcome {
                Some(Outcome { ended, .. }) => {
                    Captured::Known(facts::of(&self.program, ended, self.job.as_ref()))
                }
                None => RecordRequest::no_process(),
            },
        }
    }

    fn say_how_it_ended(&self, Outcome { ended, .. }: &Outcome, ui: &Ui) {
        let name = self.program.name();
        let status = facts::status(ended);
        if status != Status::Finished {
            ui.warn(&format!(
                "`{name}` {}: the run is recorded as {}",
                facts::in_words(ended),
                status.as_str()
            ));
        } else if ended.was_asked_to_end() {
            ui.warn(&format!(
                "`{name}` was asked to end and exited with 0: the run is recorded as finished"
            ));
        }
        if ended.left_behind > 0 {
            ui.warn(&format!(
                "`{name}` left {} of its processes running; what they do is not recorded",
                ended.left_behind
            ));
        }
    }

    fn answer(&self, recorded: &Recorded, Outcome { ended, .. }: &Outcome, ui: &Ui) {
        match ui.face {
            Face::Json => {
                let mut document = recorded.to_json();
                document["schema"] = json!("runstone.run/1");
                document["process"] = facts::of(&self.program, ended, self.job.as_ref());
                ui.answer_beside(&format!("{document}\n"));
            }
            Face::Text => {
                for warning in &recorded.warnings {
                    ui.warn(warning);
                }
                ui.answer_beside(&answer::text(recorded));
            }
        }
    }
}

/// Settles what the options, the surroundings and the scheduler say of the run.
fn stated(
    args: &RunArgs,
    ledger: &Ledger,
    profile: &ProfileChoice,
    program: &Program,
    job: Option<&Job>,
) -> Result<Stated, CliError> {
    let stage = args
        .stage
        .clone()
        .or_else(|| env_vars::read(env_vars::STAGE))
        .unwrap_or_else(|| program.stage());
    let run_id = args
        .run_id
        .clone()
        .or_else(|| env_vars::read(env_vars::RUN_ID))
        .or_else(|| job.map(Job::run_id))
        .unwrap_or_else(fresh_run_id);
    let (mut identity, mut factors) = (Map::new(), Map::new());
    for text in &args.identity {
        lay_over(&mut identity, "--identity", text)?;
    }
    for text in &args.factor {
        lay_over(&mut factors, "--factor", text)?;
    }
    Ok(Stated {
        places: ledger.places(profile, &stage)?,
        attempt: match args.attempt {
            Some(attempt) => attempt.choice(),
            None if job.is_some_and(|job| job.is_restarted) => AttemptChoice::Next,
            None => AttemptChoice::Found,
        },
        sweep: args.sweep.clone().or_else(|| job.and_then(Job::sweep)),
        candidate: args.candidate || job.is_some_and(|job| job.is_proposal),
        run_id,
        stage,
        identity,
        factors,
    })
}

/// Makes a run id that sorts by time and is nobody else's.
fn fresh_run_id() -> String {
    let now = env_vars::clock().now();
    let digits = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
    let (date, time) = now.split_once('T').unwrap_or((now.as_str(), ""));
    let time = time.split('.').next().unwrap_or_default();
    let [a, b, c, ..] = SystemEntropy.nonce();
    format!("{}-{}-{a:02x}{b:02x}{c:02x}", digits(date), digits(time))
}

/// Lays `over` over `object`, member by member, however deep.
fn deepen(object: &mut Map<String, Value>, over: &Map<String, Value>) {
    for (key, value) in over {
        match (object.get_mut(key), value) {
            (Some(Value::Object(below)), Value::Object(value)) => deepen(below, value),
            _ => {
                object.insert(key.clone(), value.clone());
            }
        }
    }
}
