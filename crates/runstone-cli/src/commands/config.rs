//! `runstone config`.

use std::path::{Path, PathBuf};

use runstone::profiles::ProfileChoice;
use serde_json::{Value, json};

use crate::error::CliError;
use crate::exit::Exit;
use crate::settings::{Origin, Places, Setting, Settings};
use crate::ui::{FAINT, Face, NAME, Ui, plain};

/// Show the settings: what counts, and who said it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Options go before the environment, that before `runstone.toml` of the project,
that before your own file. A project file never names a store, a profile file or
what is redacted.")]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    verb: ConfigVerb,
}

#[derive(Debug, clap::Subcommand)]
enum ConfigVerb {
    /// Show every setting and its value
    Show {
        /// Show where each value comes from: an option, a variable, a line of a file
        #[arg(long)]
        origin: bool,
    },
    /// Print where the settings files are
    Path,
}

impl ConfigArgs {
    /// Tells whether the files have to be readable: not to say where they are.
    pub(crate) fn reads_settings_files(&self) -> bool {
        match self.verb {
            ConfigVerb::Show { .. } => true,
            ConfigVerb::Path => false,
        }
    }
}

pub(crate) fn run(args: &ConfigArgs, ui: &Ui, settings: &Settings) -> Result<Exit, CliError> {
    match args.verb {
        ConfigVerb::Show { origin } => show(origin, ui, settings),
        ConfigVerb::Path => path(ui),
    }
}

fn show(with_origin: bool, ui: &Ui, settings: &Settings) -> Result<Exit, CliError> {
    let settled = settled(ui, settings);
    match ui.face {
        Face::Json => ui.json(&json!({
            "schema": "runstone.config-show/1",
            "settings": settled
                .iter()
                .map(|(name, value, origin)| {
                    json!({ "name": name, "value": value, "origin": origin.to_json() })
                })
                .collect::<Vec<_>>(),
        }))?,
        // No table: a path is worth nothing cut short.
        Face::Text => {
            for (name, value, origin) in &settled {
                let value = plain(&in_words(value));
                let from = if with_origin {
                    format!("  {FAINT}({}){FAINT:#}", plain(&origin.to_string()))
                } else {
                    String::new()
                };
                ui.data(&format!("{name:<18}{value}{from}\n"))?;
            }
        }
    }
    Ok(Exit::Done)
}

/// Returns every setting by name. What keeps the store from being opened is said beside it: whoever
/// asks for the settings may be looking for just that.
fn settled(ui: &Ui, settings: &Settings) -> Vec<(&'static str, Value, Origin)> {
    let store = settings.find_store();
    let ledger = store
        .as_ref()
        .ok()
        .and_then(|_| settings.open_ledger().ok());
    match (&store, &ledger) {
        (Err(CliError::NoStore { .. }), _) | (Ok(_), Some(_)) => {}
        (Err(error), _) => ui.warn(&error.to_string()),
        (Ok(_), None) => {
            if let Err(error) = settings.open_ledger() {
                ui.warn(&error.to_string());
            }
        }
    }
    let of_store = |text: Option<String>| match text {
        Some(text) => (Value::from(text), Origin::Store),
        None => (Value::Null, Origin::Default),
    };
    let experiment = match &settings.experiment {
        Some(Setting { value, origin }) => (Value::from(value.clone()), origin.clone()),
        None => of_store(
            ledger
                .as_ref()
                .map(|ledger| ledger.settings().experiment.clone()),
        ),
    };
    let profile = match &settings.profile {
        Some(Setting {
            value: ProfileChoice::Named(name) | ProfileChoice::Kept(name),
            origin,
        }) => (Value::from(name.clone()), origin.clone()),
        _ => of_store(
            ledger
                .as_ref()
                .and_then(|ledger| ledger.default_profile().ok())
                .map(|profile| profile.name),
        ),
    };
    let store = match store {
        Ok(Setting { value, origin }) => (shown(&value), origin),
        Err(_said_above) => (Value::Null, Origin::Default),
    };
    let safe = match &settings.safe_stores {
        Some(Setting { value, origin }) => (
            value.iter().map(|path| shown(path)).collect(),
            origin.clone(),
        ),
        None => (json!([]), Origin::Default),
    };
    let color = (
        Value::from(settings.color.value.as_str()),
        settings.color.origin.clone(),
    );
    let lines = (
        Value::from(settings.log_lines.value),
        settings.log_lines.origin.clone(),
    );
    let environment = (
        Value::from(settings.environment.value.as_str()),
        settings.environment.origin.clone(),
    );
    let environment_root = match &settings.environment_root {
        Some(Setting { value, origin }) => (shown(value), origin.clone()),
        None => (Value::from("/"), Origin::Default),
    };
    [
        ("color", color),
        ("environment", environment),
        ("environment_root", environment_root),
        ("experiment", experiment),
        ("log.lines", lines),
        ("profile", profile),
        ("safe_stores", safe),
        ("store", store),
    ]
    .into_iter()
    .map(|(name, (value, origin))| (name, value, origin))
    .collect()
}

fn shown(path: &Path) -> Value {
    Value::from(path.display().to_string())
}

fn in_words(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => items.iter().map(in_words).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

fn path(ui: &Ui) -> Result<Exit, CliError> {
    let places = Places::look();
    let named = [("user", &places.user), ("project", &places.project)];
    match ui.face {
        Face::Json => {
            let file = |path: &Option<PathBuf>| {
                path.as_ref().map(
                    |path| json!({ "path": path.display().to_string(), "exists": path.exists() }),
                )
            };
            ui.json(&json!({
                "schema": "runstone.config-path/1",
                "user": file(&places.user),
                "project": file(&places.project),
            }))?;
        }
        Face::Text => {
            for (name, path) in named {
                let place = match path {
                    Some(path) => format!(
                        "{NAME}{}{NAME:#}{}",
                        plain(&path.display().to_string()),
                        if path.exists() { "" } else { "  (not there)" }
                    ),
                    None => "none".to_owned(),
                };
                ui.data(&format!("{name:<9}{place}\n"))?;
            }
        }
    }
    Ok(Exit::Done)
}
