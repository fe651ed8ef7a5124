//! Making again what the entries prove: the documents of cohorts, and the profile that
//! `init --primary` made.
//!
//! Neither is derived in the sense of a view: both are truth, and name what runs were read and
//! compared by. But each has a digest that stands elsewhere, a cohort's in its id, a profile's in
//! `runstone.json`, and the entries hold what the bytes were made of. The invariant guarded here:
//! what is made again has the digest that it has to have, and what stood there before keeps a name
//! in quarantine. Nothing else is invented; what no entry tells of stays lost.

use std::collections::BTreeSet;

use runstone_core::profile::{Direction, Profile};
use runstone_store::{CohortName, Mended, Seq, Slot, Standing};

use crate::digests::to_hash;
use crate::error::{Error, chain};
use crate::find::Head;
use crate::open::Ledger;

/// What `--primary` may say of a metric.
const DIRECTIONS: [Direction; 3] = [Direction::Higher, Direction::Lower, Direction::None];

impl Ledger {
    /// Makes again what is lost and can be proven by entries.
    pub(super) fn remake(&self, mended: &mut Mended) -> Result<(), Error> {
        // First: a document is read again by its profile.
        self.remake_own_profile(mended)?;
        for cohort in self.store.cohorts("", None)? {
            self.remake_cohort_key(&cohort, mended)?;
        }
        Ok(())
    }

    /// Makes the document of a cohort again, where it is lost or damaged, from any of its entries.
    fn remake_cohort_key(&self, cohort: &CohortName, mended: &mut Mended) -> Result<(), Error> {
        match self.cohort_key(cohort) {
            Err(Error::Damaged { .. }) => {}
            Ok(_) => return Ok(()),
            // It cannot be looked at; the audit says why.
            Err(_unread) => return Ok(()),
        }
        let Head::At(head) = self.head_of(cohort)? else {
            return Ok(());
        };
        let Some(bytes) = (1..=head.get())
            .filter_map(Seq::new)
            .find_map(|seq| self.cohort_key_of(cohort, seq))
        else {
            return Ok(());
        };
        let path = format!("cohorts/{cohort}/cohort.json");
        match self.store.restore_cohort(cohort, &bytes) {
            Ok(()) => mended.restored.push(path),
            Err(error) => mended.left.push(format!("{path}: {}", chain(&error))),
        }
        Ok(())
    }

    /// Returns the key of a cohort as an entry of it tells, if that is the cohort's.
    fn cohort_key_of(&self, cohort: &CohortName, seq: Seq) -> Option<Vec<u8>> {
        let stored = self.stored(cohort, seq).ok()?;
        let profile = self
            .profile_by_digest(&stored.snapshot.profile.sha256)
            .ok()?;
        let again = self.read_again(&stored.snapshot, &profile).ok()?;
        let key = again.cohort();
        (key.id().as_str() == cohort.as_str()).then(|| key.bytes())
    }

    /// Makes the profile again that the store was made with, where it is lost: a built-in one with
    /// another primary metric, which is one of those that were recorded.
    fn remake_own_profile(&self, mended: &mut Mended) -> Result<(), Error> {
        let own = &self.settings.profile;
        let is_lost = matches!(self.store.profile(&to_hash(&own.sha256)), Ok(Slot::Absent));
        let Some(base) = Profile::builtin(&own.name).filter(|it| it.sha256 != own.sha256) else {
            return Ok(());
        };
        if !is_lost {
            return Ok(());
        }
        let is_it = |metric: &str| {
            let of = |direction| base.with_primary(metric, direction).ok();
            let made = DIRECTIONS.into_iter().filter_map(of);
            made.into_iter().find(|made| made.sha256 == own.sha256)
        };
        let Some(profile) = self.first_metric(is_it)? else {
            return Ok(());
        };
        let path = format!("profiles/{}.toml", own.sha256);
        let kept = self
            .store
            .put_profile(profile.text.as_bytes(), Standing::Unproven);
        match kept {
            Ok(_digest) => mended.restored.push(path),
            Err(error) => mended.left.push(format!("{path}: {}", chain(&error))),
        }
        Ok(())
    }

    /// Asks `tell` about every metric that was recorded, each once, until it has an answer.
    fn first_metric<T>(&self, tell: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Error> {
        let mut asked = BTreeSet::new();
        for cohort in self.store.cohorts("", None)? {
            let Head::At(head) = self.head_of(&cohort)? else {
                continue;
            };
            for seq in (1..=head.get()).filter_map(Seq::new) {
                let Ok(stored) = self.stored_copy(&cohort, seq) else {
                    continue;
                };
                for name in stored.snapshot.metrics.keys().flat_map(|it| names_of(it)) {
                    if asked.contains(name) {
                        continue;
                    }
                    if let Some(answer) = tell(name) {
                        return Ok(Some(answer));
                    }
                    asked.insert(name.to_owned());
                }
            }
        }
        Ok(None)
    }
}

/// Returns the names by which a metric may be meant: its own, and those above it, since that of a
/// metric with a mean is `name.mean`.
fn names_of(metric: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(metric), |name| Some(name.rsplit_once('.')?.0))
}
