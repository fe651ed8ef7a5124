//! What the notes of the store say: its default profile, and the epoch of what is recorded now.
//!
//! Read once per handle, from the newest note down, when the store is opened: both were fixed in
//! `runstone.json` when the store was made, and a note goes before it. The invariant guarded here:
//! a default profile is never guessed. If a newer note cannot be read it might name another one,
//! and whoever asks for the default is told so.

use std::sync::PoisonError;

use runstone_core::note::{StoreNote, StoreSaid};
use runstone_core::snapshot::ProfileName;
use runstone_store::{Appended, Log, NewEntry, Slot, Standing as Durability, Store, StoreError};
use serde_json::json;

use crate::digests::to_hash;
use crate::error::{Error, in_words};
use crate::open::Ledger;
use crate::profiles::ProfileChoice;

/// What holds for a store now.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    profile: Noted,
    epoch: u64,
}

/// What the notes say about the default profile.
#[derive(Debug, Clone)]
enum Noted {
    /// Nothing: what the store was made with holds.
    Nothing,
    /// The newest word.
    Profile(ProfileName),
    /// A newer note than any that could be read, and why it could not.
    Unreadable { place: String, why: String },
}

/// What became of choosing a default profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefaultProfile {
    /// The default profile now.
    pub profile: ProfileName,
    /// Whether it was the default before.
    pub was_default: bool,
}

impl Standing {
    /// Reads the notes of a store, newest first, as far as they have something to say. They are
    /// few: only what somebody chose by hand is noted.
    pub(crate) fn of(store: &dyn Store) -> Result<Self, Error> {
        let mut profile = None;
        let mut epoch = None;
        let mut next = store.head(&Log::StoreNotes)?;
        while let Some(seq) = next.filter(|_| profile.is_none() || epoch.is_none()) {
            match read(store, seq)? {
                Ok(StoreSaid::DefaultProfile(name)) => {
                    profile.get_or_insert(Noted::Profile(name));
                }
                Ok(StoreSaid::Adopted { epoch: named }) => {
                    epoch.get_or_insert(named);
                }
                Err(why) => {
                    let place = format!("{}#{seq}", Log::StoreNotes);
                    profile.get_or_insert(Noted::Unreadable { place, why });
                }
            }
            next = seq.previous();
        }
        Ok(Self {
            profile: profile.unwrap_or(Noted::Nothing),
            epoch: epoch.unwrap_or(store.descriptor().epoch),
        })
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }
}

/// Reads one note; the inner error says why it cannot be followed.
fn read(store: &dyn Store, seq: runstone_store::Seq) -> Result<Result<StoreSaid, String>, Error> {
    Ok(match store.read(&Log::StoreNotes, seq) {
        Ok(Slot::Whole(entry)) => StoreNote::from_payload(&entry.payload)
            .map(|note| note.said)
            .map_err(|error| error.to_string()),
        Ok(Slot::Absent) => Err("no entry".to_owned()),
        Ok(Slot::Damaged(damage)) => Err(in_words(&damage)),
        Err(error @ StoreError::Newer { .. }) => Err(error.to_string()),
        Err(error) => return Err(error.into()),
    })
}

impl Ledger {
    /// Returns the profile of documents that name none.
    ///
    /// # Errors
    /// [`Error::Damaged`] if a note that may name another one cannot be read.
    pub fn default_profile(&self) -> Result<ProfileName, Error> {
        let standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        match &standing.profile {
            Noted::Nothing => Ok(self.settings.profile.clone()),
            Noted::Profile(name) => Ok(name.clone()),
            Noted::Unreadable { place, why } => Err(Error::DefaultUnknown {
                place: place.clone(),
                why: why.clone(),
            }),
        }
    }

    /// Makes a profile the one by which documents are read that name none, for everybody, from now
    /// on. What is recorded stays as it was read.
    ///
    /// # Durability
    /// On `Ok` the profile and the choice survive power loss.
    ///
    /// # Errors
    /// As [`Ledger::profile`] for the profile; [`Error::NotNoted`] if nothing can be written,
    /// [`Error::Store`] for what else the store says.
    pub fn use_profile(&self, choice: &ProfileChoice) -> Result<DefaultProfile, Error> {
        let profile = self.profile(choice)?;
        let name = ProfileName {
            name: profile.name.clone(),
            sha256: profile.sha256,
        };
        let was_default = match self.default_profile() {
            Ok(current) => current == name,
            // A new choice ends the doubt.
            Err(Error::DefaultUnknown { .. }) => false,
            Err(error) => return Err(error),
        };
        if !was_default {
            self.store
                .put_profile(profile.text.as_bytes(), Durability::Unproven)?;
            self.say(StoreSaid::DefaultProfile(name.clone()))?;
            let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
            standing.profile = Noted::Profile(name.clone());
        }
        Ok(DefaultProfile {
            profile: name,
            was_default,
        })
    }

    /// Returns the epoch that what is recorded now bears.
    pub fn epoch(&self) -> u64 {
        let standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        standing.epoch
    }

    /// Declares this copy of a store a store that lives on by itself: what is recorded from now on
    /// bears the next epoch, which is returned. Handles that are open elsewhere go on as they were.
    ///
    /// # Durability
    /// On `Ok` the declaration survives power loss.
    ///
    /// # Errors
    /// [`Error::NotNoted`] if nothing can be written, [`Error::Store`] for what else the store says.
    pub fn adopt(&self) -> Result<u64, Error> {
        let epoch = self.epoch() + 1;
        self.say(StoreSaid::Adopted { epoch })?;
        self.store.enter_epoch(epoch);
        self.store.settle_here();
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        standing.epoch = epoch;
        Ok(epoch)
    }

    fn say(&self, said: StoreSaid) -> Result<(), Error> {
        let summary = json!({ "note": said.as_str() }).into();
        let note = StoreNote {
            said,
            by: None,
            writer: Self::writer(),
        };
        let payload = note.to_payload();
        let entry = NewEntry {
            content: to_hash(&runstone_core::digest::Digest::of(&payload)),
            payload: &payload,
            summary,
            recorded_at: self.clock.now(),
        };
        let appended = self.store.append(&Log::StoreNotes, None, &entry);
        match appended.map_err(|error| self.not_noted(error))? {
            Appended::New(_) | Appended::Already(_) => Ok(()),
            // Without a key there is nothing to be taken.
            Appended::Taken { .. } => Err(Error::Damaged {
                place: Log::StoreNotes.to_string(),
                found: "a note that claims a key".to_owned(),
            }),
        }
    }
}
