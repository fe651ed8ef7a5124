//! What was claimed and is recorded nowhere, and whether the logs hold all that there is a sign of.
//!
//! A log may end early: entries are lost, a directory is away while it is restored. Whoever draws a
//! conclusion from what no entry says has to know. The invariant guarded here: an answer is given
//! only where nothing that is there, a hint, a segment, a claim, an entry that saw another, shows
//! more than the logs do; and what a claim holds beyond the logs is told. What follows from it is
//! left to the ledger.

use super::Audit;
use crate::damage::{Damage, DamageKind, Finding, Stale, StaleKind};
use crate::dir::DirStore;
use crate::dir::fs::FileSystem;
use crate::dir::layout::DIRECTORIES;
use crate::dir::read::Found;
use crate::envelope::{FILE_BYTES_MAX, decode};
use crate::error::StoreError;
use crate::log::{CohortName, Log};

/// Directories of every store that say nothing of what is recorded.
const SILENT: [&str; 4] = ["objects", "runs", "secret", "quarantine"];

impl<F: FileSystem> DirStore<F> {
    pub(in crate::dir) fn tell_unrecorded(
        &self,
        tell: &mut dyn FnMut(&str, &[u8]),
    ) -> Result<(), StoreError> {
        for (path, _) in DIRECTORIES {
            if !SILENT.contains(&path[0]) {
                self.demand_directory(path)?;
            }
        }
        let mut first = None;
        let mut claims = Vec::new();
        let mut report = |finding| match finding {
            Finding::Damage(damage) => drop(first.get_or_insert(damage)),
            Finding::Stale(Stale {
                path,
                kind: StaleKind::Claim | StaleKind::Newer,
            }) if path.starts_with("keys/") => claims.push(path),
            Finding::Stale(_) => {}
        };
        let mut audit = Audit::of(self, &mut report);
        audit.logs()?;
        audit.keys()?;
        if let Some(damage) = first {
            return Err(StoreError::Damaged(Box::new(damage)));
        }
        for cohort in self.list_cohorts("", None)? {
            self.demand_logs(&cohort)?;
        }
        for path in claims {
            let payload = self.claimed(&path)?;
            tell(&path, &payload);
        }
        Ok(())
    }

    /// Demands the logs of a cohort, which are made before its document is.
    fn demand_logs(&self, cohort: &CohortName) -> Result<(), StoreError> {
        let log = Log::Cohort(cohort.clone());
        for log in [Some(&log), log.notes().as_ref()].into_iter().flatten() {
            self.demand_directory(&log.path())?;
        }
        Ok(())
    }

    fn demand_directory(&self, path: &[&str]) -> Result<(), StoreError> {
        if self.tree.open_listed(path)?.is_some() {
            return Ok(());
        }
        Err(missing(path.join("/"), "a directory"))
    }

    /// Returns the payload of a claim.
    fn claimed(&self, path: &str) -> Result<Vec<u8>, StoreError> {
        let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
        let dir: Vec<&str> = dir.split('/').collect();
        let Some(dir) = self.tree.open(&dir)? else {
            return Err(missing(path.to_owned(), "a claim"));
        };
        match self.read_truth(&dir, name, FILE_BYTES_MAX + 1, decode)? {
            Found::Whole((_, payload)) => Ok(payload),
            Found::Nothing => Err(missing(path.to_owned(), "a claim")),
            Found::Broken(kind, expected, found) => Err(StoreError::Damaged(Box::new(Damage {
                path: path.to_owned(),
                slot: None,
                kind,
                expected,
                found,
            }))),
        }
    }
}

fn missing(path: String, expected: &str) -> StoreError {
    StoreError::Damaged(Box::new(Damage {
        path,
        slot: None,
        kind: DamageKind::Missing,
        expected: expected.to_owned(),
        found: "nothing".to_owned(),
    }))
}
