//! `runstone record`.

use std::ffi::{OsStr, OsString};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use runstone::core::id::Attempt;
use runstone::core::input::{Fill, Overrides, RunInput};
use runstone::core::json::{Limits, ReadError, read_document};
use runstone::core::verdict::Condition;
use runstone::environments::EnvironmentChoice;
use runstone::profiles::ProfileChoice;
use runstone::{AttemptChoice, BatchRequest, Error, Ledger, RecordRequest, Recorded};
use serde_json::Value;

use super::refused::Refused;
use crate::env_vars;
use crate::error::CliError;
use crate::exit::Exit;
use crate::render::answer;
use crate::render::lines::wrapped;
use crate::settings::{Asked, Settings};
use crate::source::Documents;
use crate::tally::Tally;
use crate::ui::{Face, Progress, Ui};
use crate::values::{assignment, called, read_input};

/// Record one stage of one run, and say what changed
///
/// Reads a run document, makes it an immutable snapshot in the log of the runs it may be compared
/// with, and answers what changed since the last one. Recording the same again is the same
/// snapshot. Without FILE the document is made of the options. A FILE with several documents, one
/// after another, is recorded as a stream: each is answered in its turn, on a line of its own, and
/// one that is refused does not stop the others. Standard input is a stream unless it ends with its
/// first document. Documents of a stream may be of any machine: neither environment nor code is
/// captured for them, unless `--environment` says which.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  runstone record run.json
  runstone record --run-id r1 --stage train --metrics metrics.json
  python train.py | runstone record - --json")]
pub(crate) struct RecordArgs {
    /// The run document, or several; `-` reads standard input as it comes
    file: Option<PathBuf>,
    /// What `run` could not record, by the name it printed or `log` lists; `-` reads what it
    /// printed
    #[arg(long, value_name = "NAME", conflicts_with = "file")]
    refused: Option<OsString>,
    /// The run; must agree with the document
    #[arg(long, value_name = "ID")]
    run_id: Option<String>,
    /// The stage; must agree with the document
    #[arg(long)]
    stage: Option<String>,
    /// Which retry this is: a number, or `next`
    #[arg(long, value_name = "N|next", allow_negative_numbers = true)]
    attempt: Option<AttemptArg>,
    /// The experiment; must agree with the document
    #[arg(long, value_name = "NAME", value_parser = crate::values::name)]
    experiment: Option<String>,
    /// The search over settings this run is a point of
    #[arg(long, value_name = "NAME", value_parser = crate::values::name)]
    sweep: Option<String>,
    /// Judge this run, but let it be no yardstick for others
    #[arg(long)]
    candidate: bool,
    /// Set a field of the document; `@FILE` reads JSON from a file
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// A JSON object of metrics, laid over the document's
    #[arg(long, value_name = "FILE")]
    metrics: Option<PathBuf>,
    /// The environment it ran in: `current` (this machine), `none`, or one that is kept, such as
    /// `env#12` or a digest [default: that of this machine for a single document of a run that
    /// ended within the hour]
    #[arg(long, value_name = "REF")]
    environment: Option<Asked>,
    /// The rule by which the run is read: a name or a TOML file [default: the store's]
    #[arg(long, value_name = "PROFILE")]
    pub(super) profile: Option<String>,
    /// Exit with 4 on these: a verdict (`regression`, `undecided` …) or at least this severity; a
    /// run that failed or was interrupted exits with 4 whichever they are
    #[arg(long, value_name = "WORD", value_delimiter = ',')]
    fail_on: Vec<FailOn>,
}

/// `N` or `next`.
#[derive(Debug, Clone, Copy)]
pub(super) enum AttemptArg {
    Number(u32),
    Next,
}

impl AttemptArg {
    pub(super) const fn choice(self) -> AttemptChoice {
        match self {
            Self::Number(number) => AttemptChoice::Exactly(Attempt(number)),
            Self::Next => AttemptChoice::Next,
        }
    }
}

impl FromStr for AttemptArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "next" => Ok(Self::Next),
            _ => text
                .parse()
                .map(Self::Number)
                .map_err(|_not_a_number| "write a number from 0, or `next`".to_owned()),
        }
    }
}

/// A word that turns an answer into exit code 4.
#[derive(Debug, Clone, Copy)]
pub(super) struct FailOn(pub(super) Condition);

impl FromStr for FailOn {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Condition::from_word(word).map(Self).ok_or_else(|| {
            "write a verdict: `regression`, `undecided`, `improvement`, `changed`, `same`, \
             or a severity: `minor`, `major`, `critical`"
                .to_owned()
        })
    }
}

impl FailOn {
    /// Whether an answer fails by one of the words that were asked for.
    pub(super) fn is_met(words: &[Self], recorded: &Recorded) -> bool {
        let conditions: Vec<Condition> = words.iter().map(|word| word.0).collect();
        !recorded.failures(&conditions).is_empty()
    }
}

pub(crate) fn run(args: RecordArgs, ui: &Ui, settings: &Settings) -> Result<Exit, CliError> {
    name_standard_input_once(&args)?;
    let ledger = settings.open_ledger()?;
    let fail_on = args.fail_on.clone();
    if args.file.is_some() {
        let profile = settings.profile_choice(args.profile.as_deref());
        ui.learn(|| ledger.rules_for_words(&profile).ok());
        return run_stream(&ledger, args, ui, settings);
    }
    let recorded = match args.refused.clone() {
        Some(name) => {
            let profile = args.profile.clone().map(ProfileChoice::Named);
            record_refused(
                &ledger,
                &name,
                profile,
                said_beside(args, settings, &ledger)?,
            )?
        }
        None => ledger.record(said_alone(args, settings, &ledger)?)?,
    };
    show(ui, &recorded)?;
    Ok(if FailOn::is_met(&fail_on, &recorded) {
        Exit::Different
    } else {
        Exit::Done
    })
}

/// Records every document of a file or of standard input.
fn run_stream(
    ledger: &Ledger,
    args: RecordArgs,
    ui: &Ui,
    settings: &Settings,
) -> Result<Exit, CliError> {
    let path = args.file.clone().unwrap_or_default();
    let fail_on = args.fail_on.clone();
    let request = said_beside(args, settings, ledger)?;
    let is_for_single = matches!(request.environment, EnvironmentChoice::IfJustNow(_));
    let documents = Documents::open(&path, request.limits)?;
    let failure = documents.failure();
    let mut tally = Tally::default();
    let mut stopped = None;
    let mut is_only = false;
    let mut progress = Progress::of(ui);
    ledger.record_all(documents, &request, |answer| {
        is_only = answer.is_only;
        let is_one = answer.is_only || (answer.position == 1 && answer.is_alone);
        let shown = match answer.outcome {
            Ok(recorded) => {
                tally.recorded(&recorded, FailOn::is_met(&fail_on, &recorded));
                if is_one || ui.face == Face::Json {
                    show(ui, &recorded)
                } else {
                    recorded
                        .warnings
                        .iter()
                        .for_each(|warning| tally.warn(warning));
                    ui.data(&answer::in_a_line(&recorded))
                        .map_err(|error| unanswered(error, &recorded))
                }
            }
            Err(error) => {
                let error = CliError::from(error);
                if let CliError::Ledger(error) = &error {
                    tally.refused(error, CliError::exit_of(error));
                }
                if answer.is_only {
                    Err(error)
                } else {
                    match ui.face {
                        Face::Json => ui.json(&ui.with_hint_typed_again(refusal(
                            answer.position,
                            answer.line,
                            &error,
                        ))),
                        Face::Text => {
                            let name = named(answer.position, answer.line);
                            let hint = error.hint();
                            let hint = hint.as_deref().map(|hint| ui.typed_again(hint));
                            ui.data(&answer::refused_of_many(&name, &error, hint.as_deref()))
                        }
                    }
                }
            }
        };
        match shown {
            Ok(()) => {
                progress.tell(|| format!("{} documents", tally.documents()));
                ControlFlow::Continue(())
            }
            Err(error) => {
                stopped = Some(error);
                ControlFlow::Break(())
            }
        }
    })?;
    drop(progress);
    if let Some(error) = stopped {
        // Nobody reads the answers any more, and documents were left unread.
        if error.is_closed_pipe() && !is_only {
            return Ok(Exit::Partly);
        }
        return Err(error);
    }
    if let Some(error) = failure.take(&path) {
        if tally.documents() == 0 {
            return Err(error);
        }
        ui.error(&error);
        tally.broke_off();
    }
    match tally.documents() {
        0 => {
            return Err(CliError::from(Error::Document {
                name: called(&path),
                source: ReadError::Empty,
            }));
        }
        // The answer of a program says it by itself.
        1 if is_for_single && !is_only && ui.face == Face::Text => ui.talk(&wrapped(
            "environment and code were not captured: the stream had not ended when its document was \
             recorded; `--environment current` captures them in any case",
        )),
        1 => {}
        _ if ui.face == Face::Text => {
            tally.warnings().for_each(|warning| ui.warn(&warning));
            ui.talk(&format!("{}\n", tally.text()));
            if is_for_single {
                ui.talk(&wrapped(
                    "environment and code are not captured for the documents of a stream, which may \
                     be of any machine; `--environment current` captures those of this one",
                ));
            }
        }
        _ => {}
    }
    Ok(tally.exit())
}

/// Shows a whole answer.
fn show(ui: &Ui, recorded: &Recorded) -> Result<(), CliError> {
    for warning in &recorded.warnings {
        if ui.face == Face::Text {
            ui.warn(warning);
        }
    }
    let answered = match ui.face {
        Face::Json => ui.json(&recorded.to_json()),
        Face::Text => ui.data(&answer::text(recorded)),
    };
    answered.map_err(|error| unanswered(error, recorded))
}

/// Says of an answer that could not be written where its snapshot stands.
fn unanswered(error: CliError, recorded: &Recorded) -> CliError {
    match error {
        CliError::Output(source) => CliError::Unanswered {
            place: recorded.place.to_string(),
            source,
        },
        other => other,
    }
}

/// Returns what a document of a stream is called.
fn named(position: u64, line: Option<usize>) -> String {
    match line {
        Some(line) => format!("document {position} (line {line})"),
        None => format!("document {position}"),
    }
}

/// Returns what stands in the place of a document that was not recorded.
fn refusal(position: u64, line: Option<usize>, error: &CliError) -> Value {
    let is_unknown = matches!(error.exit(), Exit::Unknown | Exit::Damaged);
    let mut refusal = error.to_json();
    refusal["schema"] = Value::from("runstone.record/1");
    refusal["recorded"] = Value::from(if is_unknown { "unknown" } else { "refused" });
    refusal["position"] = Value::from(position);
    refusal["line"] = Value::from(line);
    refusal
}

/// Records what `run` could not record, with what is said beside it now.
fn record_refused(
    ledger: &Ledger,
    name: &OsStr,
    profile: Option<ProfileChoice>,
    said: BatchRequest,
) -> Result<Recorded, CliError> {
    let refused = Refused::find(ledger, name)?;
    let (request, not_taken) =
        refused.request(profile, said.profile, said.attempt, &said.overrides)?;
    let request = RecordRequest {
        // The surroundings are those of this command, not of the run.
        overrides: Overrides {
            fill: Fill::default(),
            ..said.overrides
        },
        ..request
    };
    let mut recorded = ledger.record(request).map_err(|error| match error {
        Error::Conflict(conflict) => CliError::Taken(conflict),
        error => CliError::Ledger(error),
    })?;
    recorded.warnings.extend(not_taken);
    recorded.warnings.extend(refused.forget(ledger).err());
    Ok(recorded)
}

/// Refuses to read standard input for two things: the second would find nothing left.
fn name_standard_input_once(args: &RecordArgs) -> Result<(), CliError> {
    let paths = [&args.file, &args.metrics].into_iter().flatten();
    let paths = paths.map(PathBuf::as_path);
    let paths = paths.chain(args.refused.as_deref().map(Path::new));
    let values = args.set.iter().filter_map(|text| text.split_once("=@"));
    let named = paths.filter(|path| *path == Path::new("-")).count()
        + values.filter(|(_, file)| *file == "-").count();
    if named > 1 {
        return Err(CliError::usage(
            "standard input is named more than once, and can be read only once",
            "write one of them to a file, and name that: `--metrics metrics.json`",
        ));
    }
    Ok(())
}

/// Returns the request for a document that is made of options alone.
fn said_alone(
    args: RecordArgs,
    settings: &Settings,
    ledger: &Ledger,
) -> Result<RecordRequest, CliError> {
    if args.set.is_empty() && args.metrics.is_none() && args.run_id.is_none() {
        return Err(CliError::usage(
            "there is nothing to record: no document and no option that makes one",
            "name a document, such as `runstone record run.json`, or read one with `-`",
        ));
    }
    let said = said_beside(args, settings, ledger)?;
    Ok(RecordRequest {
        name: said.name,
        input: RunInput::empty(),
        overrides: said.overrides,
        attempt: said.attempt,
        profile: said.profile,
        process: RecordRequest::no_process(),
        environment: said.environment,
    })
}

/// Returns what is said beside every document.
fn said_beside(
    args: RecordArgs,
    settings: &Settings,
    ledger: &Ledger,
) -> Result<BatchRequest, CliError> {
    let limits = Limits::default();
    let metrics = match &args.metrics {
        Some(path) => Some(
            read_document(&read_input(path)?, &limits).map_err(|source| Error::Document {
                name: called(path),
                source,
            })?,
        ),
        None => None,
    };
    let set = args
        .set
        .iter()
        .map(|text| assignment(text))
        .collect::<Result<_, _>>()?;
    let overrides = Overrides {
        run_id: args.run_id,
        stage: args.stage,
        attempt: None,
        experiment: args.experiment,
        sweep: args.sweep,
        candidate: args.candidate,
        metrics,
        set,
        fill: Fill {
            run_id: env_vars::read(env_vars::RUN_ID),
            stage: env_vars::read(env_vars::STAGE),
            experiment: settings.experiment.as_ref().map(|it| it.value.clone()),
        },
    };
    Ok(BatchRequest {
        name: args
            .file
            .as_deref()
            .map_or_else(|| "the document".to_owned(), called),
        overrides,
        attempt: args
            .attempt
            .map_or(AttemptChoice::Found, AttemptArg::choice),
        profile: settings.profile_choice(args.profile.as_deref()),
        environment: settings.environment_choice(args.environment.as_ref(), ledger)?,
        limits,
    })
}
