//! An open ledger: a store, its settings, a clock.
//!
//! Opening reads `runstone.json` and the notes of the store, so it costs the same however long the
//! history is. A [`Ledger`] may be shared by threads; every verb of it (the other files of this
//! crate) is safe beside any number of other processes, because the only shared truth is the
//! store's log.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use runstone_core::digest::Digest;
use runstone_core::profile::Profile;
use runstone_core::redact::{Names, PseudonymKey};
use runstone_core::snapshot::{ProfileName, Writer};
use runstone_store::dir::DirStore;
use runstone_store::{CohortName, Store, SystemEntropy};
use serde_json::{Map, Value, json};

use crate::clock::{Clock, SystemClock};
use crate::error::Error;
use crate::history::History;
use crate::notes::Notes;
use crate::recent::Recents;
use crate::standing::Standing;
use crate::views::{Entries, GroupKeys, Views};

/// A ledger of runs, open.
#[derive(Debug)]
pub struct Ledger {
    pub(crate) store: Arc<dyn Store>,
    /// The directory it is kept in, if that is where it is kept.
    pub(crate) folder: Option<PathBuf>,
    pub(crate) settings: Settings,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) history: History,
    pub(crate) notes: Notes,
    pub(crate) durable: Durable,
    pub(crate) standing: Mutex<Standing>,
    pub(crate) names: Names,
    pub(crate) pseudonym_key: Mutex<Option<PseudonymKey>>,
    pub(crate) recents: Recents,
    pub(crate) entries: Entries,
    pub(crate) group_keys: GroupKeys,
    profiles: Mutex<BTreeMap<Digest, Arc<Profile>>>,
}

impl Ledger {
    /// Opens the ledger kept in the directory `root`.
    ///
    /// # Errors
    /// [`Error::Store`] if there is no store, it cannot be read, or a newer release made it.
    pub fn open(root: &Path) -> Result<Self, Error> {
        Self::open_with(root, Arc::new(SystemClock))
    }

    /// Opens the ledger kept in the directory `root`, with a clock of the caller's.
    ///
    /// # Errors
    /// As [`Ledger::open`].
    pub fn open_with(root: &Path, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        Self::in_folder(root, DirStore::open(root, SystemEntropy)?, clock)
    }

    /// Opens the ledger of a store in a directory.
    pub(crate) fn in_folder(
        root: &Path,
        store: DirStore,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        Ok(Self {
            folder: Some(root.to_owned()),
            ..Self::over(Arc::new(store), clock)?
        })
    }

    /// Opens a ledger over any engine and any clock.
    ///
    /// # Errors
    /// [`Error::Damaged`] if the store's settings are not a ledger's.
    pub fn over(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let settings = Settings::from_map(&store.descriptor().settings)?;
        let history = History::of(Arc::clone(&store));
        let notes = Notes::of(Arc::clone(&store));
        let standing = Standing::of(store.as_ref())?;
        store.enter_epoch(standing.epoch());
        Ok(Self {
            store,
            folder: None,
            settings,
            clock,
            history,
            notes,
            durable: Durable::default(),
            standing: Mutex::new(standing),
            names: Names::default(),
            pseudonym_key: Mutex::default(),
            recents: Recents::default(),
            entries: Entries::default(),
            group_keys: GroupKeys::default(),
            profiles: Mutex::default(),
        })
    }

    /// Returns the same ledger, told what is personal about this place: rules for home directories
    /// and for the names of user and host need it.
    #[must_use]
    pub fn knowing(mut self, names: Names) -> Self {
        self.names = names;
        self.profiles = Mutex::default();
        self
    }

    /// Returns what was fixed when the store was made.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns the store below.
    pub fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    /// Returns a profile that was read before; a profile never changes.
    pub(crate) fn known_profile(&self, sha256: &Digest) -> Option<Arc<Profile>> {
        self.profiles
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(sha256)
            .cloned()
    }

    pub(crate) fn remember_profile(&self, profile: Arc<Profile>) {
        let mut known = self.profiles.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(profile.sha256, profile);
    }

    /// Returns the program that writes, as snapshots name it.
    pub(crate) fn writer() -> Writer {
        Writer {
            name: "runstone".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// What this handle knows to be durable. It only ever grows: nothing durable is taken back.
#[derive(Debug, Default)]
pub(crate) struct Durable {
    profiles: Mutex<BTreeSet<Digest>>,
    cohorts: Mutex<BTreeSet<CohortName>>,
    environments: Mutex<BTreeSet<Digest>>,
}

impl Durable {
    pub(crate) fn holds_profile(&self, sha256: &Digest) -> bool {
        self.profiles
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(sha256)
    }

    pub(crate) fn add_profile(&self, sha256: Digest) {
        self.profiles
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(sha256);
    }

    pub(crate) fn holds_cohort(&self, cohort: &CohortName) -> bool {
        self.cohorts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(cohort)
    }

    pub(crate) fn holds_environment(&self, digest: &Digest) -> bool {
        self.environments
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(digest)
    }

    /// Takes down that a committed snapshot names an environment, whose document is durable.
    pub(crate) fn add_environment(&self, digest: Digest) {
        self.environments
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(digest);
    }

    pub(crate) fn add_cohort(&self, cohort: CohortName) {
        self.cohorts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(cohort);
    }
}

fn views(word: &str) -> Result<Views, Error> {
    Views::from_word(word).ok_or_else(|| Error::Damaged {
        place: "runstone.json".to_owned(),
        found: format!("views `{word}`, which are neither `files` nor `none`"),
    })
}

/// What `init` fixed for a ledger; kept in `runstone.json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The experiment of documents that name none.
    pub experiment: String,
    /// The profile the store was made with; a note may have made another one the default.
    pub profile: ProfileName,
    /// Which views are kept.
    pub views: Views,
}

impl Settings {
    /// Returns the members as `runstone.json` holds them.
    pub fn to_map(&self) -> Map<String, Value> {
        let Value::Object(map) = json!({
            "experiment": self.experiment,
            "profile": { "name": self.profile.name, "sha256": self.profile.sha256 },
            "views": self.views.as_str(),
        }) else {
            unreachable!("the literal above is an object")
        };
        map
    }

    fn from_map(map: &Map<String, Value>) -> Result<Self, Error> {
        let text = |pointer: &str| {
            map.get(pointer.split('/').next().unwrap_or_default())
                .and_then(|value| match pointer.split_once('/') {
                    Some((_, member)) => value.get(member),
                    None => Some(value),
                })
                .and_then(Value::as_str)
                .map(str::to_owned)
                .ok_or_else(|| Error::Damaged {
                    place: "runstone.json".to_owned(),
                    found: format!("no text at `{pointer}` in its settings"),
                })
        };
        let sha256: Digest =
            text("profile/sha256")?
                .parse()
                .map_err(|_not_hex| Error::Damaged {
                    place: "runstone.json".to_owned(),
                    found: "`profile/sha256` is not a digest".to_owned(),
                })?;
        Ok(Self {
            experiment: text("experiment")?,
            profile: ProfileName {
                name: text("profile/name")?,
                sha256,
            },
            views: views(&text("views")?)?,
        })
    }
}
