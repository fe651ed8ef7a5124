//! Reading segments: a look over many entries opens few files.
//!
//! Segments are derived, and what one says is said by the slots as well: whatever is wrong with it
//! leads back to them without a word, and `verify` names it. The invariant guarded here: a segment
//! is shown only if it is whole, of this store and log and of the places its name says, and its
//! last entry is in its slot too, bit for bit. Whether a key has a place is no question for
//! segments; that a place had an entry is said by one that agrees with what stands below it. How
//! they come into being is left to `seal`.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::DirStore;
use super::fs::FileSystem;
use super::layout::SEGMENTS;
use super::read::Found;
use crate::envelope::{Envelope, FILE_BYTES_MAX as ENTRY_FILE_BYTES_MAX, decode, decode_header};
use crate::error::StoreError;
use crate::log::{Log, Seq};
use crate::segment::{Chain, FILE_BYTES_MAX, Level, Row, Segment, SegmentError, Span};
use crate::store::Entry;

/// Segments that are kept in memory at most, and their bytes: chosen, so that a look over some
/// tens of long logs at once reads each segment once.
const OPENED_MAX: usize = 256;
const OPENED_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How many narrow segments beyond the one of a place are looked at, and wide ones: as far as is
/// looked beyond a slot, and once more.
const NARROW_STEPS: [u64; 4] = [1, 2, 4, 8];
const WIDE_STEPS: [u64; 2] = [1, 2];

/// Claims that are asked whether a segment is of this history. Chosen: adopters are rare.
const CLAIMS_ASKED: usize = 16;

/// Returns the places of some segments beyond those of a place.
fn spans_beyond(seq: Seq) -> impl Iterator<Item = Span> {
    let beyond = move |level: Level, step: u64| Span::around(level, seq.plus(step * level.width()));
    let narrow = NARROW_STEPS.map(|step| beyond(Level::Entries, step));
    narrow
        .into_iter()
        .chain(WIDE_STEPS.map(|step| beyond(Level::Rows, step)))
}

/// What stands under the name of a segment.
#[derive(Debug)]
pub(super) enum Sealed {
    /// Nothing.
    Nothing,
    /// A segment of these places, of which the frames were not read.
    Whole(Box<Segment>),
    /// Something else.
    Broken,
    /// One of a later release.
    Newer,
}

impl Sealed {
    fn whole(self) -> Option<Segment> {
        match self {
            Self::Whole(segment) => Some(*segment),
            Self::Nothing | Self::Broken | Self::Newer => None,
        }
    }
}

impl<F: FileSystem> DirStore<F> {
    /// Returns the path of a segment, for people.
    pub(super) fn segment_path(log: &Log, span: Span) -> String {
        let cohort = log.cohort().map_or("", |cohort| cohort.as_str());
        format!("cohorts/{cohort}/{SEGMENTS}/{}", span.name())
    }

    /// Reads the segment of these places.
    pub(super) fn sealed(&self, log: &Log, span: Span) -> Result<Sealed, StoreError> {
        let Some(dir) = self.segments_dir(log)? else {
            return Ok(Sealed::Nothing);
        };
        let Some(file) = self.tree.read(&dir, &span.name(), FILE_BYTES_MAX + 1)? else {
            return Ok(Sealed::Nothing);
        };
        let segment = match Segment::open(file) {
            Ok(segment) => segment,
            Err(SegmentError::Newer { .. }) => return Ok(Sealed::Newer),
            Err(_not_whole) => return Ok(Sealed::Broken),
        };
        let store = self.descriptor.store;
        if segment.store() != store || segment.log() != log.to_string() || !segment.is_of(span) {
            return Ok(Sealed::Broken);
        }
        Ok(Sealed::Whole(Box::new(segment)))
    }

    /// Reads the segment of these places, if the entry in its last slot is the one it has there,
    /// bit for bit: every recording has a nonce of its own, so one of another history of this
    /// log has another one.
    pub(super) fn believed(&self, log: &Log, span: Span) -> Option<Segment> {
        let segment = self.sealed(log, span).ok()?.whole()?;
        let row = self.row_of_slot(log, span.last()).ok()??;
        (segment.row(span.last()) == Some(&row)).then_some(segment)
    }

    /// Returns the last place that segments name, if they name one at which nothing stands: the
    /// entries from there on were taken, and are lost.
    ///
    /// They have to be of this history: the first of them holds the highest entry left below as its
    /// slot does, or follows one that does. A handle looks once for each segment, since one that is
    /// sealed later is of places long taken.
    ///
    /// # Errors
    /// If what is there cannot be read: then it is not known whether the place was taken.
    pub(super) fn sealed_end(&self, log: &Log, seq: Seq) -> Result<Option<Seq>, StoreError> {
        let span = Span::around(Level::Entries, seq);
        if self.unsealed.is_noted(log, span) {
            return Ok(None);
        }
        let mut is_sealed = false;
        for level in Level::ALL {
            let span = Span::around(level, seq);
            if !self.is_sealed(log, span)? {
                continue;
            }
            is_sealed = true;
            if let Some(segment) = self.sealed(log, span)?.whole()
                && self.is_of_this_history(log, &segment, seq)?
            {
                return self.end_above(log, segment);
            }
        }
        for span in spans_beyond(seq) {
            if self.is_sealed(log, span)?
                && let Some(segment) = self.sealed(log, span)?.whole()
                && self.is_vouched_for_by_a_claim(log, &segment)?
            {
                return self.end_above(log, segment);
            }
        }
        if !is_sealed {
            self.unsealed.note(log, span);
        }
        Ok(None)
    }

    /// Returns whether the file in a slot of a segment is the claim of its key, bit for bit: then
    /// who made the claim in this store took the place. An adopter's entry is another file than its
    /// claim, so that a few are asked.
    fn is_vouched_for_by_a_claim(&self, log: &Log, segment: &Segment) -> Result<bool, StoreError> {
        let mut seq = Some(segment.last());
        for _ in 0..CLAIMS_ASKED {
            let Some(place) = seq.filter(|it| *it >= segment.first()) else {
                break;
            };
            if let Some(row) = segment.row(place)
                && self.claim_of_row(log, place, row)?.is_some()
            {
                return Ok(true);
            }
            seq = place.previous();
        }
        Ok(false)
    }

    /// Returns the last place of a segment and those that follow it.
    fn end_above(&self, log: &Log, mut segment: Segment) -> Result<Option<Seq>, StoreError> {
        while let Some(next) = self.beginning_at(log, segment.last().next())?
            && next.previous() == segment.chain()
        {
            segment = next;
        }
        let end = segment.last();
        let row = segment.row(end);
        self.heads.raise(log, end, row.map(|row| row.sha256));
        Ok(row.map(|_| end))
    }

    /// Returns whether a segment agrees with the highest entry that is left below a place, by
    /// itself or by those it follows.
    fn is_of_this_history(
        &self,
        log: &Log,
        segment: &Segment,
        seq: Seq,
    ) -> Result<bool, StoreError> {
        let mut before: Option<Segment> = None;
        let mut below = seq.previous();
        while let Some(place) = below {
            let here = before.as_ref().unwrap_or(segment);
            if place < here.first() {
                match self.ending_at(log, place)? {
                    Some(it) if it.chain() == here.previous() => before = Some(it),
                    Some(_) | None => return Ok(false),
                }
            }
            let here = before.as_ref().unwrap_or(segment);
            if let Some(row) = self.row_of_slot(log, place)? {
                return Ok(here.row(place) == Some(&row));
            }
            below = place.previous();
        }
        let here = before.as_ref().unwrap_or(segment);
        Ok(here.previous() == Chain::of_log(self.descriptor.store, &log.to_string()))
    }

    /// Returns a segment whose first place is this one.
    fn beginning_at(&self, log: &Log, seq: Seq) -> Result<Option<Segment>, StoreError> {
        let spans = Level::ALL.map(|level| Span::around(level, seq));
        self.first_whole(log, spans.into_iter().filter(|span| span.first() == seq))
    }

    /// Returns a segment whose last place is this one.
    fn ending_at(&self, log: &Log, seq: Seq) -> Result<Option<Segment>, StoreError> {
        let spans = Level::ALL.map(|level| Span::around(level, seq));
        self.first_whole(log, spans.into_iter().filter(|span| span.last() == seq))
    }

    fn first_whole(
        &self,
        log: &Log,
        spans: impl Iterator<Item = Span>,
    ) -> Result<Option<Segment>, StoreError> {
        for span in spans {
            if let Some(segment) = self.sealed(log, span)?.whole() {
                return Ok(Some(segment));
            }
        }
        Ok(None)
    }

    /// Returns what a segment has to say of a slot; nothing if that is not whole.
    pub(super) fn row_of_slot(&self, log: &Log, seq: Seq) -> Result<Option<Row>, StoreError> {
        let row = |file: &[u8]| decode(file).map(|(envelope, _)| Row::of(file, &envelope));
        Ok(
            match self.look_at(log, seq, ENTRY_FILE_BYTES_MAX + 1, row)? {
                Found::Whole(row) => row,
                Found::Nothing | Found::Broken(..) => None,
            },
        )
    }
}

/// The segments that were read last.
///
/// Whoever looks over several logs at once, newest first, comes back to each of them many times.
#[derive(Debug, Default)]
pub(super) struct Opened(Mutex<VecDeque<Looked>>);

/// Of each log the places that were last seen to be in no segment.
#[derive(Debug, Default)]
pub(super) struct Unsealed(Mutex<BTreeMap<Log, Span>>);

impl Unsealed {
    fn map(&self) -> MutexGuard<'_, BTreeMap<Log, Span>> {
        // What is kept is true by itself, whoever panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_noted(&self, log: &Log, span: Span) -> bool {
        self.map().get(log) == Some(&span)
    }

    fn note(&self, log: &Log, span: Span) {
        self.map().entry(log.clone()).insert_entry(span);
    }
}

/// What was found under the name of a segment: itself, or none that can be believed.
#[derive(Debug, Clone)]
struct Looked {
    log: Log,
    span: Span,
    segment: Option<Arc<Segment>>,
}

impl Opened {
    fn list(&self) -> MutexGuard<'_, VecDeque<Looked>> {
        // What is kept is true by itself, whoever panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what was found of a span, if that is kept.
    fn get(&self, log: &Log, span: Span) -> Option<Looked> {
        let mut list = self.list();
        let is_it = |looked: &Looked| looked.span == span && looked.log == *log;
        let at = list.iter().position(is_it)?;
        let found = list.remove(at)?;
        list.push_front(found.clone());
        Some(found)
    }

    fn keep(&self, looked: Looked) {
        let mut list = self.list();
        list.push_front(looked);
        let mut bytes = 0;
        let few = list.iter().take(OPENED_MAX).take_while(|looked| {
            let segment = looked.segment.as_ref();
            bytes += segment.map_or(0, |segment| segment.size_bytes());
            bytes <= OPENED_BYTES_MAX
        });
        // The one that is asked for stays, whatever its size.
        let few = few.count().max(1);
        list.truncate(few);
    }
}

impl<F: FileSystem> DirStore<F> {
    /// Returns a copy of the entry at a place, if there is one that can be believed.
    pub(super) fn copy_of_entry(&self, log: &Log, seq: Seq) -> Option<Entry> {
        let file = self.copy_of_file(log, seq)?;
        let (envelope, payload) = decode(&file).ok()?;
        let misplaced = self.misplaced(log, seq, &envelope);
        misplaced.is_none().then_some(Entry {
            seq,
            envelope,
            payload,
        })
    }

    /// Returns a copy of the envelope at a place, if there is one that can be believed.
    pub(super) fn copy_of_envelope(&self, log: &Log, seq: Seq) -> Option<Envelope> {
        let file = self.copy_of_file(log, seq)?;
        let envelope = decode_header(&file).ok()?;
        let misplaced = self.misplaced(log, seq, &envelope);
        misplaced.is_none().then_some(envelope)
    }

    fn copy_of_file(&self, log: &Log, seq: Seq) -> Option<Vec<u8>> {
        let span = Span::around(Level::Entries, seq);
        // Nobody looks for what cannot be sealed yet.
        if self.heads.end(log).is_some_and(|end| end <= span.last()) {
            return None;
        }
        let looked = self.opened.get(log, span).unwrap_or_else(|| {
            let segment = self.believed(log, span);
            let looked = Looked {
                log: log.clone(),
                span,
                segment: segment.map(Arc::new),
            };
            self.opened.keep(looked.clone());
            looked
        });
        looked.segment?.file(seq).ok()?
    }
}
