//! Mending: giving damaged slots their bytes back, and sealing again what is not sealed.
//!
//! A slot is mended from a twin, whose digest somebody else has named: a segment that contradicts
//! no slot, or the claim of its key, if a segment or a later entry names its digest. The invariant
//! guarded here: nothing true is removed, and nothing is overwritten by less. Only a file that was
//! found damaged, and still is, loses its name to another, and keeps one in `quarantine/`; a place
//! that is empty is only ever linked, below the end of the log and where the claim of its key
//! stands, so that no writer can be on its way to it; a segment that cannot be believed is removed
//! only if every entry in it is whole in its slot. Without a twin everything stays as it is. Claims
//! are left to `reissue`, logs of which nothing is left to `traces`.

use std::collections::BTreeSet;
use std::error::Error as _;

use super::DirStore;
use super::fs::{FileSystem, if_found};
use super::layout::{
    Holds, ORIGIN, QUARANTINE, SEGMENTS, claim_name, fan_name, shard_name, slot_name,
};
use super::reissue::LostClaims;
use super::segments::Sealed;
use super::tree::At;
use crate::damage::{Damage, DamageKind, Finding, Mended, Stale, StaleKind};
use crate::descriptor::Primitive;
use crate::envelope::{FILE_BYTES_MAX, decode, decode_header};
use crate::error::StoreError;
use crate::hash::Hash256;
use crate::key::Key;
use crate::log::{Log, Seq};
use crate::segment::{Level, Row, Span};
use crate::store::Slot;

/// Bytes of the path of a log in a name in quarantine; the end of it tells logs apart.
const WHENCE_MAX: usize = 120;

/// How many later places are asked for what they saw at a damaged one.
const WITNESSES: u64 = 64;

/// What an audit found that may be mended.
#[derive(Debug, Default)]
struct Patients {
    slots: Vec<(Log, Seq, Ailment)>,
    /// Paths of segments that contradict their slots: they are evidence, and are left alone.
    evidence: BTreeSet<String>,
    segments: Vec<String>,
    /// Paths of claims whose key holds no place.
    claims: Vec<String>,
    /// What is wrong with claims of keys that may hold one.
    lost_claims: LostClaims,
    /// Whether nobody can read where the store was made.
    has_garbled_origin: bool,
    /// Whether anything is of another store: then it is not known which of the two this is.
    is_mixed: bool,
}

/// What is wrong with a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ailment {
    /// Its file fails a check.
    Damaged,
    /// It has no file.
    Missing,
}

/// A file that may stand in a slot.
#[derive(Debug)]
pub(super) struct Twin {
    file: Vec<u8>,
    key: Key,
}

impl<F: FileSystem> DirStore<F> {
    pub(super) fn mend_all(&self) -> Result<Mended, StoreError> {
        let mut patients = Patients::default();
        let (_, read) = self.audit_and_keep(&mut |finding| patients.admit(self, finding))?;
        let mut mended = Mended::default();
        self.put_gaps_back(&patients, &mut mended);
        for (log, seq, ailment) in &patients.slots {
            if *ailment == Ailment::Missing && !self.is_missing(log, *seq) {
                continue;
            }
            // A twin that cannot be read is none.
            let Ok(Some(twin)) = self.twin(log, *seq, &patients) else {
                continue;
            };
            let path = self.slot_path(log, *seq);
            match self.put_back(log, *seq, *ailment, &twin) {
                Ok(true) => mended.restored.push(path),
                Ok(false) => continue,
                Err(failure) => {
                    mended.left.push(left(&path, &failure));
                    continue;
                }
            }
            if *ailment == Ailment::Missing {
                self.put_back_from(log, seq.next(), &patients, &mut mended);
            }
        }
        self.put_lost_logs_back(&patients.claims, &mut mended)?;
        self.put_claims_back(&patients.lost_claims, &read, &mut mended);
        for path in &patients.segments {
            match self.remove_segment(path) {
                Ok(removed) => mended.removed += u64::from(removed),
                Err(failure) => mended.left.push(left(path, &failure)),
            }
        }
        if patients.has_garbled_origin && !patients.is_mixed {
            self.mend_origin(&mut mended);
        }
        for cohort in self.list_cohorts("", None)? {
            let log = Log::Cohort(cohort);
            match self.seal_whole(&log) {
                Ok(sealed) => mended.sealed += sealed,
                Err(failure) => mended.left.push(left(&format!("{log}"), &failure)),
            }
        }
        Ok(mended)
    }

    /// Puts back what is missing from the highest place of each gap down: an entry that has its
    /// place again says what stood below it.
    fn put_gaps_back(&self, patients: &Patients, mended: &mut Mended) {
        let mut looked: Option<(&Log, Seq)> = None;
        for (log, seq, ailment) in &patients.slots {
            let is_of_last = looked.is_some_and(|(of, top)| of == log && *seq <= top);
            if *ailment != Ailment::Missing || is_of_last {
                continue;
            }
            let mut top = *seq;
            while self.is_missing(log, top.next()) {
                top = top.next();
            }
            looked = Some((log, top));
            let mut place = Some(top);
            while let Some(seq) = place
                && self.is_missing(log, seq)
                && let Ok(Some(twin)) = self.twin(log, seq, patients)
                && matches!(self.put_back(log, seq, Ailment::Missing, &twin), Ok(true))
            {
                mended.restored.push(self.slot_path(log, seq));
                place = seq.previous();
            }
        }
    }

    /// Returns whether a place is empty below one at which something stands.
    fn is_missing(&self, log: &Log, seq: Seq) -> bool {
        matches!(self.peek_slot(log, seq), Ok(Slot::Damaged(damage)) if damage.kind == DamageKind::Missing)
    }

    /// Puts back what is missing from a place on, up to the first that is there or has no twin: of
    /// a long gap the audit names the first places alone.
    fn put_back_from(&self, log: &Log, from: Seq, patients: &Patients, mended: &mut Mended) {
        let mut seq = from;
        while !patients
            .slots
            .contains(&(log.clone(), seq, Ailment::Missing))
            && self.is_missing(log, seq)
            && let Ok(Some(twin)) = self.twin(log, seq, patients)
        {
            let path = self.slot_path(log, seq);
            match self.put_back(log, seq, Ailment::Missing, &twin) {
                Ok(true) => mended.restored.push(path),
                Ok(false) => break,
                Err(failure) => {
                    mended.left.push(left(&path, &failure));
                    break;
                }
            }
            seq = seq.next();
        }
    }

    /// Returns the bytes that stood in a slot, if somebody has them and somebody else says so.
    fn twin(&self, log: &Log, seq: Seq, patients: &Patients) -> Result<Option<Twin>, StoreError> {
        let seen = self.seen_by_later(log, seq);
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
            let Some(row) = segment.row(seq).copied() else {
                continue;
            };
            // It may be of another history that agrees up to here: somebody of this one has to say
            // the same.
            let is_vouched_for = match seen {
                Some(seen) => seen == row.sha256,
                None => {
                    self.is_whole_above(log, seq, span)
                        || self.claim_of_row(log, seq, &row)?.is_some()
                }
            };
            if !is_vouched_for {
                return Ok(None);
            }
            if let Ok(Some(file)) = segment.file(seq) {
                let key = row.key;
                let twin = Twin { file, key };
                return Ok(self.fits(log, seq, &twin.file, &row).then_some(twin));
            }
            named = Some(row);
        }
        if let Some(row) = named {
            return self.claim_of_row(log, seq, &row);
        }
        let Some(sha256) = seen else {
            return Ok(None);
        };
        for path in &patients.claims {
            if let Some((fan, name)) = path.strip_prefix("keys/").and_then(|it| it.split_once('/'))
                && let Some(twin) = self.only_writers_claim(log, seq, fan, name, sha256)?
            {
                return Ok(Some(twin));
            }
        }
        Ok(None)
    }

    /// Returns whether a whole slot stands above a place within a span: the audit held it against
    /// the segment.
    fn is_whole_above(&self, log: &Log, seq: Seq, span: Span) -> bool {
        let mut above = seq;
        while above < span.last() {
            above = above.next();
            if matches!(self.peek_slot(log, above), Ok(Slot::Whole(_))) {
                return true;
            }
        }
        false
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

    /// Returns the claim whose file is the one that a segment names.
    pub(super) fn claim_of_row(
        &self,
        log: &Log,
        seq: Seq,
        row: &Row,
    ) -> Result<Option<Twin>, StoreError> {
        let (key, fan) = (row.key, fan_name(row.key.digest()));
        for generation in 0.. {
            let Some(file) = self.read_claim(fan, &claim_name(&key, generation))? else {
                break;
            };
            if self.fits(log, seq, &file, row) {
                return Ok(Some(Twin { file, key }));
            }
        }
        Ok(None)
    }

    /// Returns a claim of the digest that later entries saw, if its writer cannot have taken
    /// another place than this one and nobody took the claim up: an adopter's entry is another
    /// file.
    fn only_writers_claim(
        &self,
        log: &Log,
        seq: Seq,
        fan: &str,
        name: &str,
        sha256: Hash256,
    ) -> Result<Option<Twin>, StoreError> {
        let Some(file) = self.read_claim(fan, name)? else {
            return Ok(None);
        };
        let Ok((envelope, _)) = decode(&file) else {
            return Ok(None);
        };
        let Some(key) = envelope.key else {
            return Ok(None);
        };
        let is_next = envelope.head_seen.map(|seen| seen.seq) == seq.previous();
        let fits = is_next
            && envelope.sha256 == sha256
            && self.misplaced(log, seq, &envelope).is_none()
            && !self.is_adopted(fan, name)?;
        Ok(fits.then_some(Twin { file, key }))
    }

    pub(super) fn is_adopted(&self, fan: &str, name: &str) -> Result<bool, StoreError> {
        match self.tree.open(&["keys", fan])? {
            Some(dir) => self.tree.exists(&dir, &format!("{name}.adopted")),
            None => Ok(false),
        }
    }

    pub(super) fn read_claim(&self, fan: &str, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        match self.tree.open(&["keys", fan])? {
            Some(dir) => self.tree.read(&dir, name, FILE_BYTES_MAX + 1),
            None => Ok(None),
        }
    }

    /// Returns whether a file may stand at a place and is the one that a row names.
    fn fits(&self, log: &Log, seq: Seq, file: &[u8], row: &Row) -> bool {
        decode(file).is_ok_and(|(envelope, _)| {
            self.misplaced(log, seq, &envelope).is_none()
                && Row::of(file, &envelope).as_ref() == Some(row)
        })
    }

    /// Puts a file into a slot, if that is still as it was found: what stands there is kept in
    /// quarantine first.
    fn put_back(
        &self,
        log: &Log,
        seq: Seq,
        ailment: Ailment,
        twin: &Twin,
    ) -> Result<bool, StoreError> {
        let mut path = log.path();
        let shard = shard_name(self.shard_of(seq));
        path.push(&shard);
        if ailment == Ailment::Missing {
            let may_be_linked = self.may_be_linked(log, seq, twin)?;
            if may_be_linked {
                self.link_back(log, seq, &twin.file)?;
            }
            return Ok(may_be_linked);
        }
        let shard = self.tree.make(&path, Holds::Truth)?;
        let name = slot_name(seq);
        let (nonce, mode) = (self.nonce(), self.tree.modes.truth);
        let mut temporary = self.tree.write_temporary(&shard, nonce, mode, &twin.file)?;
        self.tree.sync_temporary(&mut temporary)?;
        if !matches!(self.read_slot(log, seq)?, Slot::Damaged(_)) {
            return Ok(false);
        }
        self.quarantine(&log.path().join("~"), &shard, &name)?;
        // One call: at no moment is the place free for another to take.
        self.tree.take_name(temporary, &name)?;
        self.tree.sync_down_to(&path)?;
        Ok(true)
    }

    /// Links a file as a slot that is empty, durably; the whole shard may be lost.
    pub(super) fn link_back(&self, log: &Log, seq: Seq, file: &[u8]) -> Result<(), StoreError> {
        let mut path = log.path();
        let shard = shard_name(self.shard_of(seq));
        path.push(&shard);
        let shard = self.tree.make(&path, Holds::Truth)?;
        let name = slot_name(seq);
        let (nonce, mode) = (self.nonce(), self.tree.modes.truth);
        let mut temporary = self.tree.write_temporary(&shard, nonce, mode, file)?;
        self.tree.sync_temporary(&mut temporary)?;
        let given = self.tree.give_name(&temporary, &shard, &name);
        given.map_err(shard.failing(&name))?;
        self.tree.sync_down_to(&path)
    }

    /// Returns whether an empty place may be given its entry: no writer takes one that lies below
    /// the end of its log or that a segment names, and with the claim in its place nobody takes the
    /// key for new. A claim that has seen the place, or one beyond it, or names other content, is
    /// of a later recording.
    fn may_be_linked(&self, log: &Log, seq: Seq, twin: &Twin) -> Result<bool, StoreError> {
        let is_below_the_end = match self.open_log(log)? {
            Some(mut dir) => dir.has_slot_above(seq)?,
            None => false,
        };
        if !is_below_the_end && self.sealed_end(log, seq)?.is_none() {
            return Ok(false);
        }
        let key = &twin.key;
        let claim = self.read_claim(fan_name(key.digest()), &claim_name(key, 0))?;
        let claim = claim.and_then(|file| decode_header(&file).ok());
        let entry = decode_header(&twin.file).ok();
        Ok(claim.zip(entry).is_some_and(|(claim, entry)| {
            let seen = claim.head_seen.map(|seen| seen.seq);
            seen < Some(seq) && claim.content == entry.content
        }))
    }

    /// Gives damaged bytes a name in quarantine, which says `whence` they are, durably.
    pub(super) fn quarantine(
        &self,
        whence: &str,
        here: &At<F>,
        name: &str,
    ) -> Result<(), StoreError> {
        let room = self.tree.make(&[QUARANTINE], Holds::Truth)?;
        let whence = &whence[whence.len().saturating_sub(WHENCE_MAX)..];
        let kept = format!("{whence}~{name}.{}", self.nonce());
        let linked = match self.tree.primitive {
            Primitive::Link => self.tree.fs.link(&here.dir, name, &room.dir, &kept),
            Primitive::RenameNoreplace => Err(std::io::ErrorKind::Unsupported.into()),
        };
        if linked.is_err() {
            let bytes = self.tree.read(here, name, FILE_BYTES_MAX + 1)?;
            self.keep(&room, &kept, &bytes.unwrap_or_default())?;
        }
        self.tree.sync_down_to(&[QUARANTINE])
    }

    /// Removes a segment that is not whole or not of the chain, if all that may be in it is whole
    /// in its slot: it is sealed again from there.
    fn remove_segment(&self, path: &str) -> Result<bool, StoreError> {
        let parts: Vec<&str> = path.split('/').collect();
        let [cohorts, cohort, SEGMENTS, name] = parts[..] else {
            return Ok(false);
        };
        let (Some(span), Ok(log)) = (Span::named(name), cohort.parse().map(Log::Cohort)) else {
            return Ok(false);
        };
        let mut seq = span.first();
        while seq <= span.last() {
            if !matches!(self.read_slot(&log, seq)?, Slot::Whole(_)) {
                return Ok(false);
            }
            seq = seq.next();
        }
        let Some(dir) = self.tree.open(&[cohorts, cohort])? else {
            return Ok(false);
        };
        let Some(dir) = self.tree.open_in(&dir, SEGMENTS)? else {
            return Ok(false);
        };
        let removed = if_found(self.tree.fs.unlink(&dir.dir, name));
        Ok(removed.map_err(dir.failing(name))?.is_some())
    }
}

/// Returns what was not put right, and why.
pub(super) fn left(path: &str, failure: &StoreError) -> String {
    let mut text = format!("{path}: {failure}");
    let mut cause = failure.source();
    while let Some(found) = cause {
        text = format!("{text}: {found}");
        cause = found.source();
    }
    text
}

impl Patients {
    fn admit<F: FileSystem>(&mut self, store: &DirStore<F>, finding: Finding) {
        self.lost_claims.admit(&finding);
        self.is_mixed |=
            matches!(&finding, Finding::Damage(damage) if damage.is_of_another_store());
        match finding {
            Finding::Stale(Stale {
                path,
                kind: StaleKind::Hint,
            }) if path == ORIGIN => self.has_garbled_origin = true,
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
                kind,
                ..
            }) if path == store.slot_path(&log, seq) => {
                let ailment = match kind {
                    DamageKind::Missing => Ailment::Missing,
                    _ => Ailment::Damaged,
                };
                self.slots.push((log, seq, ailment));
            }
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use serde_json::{Map, json};

    use super::*;
    use crate::descriptor::Modes;
    use crate::dir::faults::FaultyFileSystem;
    use crate::dir::{InitOptions, OsFileSystem};
    use crate::entropy::SystemEntropy;
    use crate::key::KeyText;
    use crate::store::{NewEntry, Store as _};

    type Lab = DirStore<FaultyFileSystem<OsFileSystem>>;

    fn entry(payload: &[u8]) -> NewEntry<'_> {
        NewEntry {
            content: Hash256::of(payload),
            payload,
            summary: json!({}).into(),
            recorded_at: "2026-11-20T10:00:00.000Z".to_owned(),
        }
    }

    /// A store with the entry of one run at place 1 of a log, and that of another one as a twin.
    fn lab(folder: &std::path::Path) -> (Lab, Log, Twin) {
        let fs = FaultyFileSystem::new(OsFileSystem).without_flushes();
        let root = folder.join("store");
        let options = InitOptions {
            created: String::new(),
            modes: Modes::Private,
            settings: Map::new(),
        };
        drop(DirStore::init_on(fs.clone(), &root, &options, SystemEntropy).unwrap());
        let store = DirStore::open_on(fs, &root, SystemEntropy).unwrap();
        let cohort: crate::log::CohortName = "c".parse().unwrap();
        store.open_cohort(&cohort, b"{}").unwrap();
        let log = Log::Cohort(cohort.clone());
        let key = KeyText {
            run: "recorded meanwhile".to_owned(),
            stage: "train".to_owned(),
            cohort,
            attempt: 0,
        };
        drop(store.append(&log, Some(&key), &entry(b"{}")).unwrap());
        let twin = Twin {
            file: b"what stood here once".to_vec(),
            key: key.key(store.descriptor().store),
        };
        (store, log, twin)
    }

    #[test]
    fn entry_that_came_between_finding_and_mending_keeps_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let (store, log, twin) = lab(folder.path());
        let path = folder
            .path()
            .join("store")
            .join(store.slot_path(&log, Seq::FIRST));
        let before = std::fs::read(&path).unwrap();
        for ailment in [Ailment::Missing, Ailment::Damaged] {
            let put_back = store.put_back(&log, Seq::FIRST, ailment, &twin);
            assert!(!put_back.unwrap_or(false), "{ailment:?}");
            assert_eq!(std::fs::read(&path).unwrap(), before, "{ailment:?}");
        }
    }

    #[test]
    fn empty_place_that_somebody_takes_at_the_last_moment_is_not_renamed_over() {
        let folder = tempfile::tempdir().unwrap();
        let (store, log, mut twin) = lab(folder.path());
        // A second entry, so that place 1 lies below the end: only the link can tell that it is
        // taken.
        let second = KeyText {
            run: "second".to_owned(),
            stage: "train".to_owned(),
            cohort: "c".parse().unwrap(),
            attempt: 0,
        };
        drop(store.append(&log, Some(&second), &entry(b"[1]")).unwrap());
        let path = folder
            .path()
            .join("store")
            .join(store.slot_path(&log, Seq::FIRST));
        // What may stand there, so that nothing else refuses it.
        twin.file = std::fs::read(&path).unwrap();
        let inode = || std::fs::metadata(&path).unwrap().ino();
        let before = inode();
        let refused = store.put_back(&log, Seq::FIRST, Ailment::Missing, &twin);
        assert!(refused.is_err(), "{refused:?}");
        assert_eq!(inode(), before);
    }
}
