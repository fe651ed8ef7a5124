//! Finding a profile: built in, kept by the store, or a file of the caller.
//!
//! The core reads profiles but touches no file; this is where the text comes from. What the store
//! keeps is the resolved text, complete without the profiles it was built on, so a snapshot can be
//! read by its own rule for ever.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use runstone_core::digest::Digest;
use runstone_core::id::Stage;
use runstone_core::profile::{Profile, StageRules};
use runstone_store::Slot;

use crate::digests::{to_digest, to_hash};
use crate::error::{Error, in_words};
use crate::open::Ledger;

/// Names of the profiles that come with Runstone.
pub const BUILTIN: [&str; 2] = ["generic", "market"];

/// Which profile is meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ProfileChoice {
    /// The store's: the one it was made with, or the one chosen since.
    #[default]
    StoreDefault,
    /// A built-in name, the name or digest prefix of one the store keeps, or the path of a file.
    Named(String),
    /// A built-in name, or the name or digest prefix of one the store keeps; never a file.
    Kept(String),
    /// The one of this digest, which [`Ledger::hold_profile`] read or the store keeps.
    Held(Digest),
    /// The one of this text, which is complete without those it was built on.
    Text(String),
}

/// Reads a profile that is built in or a file; no store is needed.
///
/// # Errors
/// [`Error::NoSuchProfile`], [`Error::Unreadable`], [`Error::Profile`] with line and column.
pub fn load(name: &str) -> Result<Profile, Error> {
    if let Some(profile) = Profile::builtin(name) {
        return Ok(profile);
    }
    let path = Path::new(name);
    if !looks_like_path(name) && !path.is_file() {
        return Err(Error::NoSuchProfile {
            name: name.to_owned(),
            known: known_names([]),
        });
    }
    let text = read_text(path)?;
    parse(&text, name, path.parent().unwrap_or(Path::new("")))
}

/// Reads a profile from text; `extends` finds built-in names and files beside `folder`.
///
/// # Errors
/// [`Error::Profile`] with line and column.
pub fn parse(text: &str, name: &str, folder: &Path) -> Result<Profile, Error> {
    let beside = |extended: &str| {
        [
            folder.join(extended),
            folder.join(format!("{extended}.toml")),
        ]
        .iter()
        .find_map(|path| std::fs::read_to_string(path).ok())
    };
    Profile::parse(text, name, &beside).map_err(|source| Error::Profile {
        name: name.to_owned(),
        source: Box::new(source),
    })
}

fn looks_like_path(name: &str) -> bool {
    name.contains('/')
        || Path::new(name)
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("toml"))
}

fn read_text(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|source| Error::Unreadable {
        path: PathBuf::from(path),
        source,
    })
}

fn known_names(kept: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut names: Vec<String> = BUILTIN
        .iter()
        .map(|name| (*name).to_owned())
        .chain(kept)
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Returns the rules of a stage that a profile is known to have.
pub(crate) fn rules_of<'a>(profile: &'a Profile, stage: &Stage) -> Result<&'a StageRules, Error> {
    let (_, rules) = profile
        .stage(stage.as_str())
        .map_err(|unknown| Error::Damaged {
            place: format!("profiles/{}.toml", profile.sha256),
            found: unknown.to_string(),
        })?;
    Ok(rules)
}

impl Ledger {
    /// Reads the profile that is meant now, and returns the choice that means it as it is, whatever
    /// becomes of its file: for work that is checked by a profile long before it is recorded.
    ///
    /// # Errors
    /// As [`Ledger::profile`].
    pub fn hold_profile(&self, choice: &ProfileChoice) -> Result<ProfileChoice, Error> {
        let profile = self.profile(choice)?;
        let held = ProfileChoice::Held(profile.sha256);
        self.remember_profile(profile);
        Ok(held)
    }

    /// Finds the profile that is meant.
    ///
    /// # Errors
    /// As [`load`]; [`Error::Damaged`] if the store's own profile cannot be read.
    pub fn profile(&self, choice: &ProfileChoice) -> Result<Arc<Profile>, Error> {
        match choice {
            ProfileChoice::StoreDefault => self.profile_by_digest(&self.default_profile()?.sha256),
            // A name that the default bears means the default.
            ProfileChoice::Named(name) | ProfileChoice::Kept(name)
                if self.default_profile().is_ok_and(|own| own.name == *name) =>
            {
                self.profile_by_digest(&self.default_profile()?.sha256)
            }
            ProfileChoice::Named(name) | ProfileChoice::Kept(name)
                if *name == self.settings.profile.name =>
            {
                self.profile_by_digest(&self.settings.profile.sha256)
            }
            ProfileChoice::Held(sha256) => self.profile_by_digest(sha256),
            ProfileChoice::Text(text) => self.profile_of(text, "the profile that was kept with it"),
            ProfileChoice::Kept(name) => match Profile::builtin(name) {
                Some(profile) => Ok(Arc::new(profile)),
                None => self.kept_profile(name),
            },
            ProfileChoice::Named(name) => match load(name) {
                Ok(profile) => Ok(Arc::new(profile.knowing(self.names.clone()))),
                Err(Error::NoSuchProfile { .. }) => self.kept_profile(name),
                Err(error) => Err(error),
            },
        }
    }

    /// Reads a profile the store keeps.
    pub(crate) fn profile_by_digest(&self, sha256: &Digest) -> Result<Arc<Profile>, Error> {
        if let Some(known) = self.known_profile(sha256) {
            return Ok(known);
        }
        let place = || format!("profiles/{sha256}.toml");
        let text = match self.store.profile(&to_hash(sha256))? {
            Slot::Whole(bytes) => String::from_utf8(bytes).map_err(|_not_utf8| Error::Damaged {
                place: place(),
                found: "bytes that are not UTF-8".to_owned(),
            })?,
            Slot::Absent => {
                // A store whose making was cut short lacks the file; a built-in one is known.
                let known = BUILTIN
                    .iter()
                    .filter_map(|name| Profile::builtin(name))
                    .find(|profile| profile.sha256 == *sha256);
                return match known {
                    Some(profile) => Ok(Arc::new(profile.knowing(self.names.clone()))),
                    None if *sha256 == self.settings.profile.sha256 => {
                        let name = self.settings.profile.name.clone();
                        // Nothing is recorded before the profile is kept.
                        Err(if self.store.cohorts("", Some(1))?.is_empty() {
                            Error::UnfinishedInit { name }
                        } else {
                            Error::ProfileLost {
                                name,
                                sha256: *sha256,
                            }
                        })
                    }
                    None => Err(Error::Damaged {
                        place: place(),
                        found: "no such file, though it is named".to_owned(),
                    }),
                };
            }
            Slot::Damaged(damage) => {
                return Err(Error::Damaged {
                    place: place(),
                    found: in_words(&damage),
                });
            }
        };
        let profile = self.profile_of(&text, &place())?;
        self.remember_profile(Arc::clone(&profile));
        Ok(profile)
    }

    /// Reads a text that is complete, called `name` in errors.
    fn profile_of(&self, text: &str, name: &str) -> Result<Arc<Profile>, Error> {
        let profile =
            Profile::parse(text, name, &|_resolved| None).map_err(|source| Error::Profile {
                name: name.to_owned(),
                source: Box::new(source),
            })?;
        Ok(Arc::new(profile.knowing(self.names.clone())))
    }

    fn kept_profile(&self, name: &str) -> Result<Arc<Profile>, Error> {
        let mut kept = Vec::new();
        for hash in self.store.profiles()? {
            kept.push(self.profile_by_digest(&to_digest(&hash))?);
        }
        let fits = |profile: &&Arc<Profile>| {
            profile.name == name
                || (name.len() >= 4 && profile.sha256.to_string().starts_with(name))
        };
        let found: Vec<&Arc<Profile>> = kept.iter().filter(fits).collect();
        match found.as_slice() {
            [one] => Ok(Arc::clone(one)),
            [] => Err(Error::NoSuchProfile {
                name: name.to_owned(),
                known: known_names(kept.iter().map(|profile| profile.name.clone())),
            }),
            several => Err(Error::Ambiguous {
                reference: name.to_owned(),
                candidates: several
                    .iter()
                    .map(|profile| format!("{} ({})", profile.sha256.prefix(12), profile.name))
                    .collect(),
            }),
        }
    }
}
