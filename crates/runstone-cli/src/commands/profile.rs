//! `runstone profile`.

use std::path::{Path, PathBuf};

use runstone::core::json::{Limits, read_document};
use runstone::core::profile::Profile;
use runstone::profiles::{self, ProfileChoice};
use runstone::{DefaultProfile, Error};
use serde_json::json;

use crate::env_vars;
use crate::error::CliError;
use crate::exit::Exit;
use crate::render::format::{Format, Rows};
use crate::settings::Settings;
use crate::ui::{Face, Ui, plain};
use crate::values::{called, read_input};

/// Show, choose, check and explain profiles: the written rule by which runs are read and compared
#[derive(Debug, clap::Args)]
pub(crate) struct ProfileArgs {
    #[command(subcommand)]
    verb: ProfileVerb,
}

#[derive(Debug, clap::Subcommand)]
enum ProfileVerb {
    /// Print a profile, complete, as TOML
    Show {
        /// A name, a digest's beginning or a TOML file [default: the store's]
        #[arg(value_name = "PROFILE")]
        name: Option<String>,
    },
    /// Make a profile the store's: the one for documents recorded without `--profile`
    ///
    /// It counts for everybody who records into the store, from now on. What is recorded stays as
    /// it was read.
    Use {
        /// A built-in name, the name or digest of one the store keeps, or a TOML file
        #[arg(value_name = "PROFILE")]
        name: String,
    },
    /// Check a profile, with line and column of what is wrong
    Check {
        /// The TOML file; `-` reads standard input
        file: PathBuf,
    },
    /// Show what each field of a document counts as
    Explain {
        /// The run document; `-` reads standard input
        document: PathBuf,
        /// The profile [default: the store's]
        #[arg(long, value_name = "PROFILE")]
        profile: Option<String>,
    },
}

pub(crate) fn run(args: &ProfileArgs, ui: &Ui, settings: &Settings) -> Result<Exit, CliError> {
    match &args.verb {
        ProfileVerb::Show { name } => show(name.as_deref(), ui, settings),
        ProfileVerb::Use { name } => choose(name, ui, settings),
        ProfileVerb::Check { file } => check(file, ui),
        ProfileVerb::Explain { document, profile } => {
            explain(document, profile.as_deref(), ui, settings)
        }
    }
}

fn show(name: Option<&str>, ui: &Ui, settings: &Settings) -> Result<Exit, CliError> {
    let profile = find(name, settings)?;
    match ui.face {
        Face::Json => ui.json(&json!({
            "schema": "runstone.profile-show/1",
            "name": profile.name,
            "sha256": profile.sha256,
            "text": profile.text,
        }))?,
        Face::Text => {
            ui.exact(&profile.text)?;
            // Several profiles may bear one name.
            let (name, digest) = (plain(&profile.name), profile.sha256.prefix(12));
            ui.talk(&format!("profile {name} ({digest})\n"));
        }
    }
    Ok(Exit::Done)
}

fn choose(name: &str, ui: &Ui, settings: &Settings) -> Result<Exit, CliError> {
    let chosen = settings
        .open_ledger()?
        .use_profile(&ProfileChoice::Named(name.to_owned()))?;
    let DefaultProfile {
        profile,
        was_default,
    } = &chosen;
    match ui.face {
        Face::Json => ui.json(&json!({
            "schema": "runstone.profile-use/1",
            "name": profile.name,
            "sha256": profile.sha256,
            "changed": !was_default,
        }))?,
        Face::Text => {
            let word = if *was_default { "still uses" } else { "uses" };
            ui.data(&format!(
                "the store {word} {} ({})\n",
                plain(&profile.name),
                profile.sha256.prefix(12)
            ))?;
        }
    }
    Ok(Exit::Done)
}

fn check(file: &Path, ui: &Ui) -> Result<Exit, CliError> {
    let bytes = read_input(file)?;
    let text = String::from_utf8(bytes).map_err(|_not_utf8| {
        CliError::usage(format!("{} is not UTF-8", called(file)), "save it as UTF-8")
    })?;
    let folder = file.parent().unwrap_or(Path::new(""));
    let name = match file.to_str() {
        Some("-") => "standard input".to_owned(),
        _ => file.display().to_string(),
    };
    let profile = profiles::parse(&text, &name, folder)?;
    match ui.face {
        Face::Json => ui.json(&json!({
            "schema": "runstone.profile-check/1",
            "ok": true,
            "name": profile.name,
            "sha256": profile.sha256,
        }))?,
        Face::Text => ui.data(&format!("`{}` is a good profile\n", profile.name))?,
    }
    Ok(Exit::Done)
}

fn explain(
    document: &Path,
    name: Option<&str>,
    ui: &Ui,
    settings: &Settings,
) -> Result<Exit, CliError> {
    let profile = find(name, settings)?;
    if let Some(meant) = document.to_str()
        && !document.exists()
        && find(Some(meant), settings).is_ok()
    {
        return Err(CliError::usage(
            format!("`{meant}` is a profile, and a run document is wanted"),
            format!(
                "`runstone profile explain run.json --profile {meant}` explains a document, \
                 `runstone profile show {meant}` prints the profile"
            ),
        ));
    }
    let document = read_document(&read_input(document)?, &Limits::default()).map_err(|source| {
        Error::Document {
            name: called(document),
            source,
        }
    })?;
    let explained = profile.explain(&document);
    let mut rows = Rows::new(&["field", "counts as"]);
    for row in &explained {
        let redacted = row
            .redacted
            .as_ref()
            .map(|(mode, rule)| format!("; {mode} by `{rule}`"))
            .unwrap_or_default();
        rows.push(vec![
            row.path.clone(),
            format!("{}{redacted}", row.counts_as),
        ]);
    }
    let answer = json!({
        "schema": "runstone.profile-explain/1",
        "profile": { "name": profile.name, "sha256": profile.sha256 },
        "fields": explained
            .iter()
            .map(|row| json!({ "path": row.path, "counts_as": row.counts_as,
                "redacted": row.redacted.as_ref().map(|(mode, rule)| json!({
                    "mode": mode.as_str(), "rule": rule,
                })) }))
            .collect::<Vec<_>>(),
    });
    ui.data(&rows.render(Format::of(None, ui)?, &answer, "fields"))?;
    Ok(Exit::Done)
}

/// Finds a profile as a recording would. Where there is no store, a built-in one or a file is all
/// that can be meant.
fn find(name: Option<&str>, settings: &Settings) -> Result<Profile, CliError> {
    match (settings.open_ledger(), name) {
        (Ok(ledger), name) => Ok(ledger
            .profile(&settings.profile_choice(name))?
            .as_ref()
            .clone()),
        (Err(CliError::NoStore { .. }), Some(name)) => {
            Ok(profiles::load(name)?.knowing(env_vars::names()))
        }
        (Err(error), _) => Err(error),
    }
}
