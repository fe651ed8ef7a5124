//! Making a store, once, however many try at the same time.
//!
//! What is fixed here lasts: the store's own experiment and its default profile. Any number of
//! processes may make a store in one place; one makes it, the others find it, and one that asked
//! for something else is refused with both values named.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use runstone_core::profile::{Direction, Profile};
use runstone_core::snapshot::ProfileName;
use runstone_store::dir::{DirStore, FileSystem as _, InitOptions, Kind, OsFileSystem};
use runstone_store::{
    Difference, MemoryStore, Modes, Standing, Store as _, StoreError, SystemEntropy,
};
use serde_json::{Value, json};

use crate::clock::{Clock, SystemClock};
use crate::error::Error;
use crate::open::{Ledger, Settings};
use crate::profiles;
use crate::views::Views;

/// What a new store is asked to be. What is left open takes the default in a new store, and what
/// stands in an existing one.
#[derive(Debug, Clone, Default)]
pub struct InitRequest {
    /// A built-in profile or the path of one; the default is `generic`.
    pub profile: Option<String>,
    /// The metric that decides, with its better side.
    pub primary: Option<(String, Direction)>,
    /// The experiment of documents that name none; the default is the name of the enclosing
    /// repository or folder.
    pub experiment: Option<String>,
    /// Who may read and write.
    pub modes: Option<Modes>,
    /// Declares the store that is there a copy that lives on by itself.
    pub adopt: bool,
    /// Which views are kept; the default is files, and none on a network file system.
    pub views: Option<Views>,
}

/// A store that is there now.
#[derive(Debug)]
pub struct Initialised {
    /// The ledger, open.
    pub ledger: Ledger,
    /// Its directory.
    pub root: PathBuf,
    /// Whether this call made it.
    pub made: bool,
    /// The epoch this call began, if it was to adopt.
    pub adopted: Option<u64>,
}

/// Makes a store in the directory `root`, or finds the one that is there.
///
/// # Durability
/// On `Ok` the store survives power loss.
///
/// # Errors
/// [`Error::Store`] if the place cannot hold a store, or holds one made with other options;
/// [`Error::NotMade`] if nothing can be written there;
/// [`Error::Profile`] and [`Error::NoSuchProfile`] for the profile.
pub fn init(root: &Path, request: &InitRequest) -> Result<Initialised, Error> {
    init_with(root, request, Arc::new(SystemClock))
}

/// The same with a clock of the caller's.
///
/// # Errors
/// As [`init`].
pub fn init_with(
    root: &Path,
    request: &InitRequest,
    clock: Arc<dyn Clock>,
) -> Result<Initialised, Error> {
    let existing = match DirStore::open(root, SystemEntropy) {
        Ok(store) => Some(Ledger::over(Arc::new(store), Arc::clone(&clock))?),
        // Only what is there can be adopted.
        Err(error) if request.adopt => return Err(error.into()),
        Err(_not_there_yet) => None,
    };
    let profile = match &existing {
        Some(_) if request.profile.is_none() && request.primary.is_none() => None,
        Some(_) | None => Some(chosen_profile(request)?),
    };
    let settings = Settings {
        experiment: match (&request.experiment, &existing) {
            (Some(named), _) => named.clone(),
            (None, Some(ledger)) => ledger.settings.experiment.clone(),
            (None, None) => own_experiment(root),
        },
        profile: match (&profile, &existing) {
            (Some(profile), Some(ledger)) => same_default(root, profile, ledger)?,
            (Some(profile), None) => name_of(profile),
            (None, Some(ledger)) => ledger.settings.profile.clone(),
            (None, None) => unreachable!("a new store has a profile chosen above"),
        },
        views: match (request.views, &existing) {
            (Some(asked), _) => asked,
            (None, Some(ledger)) => ledger.settings.views,
            (None, None) => usual_views(root),
        },
    };
    let modes = request.modes.unwrap_or_else(|| {
        existing
            .as_ref()
            .map_or(Modes::Private, |ledger| ledger.store.descriptor().modes)
    });
    let options = InitOptions {
        modes,
        created: clock.now(),
        settings: settings.to_map(),
    };
    let initialised =
        DirStore::init(root, &options, SystemEntropy).map_err(|error| match error {
            StoreError::NotRecorded { source, .. } | StoreError::Unwritten { source, .. } => {
                let path = root.to_owned();
                Error::NotMade { path, source }
            }
            error => in_short(error).into(),
        })?;
    let made = matches!(initialised, runstone_store::dir::Initialised::Made(_));
    let store = initialised.into_store();
    if let Some(profile) = &profile {
        store.put_profile(profile.text.as_bytes(), Standing::Unproven)?;
    }
    let ledger = Ledger::in_folder(root, store, clock)?;
    let adopted = if request.adopt {
        Some(ledger.adopt()?)
    } else {
        None
    };
    Ok(Initialised {
        ledger,
        root: root.to_path_buf(),
        made,
        adopted,
    })
}

/// Returns an empty ledger in memory, with the profile `generic`: for whoever reads where no store
/// is. Nothing that is kept in it outlives it.
///
/// # Errors
/// [`Error::Profile`] if the built-in profile cannot be used.
pub fn in_memory(clock: Arc<dyn Clock>) -> Result<Ledger, Error> {
    let profile = chosen_profile(&InitRequest::default())?;
    let settings = Settings {
        experiment: "none".to_owned(),
        profile: name_of(&profile),
        views: Views::None,
    };
    let store = MemoryStore::new(clock.now(), settings.to_map(), SystemEntropy);
    store.put_profile(profile.text.as_bytes(), Standing::Unproven)?;
    Ledger::over(Arc::new(store), clock)
}

fn name_of(profile: &Profile) -> ProfileName {
    ProfileName {
        name: profile.name.clone(),
        sha256: profile.sha256,
    }
}

/// Refuses a profile that is not the default of the store that is there; returns the one the store
/// was made with, which never changes.
fn same_default(root: &Path, asked: &Profile, ledger: &Ledger) -> Result<ProfileName, Error> {
    let found = ledger.default_profile()?;
    if found == name_of(asked) {
        return Ok(ledger.settings.profile.clone());
    }
    let json = |profile: &ProfileName| {
        json!({ "name": profile.name, "sha256": profile.sha256 }).to_string()
    };
    let primaries = ledger
        .profile_by_digest(&found.sha256)
        .ok()
        .filter(|found| found.name == asked.name)
        .map(|found| (primary_of(asked), primary_of(&found)))
        .filter(|(asked, found)| asked != found);
    let difference = match primaries {
        Some((asked, found)) => Difference {
            name: "primary".to_owned(),
            asked,
            found,
        },
        None => Difference {
            name: "profile".to_owned(),
            asked: json(&name_of(asked)),
            found: json(&found),
        },
    };
    Err(in_short(StoreError::OtherOptions {
        path: root.to_owned(),
        differences: vec![difference],
    })
    .into())
}

/// Returns the metrics that a profile says decide, in the words of `--primary`.
fn primary_of(profile: &Profile) -> String {
    let rules = profile.default.as_ref().map(|rules| &rules.metrics);
    let said = rules.into_iter().flat_map(|rules| {
        let words = |name| format!("{name}:{}", rules.direction(name).as_str());
        rules.primary.iter().map(move |name| words(name.as_str()))
    });
    match said.collect::<Vec<_>>().join(", ") {
        none if none.is_empty() => "none".to_owned(),
        said => said,
    }
}

/// Returns which views a new store at `root` keeps unless it is told.
///
/// A view is half a dozen small files, each of which a network file system asks its server for.
fn usual_views(root: &Path) -> Views {
    let absolute = std::path::absolute(root).unwrap_or_else(|_no_current_dir| root.to_path_buf());
    let kind = absolute.ancestors().find_map(|folder| {
        let there = OsFileSystem.open_root(folder).ok()?;
        OsFileSystem.kind(&there).ok()
    });
    match kind {
        Some(Kind::Network) => Views::None,
        _ => Views::Files,
    }
}

/// Says which profile differs by its name and the beginning of its digest.
fn in_short(error: StoreError) -> StoreError {
    let short = |text: &str| {
        let value: Option<Value> = serde_json::from_str(text).ok();
        let member = |name| {
            value
                .as_ref()
                .and_then(|value| value.get(name))
                .and_then(Value::as_str)
        };
        match (member("name"), member("sha256")) {
            (Some(name), Some(sha256)) => format!("{name} ({})", &sha256[..sha256.len().min(12)]),
            _ => text.to_owned(),
        }
    };
    match error {
        StoreError::OtherOptions {
            path,
            mut differences,
        } => {
            for difference in &mut differences {
                difference.asked = short(&difference.asked);
                difference.found = short(&difference.found);
            }
            StoreError::OtherOptions { path, differences }
        }
        other => other,
    }
}

/// Returns the profile that `--profile` and `--primary` ask for.
fn chosen_profile(request: &InitRequest) -> Result<Profile, Error> {
    let base = request.profile.as_deref().unwrap_or("generic");
    let profile = profiles::load(base)?;
    match &request.primary {
        None => Ok(profile),
        Some(_) if profile.default.is_none() => Err(Error::Usage {
            what: format!(
                "the profile `{}` says for each stage which metric decides",
                profile.name
            ),
            hint: "leave `--primary` away, or extend the profile in a TOML file".to_owned(),
        }),
        Some((metric, direction)) => {
            profile
                .with_primary(metric, *direction)
                .map_err(|source| Error::Profile {
                    name: base.to_owned(),
                    source: Box::new(source),
                })
        }
    }
}

/// Returns the name of the repository or folder a store at `root` belongs to.
///
/// A store called `.runstone` belongs to the folder it lies in; any other is its own. Within a git
/// work tree the tree's top folder gives the name, so that all of a project's folders agree.
fn own_experiment(root: &Path) -> String {
    let absolute = std::path::absolute(root).unwrap_or_else(|_no_current_dir| root.to_path_buf());
    let hidden = absolute
        .file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with('.'));
    let own = if hidden {
        absolute.parent().unwrap_or(&absolute)
    } else {
        &absolute
    };
    let folder = own
        .ancestors()
        .find(|folder| folder.join(".git").exists())
        .unwrap_or(own);
    folder
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "experiment".to_owned())
}
