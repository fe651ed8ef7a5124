//! A ledger over a file system that counts its calls and fails on request.

use std::path::Path;
use std::sync::Arc;

use runstone::core::profile::Profile;
use runstone::core::snapshot::ProfileName;
use runstone::views::Views;
use runstone::{Ledger, Settings};
use runstone_store::dir::faults::FaultyFileSystem;
use runstone_store::dir::{InitOptions, OsFileSystem};
use runstone_store::{DirStore, Modes, Standing, Store as _, SystemEntropy};

use crate::TickingClock;

/// A file system of this machine whose calls are counted and can be made to fail.
pub type Counted = FaultyFileSystem<OsFileSystem>;

/// Opens a ledger without views at `root` over `fs`, making the store if there is none.
///
/// # Panics
/// If the store can be neither made nor opened.
pub fn ledger_over(fs: &Counted, root: &Path) -> Ledger {
    ledger_with(Views::None, fs, root)
}

/// Opens a ledger with these views at `root` over `fs`, making the store if there is none.
///
/// # Panics
/// If the store can be neither made nor opened.
pub fn ledger_with(views: Views, fs: &Counted, root: &Path) -> Ledger {
    let profile = Profile::builtin("generic").expect("the profile is built in");
    let settings = Settings {
        experiment: "lab".to_owned(),
        profile: ProfileName {
            name: profile.name.clone(),
            sha256: profile.sha256,
        },
        views,
    };
    let options = InitOptions {
        modes: Modes::Private,
        created: "2026-11-20T10:00:00.000Z".to_owned(),
        settings: settings.to_map(),
    };
    let store = DirStore::init_on(fs.clone(), root, &options, SystemEntropy)
        .expect("a store can be made in a temporary folder")
        .into_store();
    store
        .put_profile(profile.text.as_bytes(), Standing::Unproven)
        .expect("a profile can be kept in a new store");
    Ledger::over(Arc::new(store), Arc::new(TickingClock::default()))
        .expect("the settings are a ledger's")
}
