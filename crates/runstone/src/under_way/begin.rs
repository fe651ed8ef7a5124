//! Beginning a run: its notice is put, unless the same attempt of the same run is under way.
//!
//! The invariant: of those that begin the same attempt at once, one at most goes on. One whose
//! process is seen at work is in everybody's way, whatever was said; one that cannot be seen is in
//! the way of those who know nothing of it.

use std::time::Duration;

use runstone_core::redact::is_mark;
use runstone_store::{Exclusive, Keep};

use super::notice::Started;
use super::sight::{Host, Sight, State};
use crate::error::Error;
use crate::foresee::Foreseen;
use crate::open::Ledger;

/// How often the lock of a run is tried, and how long apart. Rivals hold it for milliseconds;
/// chosen so that a hundred of them are waited for.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(10);

/// What is known of earlier starts of a run that cannot be seen from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Earlier {
    /// Nothing: they may be at work.
    MayBeAtWork,
    /// Those of the same job are over: its scheduler runs a job once at a time, and does not say
    /// whether it started it before.
    OfThisJobAreOver,
    /// They are over: whoever asked for the next attempt said so, or the scheduler did.
    AreOver,
}

/// A run under way that would be recorded as the same attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rival {
    /// The run.
    pub started: Started,
    /// What this host sees of it: [`Sight::AtWork`] or [`Sight::Unknown`].
    pub sight: Sight,
}

/// What is known of other starts of a run that has begun.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Begun {
    /// Those that cannot be seen, and are over by what was said: [`Earlier`].
    pub passed: Vec<Started>,
    /// Those whose notice cannot be read, each with its path and why; they may be at work.
    pub unreadable: Vec<String>,
}

impl Started {
    /// Tells whether both would be recorded as the same attempt of the same run, one of them in
    /// vain.
    fn is_rival_of(&self, other: &Self) -> bool {
        let differ = matches!((&self.cohort, &other.cohort), (Some(a), Some(b)) if a != b);
        self.nonce != other.nonce
            && self.run_id == other.run_id
            && self.stage == other.stage
            && !differ
            && (self.attempt == other.attempt || self.attempt.is_none() || other.attempt.is_none())
    }

    /// Tells whether both are of one job. What was redacted tells no jobs apart.
    fn is_of_the_job_of(&self, other: &Self) -> bool {
        self.job.as_ref().is_some_and(|(_, id)| !is_mark(id)) && self.job == other.job
    }
}

impl Ledger {
    /// Says that a run is under way, after it was foreseen: its notice is kept without secrets, by
    /// the profile it was foreseen by.
    ///
    /// # Errors
    /// [`Error::UnderWay`] if the same attempt of the same run is under way already, as far as can
    /// be seen; [`Error::Conflict`] if it was recorded since it was foreseen; [`Error::Store`] if
    /// the store cannot be written to.
    pub fn begin(
        &self,
        started: &Started,
        foreseen: &Foreseen,
        earlier: Earlier,
        host: &dyn Host,
    ) -> Result<Begun, Error> {
        let started = started.without_secrets(&foreseen.profile.redaction);
        let path = started.path()?;
        let bytes = started.to_json().to_string();
        let put = || {
            self.store
                .shelf()
                .put(&path, bytes.as_bytes(), Keep::BestEffort)
        };
        let mut found = Ok(Begun::default());
        let mut look_and_put = || {
            found = self.others(&started, earlier, host);
            if found.is_ok() { put() } else { Ok(()) }
        };
        let mut done = false;
        for _ in 0..TRIES {
            let shelf = self.store.shelf();
            match shelf.exclusively(&started.folder(), &mut look_and_put)? {
                Exclusive::Done => {
                    done = true;
                    break;
                }
                Exclusive::Busy => std::thread::sleep(PAUSE),
                Exclusive::NoLocks => break,
            }
        }
        if !done {
            // Without a lock: put first, then look. Two may both give way, and neither both go on.
            put()?;
            found = self.others(&started, earlier, host);
        }
        // A rival that was recorded and went while this one was on its way here left no notice.
        let begun = match found {
            Err(rival) => Err(Error::UnderWay(rival)),
            Ok(begun) => self.is_still_free(foreseen).map(|()| begun),
        };
        if begun.is_err() {
            self.end(&started)?;
        }
        begun
    }

    /// Says that a run is under way no longer, because it is recorded or will not be.
    ///
    /// # Errors
    /// [`Error::Store`] if the store cannot be written to.
    pub fn end(&self, started: &Started) -> Result<(), Error> {
        let shelf = self.store.shelf();
        shelf.remove(&started.path()?)?;
        Ok(shelf.remove_folder(&started.folder())?)
    }

    /// Forgets the other starts of a run that has run now: those that this host knows to be lost,
    /// and those it passed as over.
    ///
    /// # Errors
    /// [`Error::Store`] if the store cannot be read or written to.
    pub fn forget_over(
        &self,
        started: &Started,
        begun: &Begun,
        host: &dyn Host,
    ) -> Result<(), Error> {
        for other in self.started_in(&started.folder()).started {
            let is_over = other.state(host) == State::Lost || begun.passed.contains(&other);
            if other.nonce != started.nonce && is_over {
                self.end(&other)?;
            }
        }
        Ok(())
    }

    /// Looks at the other starts of a run; the first that is in its way is the error.
    fn others(
        &self,
        started: &Started,
        earlier: Earlier,
        host: &dyn Host,
    ) -> Result<Begun, Box<Rival>> {
        let found = self.started_in(&started.folder());
        let mut begun = Begun {
            passed: Vec::new(),
            unreadable: found.unreadable,
        };
        let others = found.started.into_iter();
        for other in others.filter(|other| other.is_rival_of(started)) {
            let sight = other.sight(host);
            let is_in_the_way = match (sight, earlier) {
                (Sight::AtWork, _) | (Sight::Unknown, Earlier::MayBeAtWork) => true,
                (Sight::Unknown, Earlier::OfThisJobAreOver) => !other.is_of_the_job_of(started),
                (Sight::Unknown, Earlier::AreOver) | (Sight::Gone, _) => false,
            };
            if is_in_the_way {
                return Err(Box::new(Rival {
                    started: other,
                    sight,
                }));
            }
            if sight == Sight::Unknown {
                begun.passed.push(other);
            }
        }
        Ok(begun)
    }
}

#[cfg(test)]
mod tests {
    use super::super::notice::tests::started;
    use super::super::sight::tests::Fake;
    use super::*;

    #[test]
    fn rivals_are_the_same_attempt_of_the_same_run() {
        let one = started(Fake::new("a", None).0);
        let with = |change: fn(&mut Started)| {
            let mut other = one.clone();
            other.nonce = "n2".to_owned();
            change(&mut other);
            one.is_rival_of(&other)
        };
        assert!(with(|_| {}));
        assert!(with(|it| it.cohort = None));
        assert!(with(|it| it.attempt = Some(1)));
        assert!(!with(|it| it.run_id = "r2".to_owned()));
        assert!(!with(|it| it.stage = "eval".to_owned()));
        assert!(!with(|it| it.cohort = Some("train.y.1".to_owned())));
        assert!(!one.is_rival_of(&one));
    }

    #[test]
    fn jobs_whose_names_were_redacted_are_not_taken_for_one() {
        let one = started(Fake::new("a", None).0);
        assert!(one.is_of_the_job_of(&one));
        for job in [None, Some(("pbs", "4711")), Some(("slurm", "4712"))] {
            let job = job.map(|(name, id)| (name.to_owned(), id.to_owned()));
            let other = Started { job, ..one.clone() };
            assert!(!one.is_of_the_job_of(&other));
        }
        let job = Some(("slurm".to_owned(), "[redacted]".to_owned()));
        let redacted = Started { job, ..one };
        assert!(!redacted.is_of_the_job_of(&redacted));
    }
}
