//! Traces: what claims tell of a log that is gone.
//!
//! A claim names the entry that its writer saw at the end of its log, and lies elsewhere: it
//! outlasts the log. The invariants guarded here: a cohort that was opened before gets no first
//! entry while a claim is found that saw one, since two runs would share a place once the log comes
//! back; and a log of which no entry is left gets those back that a claim saw at their place, and
//! the one above them, each from the claim of its own key, the highest first, so that no writer is
//! on its way to the places below. Logs that have any entry left are left to `head` and `mend`.

use std::collections::{BTreeMap, BTreeSet};

use super::DirStore;
use super::fs::FileSystem;
use super::layout::{claim_number, fan_name, fan_names};
use super::mend::left;
use super::read::Found;
use super::tree::{At, at};
use crate::damage::{Damage, DamageKind, Mended};
use crate::envelope::{Envelope, FILE_BYTES_MAX, HEADER_BYTES_MAX, Seen, decode, decode_header};
use crate::error::StoreError;
use crate::hash::Hash256;
use crate::log::{Log, Seq};

/// Claims that are looked at in each of their directories, where the log is there and empty, as it
/// is beside another writer that is about to begin it. Chosen: about a thousand in all, some ten
/// milliseconds; of a store with so few all of them, and a cohort with a hundredth of the claims of
/// a larger one is hardly missed.
const LOOKS_IN_A_FAN: usize = 4;

/// What a claim without an entry says.
#[derive(Debug)]
struct Trace {
    fan: String,
    name: String,
    sha256: Hash256,
    head_seen: Option<Seen>,
}

impl Trace {
    /// Returns whether its entry may have stood at a place: above what its writer saw.
    fn may_be_of(&self, seq: Seq) -> bool {
        self.head_seen.is_none_or(|seen| seen.seq < seq)
    }
}

impl<F: FileSystem> DirStore<F> {
    /// Demands that the log of a cohort, which was opened before and shows nothing, never had an
    /// entry, as far as its claims tell.
    ///
    /// A host that remembers what was not there cannot tell a log that is gone from one that
    /// another host has just begun: it demands nothing.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if a claim saw an entry of it.
    pub(super) fn demand_untouched(&self, log: &Log) -> Result<(), StoreError> {
        if let Some(left) = self.left_of(log)? {
            self.heads.raise(log, left, None);
            return Ok(());
        }
        if self.tree.kind.remembers_absence() {
            return Ok(());
        }
        // Who opens a cohort makes its log before it puts the document there.
        let looks = match self.open_log(log)? {
            Some(_) => LOOKS_IN_A_FAN,
            None => usize::MAX,
        };
        let Some((path, seen)) = self.trace_of(log, looks)? else {
            return Ok(());
        };
        // Another writer may have begun the log since.
        if self.find_head(log, None)?.is_some() {
            return Ok(());
        }
        let expected = format!("an entry, since the claim `{path}` saw it there");
        let (kind, found) = (DamageKind::Missing, "an empty log".to_owned());
        Err(StoreError::Damaged(Box::new(
            self.slot_damage(log, seen.seq, kind, expected, found),
        )))
    }

    /// Returns a claim that saw an entry of a log, with what it saw; of each directory of claims so
    /// many are looked at.
    fn trace_of(&self, log: &Log, looks: usize) -> Result<Option<(String, Seen)>, StoreError> {
        let Some(keys) = self.tree.open(&["keys"])? else {
            return Ok(None);
        };
        let log = log.to_string();
        for fan in fan_names() {
            let Some(fan) = self.tree.open_in(&keys, fan)? else {
                continue;
            };
            let names = self.tree.fs.list(&fan.dir, looks);
            let names = names.map_err(at(fan.path()))?;
            for name in names.iter().filter(|name| claim_number(name).is_some()) {
                let claim = self.peek_claim(&fan, name)?;
                if let Some(seen) = claim.filter(|it| it.log == log).and_then(|it| it.head_seen)
                    && self.is_whole_claim(&fan, name)?
                {
                    return Ok(Some((fan.name(name), seen)));
                }
            }
        }
        Ok(None)
    }

    /// Returns the envelope of a claim; nothing of one that cannot be believed: it tells nothing.
    fn peek_claim(&self, fan: &At<F>, name: &str) -> Result<Option<Envelope>, StoreError> {
        match self.read_truth(fan, name, HEADER_BYTES_MAX, decode_header) {
            Ok(Found::Whole(envelope)) => {
                let is_ours = envelope.store == self.descriptor.store;
                Ok(is_ours.then_some(envelope))
            }
            Ok(Found::Nothing | Found::Broken(..)) | Err(StoreError::Newer { .. }) => Ok(None),
            Err(error) => {
                let _of_this_claim_alone: Damage = Damage::in_reading(error)?;
                Ok(None)
            }
        }
    }

    /// Returns whether the checksums of a claim hold.
    fn is_whole_claim(&self, fan: &At<F>, name: &str) -> Result<bool, StoreError> {
        let read = self.read_truth(fan, name, FILE_BYTES_MAX + 1, decode)?;
        Ok(matches!(read, Found::Whole(_)))
    }

    /// Gives logs of which nothing is left the entries back that their claims tell of; `claims` are
    /// the paths of those that hold no place.
    pub(super) fn put_lost_logs_back(
        &self,
        claims: &[String],
        mended: &mut Mended,
    ) -> Result<(), StoreError> {
        let mut traces: BTreeMap<Log, Vec<Trace>> = BTreeMap::new();
        for path in claims {
            if let Some((log, trace)) = self.trace(path)? {
                traces.entry(log).or_default().push(trace);
            }
        }
        for (log, traces) in traces {
            if self.is_all_gone(&log)? {
                self.put_lost_log_back(&log, &traces, mended);
            }
        }
        Ok(())
    }

    fn trace(&self, path: &str) -> Result<Option<(Log, Trace)>, StoreError> {
        let parts: Vec<&str> = path.split('/').collect();
        let ["keys", fan, name] = parts[..] else {
            return Ok(None);
        };
        let Some(dir) = self.tree.open(&["keys", fan])? else {
            return Ok(None);
        };
        let claim = self.peek_claim(&dir, name)?;
        Ok(claim.and_then(|claim| {
            let log = Log::Cohort(claim.key_text?.cohort);
            let trace = Trace {
                fan: fan.to_owned(),
                name: name.to_owned(),
                sha256: claim.sha256,
                head_seen: claim.head_seen,
            };
            (log.to_string() == claim.log).then_some((log, trace))
        }))
    }

    fn is_all_gone(&self, log: &Log) -> Result<bool, StoreError> {
        Ok(match self.open_log(log)? {
            Some(mut dir) => dir.listed_head()? == 0,
            None => true,
        })
    }

    fn put_lost_log_back(&self, log: &Log, traces: &[Trace], mended: &mut Mended) {
        let mut saw: BTreeMap<Seq, BTreeSet<Hash256>> = BTreeMap::new();
        for seen in traces.iter().filter_map(|trace| trace.head_seen) {
            saw.entry(seen.seq).or_default().insert(seen.sha256);
        }
        let mut found = Vec::new();
        if let Some((seq, trace)) = last_of_all(traces) {
            found.push((seq, trace));
        }
        for (seq, digests) in saw.into_iter().rev() {
            let [sha256] = digests.iter().copied().collect::<Vec<_>>()[..] else {
                // Two histories: none of them is believed.
                continue;
            };
            let is_its = |it: &&Trace| it.sha256 == sha256 && it.may_be_of(seq);
            found.extend(only(traces.iter().filter(is_its)).map(|trace| (seq, trace)));
        }
        // From the end on: what stands above keeps writers from the places that are still empty.
        for (seq, trace) in found {
            let path = self.slot_path(log, seq);
            match self.put_entry_back(log, seq, trace) {
                Ok(true) => {
                    self.heads.raise(log, seq, Some(trace.sha256));
                    mended.restored.push(path);
                }
                Ok(false) => {}
                Err(failure) => mended.left.push(left(&path, &failure)),
            }
        }
    }

    /// Puts an entry back from its claim, unless an adopter took that up, whose entry was another
    /// file.
    fn put_entry_back(&self, log: &Log, seq: Seq, trace: &Trace) -> Result<bool, StoreError> {
        if self.is_adopted(&trace.fan, &trace.name)? {
            return Ok(false);
        }
        let Some(file) = self.read_claim(&trace.fan, &trace.name)? else {
            return Ok(false);
        };
        let is_whole = decode(&file).is_ok_and(|(envelope, _)| {
            let key = envelope.key.map(|key| fan_name(key.digest()));
            envelope.sha256 == trace.sha256
                && key == Some(trace.fan.as_str())
                && self.misplaced(log, seq, &envelope).is_none()
        });
        if is_whole {
            self.link_back(log, seq, &file)?;
        }
        Ok(is_whole)
    }
}

/// Returns the claim of the last entry, with its place: the only one that saw the highest entry
/// that any claim saw. Its writer got the next place, or died before, or was refused it (a full
/// disk): a claim does not tell which, and an entry that was acknowledged must not be the one that
/// is missing.
fn last_of_all(traces: &[Trace]) -> Option<(Seq, &Trace)> {
    let highest = traces
        .iter()
        .filter_map(|it| it.head_seen)
        .max_by_key(|it| it.seq)?;
    let is_beside = |it: &&Trace| it.head_seen.is_some_and(|seen| seen.seq == highest.seq);
    let last = only(traces.iter().filter(is_beside))?;
    Some((highest.seq.next(), last))
}

/// Returns what is the only one.
fn only<T>(mut all: impl Iterator<Item = T>) -> Option<T> {
    let one = all.next();
    one.filter(|_| all.next().is_none())
}
