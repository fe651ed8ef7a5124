//! `runstone env restore`.

use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

use clap::ArgGroup;
use runstone::core::json::{Limits, read_document};
use runstone::env::restore::{Manager, Policy, SourcePrefix};
use runstone::restore::{Outcome, Proposal, RestoreRequest, Restored};
use runstone::{Error, Ledger};
use serde_json::Value;

use super::machine::absolute;
use crate::commands::signature::ByArgs;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output_file::Output;
use crate::render::env::restore;
use crate::settings::{Purpose, Settings};
use crate::ui::{Face, Ui};
use crate::values::called;

/// Most that is read of a plan, in bytes. Chosen: a plan of 10,000 steps has two million.
const PLAN_BYTES_MAX: u64 = 64 << 20;

/// Make the machine what an environment was: planned, proved, shown, then acted and verified
///
/// apt, conda, uv or pip, and npm first say what they would do; what the plan does not name is
/// refused. Then it is shown and asked, the machine as it is is kept and pinned, and each manager
/// does its part in one transaction. What came of it is captured and held against the environment.
/// Nothing is removed without `--prune`, and never what a system needs.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("what").required(true).args(["reference", "plan"]))]
#[command(after_help = AFTER_HELP)]
pub(crate) struct RestoreArgs {
    /// The environment
    #[arg(value_name = "REF")]
    reference: Option<String>,
    /// Do what this plan says, if the machine still is what it was made for; `-` is standard input
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["only", "prune", "allow_foreign", "allow_source", "into"]
    )]
    plan: Option<PathBuf>,
    /// Ask these managers alone: apt, conda, pip, npm [default: all of which something was captured]
    #[arg(long, value_name = "MANAGERS", value_delimiter = ',', value_parser = manager)]
    only: Vec<Manager>,
    /// Remove what the environment lacks
    #[arg(long)]
    prune: bool,
    /// Let conda, pip and npm restore what was captured on another system
    #[arg(long)]
    allow_foreign: bool,
    /// Let packages that are in no index come from addresses that begin so, https or ssh (may be
    /// repeated)
    #[arg(long, value_name = "PREFIX", value_parser = prefix)]
    allow_source: Vec<SourcePrefix>,
    /// Make a fresh Python environment, and let DIR lead to it when it is verified
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
    /// The interpreter, or the folder of its virtual environment [default: what `python3` is]
    #[arg(long, value_name = "PATH")]
    python: Option<PathBuf>,
    /// Show the plan and do nothing
    #[arg(long)]
    dry_run: bool,
    /// With `--dry-run`, exit with 4 if there is anything to do
    #[arg(long, requires = "dry_run")]
    exit_code: bool,
    /// Write what would be done as a script of the POSIX shell, and do nothing
    #[arg(long, value_name = "FILE", conflicts_with_all = ["dry_run", "into"])]
    emit_script: Option<PathBuf>,
    /// Replace the script if it is there
    #[arg(long, requires = "emit_script")]
    force: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    by: ByArgs,
}

/// How it is used.
const AFTER_HELP: &str = "\
REF is `env#12`, `@latest` (the newest that is kept), or 4 or more digits of a digest.

Examples:
  runstone env restore env#12 --dry-run
  runstone env restore env#12 --only pip --prune
  runstone env restore @latest --into .venv
  runstone env restore env#12 --dry-run --json > plan.json
  runstone env restore --plan plan.json --yes";

pub(crate) fn run(args: &RestoreArgs, ui: &Ui, settings: &Settings) -> Result<Exit, CliError> {
    let request = RestoreRequest {
        capture: settings.capture_request(None, args.python.as_deref().map(absolute)),
        policy: Policy {
            only: args.only.iter().copied().collect(),
            prune: args.prune,
            allow_foreign: args.allow_foreign,
            allow_source: args.allow_source.clone(),
            into: args.into.as_deref().map(in_words).transpose()?,
        },
        by: args.by.read()?.by,
    };
    let ledger = settings.open_environments(Purpose::Reading)?;
    let proposal = proposed(&ledger, args, request)?;
    if let Some(path) = &args.emit_script {
        if proposal.plan.policy.into.is_some() {
            return Err(CliError::usage(
                "a script cannot verify a fresh environment and give it its name",
                "leave out `--emit-script`: `--plan FILE --dry-run` shows what would be done",
            ));
        }
        return emit_script(path, args.force, &proposal, ui, settings);
    }
    if args.dry_run || proposal.plan.at_work().is_empty() {
        return show(args, &proposal, ui);
    }
    if ui.face == Face::Text {
        ui.data(&restore::proposed(&proposal))?;
    }
    proposal.may_be_acted_on()?;
    let steps = proposal
        .plan
        .steps
        .iter()
        .filter(|step| step.acts())
        .count();
    let noun = if steps == 1 { "step" } else { "steps" };
    if !args.yes && !ui.confirm(&format!("take {steps} {noun}?")) {
        return Err(CliError::Refused {
            what: "nothing was restored: nobody confirmed it".to_owned(),
            hint: "`--yes` does not ask, `--dry-run` only shows".to_owned(),
        });
    }
    let restored = ledger.restore(&proposal, |manager, words| {
        if ui.face == Face::Text {
            ui.talk(&restore::starting(manager, words));
        }
    })?;
    match ui.face {
        Face::Json => ui.json(&restored.to_json(&proposal))?,
        Face::Text => ui.data(&restore::restored(&proposal, &restored))?,
    }
    for warning in &restored.warnings {
        ui.warn(warning);
    }
    Ok(exit(&proposal, &restored))
}

fn proposed(
    ledger: &Ledger,
    args: &RestoreArgs,
    request: RestoreRequest,
) -> Result<Proposal, CliError> {
    if let Some(path) = &args.plan {
        let name = called(path);
        let document = read(path, &name)?;
        return Ok(ledger.propose_planned(&document, &name, request)?);
    }
    let reference = args.reference.as_deref().unwrap_or_default();
    Ok(ledger.propose_restore(&reference.parse()?, request)?)
}

/// Shows a plan that nobody acts on.
fn show(args: &RestoreArgs, proposal: &Proposal, ui: &Ui) -> Result<Exit, CliError> {
    match ui.face {
        Face::Json => ui.json(&proposal.to_json())?,
        Face::Text => ui.data(&restore::proposed(proposal))?,
    }
    Ok(if args.exit_code && !proposal.plan.is_nothing() {
        Exit::Different
    } else if !args.dry_run && !proposal.plan.is_nothing() {
        // Something is wanted, and nothing of it can be had.
        Exit::Partly
    } else {
        Exit::Done
    })
}

fn emit_script(
    path: &Path,
    force: bool,
    proposal: &Proposal,
    ui: &Ui,
    settings: &Settings,
) -> Result<Exit, CliError> {
    let mut output = match settings.find_store() {
        Ok(store) => Output::outside(&store.value, path, force)?,
        Err(_no_store_of_runs) => Output::open(path, force)?,
    };
    output.write(&proposal.script())?;
    output.finish()?;
    if path != Path::new("-") {
        match ui.face {
            Face::Json => ui.json(&proposal.to_json())?,
            Face::Text => ui.data(&restore::proposed(proposal))?,
        }
    }
    if proposal.wants_root() {
        return Err(CliError::Refused {
            what: format!(
                "nothing was restored: only root may; the script is in {}",
                called(path)
            ),
            hint: format!("read it, then run it as root: `sudo sh {}`", path.display()),
        });
    }
    ui.talk(&format!(
        "the script is in {}; nothing was restored\n",
        called(path)
    ));
    Ok(Exit::Done)
}

fn exit(proposal: &Proposal, restored: &Restored) -> Exit {
    match &restored.outcome {
        Outcome::Exactly | Outcome::WithMore => Exit::Done,
        Outcome::Stopped { .. } if restored.differences == proposal.plan.steps => Exit::Failure,
        _ => Exit::Partly,
    }
}

/// Reads a plan.
fn read(path: &Path, name: &str) -> Result<Value, CliError> {
    let unreadable = |source| CliError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        let mut stdin = std::io::stdin().lock().take(PLAN_BYTES_MAX);
        stdin.read_to_end(&mut bytes).map_err(unreadable)?;
    } else {
        let file = std::fs::File::open(path).map_err(unreadable)?;
        let mut file = file.take(PLAN_BYTES_MAX);
        file.read_to_end(&mut bytes).map_err(unreadable)?;
    }
    let limits = Limits {
        size_bytes_max: usize::try_from(PLAN_BYTES_MAX).unwrap_or(usize::MAX),
        ..Limits::default()
    };
    let document = read_document(&bytes, &limits).map_err(|source| Error::Document {
        name: name.to_owned(),
        source,
    })?;
    Ok(Value::Object(document))
}

/// Returns a path as it stands in a plan.
fn in_words(path: &Path) -> Result<String, CliError> {
    let path = plain(absolute(path));
    let text = path.to_str().map(|text| text.trim_end_matches('/'));
    let is_name = |it: &&str| !it.is_empty() && !it.ends_with("/..");
    let text = text.filter(is_name);
    text.map(ToOwned::to_owned).ok_or_else(|| {
        CliError::usage(
            format!(
                "`{}` cannot be the name of a fresh environment",
                path.display()
            ),
            "name a folder that is not there yet, such as `--into .venv`",
        )
    })
}

/// Returns a path without parts that lead up, if what is above its last part is there.
fn plain(path: PathBuf) -> PathBuf {
    let leads_up = path.components().any(|it| it == Component::ParentDir);
    let above = path.parent().zip(path.file_name()).filter(|_| leads_up);
    let above = above.and_then(|(above, name)| Some(above.canonicalize().ok()?.join(name)));
    above.unwrap_or(path)
}

fn manager(word: &str) -> Result<Manager, String> {
    Manager::from_word(word).ok_or_else(|| {
        let words: Vec<&str> = Manager::ALL.iter().map(|it| it.as_str()).collect();
        format!("write some of `{}`", words.join("`, `"))
    })
}

fn prefix(text: &str) -> Result<SourcePrefix, String> {
    SourcePrefix::new(text).map_err(|error| error.to_string())
}
