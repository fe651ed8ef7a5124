//! What a snapshot is judged by: its cohort's log below it, as its envelope saw it noted.
//!
//! The previous run, the baseline and the noise all come from here, so that they look at the same
//! runs. The invariant kept: what is noted later changes nothing of it. What the points say belongs
//! to the core.

use std::sync::Arc;

use runstone_core::id::SnapshotSeq;
use runstone_core::note::Noted;
use runstone_core::profile::{Profile, StageRules};
use runstone_core::verdict::{JudgeRules, Point};

use crate::compare::log_seq;
use crate::error::Error;
use crate::find::Stored;
use crate::history::Past;
use crate::open::Ledger;

/// The past of a snapshot.
#[derive(Debug)]
pub(crate) struct LookedBack {
    /// The log below it, newest first, with what was deleted or accepted marked.
    pub(crate) points: Vec<Point>,
    /// Places among them that cannot be read.
    pub(crate) unreadable: Vec<SnapshotSeq>,
    /// What the notes said that its envelope saw.
    pub(crate) noted: Arc<Noted>,
}

impl Ledger {
    /// Looks back from a snapshot.
    pub(crate) fn look_back(&self, stored: &Stored) -> Result<LookedBack, Error> {
        let cohort = &stored.place.cohort;
        let notes_seen = stored.envelope.notes_head_seen.map(|seen| seen.seq);
        let noted = self.notes.up_to(cohort, notes_seen)?;
        let past = self.history.before(cohort, log_seq(stored)?)?;
        let Past {
            points, unreadable, ..
        } = past.marked(&noted);
        let unreadable = unreadable.into_iter();
        Ok(LookedBack {
            points,
            unreadable: unreadable.map(|seq| SnapshotSeq(seq.get())).collect(),
            noted,
        })
    }
}

/// Returns what a profile says about judging a stage.
pub(crate) fn judge_rules<'r>(profile: &Profile, rules: &'r StageRules) -> JudgeRules<'r> {
    JudgeRules {
        metrics: &rules.metrics,
        min_runs: profile.baseline.min_runs,
        noise_window: profile.noise_window,
    }
}
