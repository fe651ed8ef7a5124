//! Verifying epochs: what tells a copy that lives on from the store it was copied from.
//!
//! `init --adopt` notes the next epoch, durably, before anything is written in it. So an entry in
//! an epoch that no note begins was written in another copy, or the note is lost; and one of an
//! earlier epoch above one of a later was written by somebody who had not seen the later one: in
//! another copy as well, but for a writer that was at work in this one while it was adopted. What
//! entries saw of each other is left to the store, which finds most mixtures by that.

use std::collections::BTreeMap;
use std::ops::Bound;

use runstone_store::{DamageKind, Envelope, Log, Seq, StaleKind};

use super::{Damaged, Verified};
use crate::error::Error;
use crate::open::Ledger;
use crate::standing::Standing;

/// The epochs of entries, log by log, each read from its first place on.
#[derive(Debug, Default)]
pub(crate) struct Epochs(BTreeMap<String, OfOneLog>);

#[derive(Debug, Default)]
struct OfOneLog {
    /// Each epoch there is: its first place, and how many entries are of it.
    found: BTreeMap<u64, (Seq, u64)>,
    /// Entries of an earlier epoch that had not seen the later one below them, by epoch: the first
    /// of them, where the later one begins, and how many there are.
    behind: BTreeMap<u64, Behind>,
}

#[derive(Debug)]
struct Behind {
    first: Seq,
    later: (u64, Seq),
    entries: u64,
}

impl Epochs {
    pub(crate) fn add(&mut self, log: &Log, seq: Seq, envelope: &Envelope) {
        let of_log = self.0.entry(log.to_string()).or_default();
        let epoch = envelope.epoch;
        let later = of_log.found.last_key_value().filter(|(it, _)| **it > epoch);
        let later = later.map(|(epoch, (begun, _))| (*epoch, *begun));
        let seen = envelope.head_seen.map(|seen| seen.seq);
        if let Some(later) = later.filter(|(_, begun)| seen.is_none_or(|seen| seen < *begun)) {
            let behind = of_log.behind.entry(epoch).or_insert(Behind {
                first: seq,
                later,
                entries: 0,
            });
            behind.entries += 1;
        }
        of_log.found.entry(epoch).or_insert((seq, 0)).1 += 1;
    }
}

impl Ledger {
    /// Names the entries whose epoch shows that they are of another copy of the store.
    pub(super) fn verify_epochs(
        &self,
        epochs: &Epochs,
        verified: &mut Verified,
    ) -> Result<(), Error> {
        // Read after the entries: whoever wrote one had noted its epoch before.
        let now = Standing::of(self.store.as_ref())?.epoch();
        let is_known = are_store_notes_whole(verified);
        for (log, of_log) in &epochs.0 {
            let place = |seq: Seq| match log.strip_suffix("/log") {
                Some(cohort) => format!("{}#{seq}", cohort.trim_start_matches("cohorts/")),
                None => format!("{log}#{seq}"),
            };
            let unknown = of_log.found.range((Bound::Excluded(now), Bound::Unbounded));
            for (epoch, (first, entries)) in unknown.filter(|_| is_known) {
                verified.damage.push(Damaged {
                    path: place(*first),
                    kind: DamageKind::Fork.word().to_owned(),
                    expected: format!("an epoch up to {now}, as the notes of the store say"),
                    found: format!("epoch {epoch}{}", and_more(*entries)),
                });
            }
            for (epoch, behind) in &of_log.behind {
                let (later, begun) = behind.later;
                verified.damage.push(Damaged {
                    path: place(behind.first),
                    kind: DamageKind::Fork.word().to_owned(),
                    expected: format!("epoch {later}, which begins at #{begun} below it"),
                    found: format!("epoch {epoch}{}", and_more(behind.entries)),
                });
            }
        }
        Ok(())
    }
}

fn and_more(entries: u64) -> String {
    match entries {
        1 => String::new(),
        more => format!(", in {more} entries from here on"),
    }
}

/// Tells whether every note of the store could be read, so that no epoch is unknown for want of it.
fn are_store_notes_whole(verified: &Verified) -> bool {
    let log = Log::StoreNotes.to_string();
    let is_of_it = |path: &str| path.starts_with(&log);
    let newer = StaleKind::Newer.word();
    !verified.damage.iter().any(|it| is_of_it(&it.path))
        && !verified
            .stale
            .iter()
            .any(|it| it.kind == newer && is_of_it(&it.path))
}
