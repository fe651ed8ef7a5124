//! Beginning a run: its notice is put, unless the same attempt of the same run is under way.
//!
//! The invariant: of those that begin the same attempt at once, one at most goes on.

use std::time::Duration;

use runstone_store::{Exclusive, Keep};

use super::notice::Started;
use super::sight::{Host, State};
use crate::commit::AttemptChoice;
use crate::error::Error;
use crate::open::Ledger;

/// How often the lock of a run is tried, and how long apart. Rivals hold it for milliseconds;
/// chosen so that a hundred of them are waited for.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(10);

impl Started {
    /// Tells whether both would be recorded as the same attempt of the same run, one of them in
    /// vain.
    fn is_rival_of(&self, other: &Self) -> bool {
        let differ = matches!((&self.cohort, &other.cohort), (Some(a), Some(b)) if a != b);
        // A scheduler runs a job once at a time: an earlier start of the same job is over.
        let is_same_job = self.job.is_some() && self.job == other.job;
        self.nonce != other.nonce
            && self.run_id == other.run_id
            && self.stage == other.stage
            && !differ
            && !is_same_job
            && (self.attempt == other.attempt || self.attempt.is_none() || other.attempt.is_none())
    }
}

impl Ledger {
    /// Says that a run is under way.
    ///
    /// # Errors
    /// [`Error::UnderWay`] if the same attempt of the same run is under way already, as far as can
    /// be seen; [`Error::Store`] if the store cannot be written to.
    pub fn begin(
        &self,
        started: &Started,
        choice: AttemptChoice,
        host: &dyn Host,
    ) -> Result<(), Error> {
        let path = started.path()?;
        let bytes = started.to_json().to_string();
        let put = || {
            self.store
                .shelf()
                .put(&path, bytes.as_bytes(), Keep::BestEffort)
        };
        // Whoever asks for the next attempt stands in nobody's way.
        if choice == AttemptChoice::Next {
            return Ok(put()?);
        }
        let refuse = |rival: Option<Started>| match rival {
            Some(rival) => Err(Error::UnderWay(Box::new(rival))),
            None => Ok(()),
        };
        let mut rival = None;
        let mut look_and_put = || {
            rival = self.rival(started, host);
            if rival.is_none() { put() } else { Ok(()) }
        };
        for _ in 0..TRIES {
            let shelf = self.store.shelf();
            match shelf.exclusively(&started.folder(), &mut look_and_put)? {
                Exclusive::Done => return refuse(rival),
                Exclusive::Busy => std::thread::sleep(PAUSE),
                Exclusive::NoLocks => break,
            }
        }
        // Without a lock: put first, then look. Two may both give way, and neither both go on.
        put()?;
        let rival = self.rival(started, host);
        if rival.is_some() {
            self.end(started)?;
        }
        refuse(rival)
    }

    /// Says that a run is under way no longer, because it is recorded or will not be. Earlier
    /// starts of it that are lost are forgotten with it.
    ///
    /// # Errors
    /// [`Error::Store`] if the store cannot be written to.
    pub fn end(&self, started: &Started) -> Result<(), Error> {
        let shelf = self.store.shelf();
        shelf.remove(&started.path()?)?;
        Ok(shelf.remove_folder(&started.folder())?)
    }

    /// Forgets the starts of this run and stage that this host knows to be lost.
    ///
    /// # Errors
    /// [`Error::Store`] if the store cannot be read or written to.
    pub fn forget_lost(&self, started: &Started, host: &dyn Host) -> Result<(), Error> {
        for other in self.started_in(&started.folder()).started {
            if other.nonce != started.nonce && other.state(host) == State::Lost {
                self.end(&other)?;
            }
        }
        Ok(())
    }

    fn rival(&self, started: &Started, host: &dyn Host) -> Option<Started> {
        let others = self.started_in(&started.folder()).started;
        others
            .into_iter()
            .find(|other| other.is_rival_of(started) && other.state(host) == State::Unfinished)
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
            other.job = None;
            change(&mut other);
            one.is_rival_of(&other)
        };
        assert!(with(|_| {}));
        assert!(with(|it| it.cohort = None));
        assert!(with(|it| it.attempt = Some(1)));
        assert!(!with(|it| it.run_id = "r2".to_owned()));
        assert!(!with(|it| it.stage = "eval".to_owned()));
        assert!(!with(|it| it.cohort = Some("train.y.1".to_owned())));
        assert!(!with(
            |it| it.job = Some(("slurm".to_owned(), "4711".to_owned()))
        ));
        assert!(!one.is_rival_of(&one));
    }
}
