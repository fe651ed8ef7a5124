//! A walk over every log, in an order that never changes: cohorts by id, snapshots by position.
//!
//! Memory holds one snapshot and the names of the cohorts, however long the history is.

use runstone_core::note::Marks;
use runstone_core::query::{Expr, Row};
use runstone_core::verdict::Overall;
use runstone_store::{CohortName, Log, Seq};
use serde_json::Value;

use crate::error::{Error, chain, in_words};
use crate::fields::Fields;
use crate::find::{Head, Stored};
use crate::notes::place_of;
use crate::open::Ledger;

/// What stood in the logs at one moment: each cohort up to its newest snapshot then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extent {
    heads: Vec<(CohortName, Reach)>,
}

/// How far a log reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Reach {
    /// To this place.
    To(Seq),
    /// It cannot be looked at, and this is why.
    Unknown(String),
}

/// What a walk comes upon.
#[derive(Debug)]
pub enum Found<'a> {
    /// A snapshot that passes.
    Snapshot(&'a Stored),
    /// A place whose snapshot cannot be read, and so cannot be shown to pass or not.
    Unreadable {
        /// `COHORT#seq`, or `COHORT` where the whole log cannot be read.
        place: String,
        /// Why.
        why: String,
    },
}

impl Ledger {
    /// Returns the extent of all logs now.
    ///
    /// # Errors
    /// Reading errors of the store.
    pub fn extent(&self) -> Result<Extent, Error> {
        let mut heads = Vec::new();
        for cohort in self.store.cohorts("", None)? {
            let reach = match self.head_of(&cohort)? {
                Head::At(head) => Reach::To(head),
                Head::Nothing => continue,
                Head::Unreadable(damage) => Reach::Unknown(in_words(&damage)),
            };
            heads.push((cohort, reach));
        }
        Ok(Extent { heads })
    }

    /// Shows every snapshot within `extent` that was not deleted and passes `filter`, one after the
    /// other, and every place that cannot be read.
    ///
    /// # Errors
    /// What `see` returns, which ends the walk. A place that cannot be read is no error.
    pub fn export<E>(
        &self,
        extent: &Extent,
        filter: Option<&Expr>,
        see: &mut dyn FnMut(Found<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        for (cohort, reach) in &extent.heads {
            let head = match reach {
                Reach::To(head) => head,
                Reach::Unknown(why) => {
                    let (place, why) = (cohort.to_string(), why.clone());
                    see(Found::Unreadable { place, why })?;
                    continue;
                }
            };
            let notes = Log::CohortNotes(cohort.clone());
            let noted = match self.notes.now(cohort) {
                Ok(noted) => noted,
                Err(error) => {
                    let why = chain(&error);
                    let place = notes.to_string();
                    see(Found::Unreadable { place, why })?;
                    continue;
                }
            };
            // Any of them may have deleted something.
            for unread in noted.unread() {
                let place = format!("{notes}#{}", unread.seq);
                let why = unread.reason.clone();
                see(Found::Unreadable { place, why })?;
            }
            for seq in (1..=head.get()).filter_map(Seq::new) {
                match self.stored_copy(cohort, seq) {
                    Ok(stored) if noted.deleted(&place_of(&stored.place)).is_some() => {}
                    Ok(stored) => {
                        let judged = Judged {
                            ledger: self,
                            stored: &stored,
                            marks: noted.marks(&place_of(&stored.place)),
                        };
                        if filter.is_none_or(|filter| filter.matches(&judged)) {
                            see(Found::Snapshot(&stored))?;
                        }
                    }
                    Err(error) => see(Found::Unreadable {
                        place: format!("{cohort}#{seq}"),
                        why: match error {
                            Error::Damaged { found, .. } => found,
                            other => other.to_string(),
                        },
                    })?,
                }
            }
            // What judging remembered of this cohort would grow with the number of cohorts.
            self.history.forget(cohort);
        }
        Ok(())
    }
}

/// A snapshot whose verdict is found only if the filter asks for it.
struct Judged<'a> {
    ledger: &'a Ledger,
    stored: &'a Stored,
    marks: Option<&'a Marks>,
}

impl Row for Judged<'_> {
    fn get(&self, path: &str) -> Option<Value> {
        let verdict = (path == "verdict").then(|| {
            self.ledger
                .compared(self.stored)
                .map_or(Overall::Undecided, |answer| answer.verdict.overall)
        });
        Fields {
            stored: self.stored,
            verdict,
            marks: self.marks,
        }
        .get(path)
    }
}
