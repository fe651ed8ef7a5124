//! A ledger of its own for each test.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use runstone::clock::Clock;
use runstone::core::input::RunInput;
use runstone::init::{InitRequest, init_with};
use runstone::{AttemptChoice, Error, Ledger, RecordRequest, Recorded};
use tempfile::TempDir;

use crate::RunBuilder;

/// A clock that begins at a fixed instant and moves on by a second whenever it is asked.
#[derive(Debug, Default)]
pub struct TickingClock(AtomicU64);

impl Clock for TickingClock {
    fn now(&self) -> String {
        let second = self.0.fetch_add(1, Ordering::Relaxed);
        let (hour, minute, second) = (10 + second / 3600, second / 60 % 60, second % 60);
        format!("2026-11-20T{hour:02}:{minute:02}:{second:02}.000Z")
    }
}

/// A ledger in a temporary folder, gone with the test.
#[derive(Debug)]
pub struct Lab {
    folder: TempDir,
    /// The ledger, open.
    pub ledger: Ledger,
}

impl Lab {
    /// Makes a ledger with the profile `generic`, experiment `lab`.
    ///
    /// # Panics
    /// If the machine cannot hold a store.
    pub fn new() -> Self {
        Self::with(InitRequest::default())
    }

    /// Makes a ledger as asked; the experiment is `lab` where the request names none.
    ///
    /// # Panics
    /// If the machine cannot hold a store.
    pub fn with(request: InitRequest) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let request = InitRequest {
            experiment: Some(request.experiment.unwrap_or_else(|| "lab".to_owned())),
            ..request
        };
        let root = folder.path().join("store");
        let made = init_with(&root, &request, Arc::new(TickingClock::default()));
        let ledger = made
            .expect("a store can be made in a temporary folder")
            .ledger;
        Self { folder, ledger }
    }

    /// Returns a lab with a copy of the store as it lies there: many to be harmed cost no flushes.
    ///
    /// # Panics
    /// If it cannot be copied or opened.
    #[must_use]
    pub fn copied(&self) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let root = folder.path().join("store");
        copy(&self.root(), &root).expect("a store can be copied");
        let ledger = Ledger::open_with(&root, Arc::new(TickingClock::default()));
        let ledger = ledger.expect("a copy of a store can be opened");
        Self { folder, ledger }
    }

    /// Returns the directory of the store.
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    /// Returns the temporary folder around the store.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Opens the same store again, as another process would.
    ///
    /// # Panics
    /// If it cannot be opened.
    pub fn reopened(&self) -> Ledger {
        Ledger::open(&self.root()).expect("a store that was made can be opened")
    }

    /// Records a document.
    ///
    /// # Errors
    /// As [`Ledger::record`].
    pub fn record(&self, run: RunBuilder) -> Result<Recorded, Error> {
        self.record_as(run, AttemptChoice::Found)
    }

    /// Records a document as a certain attempt.
    ///
    /// # Errors
    /// As [`Ledger::record`].
    pub fn record_as(&self, run: RunBuilder, attempt: AttemptChoice) -> Result<Recorded, Error> {
        let request = RecordRequest::of(RunInput::from_document(run.build()));
        self.ledger.record(RecordRequest { attempt, ..request })
    }
}

/// Copies a folder with all that is in it.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            std::fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}

impl Default for Lab {
    fn default() -> Self {
        Self::new()
    }
}
