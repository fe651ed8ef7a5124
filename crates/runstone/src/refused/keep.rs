//! Refused runs in the store: made of a request, kept, found, removed.
//!
//! The invariant: nothing goes on the shelf, or is handed out to be kept, with a secret in it.

use runstone_core::profile::Profile;
use runstone_core::snapshot::Captured;
use runstone_store::{Keep, Room, ShelfPath, Standing};

use super::join::joined;
use super::run::RefusedRun;
use crate::commit::RecordRequest;
use crate::environments::EnvironmentChoice;
use crate::error::{Error, REFUSED, REFUSED_HINT};
use crate::open::Ledger;
use crate::profiles::ProfileChoice;

impl Ledger {
    /// Makes of a request that could not be recorded what may be kept of it: joined as far as it
    /// can be joined, and without secrets.
    ///
    /// # Errors
    /// [`Error::Profile`] and [`Error::NoSuchProfile`] if the profile that names the secrets cannot
    /// be used; [`Error::Store`] if a secret tells this run apart, and the key of pseudonyms cannot
    /// be had.
    pub fn refused_run(
        &self,
        request: &RecordRequest,
        nonce: &str,
        reason: &str,
    ) -> Result<RefusedRun, Error> {
        let profile = self.profile(&request.profile)?;
        let document = joined(request, &profile).document().clone();
        let without_secrets = |path: &String| profile.redaction.text(path).into_owned();
        let set = request.overrides.set.iter().map(|(path, _)| path);
        let set = set.map(without_secrets).collect();
        let (document, process) =
            self.unjudged_without_secrets(&document, request.process.clone(), &profile)?;
        Ok(RefusedRun {
            nonce: nonce.to_owned(),
            document,
            attempt: request.attempt,
            // Its file may change or go, and the store's default too, until the run is finished.
            profile: Some(ProfileChoice::Text(profile.text.clone())),
            process,
            environment: self.kept_with_its_document(&request.environment, &profile),
            code: match &request.environment {
                EnvironmentChoice::Settled(settled) => {
                    without_secrets_of("code", settled.code.clone(), &profile)
                }
                other => not_settled(other),
            },
            unread: Vec::new(),
            set,
            reason: profile.redaction.text(reason).into_owned(),
        })
    }

    /// Returns the environment of a run that is not recorded, its document in the store as far as
    /// that takes it: recording the run later says where it is missing.
    fn kept_with_its_document(&self, choice: &EnvironmentChoice, profile: &Profile) -> Captured {
        let EnvironmentChoice::Settled(settled) = choice else {
            return not_settled(choice);
        };
        if let Some(object) = &settled.object {
            let _may_be_full = self
                .store
                .put_object(&object.bytes, Standing::Unproven)
                .ok();
        }
        without_secrets_of("environment", settled.environment.clone(), profile)
    }

    /// Keeps a result that could not be recorded, and returns its path below the root of the store.
    ///
    /// # Durability
    /// On `Ok` it survives power loss.
    ///
    /// # Errors
    /// [`Error::Store`] if the store cannot take it either.
    pub fn keep_refused(&self, refused: &RefusedRun) -> Result<String, Error> {
        let path = path_of(&refused.nonce)?;
        let shelf = self.store.shelf();
        shelf.put(&path, &refused.to_bytes(), Keep::Durable)?;
        Ok(path.to_string())
    }

    /// Returns a result that was kept, by its name or the beginning of it, with its whole name:
    /// that of its file, which [`Ledger::forget_refused`] takes.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is none, [`Error::Ambiguous`] with the candidates,
    /// [`Error::Kept`] if it cannot be read as one, [`Error::Usage`] if nothing is named.
    pub fn refused(&self, named: &str) -> Result<(String, RefusedRun), Error> {
        if named.is_empty() {
            return Err(Error::Usage {
                what: "no refused run is named".to_owned(),
                hint: REFUSED_HINT.to_owned(),
            });
        }
        let shelf = self.store.shelf();
        let not_found = || Error::NotFound {
            reference: named.to_owned(),
            looked_in: Some(REFUSED.to_owned()),
        };
        let mut found = Vec::new();
        for file in shelf.list(&ShelfPath::of(Room::Refused))? {
            if let Some(name) = file.name.strip_suffix(".json")
                && name.starts_with(named)
            {
                found.push(name.to_owned());
            }
        }
        if found.iter().any(|name| name == named) {
            found = vec![named.to_owned()];
        }
        match found.as_slice() {
            [] => Err(not_found()),
            [only] => {
                let path = path_of(only)?;
                let bytes = shelf.get(&path)?.ok_or_else(not_found)?;
                let run = RefusedRun::from_bytes(&bytes, &format!("`{path}`"))?;
                Ok((only.clone(), run))
            }
            _ => Err(Error::Ambiguous {
                reference: named.to_owned(),
                candidates: found,
            }),
        }
    }

    /// Removes a result that is recorded now, by its whole name.
    ///
    /// # Errors
    /// [`Error::Store`] if it stays; it can be recorded again, as the same snapshot.
    pub fn forget_refused(&self, name: &str) -> Result<(), Error> {
        Ok(self.store.shelf().remove(&path_of(name)?)?)
    }
}

fn not_settled(choice: &EnvironmentChoice) -> Captured {
    let reason = match choice {
        EnvironmentChoice::NotCaptured { reason } => reason.clone(),
        _ => "the run was refused before it was captured".to_owned(),
    };
    Captured::NotCaptured { reason }
}

fn without_secrets_of(name: &str, captured: Captured, profile: &Profile) -> Captured {
    match captured {
        Captured::Known(value) => Captured::Known(profile.redaction.captured(name, value, None)),
        unknown @ Captured::NotCaptured { .. } => unknown,
    }
}

fn path_of(name: &str) -> Result<ShelfPath, Error> {
    ShelfPath::new(Room::Refused, &[&format!("{name}.json")]).map_err(|bad| Error::Usage {
        what: bad.to_string(),
        hint: "name it as it was printed".to_owned(),
    })
}
