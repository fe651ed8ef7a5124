//! What is named: the digests of objects that anything in a ledger may still mean.
//!
//! A snapshot names the objects of its large sections and of the files stored with it, a refused
//! run those of the snapshot it may become. The invariant guarded here: whatever could not be read,
//! or is shown to be lost, might name anything, so that the answer is complete or there is none;
//! and a digest counts as named wherever it stands, in snapshots, notes, refused runs, runs under
//! way, profiles and claims, so that a later release may name objects in places that this one does
//! not know. A deleted snapshot names what it named. What becomes of objects that nobody names is
//! left to the store.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use runstone_core::snapshot::Snapshot;
use runstone_store::{Hash256, Log, Room, Seq, ShelfPath, Slot, StoreError};
use serde_json::Value;

use crate::digests::to_hash;
use crate::error::{Error, in_words};
use crate::open::Ledger;
use crate::payload;

/// Hex digits of a digest.
const DIGITS: usize = 64;

/// The objects that are named, as far as it was read; it can be read on.
pub(crate) struct Named<'l> {
    ledger: &'l Ledger,
    /// Who is told how many entries were read, and how many.
    progress: &'l mut dyn FnMut(u64),
    entries: u64,
    digests: BTreeSet<Hash256>,
    /// How far each log was read.
    read: BTreeMap<Log, Seq>,
    /// Objects that hold sections, and were read themselves.
    sections: BTreeSet<Hash256>,
    /// Whether it was read what no log holds: entries that come later are in one.
    read_beside: bool,
    /// Why the answer is not complete: the first thing that could not be read.
    unread: Option<Error>,
}

impl<'l> Named<'l> {
    pub(crate) fn of(ledger: &'l Ledger, progress: &'l mut dyn FnMut(u64)) -> Self {
        Self {
            ledger,
            progress,
            entries: 0,
            digests: BTreeSet::new(),
            read: BTreeMap::new(),
            sections: BTreeSet::new(),
            read_beside: false,
            unread: None,
        }
    }

    /// Reads what came since it was read last, and returns all that is named.
    ///
    /// # Errors
    /// If anything cannot be read, now or before, that may name an object, or is lost.
    pub(crate) fn read_on(&mut self) -> Result<&BTreeSet<Hash256>, &Error> {
        let store = &self.ledger.store;
        if !self.read_beside {
            let told = store.unrecorded(&mut |path, payload| self.payload(payload, path));
            self.or_nothing(told);
            self.read_beside = true;
        }
        for log in [Log::StoreNotes, Log::Environments, Log::EnvironmentNotes] {
            self.log(&log);
        }
        for cohort in self.or_nothing(store.cohorts("", None)) {
            self.log(&Log::Cohort(cohort.clone()));
            self.log(&Log::CohortNotes(cohort));
        }
        for digest in self.or_nothing(store.profiles()) {
            let place = || format!("profiles/{digest}.toml");
            let text = whole(store.profile(&digest), place);
            let text = self.or_nothing(text);
            self.text(&text);
        }
        for room in [Room::Started, Room::Refused] {
            self.folder(&ShelfPath::of(room));
        }
        match &self.unread {
            None => Ok(&self.digests),
            Some(error) => Err(error),
        }
    }

    /// Returns what is known to be named; more may be.
    pub(crate) const fn so_far(&self) -> &BTreeSet<Hash256> {
        &self.digests
    }

    fn log(&mut self, log: &Log) {
        let store = &self.ledger.store;
        let Some(head) = self.or_nothing(store.head(log)) else {
            return;
        };
        let mut gone = BTreeSet::new();
        if *log == Log::Environments {
            gone = self.or_nothing(self.ledger.deleted_environments());
        }
        let mut seq = self.read.get(log).map_or(Seq::FIRST, |read| read.next());
        while seq <= head {
            let place = format!("{log}#{seq}");
            let entry = whole(store.read(log, seq), || place.clone());
            let payload = self.or_nothing(entry.map(|entry| entry.payload));
            if !gone.contains(&seq) {
                self.payload(&payload, &place);
            }
            self.read.insert(log.clone(), seq);
            self.entries += 1;
            (self.progress)(self.entries);
            seq = seq.next();
        }
    }

    /// Adds what a payload names, and what the sections name that moved out of it.
    fn payload(&mut self, payload: &[u8], place: &str) {
        self.text(payload);
        let sections = payload::sections_of(payload).map_err(|found| Error::Damaged {
            place: place.to_owned(),
            found,
        });
        for section in self.or_nothing(sections) {
            let section = to_hash(&section);
            if self.sections.insert(section) {
                let named_by = || format!("object {section}, which {place} names,");
                let text = whole(self.ledger.store.object(&section), named_by);
                let text = self.or_nothing(text);
                self.text(&text);
            }
        }
    }

    fn folder(&mut self, folder: &ShelfPath) {
        let shelf = self.ledger.store.shelf();
        for shelved in self.or_nothing(shelf.list(folder)) {
            // What no shelf has is a stray or a temporary file.
            let Ok(path) = folder.below(&shelved.name) else {
                continue;
            };
            if shelved.is_folder {
                self.folder(&path);
            } else if let Some(bytes) = self.or_nothing(shelf.get(&path)) {
                self.text(&bytes);
            }
        }
    }

    /// Adds every digest that stands in a text.
    fn text(&mut self, bytes: &[u8]) {
        let words = bytes.split(|byte| !byte.is_ascii_hexdigit());
        let digests = words
            .filter(|word| word.len() == DIGITS)
            .filter_map(|word| {
                let word = std::str::from_utf8(word).ok()?;
                word.to_ascii_lowercase().parse::<Hash256>().ok()
            });
        self.digests.extend(digests);
    }

    /// Returns what was read, or nothing and remembers why.
    fn or_nothing<T: Default>(&mut self, read: Result<T, impl Into<Error>>) -> T {
        read.unwrap_or_else(|error| {
            self.unread.get_or_insert_with(|| error.into());
            T::default()
        })
    }
}

/// Returns what is whole; everything else may have named anything.
fn whole<T>(read: Result<Slot<T>, StoreError>, place: impl Fn() -> String) -> Result<T, Error> {
    let found = match read? {
        Slot::Whole(whole) => return Ok(whole),
        Slot::Absent => "nothing is there".to_owned(),
        Slot::Damaged(damage) => in_words(&damage),
    };
    Err(Error::Damaged {
        place: place(),
        found,
    })
}

/// A file that a snapshot says is stored with it.
#[derive(Debug)]
pub(crate) struct Attachment {
    pub(crate) sha256: Hash256,
    /// What the snapshot calls it.
    path: Option<String>,
}

impl fmt::Display for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(f, "attachment `{path}` ({})", self.sha256),
            None => write!(f, "attachment {}", self.sha256),
        }
    }
}

/// Returns the files that a snapshot says are stored with it.
pub(crate) fn stored_artifacts(snapshot: &Snapshot) -> impl Iterator<Item = Attachment> + '_ {
    snapshot.artifacts.iter().filter_map(|artifact| {
        let is_stored = artifact.get("stored").and_then(Value::as_bool)?;
        let digest = artifact.get("sha256").and_then(Value::as_str)?;
        let sha256 = digest.parse().ok().filter(|_| is_stored)?;
        let path = artifact.get("path").and_then(Value::as_str);
        Some(Attachment {
            sha256,
            path: path.map(str::to_owned),
        })
    })
}
