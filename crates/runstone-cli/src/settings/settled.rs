//! Whose word counts: option > environment > project file > user file > default.
//!
//! Settled once, before a command begins; each value remembers where it came from. A store that is
//! found upward stands in the project's place, so `store` of the user file is where runs go that
//! have no store of their own around them.

use std::fmt;
use std::path::PathBuf;

use runstone::Ledger;
use runstone::core::redact::Redaction;
use runstone::profiles::ProfileChoice;
use serde_json::{Value as Json, json};

use super::environment::Capturing;
use super::error::SettingsError;
use super::file::{SettingsFile, Value};
use super::known::{self, Role};
use super::places::Places;
use super::store::{Search, directory, find_upward, in_a_folder_of_it};
use crate::env_vars;
use crate::error::CliError;

/// How many rows `log` shows when nothing says otherwise.
const LOG_LINES: usize = 20;

/// What the options of every command say.
#[derive(Debug, Default)]
pub(crate) struct Given {
    /// `--store`.
    pub(crate) store: Option<PathBuf>,
    /// `--color`.
    pub(crate) color: Option<When>,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum When {
    Auto,
    Always,
    Never,
}

impl When {
    fn from_word(word: &str) -> Option<Self> {
        clap::ValueEnum::from_str(word, false).ok()
    }

    /// Returns its word.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Always => "always",
            Self::Never => "never",
        }
    }
}

/// A value, and who said it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting<T> {
    /// The value.
    pub(crate) value: T,
    /// Who said it.
    pub(crate) origin: Origin,
}

/// Who said a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Nobody.
    Default,
    /// An option of the command line.
    Option(&'static str),
    /// A variable of the environment.
    Variable(&'static str),
    /// The project file, at a line.
    Project(PathBuf, usize),
    /// The user file, at a line.
    User(PathBuf, usize),
    /// The store itself.
    Store,
    /// A look from the working directory upward.
    Found,
}

impl Origin {
    /// Returns the stable JSON form: `{source, name?, path?, line?}`.
    pub(crate) fn to_json(&self) -> Json {
        match self {
            Self::Default => json!({ "source": "default" }),
            Self::Option(name) => json!({ "source": "option", "name": name }),
            Self::Variable(name) => json!({ "source": "environment", "name": name }),
            Self::Project(path, line) => {
                json!({ "source": "project", "path": path, "line": line })
            }
            Self::User(path, line) => json!({ "source": "user", "path": path, "line": line }),
            Self::Store => json!({ "source": "store" }),
            Self::Found => json!({ "source": "found" }),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Option(name) => f.write_str(name),
            Self::Variable(name) => f.write_str(name),
            Self::Project(path, line) | Self::User(path, line) => {
                write!(f, "{}:{line}", path.display())
            }
            Self::Store => f.write_str("the store"),
            Self::Found => f.write_str("found upward"),
        }
    }
}

/// Every setting, settled.
#[derive(Debug)]
pub(crate) struct Settings {
    /// When to use colour.
    pub(crate) color: Setting<When>,
    /// How many rows `log` shows.
    pub(crate) log_lines: Setting<usize>,
    /// Which environment runs are recorded with.
    pub(crate) environment: Setting<Capturing>,
    /// What is captured as if it were the root of a machine; else this machine.
    pub(crate) environment_root: Option<Setting<PathBuf>>,
    /// The experiment of documents that name none; else the store's.
    pub(crate) experiment: Option<Setting<String>>,
    /// The profile of documents recorded without `--profile`; else the store's.
    pub(crate) profile: Option<Setting<ProfileChoice>>,
    /// Stores of others that may be found.
    pub(crate) safe_stores: Option<Setting<Vec<PathBuf>>>,
    named_store: Option<Setting<PathBuf>>,
    fallback_store: Option<Setting<PathBuf>>,
}

impl Settings {
    /// Settles what options and environment say, without looking for files.
    pub(crate) fn without_files(given: Given) -> Result<Self, CliError> {
        Self::settle(given, None, None)
    }

    /// Settles everything.
    pub(crate) fn load(given: Given) -> Result<Self, CliError> {
        let places = Places::look();
        let home = places.home.as_deref();
        let read = |path: &Option<PathBuf>, role| match path {
            Some(path) => SettingsFile::read(path, role, home),
            None => Ok(None),
        };
        let user = read(&places.user, Role::User)?;
        let safe = user.as_ref().and_then(|file| file.get(known::SAFE_STORES));
        let safe = match safe.map(|stated| &stated.value) {
            Some(Value::Paths(paths)) => paths.as_slice(),
            _ => &[],
        };
        places.demand_own_project(safe)?;
        let project = read(&places.project, Role::Project)?;
        // A file that was named has to be there.
        if let Some(path) = places.project.filter(|_| places.is_project_named)
            && let Err(source) = path.metadata()
        {
            return Err(SettingsError::Unreadable { path, source }.into());
        }
        Self::settle(given, project.as_ref(), user.as_ref())
    }

    fn settle(
        given: Given,
        project: Option<&SettingsFile>,
        user: Option<&SettingsFile>,
    ) -> Result<Self, CliError> {
        let files = Files { project, user };
        let color = given
            .color
            .map(|when| said(when, Origin::Option("--color")))
            .or_else(colour_of_environment)
            .or_else(|| files.text(known::COLOR).and_then(Setting::into_colour))
            .unwrap_or_else(|| said(When::Auto, Origin::Default));
        let log_lines = match env_vars::read(env_vars::LOG_LINES) {
            Some(text) => match text.parse() {
                Ok(lines) => Some(said(lines, Origin::Variable(env_vars::LOG_LINES))),
                Err(_not_a_count) => {
                    return Err(SettingsError::Variable {
                        name: env_vars::LOG_LINES,
                        text,
                        wanted: "a whole number from 0",
                    }
                    .into());
                }
            },
            None => files.count(known::LOG_LINES),
        };
        let environment = match env_vars::read(env_vars::ENVIRONMENT) {
            Some(text) => match text.parse() {
                Ok(word) => Some(said(word, Origin::Variable(env_vars::ENVIRONMENT))),
                Err(_no_word) => {
                    return Err(SettingsError::Variable {
                        name: env_vars::ENVIRONMENT,
                        text,
                        wanted: "`auto`, `current` or `none`",
                    }
                    .into());
                }
            },
            None => files
                .text(known::ENVIRONMENT)
                .and_then(|it| it.map(|word| word.parse().ok()).transposed()),
        };
        let root = env_vars::ENVIRONMENT_ROOT;
        let variable = |name| env_vars::read(name).map(|text| said(text, Origin::Variable(name)));
        Ok(Self {
            color,
            log_lines: log_lines.unwrap_or_else(|| said(LOG_LINES, Origin::Default)),
            environment: environment.unwrap_or_else(|| said(Capturing::IfJustNow, Origin::Default)),
            environment_root: env_vars::read_path(root)
                .map(|path| said(path, Origin::Variable(root)))
                .or_else(|| {
                    files
                        .paths(known::ENVIRONMENT_ROOT)
                        .and_then(|it| it.map(|paths| paths.into_iter().next()).transposed())
                }),
            experiment: variable(env_vars::EXPERIMENT).or_else(|| files.text(known::EXPERIMENT)),
            profile: variable(env_vars::PROFILE)
                .map(|it| it.map(ProfileChoice::Named))
                .or_else(|| {
                    files
                        .text(known::PROFILE)
                        .map(|it| it.map(ProfileChoice::Kept))
                }),
            safe_stores: files.paths(known::SAFE_STORES),
            named_store: given
                .store
                .map(|path| said(path, Origin::Option("--store")))
                .or_else(|| {
                    env_vars::read_path(env_vars::STORE)
                        .map(|path| said(path, Origin::Variable(env_vars::STORE)))
                }),
            fallback_store: files
                .paths(known::STORE)
                .and_then(|it| it.map(|paths| paths.into_iter().next()).transposed()),
        })
    }

    /// Returns the store as an option or the environment names it.
    pub(crate) fn named_store(&self) -> Option<&Setting<PathBuf>> {
        self.named_store.as_ref()
    }

    /// Opens the store a command works on.
    pub(crate) fn open_ledger(&self) -> Result<Ledger, CliError> {
        let store = self.find_store()?;
        let ledger = Ledger::open_with(&store.value, env_vars::clock())
            .map_err(|error| in_a_folder_of_it(error, &store.value))?;
        Ok(ledger.knowing(env_vars::names()))
    }

    /// Returns the directory of the store that is named, or found.
    pub(crate) fn find_store(&self) -> Result<Setting<PathBuf>, CliError> {
        if let Some(named) = &self.named_store {
            return Ok(said(directory(named.value.clone())?, named.origin.clone()));
        }
        match find_upward(self.safe())? {
            Search::Found(path) => Ok(said(path, Origin::Found)),
            Search::Nothing { searched } => match &self.fallback_store {
                Some(fallback) => Ok(fallback.clone()),
                None => Err(CliError::NoStore {
                    searched,
                    hint: "make one with `runstone init`, or name one with `--store`".to_owned(),
                }),
            },
        }
    }

    /// Returns the profile that is meant: the one named here and now, else the settled one, else
    /// the store's.
    pub(crate) fn profile_choice(&self, named: Option<&str>) -> ProfileChoice {
        match (named, &self.profile) {
            (Some(name), _) => ProfileChoice::Named(name.to_owned()),
            (None, Some(settled)) => settled.value.clone(),
            (None, None) => ProfileChoice::StoreDefault,
        }
    }

    /// Returns the rules of the profile that is meant, for words that may quote anything; nothing
    /// where no store or no profile can be read.
    pub(crate) fn rules_for_words(&self, named: Option<&str>) -> Option<Redaction> {
        let ledger = self.open_ledger().ok()?;
        ledger.rules_for_words(&self.profile_choice(named)).ok()
    }

    fn safe(&self) -> &[PathBuf] {
        self.safe_stores
            .as_ref()
            .map_or(&[], |safe| safe.value.as_slice())
    }
}

impl<T> Setting<T> {
    fn map<U>(self, change: impl FnOnce(T) -> U) -> Setting<U> {
        Setting {
            value: change(self.value),
            origin: self.origin,
        }
    }
}

impl<T> Setting<Option<T>> {
    fn transposed(self) -> Option<Setting<T>> {
        let origin = self.origin;
        self.value.map(|value| Setting { value, origin })
    }
}

impl Setting<String> {
    fn into_colour(self) -> Option<Setting<When>> {
        self.map(|word| When::from_word(&word)).transposed()
    }
}

fn said<T>(value: T, origin: Origin) -> Setting<T> {
    Setting { value, origin }
}

/// What the common variables say about colour; on or off, they go before any file.
fn colour_of_environment() -> Option<Setting<When>> {
    let is = |name, value: Option<&str>| {
        env_vars::read(name).is_some_and(|found| value.is_none_or(|value| found == value))
    };
    if is(env_vars::NO_COLOR, None) {
        Some(said(When::Never, Origin::Variable(env_vars::NO_COLOR)))
    } else if is(env_vars::CLICOLOR_FORCE, None) && !is(env_vars::CLICOLOR_FORCE, Some("0")) {
        Some(said(
            When::Always,
            Origin::Variable(env_vars::CLICOLOR_FORCE),
        ))
    } else if is(env_vars::CLICOLOR, Some("0")) {
        Some(said(When::Never, Origin::Variable(env_vars::CLICOLOR)))
    } else if is(env_vars::TERM, Some("dumb")) {
        Some(said(When::Never, Origin::Variable(env_vars::TERM)))
    } else {
        None
    }
}

/// The two files, the project's before the user's.
struct Files<'a> {
    project: Option<&'a SettingsFile>,
    user: Option<&'a SettingsFile>,
}

impl Files<'_> {
    fn get(&self, name: &str) -> Option<Setting<Value>> {
        let of = |file: Option<&SettingsFile>, origin: fn(PathBuf, usize) -> Origin| {
            let file = file?;
            let stated = file.get(name)?;
            Some(said(
                stated.value.clone(),
                origin(file.path.clone(), stated.line),
            ))
        };
        of(self.project, Origin::Project).or_else(|| of(self.user, Origin::User))
    }

    fn text(&self, name: &str) -> Option<Setting<String>> {
        self.pick(name, |value| match value {
            Value::Text(text) => Some(text),
            Value::Count(_) | Value::Paths(_) => None,
        })
    }

    fn count(&self, name: &str) -> Option<Setting<usize>> {
        self.pick(name, |value| match value {
            Value::Count(count) => Some(count),
            Value::Text(_) | Value::Paths(_) => None,
        })
    }

    fn paths(&self, name: &str) -> Option<Setting<Vec<PathBuf>>> {
        self.pick(name, |value| match value {
            Value::Paths(paths) => Some(paths),
            Value::Text(_) | Value::Count(_) => None,
        })
    }

    fn pick<T>(&self, name: &str, pick: impl FnOnce(Value) -> Option<T>) -> Option<Setting<T>> {
        self.get(name)?.map(pick).transposed()
    }
}
