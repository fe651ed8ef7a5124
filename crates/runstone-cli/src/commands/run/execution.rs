//! One execution: prepared, run, recorded, answered.
//!
//! The order is the promise. Everything that can be checked is checked, then the store is told that
//! a run is under way, then the command starts; whatever happens from there on, its exit code is
//! passed on and what it left is recorded or kept.

use std::path::PathBuf;

use runstone::core::snapshot::{Captured, Status};
use runstone::profiles::ProfileChoice;
use runstone::under_way::{Host as _, Started};
use runstone::{AttemptChoice, Ledger, Recorded};
use serde_json::{Value, json};

use super::args::RunArgs;
use super::stated::{Stated, nonce, stated};
use crate::commands::record::FailOn;
use crate::env_vars;
use crate::error::CliError;
use crate::execution::{
    Artifacts, Data, End, Ended, Job, JsonFile, Left, Program, RunDirectory, ThisHost, facts,
    start_and_watch,
};
use crate::exit::Exit;
use crate::render::answer;
use crate::settings::Settings;
use crate::ui::{Face, Ui};
use crate::values::assignment;

pub(crate) fn run(args: RunArgs, ui: &Ui, settings: &Settings) -> Exit {
    let name = args.command.first().cloned().unwrap_or_default();
    let program = match Program::find(args.command.clone()) {
        Ok(program) => program,
        Err(reason) => {
            ui.error(&reason.error(&name));
            return reason.exit();
        }
    };
    let (execution, started) = match Execution::prepared(args, program, ui, settings) {
        Ok(prepared) => prepared,
        Err(error) => {
            ui.error(&error);
            return Exit::Wrapper;
        }
    };
    execution.through(&started, ui)
}

/// A command that is ready to be started: everything that can be checked was.
pub(super) struct Execution {
    pub(super) nonce: String,
    pub(super) args: RunArgs,
    pub(super) ledger: Ledger,
    pub(super) profile: ProfileChoice,
    pub(super) experiment: Option<String>,
    pub(super) store: Option<PathBuf>,
    pub(super) program: Program,
    pub(super) job: Option<Job>,
    pub(super) stated: Stated,
    pub(super) directory: RunDirectory,
    pub(super) metrics: Option<JsonFile>,
    pub(super) data: Vec<Data>,
    pub(super) set: Vec<(String, Value)>,
}

/// What is known once the command has ended.
pub(super) struct Outcome {
    pub(super) started_at: String,
    pub(super) finished_at: String,
    pub(super) ended: Ended,
    pub(super) artifacts: Vec<Value>,
}

/// What became of an execution.
pub(super) struct Ran {
    pub(super) exit: Exit,
    /// Whether the run directory holds what is not recorded.
    pub(super) keeps_directory: bool,
}

impl Execution {
    fn prepared(
        args: RunArgs,
        program: Program,
        ui: &Ui,
        settings: &Settings,
    ) -> Result<(Self, Started), CliError> {
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
            nonce: nonce(),
            args,
            ledger,
            profile,
            experiment: settings.experiment.as_ref().map(|it| it.value.clone()),
            store: settings.named_store().map(|it| it.value.clone()),
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
        let cohort = foreseen.cohort.map(|cohort| cohort.to_string());
        let started = execution.started(cohort);
        execution
            .ledger
            .begin(&started, execution.stated.attempt, &ThisHost)?;
        Ok((execution, started))
    }

    /// Returns what the store is told before the command starts.
    fn started(&self, cohort: Option<String>) -> Started {
        let job = self.job.as_ref();
        Started {
            nonce: self.nonce.clone(),
            run_id: self.stated.run_id.clone(),
            stage: self.stated.stage.clone(),
            cohort,
            attempt: match self.stated.attempt {
                AttemptChoice::Exactly(attempt) => Some(attempt.0),
                AttemptChoice::Found | AttemptChoice::Next => None,
            },
            process: ThisHost.this_process(),
            job: job.map(|job| (job.scheduler.to_owned(), job.id.clone())),
            started_at: env_vars::clock().now(),
        }
    }

    /// Starts the command, watches it to its end and records it.
    fn through(self, started: &Started, ui: &Ui) -> Exit {
        let ran = self.run(started, ui);
        // Its notice is of no use any more; one that stays is seen to be recorded, or lost.
        let ledger = &self.ledger;
        let gone = ledger
            .end(started)
            .and_then(|()| ledger.forget_lost(started, &ThisHost));
        if let Err(error) = gone {
            ui.warn(&format!("the run is still listed as under way: {error}"));
        }
        if ran.keeps_directory {
            self.directory.keep();
        } else if let Err(path) = self.directory.remove() {
            ui.warn(&format!("`{}` could not be removed", path.display()));
        }
        ran.exit
    }

    fn run(&self, started: &Started, ui: &Ui) -> Ran {
        let mut command = self.program.command();
        command
            .env(env_vars::RUN_ID, &self.stated.run_id)
            .env(env_vars::STAGE, &self.stated.stage)
            .env(env_vars::RUN_DIR, self.directory.path());
        let ended = match start_and_watch(&mut command) {
            Ok(ended) => ended,
            Err(source) => return self.not_run(source, ui),
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
            started_at: started.started_at.clone(),
            finished_at,
            ended,
            artifacts: entries,
        };
        self.say_how_it_ended(&outcome, ui);
        let left = self.left(ui);
        let request = self.request(&left, Some(&outcome));
        let own = match outcome.ended.end {
            End::Exited(code) => code,
            End::Killed(signal) => u8::try_from(128 + signal).unwrap_or(u8::MAX),
        };
        let recorded = if left.unread.is_empty() {
            let acknowledged = self.ledger.commit(request.clone());
            acknowledged.map(|acknowledged| {
                let process = acknowledged.stored.snapshot.process.clone();
                (self.ledger.answer(acknowledged), process)
            })
        } else {
            return self.refuse(&request, &left, None, own, ui);
        };
        match recorded {
            Ok((recorded, process)) => {
                answer(&recorded, process, ui);
                let failed = |word: &FailOn| word.is_met(&recorded);
                Ran {
                    exit: match own {
                        0 if self.args.fail_on.iter().any(failed) => Exit::Different,
                        own => Exit::Command(own),
                    },
                    keeps_directory: false,
                }
            }
            Err(error) => self.refuse(&request, &left, Some(error), own, ui),
        }
    }

    fn not_run(&self, source: std::io::Error, ui: &Ui) -> Ran {
        let exit = match source.kind() {
            std::io::ErrorKind::NotFound => Exit::Command(127),
            _ => Exit::Command(126),
        };
        ui.error(&CliError::NotRun {
            name: self.program.name(),
            source,
        });
        Ran {
            exit,
            keeps_directory: false,
        }
    }

    /// Reads what the command left behind, and says what differs from what was given.
    fn left(&self, ui: &Ui) -> Left {
        let Stated { run_id, stage, .. } = &self.stated;
        let mut left = Left::read(self.directory.path(), run_id, stage);
        if let Some(file) = &self.metrics {
            if file.is_untouched() {
                ui.warn(&format!(
                    "`{}` is as it was before the command started: its metrics are not taken",
                    file.path().display()
                ));
            } else if !left.add_metrics(file, run_id, stage) {
                ui.warn(&format!("the command left no `{}`", file.path().display()));
            }
        }
        for (member, is_below, found, said) in [
            (
                "identity",
                self.stated.places.identity_below,
                &left.identity,
                &self.stated.identity,
            ),
            (
                "factors",
                self.stated.places.factors_below,
                &left.factors,
                &self.stated.factors,
            ),
        ] {
            for (key, said) in said {
                // An object beside an object is joined, and its members are told apart in the diff.
                match found.as_ref().and_then(|found| found.get(key)) {
                    Some(found) if found != said && !found.is_object() => {
                        let at = is_below.then_some(member);
                        let (found, said) = (self.shown(at, key, found), self.shown(at, key, said));
                        ui.warn(&match (found, said) {
                            (Some(found), Some(said)) => format!(
                                "`{key}` is `{found}` in {member}.json and `{said}` given: the \
                                 latter is recorded"
                            ),
                            _ => format!(
                                "`{key}` is one thing in {member}.json and another given, and a \
                                 rule redacts it: the latter is recorded"
                            ),
                        });
                    }
                    _ => {}
                }
            }
        }
        left
    }

    /// Returns a value that stands at `key` of the document, or of its `member`, as it may be
    /// shown; nothing if a rule redacts it.
    fn shown<'v>(&self, member: Option<&str>, key: &str, value: &'v Value) -> Option<&'v Value> {
        let below = json!({ key: value });
        let document = match member {
            Some(member) => json!({ member: below }),
            None => below,
        };
        let masked = self.ledger.masked(&document, &self.profile).ok()?;
        (masked == document).then_some(value)
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
}

fn answer(recorded: &Recorded, process: Captured, ui: &Ui) {
    match ui.face {
        Face::Json => {
            let mut document = recorded.to_json();
            document["schema"] = json!("runstone.run/1");
            document["process"] = match process {
                Captured::Known(facts) => facts,
                Captured::NotCaptured { .. } => Value::Null,
            };
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
