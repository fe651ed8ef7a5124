//! One execution: prepared, run, recorded, answered.
//!
//! The order is the promise. Everything that can be checked is checked, then the store is told that
//! a run is under way, then the command starts; whatever happens from there on, its exit code is
//! passed on and what it left is recorded or kept.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use runstone::core::snapshot::{Captured, Status};
use runstone::environments::{BegunEnvironment, EnvironmentChoice};
use runstone::profiles::ProfileChoice;
use runstone::under_way::{Begun, Earlier, Host as _, Started};
use runstone::{AttemptChoice, Foreseen, Ledger, Recorded};
use serde_json::{Value, json};

use super::args::RunArgs;
use super::sources::overruled;
use super::stated::{Stated, leave_standard_input, named, nonce, refuse_measured, stated};
use super::warnings::Warnings;
use crate::commands::record::FailOn;
use crate::env_vars;
use crate::error::CliError;
use crate::execution::{
    Artifacts, Data, End, Ended, Job, JsonFile, Left, NoEnd, Place, Program, RunDirectory,
    ThisHost, Unread, facts, paths_in, restless, start_and_watch,
};
use crate::exit::Exit;
use crate::render::answer;
use crate::render::command_line::command_line;
use crate::settings::Settings;
use crate::ui::{Face, Ui, in_a_line};
use crate::values::assignment;

/// Fields that are named one by one where two say otherwise; chosen: what fits on a screen.
const OVERRULED_NAMED_MAX: usize = 20;

pub(crate) fn run(args: RunArgs, ui: &Ui, settings: &Settings) -> Exit {
    let name = args.command.first().cloned().unwrap_or_default();
    let program = match Program::find(args.command.clone()) {
        Ok(program) => program,
        Err(reason) => {
            ui.error(&reason.error(&name));
            return reason.exit();
        }
    };
    let mut warnings = Warnings::new(ui);
    match Execution::prepared(args, program, settings, &mut warnings) {
        Ok((execution, environment, started, begun)) => {
            execution.through(environment, &started, &begun, &mut warnings, ui)
        }
        Err(error) => {
            warnings.without_an_answer();
            ui.error(&error);
            Exit::Wrapper
        }
    }
}

/// A command that is ready to be started: everything that can be checked was.
pub(super) struct Execution {
    pub(super) nonce: String,
    pub(super) args: RunArgs,
    pub(super) ledger: Ledger,
    /// The profile as it was before the command started: what that does to its file is no matter.
    pub(super) profile: ProfileChoice,
    pub(super) experiment: Option<String>,
    /// The store, by its path from the root on.
    pub(super) store: Place,
    pub(super) program: Program,
    pub(super) job: Option<Job>,
    pub(super) stated: Stated,
    pub(super) directory: RunDirectory,
    pub(super) metrics: Option<JsonFile>,
    pub(super) data: Vec<Data>,
    pub(super) set: Vec<(String, Value)>,
    /// As it was before the command started; nobody asked for it until that has ended.
    pub(super) environment: EnvironmentChoice,
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
    /// Whether the command may be running still.
    pub(super) may_go_on: bool,
}

impl Execution {
    fn prepared(
        args: RunArgs,
        program: Program,
        settings: &Settings,
        warnings: &mut Warnings<'_>,
    ) -> Result<(Self, BegunEnvironment, Started, Begun), CliError> {
        let ledger = settings.open_ledger()?;
        let job = Job::of(&env_vars::read);
        leave_standard_input(&args)?;
        let named_profile = settings.profile_choice(args.profile.as_deref());
        let profile = ledger.hold_profile(&named_profile)?;
        warnings.learn(|| ledger.rules_for_words(&profile).ok());
        let set = args
            .set
            .iter()
            .map(|text| assignment(text).map_err(named))
            .collect::<Result<Vec<_>, _>>()?;
        let mut stated = stated(&args, &set, &ledger, &profile, &program, job.as_ref())?;
        refuse_measured(&stated, &set)?;
        let store = whole(&settings.find_store()?.value);
        let data = args
            .data
            .iter()
            .map(|text| Data::read(text, &store))
            .collect::<Result<Vec<_>, _>>()?;
        Data::join(&data, &mut stated.identity)?;
        let directory = RunDirectory::fresh(&store)?;
        let metrics = args.metrics.clone().map(JsonFile::at);
        let execution = Self {
            nonce: nonce(),
            args,
            ledger,
            profile,
            experiment: settings.experiment.as_ref().map(|it| it.value.clone()),
            store: Place::at(store),
            program,
            job,
            stated,
            directory,
            metrics,
            data,
            set,
            environment: EnvironmentChoice::nobody_asked(),
        };
        let known = execution.request(&Left::default(), None);
        let foreseen = execution.ledger.foresee(&known)?;
        if !foreseen.missing.is_empty() {
            warnings.add(&format!(
                "the profile requires `{}`, which the command has to bring in its run directory",
                foreseen.missing.join("`, `")
            ));
        }
        let asked = execution.args.environment.as_ref();
        let wanted = settings.environment_choice(asked, &execution.ledger)?;
        let environment = execution.ledger.begin_environment(
            &wanted,
            &settings.capture_request(None, None),
            &execution.profile,
        )?;
        let started = execution.started(&foreseen);
        let earlier = execution.earlier(&foreseen);
        let begun = execution
            .ledger
            .begin(&started, &foreseen, earlier, &ThisHost)?;
        for why in &begun.unreadable {
            warnings.add(&format!("the same run may be under way too: {why}"));
        }
        Ok((execution, environment, started, begun))
    }

    /// Returns what the store is told before the command starts.
    fn started(&self, foreseen: &Foreseen) -> Started {
        let job = self.job.as_ref();
        Started {
            nonce: self.nonce.clone(),
            run_id: self.stated.run_id.clone(),
            stage: self.stated.stage.clone(),
            cohort: foreseen.cohort.as_ref().map(ToString::to_string),
            attempt: match foreseen.attempt {
                AttemptChoice::Exactly(attempt) => Some(attempt.0),
                AttemptChoice::Found | AttemptChoice::Next => None,
            },
            process: ThisHost.this_process(),
            job: job.map(|job| (job.scheduler.to_owned(), job.id.clone())),
            started_at: env_vars::clock().now(),
        }
    }

    /// Returns what is known of earlier starts of this run.
    fn earlier(&self, foreseen: &Foreseen) -> Earlier {
        match &self.job {
            _ if foreseen.attempt == AttemptChoice::Next => Earlier::AreOver,
            Some(job) if !job.tells_restarts() => Earlier::OfThisJobAreOver,
            _ => Earlier::MayBeAtWork,
        }
    }

    /// Starts the command, watches it to its end, records it and answers.
    fn through(
        mut self,
        environment: BegunEnvironment,
        started: &Started,
        begun: &Begun,
        warnings: &mut Warnings<'_>,
        ui: &Ui,
    ) -> Exit {
        let (ran, recorded) = self.run(environment, started, warnings, ui);
        // Its notice is of no use any more; one that stays is seen to be recorded, or lost.
        let ledger = &self.ledger;
        let mut gone = if ran.may_go_on {
            // Unwatched from here on, as the command of a wrapper that was killed is.
            Ok(())
        } else {
            ledger.end(started)
        };
        // A command that could not be started has not run in the place of those before it.
        let has_run = recorded.is_some() || (ran.keeps_directory && !ran.may_go_on);
        if gone.is_ok() && has_run {
            gone = ledger.forget_over(started, begun, &ThisHost);
        }
        if let Err(error) = gone {
            warnings.add(&format!("the run is still listed as under way: {error}"));
        }
        if ran.keeps_directory {
            self.directory.keep();
        } else if let Err(path) = self.directory.remove() {
            warnings.add(&format!("`{}` could not be removed", path.display()));
        }
        match recorded {
            Some((recorded, process)) => answer(*recorded, process, warnings, ui),
            None => warnings.without_an_answer(),
        }
        ran.exit
    }

    /// Returns what became of it, and the recording if there is one.
    fn run(
        &mut self,
        environment: BegunEnvironment,
        started: &Started,
        warnings: &mut Warnings<'_>,
        ui: &Ui,
    ) -> (Ran, Option<(Box<Recorded>, Captured)>) {
        let mut command = self.program.command();
        command
            .env(env_vars::RUN_ID, &self.stated.run_id)
            .env(env_vars::STAGE, &self.stated.stage)
            .env(env_vars::RUN_STAGE, &self.stated.stage)
            .env(env_vars::RUN_DIR, self.directory.path());
        let ended = match start_and_watch(&mut command) {
            Ok(ended) => ended,
            Err(NoEnd::NotStarted(source)) => return (self.not_run(source, ui), None),
            Err(NoEnd::OutOfSight(source)) => return (self.out_of_sight(source, ui), None),
        };
        let finished_at = env_vars::clock().now();
        self.environment = self.ledger.finish_environment(environment);
        // The command may have left stderr in the middle of a line, and nobody can see that: people
        // read on, a program wants a line of its own.
        if ui.face == Face::Json {
            ui.answer_beside("\n");
        }
        let mut files = paths_in(self.directory.path());
        files.extend(self.metrics.iter().map(|file| file.path().to_path_buf()));
        let restless = restless(&ended, files);
        for changed in self.data.iter().filter_map(Data::change) {
            warnings.add(&changed);
        }
        let artifacts = Artifacts::read(
            self.directory.path(),
            &self.args.attach,
            &self.ledger,
            self.store.path(),
        );
        for left_out in &artifacts.warnings {
            warnings.add(left_out);
        }
        let unread = Unread::of(self.directory.path(), &artifacts);
        let outcome = Outcome {
            started_at: started.started_at.clone(),
            finished_at,
            ended,
            artifacts: artifacts.entries,
        };
        self.say_how_it_ended(&outcome, warnings);
        let left = self.left(&restless, warnings);
        self.say_what_is_overruled(&left, &outcome, warnings);
        let request = self.request(&left, Some(&outcome));
        let own = match outcome.ended.end {
            End::Exited(code) => code,
            End::Killed(signal) => u8::try_from(128 + signal).unwrap_or(u8::MAX),
        };
        if !left.unread.is_empty() {
            warnings.without_an_answer();
            return (self.refuse(&request, &left, None, own, ui), None);
        }
        match self.ledger.commit(request.clone()) {
            Ok(acknowledged) => {
                if !unread.is_nothing() {
                    warnings.add(&unread.said(self.directory.path()));
                }
                let process = acknowledged.stored.snapshot.process.clone();
                let recorded = self.ledger.answer(acknowledged);
                let ran = Ran {
                    exit: match own {
                        0 if FailOn::is_met(&self.args.fail_on, &recorded) => Exit::Different,
                        own => Exit::Command(own),
                    },
                    keeps_directory: !unread.is_nothing(),
                    may_go_on: false,
                };
                (ran, Some((Box::new(recorded), process)))
            }
            Err(error) => {
                warnings.without_an_answer();
                (self.refuse(&request, &left, Some(error), own, ui), None)
            }
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
            may_go_on: false,
        }
    }

    /// Leaves all as it is: the command may be running still, and write to its run directory.
    fn out_of_sight(&self, source: std::io::Error, ui: &Ui) -> Ran {
        let metrics = self.directory.path().join("metrics.json");
        let Stated { run_id, stage, .. } = &self.stated;
        let words = ["runstone", "record", "--run-id", run_id, "--stage", stage];
        let mut words: Vec<OsString> = words.map(OsString::from).to_vec();
        words.extend(["--metrics".into(), metrics.into()]);
        words.extend(["--store".into(), self.store.now().into()]);
        ui.error(&CliError::OutOfSight {
            name: self.program.name(),
            command: command_line(&words),
            source,
        });
        Ran {
            exit: Exit::Wrapper,
            keeps_directory: true,
            may_go_on: true,
        }
    }

    /// Reads what the command left behind.
    fn left(&self, restless: &[PathBuf], warnings: &mut Warnings<'_>) -> Left {
        let Stated { run_id, stage, .. } = &self.stated;
        let mut left = Left::read(self.directory.path(), run_id, stage, restless);
        if let Some(file) = &self.metrics {
            if file.is_untouched() {
                warnings.add(&format!(
                    "`{}` is as it was before the command started: its metrics are not taken",
                    file.path().display()
                ));
            } else if !left.add_metrics(file, run_id, stage, restless) {
                warnings.add(&format!("the command left no `{}`", file.path().display()));
            }
        }
        left
    }

    /// Says which words do not count because another's do.
    fn say_what_is_overruled(&self, left: &Left, outcome: &Outcome, warnings: &mut Warnings<'_>) {
        let may_be_shown = |document: &Value| {
            let masked = self.ledger.masked(document, &self.profile);
            masked.is_ok_and(|masked| masked == *document)
        };
        let measured = outcome.measured();
        let sources = self.sources(left, &measured);
        let overruled = overruled(&sources);
        for one in overruled.iter().take(OVERRULED_NAMED_MAX) {
            warnings.add(&one.said(may_be_shown));
        }
        if let more @ 1.. = overruled.len().saturating_sub(OVERRULED_NAMED_MAX) {
            warnings.add(&format!(
                "{more} more fields are said otherwise in two places: `runstone show` has what is \
                 recorded"
            ));
        }
    }

    fn say_how_it_ended(&self, Outcome { ended, .. }: &Outcome, warnings: &mut Warnings<'_>) {
        let name = self.program.name();
        let status = facts::status(ended);
        if status != Status::Finished {
            warnings.add(&format!(
                "`{name}` {}: the run is recorded as {}",
                facts::in_words(ended),
                status.as_str()
            ));
        } else if ended.was_asked_to_end() {
            warnings.add(&format!(
                "`{name}` was asked to end and exited with 0: the run is recorded as finished"
            ));
        }
        if ended.left_behind > 0 {
            warnings.add(&format!(
                "`{name}` left {} of its processes running; what they do is not recorded",
                ended.left_behind
            ));
        }
    }
}

/// Returns the path from the root on; as it is where the working directory is gone.
pub(super) fn whole(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_no_directory| path.to_owned())
}

fn answer(mut recorded: Recorded, process: Captured, warnings: &mut Warnings<'_>, ui: &Ui) {
    match ui.face {
        Face::Json => {
            recorded.warnings.splice(0..0, warnings.for_the_answer());
            let mut document = recorded.to_json();
            document["schema"] = json!("runstone.run/1");
            document["process"] = match process {
                Captured::Known(facts) => facts,
                Captured::NotCaptured { .. } => Value::Null,
            };
            ui.answer_beside(&format!("{}\n", in_a_line(&document)));
        }
        Face::Text => {
            for warning in &recorded.warnings {
                ui.warn(warning);
            }
            ui.answer_beside(&answer::text(&recorded));
        }
    }
}
