//! A report: everything that is known of one run beside others, on one page.
//!
//! Gathers what other verbs answer, so that a page says the same as they do. The invariant kept: it
//! is the answer of the recording, with its history and the notes of today beside it, and never a
//! judgement of its own. Words and drawing belong to the faces.

use runstone_core::verdict::{Trail, trail};
use serde_json::{Value, json};

use crate::compare::current_point;
use crate::error::{Error, chain};
use crate::find::Stored;
use crate::look_back::LookedBack;
use crate::notes::SnapshotNotes;
use crate::open::Ledger;
use crate::profiles::rules_of;
use crate::recorded::Answered;
use crate::why::{Explained, Move};

/// What is known of one run beside others.
#[derive(Debug, Clone)]
pub struct Report {
    /// The run.
    pub stored: Stored,
    /// The run it was compared with, if there is one that can be read.
    pub previous: Option<Stored>,
    /// What changed, and did it matter.
    pub answer: Answered,
    /// The history of the metric that decides, the gravest first; none where the run has none.
    pub trail: Option<Trail>,
    /// What changed when a metric moved; none where none moved, or it is not known.
    pub moved: Option<Box<Move>>,
    /// Why that is not known, or is known in part, in words.
    pub not_explained: Vec<String>,
    /// What the notes say about the run, now.
    pub notes: SnapshotNotes,
}

impl Report {
    /// Returns what the caller should know and nothing failed for.
    pub fn warnings(&self) -> Vec<String> {
        let cohort = &self.stored.place.cohort;
        let mut warnings = self.answer.warnings(cohort);
        let others = self.notes.warnings(cohort).into_iter();
        for warning in others.chain(self.not_explained.iter().cloned()) {
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
        warnings
    }

    /// Returns the stable JSON form, schema `runstone.report/1`.
    pub fn to_json(&self) -> Value {
        let Stored {
            place,
            snapshot,
            envelope,
        } = &self.stored;
        let mut document = json!({
            "schema": "runstone.report/1",
            "cohort": place.cohort.as_str(),
            "snapshot_seq": place.seq,
            "sha256": place.sha256,
            "run_id": snapshot.run_id,
            "stage": snapshot.stage,
            "attempt": snapshot.attempt,
            "status": snapshot.status.as_str(),
            "recorded_at": envelope.recorded_at,
            "diff": self.answer.diff.to_json(),
            "verdict": self.answer.verdict.to_json(),
            "baseline": self.answer.baseline.to_json(),
            "history": self.trail.as_ref().map(Trail::to_json),
            "move": self.moved.as_ref().map(|moved| moved.to_json()),
            "warnings": self.warnings(),
        });
        if let (Some(members), Value::Object(said)) =
            (document.as_object_mut(), self.notes.to_json())
        {
            members.extend(said);
        }
        document
    }
}

/// An answer, what changed when its metric moved, and what is not known of that.
type Explanation = (Answered, Option<Box<Move>>, Vec<String>);

impl Ledger {
    /// Reports on a snapshot.
    ///
    /// # Errors
    /// [`Error::Damaged`] if its profile cannot be read.
    pub fn report(&self, stored: Stored) -> Result<Report, Error> {
        let (answer, moved, not_explained) = self.explained(&stored)?;
        let notes = self.notes_about(&stored.place)?;
        let cohort = &stored.place.cohort;
        let previous = match &answer.diff.previous {
            Some(named) => match self.at(cohort, named.seq) {
                Err(error) if error.costs_its_place_alone() => None,
                found => Some(found?),
            },
            None => None,
        };
        Ok(Report {
            trail: self.trail(&stored, &answer)?,
            previous,
            answer,
            moved,
            not_explained,
            notes,
            stored,
        })
    }

    /// Answers a snapshot and says what changed when its metric moved. What cannot be explained
    /// costs the explanation alone.
    fn explained(&self, stored: &Stored) -> Result<Explanation, Error> {
        match self.why(stored) {
            Ok(why) => {
                let said = why.warnings();
                let moved = match why.found {
                    Explained::Moved(moved) => Some(moved),
                    Explained::Nothing { .. } => None,
                };
                Ok((why.answered, moved, said))
            }
            Err(error) if error.costs_its_place_alone() => {
                let said = format!("what changed with the move is not known: {}", chain(&error));
                Ok((self.compared(stored)?, None, vec![said]))
            }
            Err(error) => Err(error),
        }
    }

    /// Returns the history of the metric that decides, the gravest first.
    pub(crate) fn trail(&self, stored: &Stored, answer: &Answered) -> Result<Option<Trail>, Error> {
        let current = current_point(stored)?;
        let judged = answer.verdict.metrics.iter();
        let deciding = judged
            .min_by_key(|metric| metric.overall)
            .map(|metric| &metric.name)
            .or_else(|| current.primary.first().map(|(name, _)| name));
        let Some(name) = deciding else {
            return Ok(None);
        };
        let profile = self.profile_by_digest(&stored.snapshot.profile.sha256)?;
        let rules = rules_of(&profile, &stored.snapshot.stage)?;
        let is_measured = |other: &str| stored.snapshot.metrics.contains_key(other);
        let direction = rules.metrics.direction_beside(name, is_measured);
        let LookedBack { points, .. } = self.look_back(stored)?;
        let verdict = &answer.verdict;
        Ok(trail(&points, &current, name, direction, verdict))
    }
}
