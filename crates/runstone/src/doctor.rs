//! The doctor: may a store live here, and what is the matter with the one that does?
//!
//! The file system is examined by the store; what a directory says of itself as a store is told
//! beside. The invariant guarded here: a directory that is no store, or one that cannot be opened
//! or written, gets its answer too, because that is when a doctor is called.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use runstone_store::dir::Kind;
use runstone_store::dir::examine::{Examined, Racing, Row, State, examine};
use runstone_store::{Descriptor, Moved, NotAStore, StoreError, SystemEntropy};
use serde_json::{Value, json};

use crate::clock::Clock;
use crate::error::Error;
use crate::open::Ledger;
use crate::verify::moved_json;
use crate::views::Views;

/// What the doctor found.
#[derive(Debug)]
pub struct Diagnosis {
    /// The directory.
    pub path: PathBuf,
    /// What the file system is taken for.
    pub kind: Kind,
    /// Each question with its answer.
    pub rows: Vec<Row>,
    /// The store that is there.
    pub store: Option<StoreFacts>,
}

/// What a store says of itself.
#[derive(Debug, Clone)]
pub struct StoreFacts {
    /// The whole of `runstone.json`.
    pub descriptor: Descriptor,
    /// The epoch that counts now: a copy may have been declared a store of its own.
    pub epoch: u64,
    /// Which views are kept.
    pub views: Views,
    /// The directory is another one than the store was made in, or adopted in.
    pub moved: Option<Moved>,
}

impl Diagnosis {
    /// Returns the answer that decides: the worst of all.
    pub fn worst(&self) -> State {
        let has = |state| self.rows.iter().any(|row| row.state == state);
        [State::Refused, State::Unasked, State::Warning]
            .into_iter()
            .find(|state| has(*state))
            .unwrap_or(State::Good)
    }

    /// Returns the stable JSON form, schema `runstone.doctor/1`.
    pub fn to_json(&self) -> Value {
        json!({
            "schema": "runstone.doctor/1",
            "path": self.path.display().to_string(),
            "ok": !matches!(self.worst(), State::Refused | State::Unasked),
            "kind": kind_word(self.kind),
            "rows": self.rows.iter().map(|row| json!({
                "subject": row.subject,
                "asked": row.asked,
                "found": row.found,
                "state": row.state.word(),
                "hint": row.hint,
            })).collect::<Vec<_>>(),
            "store": self.store.as_ref().map(|store| json!({
                "id": store.descriptor.store,
                "format": store.descriptor.format,
                "epoch": store.epoch,
                "created": store.descriptor.created,
                "modes": store.descriptor.modes,
                "primitive": store.descriptor.primitive,
                "views": store.views.as_str(),
                "moved": store.moved.as_ref().map(moved_json),
            })),
        })
    }
}

/// Returns the word for what a file system is taken for.
const fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Journal => "journal",
        Kind::CopyOnWrite => "copy on write",
        Kind::Network => "network",
        _ => "other",
    }
}

/// Examines a directory, be it a store or not; `racing` lets the racers race.
///
/// # Errors
/// [`Error::Store`] if there is no directory that can be looked at.
pub fn diagnose(
    path: &Path,
    clock: Arc<dyn Clock>,
    racing: &mut Racing<'_>,
) -> Result<Diagnosis, Error> {
    let opened = Ledger::open_with(path, clock);
    let primitive = opened
        .as_ref()
        .ok()
        .map(|ledger| ledger.store.descriptor().primitive);
    let Examined { kind, mut rows } = examine(path, primitive, &SystemEntropy, racing)?;
    let (row, store) = store_row(opened);
    rows.insert(0, row);
    if let Some(store) = &store {
        rows.insert(1, place_row(store.moved.as_ref()));
    }
    Ok(Diagnosis {
        path: path.to_owned(),
        kind,
        rows,
        store,
    })
}

fn store_row(opened: Result<Ledger, Error>) -> (Row, Option<StoreFacts>) {
    let row = |found, state, hint| Row {
        subject: "store",
        asked: "is there a store, and can it be opened?",
        found,
        state,
        hint,
    };
    let ledger = match opened {
        Ok(ledger) => ledger,
        Err(Error::Store(StoreError::NotAStore {
            reason: NotAStore::Foreign,
            ..
        })) => {
            let found = "no store; the directory alone was examined".to_owned();
            return (row(found, State::Good, None), None);
        }
        Err(error) => {
            let hint = Some("a copy of `runstone.json` from a backup makes it a store again");
            let lost = matches!(
                error,
                Error::Store(StoreError::NotAStore {
                    reason: NotAStore::Lost | NotAStore::Garbled,
                    ..
                })
            );
            let hint = hint.filter(|_| lost);
            return (row(error.to_string(), State::Refused, hint), None);
        }
    };
    let facts = StoreFacts {
        descriptor: ledger.store.descriptor().clone(),
        epoch: ledger.epoch(),
        views: ledger.settings.views,
        moved: ledger.store.moved(),
    };
    let found = format!(
        "{}, format {}, epoch {}, made {}",
        facts.descriptor.store, facts.descriptor.format, facts.epoch, facts.descriptor.created
    );
    (row(found, State::Good, None), Some(facts))
}

/// The row that says whether the store is where it was made. A copy is no fault, and two of them
/// are told apart only if one is declared.
fn place_row(moved: Option<&Moved>) -> Row {
    Row {
        subject: "place",
        asked: "is it in the directory it was made in?",
        found: match moved {
            None => "nothing says otherwise".to_owned(),
            Some(moved) => format!("no: {}", moved_in_words(moved)),
        },
        state: if moved.is_some() {
            State::Warning
        } else {
            State::Good
        },
        hint: moved.map(|_| MOVED_HINT),
    }
}

/// What to do about a store that was moved or copied.
pub const MOVED_HINT: &str =
    "if the store it was copied from goes on as well, run `runstone init --adopt` in this one";

/// Returns by which numbers two places differ.
pub fn moved_in_words(moved: &Moved) -> String {
    let Moved { made, here } = moved;
    let mut differ = Vec::new();
    if made.device != here.device {
        differ.push(format!("device {} is now {}", made.device, here.device));
    }
    if made.inode != here.inode {
        differ.push(format!("inode {} is now {}", made.inode, here.inode));
    }
    format!("it was moved or copied ({})", differ.join(", "))
}
