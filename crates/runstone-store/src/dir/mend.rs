//! Mending: giving damaged slots their bytes back, and sealing again what is not sealed.
//!
//! A slot is mended from a twin, whose digest somebody else has named: a segment, whose chain runs
//! on in the next one, or the claim of its key, if a segment or a later entry names its digest. The
//! invariant guarded here: nothing true is removed, and nothing is overwritten by less. The damaged
//! bytes have a name in `quarantine/`, durably, before another file takes theirs; what is missing
//! is put back under a name that nobody has; without a twin everything stays as it is.

use std::collections::BTreeSet;

use super::DirStore;
use super::fs::{FileSystem, if_found};
use super::layout::{Holds, QUARANTINE, SEGMENTS, claim_name, fan_name, shard_name, slot_name};
use super::segments::Sealed;
use super::tree::{At, at};
use crate::damage::{Damage, DamageKind, Finding, Mended, Stale, StaleKind};
use crate::descriptor::Primitive;
use crate::envelope::{Envelope, FILE_BYTES_MAX, decode};
use crate::error::StoreError;
use crate::hash::Hash256;
use crate::key::Key;
use crate::log::{Log, Seq};
use crate::segment::{Level, Span};
use crate::store::Slot;

/// How many later places are asked for what they saw at a damaged one.
const WITNESSES: u64 = 64;

/// What an audit found that may be mended.
#[derive(Debug, Default)]
struct Patients {
    slots: Vec<(Log, Seq)>,
    /// Paths of segments that contradict their slots: they are evidence, and are left alone.
    evidence: BTreeSet<String>,
    segments: Vec<String>,
    /// Paths of claims whose key holds no place.
    claims: Vec<String>,
}

impl<F: FileSystem> DirStore<F> {
    pub(super) fn mend_all(&self) -> Result<Mended, StoreError> {
        let mut patients = Patients::default();
        self.audit_all(&mut |finding| patients.admit(self, finding))?;
        let mut mended = Mended::default();
        for (log, seq) in &patients.slots {
            // One that cannot be put back stays damaged, and is named by the next audit.
            if let Ok(Some(file)) = self.twin(log, *seq, &patients)
                && self.put_back(log, *seq, &file).is_ok()
            {
                mended.restored.push(self.slot_path(log, *seq));
            }
        }
        for path in &patients.segments {
            mended.removed += u64::from(self.remove_segment(path)?);
        }
        for cohort in self.list_cohorts("", None)? {
            mended.sealed += self.seal_whole(&Log::Cohort(cohort))?;
        }
        Ok(mended)
    }

    /// Returns the bytes that stood in a slot, if somebody has them and somebody else says so.
    fn twin(
        &self,
        log: &Log,
        seq: Seq,
        patients: &Patients,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let mut named = None;
        for level in Level::ALL {
            let span = Span::around(level, seq);
            let path = Self::segment_path(log, span);
            if patients.evidence.contains(&path) || patients.segments.contains(&path) {
                continue;
            }
            let Ok(Sealed::Whole(segment)) = self.sealed(log, span) else {
                continue;
            };
            if let Ok(Some(file)) = segment.file(seq) {
                return Ok(self.fits(log, seq, &file, None).then_some(file));
            }
            named = segment.row(seq).map(|row| (row.key, row.sha256));
        }
        if let Some((key, sha256)) = named {
            return self.claim_file(log, seq, &key, sha256);
        }
        let Some(sha256) = self.seen_by_later(log, seq) else {
            return Ok(None);
        };
        for path in &patients.claims {
            if let Some((fan, name)) = path.strip_prefix("keys/").and_then(|it| it.split_once('/'))
                && let Some(file) = self.read_claim(fan, name)?
                && self.fits(log, seq, &file, Some(sha256))
            {
                return Ok(Some(file));
            }
        }
        Ok(None)
    }

    /// Returns the digest that later entries saw at a place, if all that saw one saw the same.
    fn seen_by_later(&self, log: &Log, seq: Seq) -> Option<Hash256> {
        let mut named = BTreeSet::new();
        let mut later = seq;
        for _ in 0..WITNESSES {
            later = later.next();
            if let Ok(Slot::Whole(envelope)) = self.peek_slot(log, later)
                && let Some(seen) = envelope.head_seen.filter(|seen| seen.seq == seq)
            {
                named.insert(seen.sha256);
            }
        }
        let one = named.len() == 1;
        named.pop_first().filter(|_| one)
    }

    fn claim_file(
        &self,
        log: &Log,
        seq: Seq,
        key: &Key,
        sha256: Hash256,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let fan = fan_name(key.digest());
        for generation in 0.. {
            let Some(file) = self.read_claim(&fan, &claim_name(key, generation))? else {
                break;
            };
            if self.fits(log, seq, &file, Some(sha256)) {
                return Ok(Some(file));
            }
        }
        Ok(None)
    }

    fn read_claim(&self, fan: &str, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        match self.tree.open(&["keys", fan])? {
            Some(dir) => self.tree.read(&dir, name, FILE_BYTES_MAX + 1),
            None => Ok(None),
        }
    }

    /// Returns whether a file is whole, may stand at a place, and has a digest.
    fn fits(&self, log: &Log, seq: Seq, file: &[u8], sha256: Option<Hash256>) -> bool {
        let fits = |envelope: &Envelope| {
            self.misplaced(log, seq, envelope).is_none()
                && sha256.is_none_or(|sha256| sha256 == envelope.sha256)
        };
        decode(file).is_ok_and(|(envelope, _)| fits(&envelope))
    }

    /// Puts a file into a slot: what stands there is kept in quarantine first.
    fn put_back(&self, log: &Log, seq: Seq, file: &[u8]) -> Result<(), StoreError> {
        let mut path = log.path();
        let shard = shard_name(self.shard_of(seq));
        path.push(&shard);
        let shard = self.tree.make(&path, Holds::Truth)?;
        let name = slot_name(seq);
        let (nonce, mode) = (self.nonce(), self.tree.modes.truth);
        let mut temporary = self.tree.write_temporary(&shard, nonce, mode, file)?;
        self.tree.sync_temporary(&mut temporary)?;
        if self.tree.exists(&shard, &name)? {
            self.quarantine(log, &shard, &name)?;
            // One call: at no moment is the place free for another to take.
            self.tree.take_name(temporary, &name)?;
        } else {
            let given = self.tree.give_name(&temporary, &shard, &name);
            given.map_err(at(shard.name(&name)))?;
        }
        self.tree.sync_down_to(&path)
    }

    /// Gives damaged bytes a name in quarantine, durably.
    fn quarantine(&self, log: &Log, shard: &At<F>, name: &str) -> Result<(), StoreError> {
        let room = self.tree.make(&[QUARANTINE], Holds::Truth)?;
        let log = log.path().join("~");
        let kept = format!("{log}~{name}.{}", self.nonce());
        let linked = match self.tree.primitive {
            Primitive::Link => self.tree.fs.link(&shard.dir, name, &room.dir, &kept),
            Primitive::RenameNoreplace => Err(std::io::ErrorKind::Unsupported.into()),
        };
        if linked.is_err() {
            let bytes = self.tree.read(shard, name, FILE_BYTES_MAX + 1)?;
            self.keep(&room, &kept, &bytes.unwrap_or_default())?;
        }
        self.tree.sync_down_to(&[QUARANTINE])
    }

    /// Removes a segment that is not whole or not of the chain: it is sealed again from the slots.
    fn remove_segment(&self, path: &str) -> Result<bool, StoreError> {
        let parts: Vec<&str> = path.split('/').collect();
        let [cohorts, cohort, SEGMENTS, name] = parts[..] else {
            return Ok(false);
        };
        let Some(dir) = self.tree.open(&[cohorts, cohort])? else {
            return Ok(false);
        };
        let Some(dir) = self.tree.open_in(&dir, SEGMENTS)? else {
            return Ok(false);
        };
        let removed = if_found(self.tree.fs.unlink(&dir.dir, name));
        Ok(removed.map_err(at(dir.name(name)))?.is_some())
    }
}

impl Patients {
    fn admit<F: FileSystem>(&mut self, store: &DirStore<F>, finding: Finding) {
        match finding {
            Finding::Damage(Damage {
                path,
                kind: DamageKind::Fork,
                ..
            }) => drop(self.evidence.insert(path)),
            // Whole, and still there twice: none of the two is the other's twin.
            Finding::Damage(Damage {
                kind: DamageKind::Twice,
                ..
            }) => {}
            Finding::Damage(Damage {
                slot: Some((log, seq)),
                path,
                ..
            }) if path == store.slot_path(&log, seq) => self.slots.push((log, seq)),
            Finding::Stale(Stale {
                path,
                kind: StaleKind::Segment,
            }) => self.segments.push(path),
            Finding::Stale(Stale {
                path,
                kind: StaleKind::Claim,
            }) => self.claims.push(path),
            Finding::Damage(_) | Finding::Stale(_) => {}
        }
    }
}
