//! What batches of this handle wrote of late, so that whoever seals it need not read it again.
//!
//! The invariants guarded here: an entry is remembered bit for bit as it was written to its slot,
//! by place; and no more than [`BYTES_MAX`] are, however many logs there are. It is a saving and no
//! more: whatever is not remembered is read from its slot. Whether what is remembered may be sealed
//! is left to `seal`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::log::{Log, Seq};
use crate::segment::{Row, Span};

/// Bytes of memory at most: chosen, so that a chunk of a stream of small documents fits that waits
/// to be sealed, and the next one, which is being written. An allocator that leaves half-full blocks
/// alone holds up to twice as many for it.
const BYTES_MAX: usize = 12 * 1024 * 1024;

/// Bytes that an entry takes beside its file, about: its row, its place, its share of the map.
const BESIDE_BYTES: usize = 256;

/// The files of entries by their places, with their rows in a segment.
pub(super) type Written = BTreeMap<Seq, (Row, Vec<u8>)>;

/// What was written of late, and is not sealed by this handle.
#[derive(Debug, Default)]
pub(super) struct Fresh(Mutex<Files>);

#[derive(Debug, Default)]
struct Files {
    logs: BTreeMap<Log, Written>,
    size_bytes: usize,
}

impl Fresh {
    /// Remembers the file of an entry that has its place, where there is room: those that came
    /// before it are sealed before it.
    pub(super) fn add(&self, log: &Log, seq: Seq, row: Row, mut file: Vec<u8>) {
        file.shrink_to_fit();
        let mut files = self.files();
        if files.size_bytes + size_bytes(&file) > BYTES_MAX {
            return;
        }
        files.size_bytes += size_bytes(&file);
        let written = match files.logs.get_mut(log) {
            Some(written) => written,
            None => files.logs.entry(log.clone()).or_default(),
        };
        if let Some((_, before)) = written.insert(seq, (row, file)) {
            files.size_bytes -= size_bytes(&before);
        }
    }

    /// Gives away what is remembered of a span, and forgets what lies below it.
    pub(super) fn take(&self, log: &Log, span: Span) -> Written {
        let mut files = self.files();
        let Some(written) = files.logs.get_mut(log) else {
            return Written::new();
        };
        let above = written.split_off(&span.last().next());
        let of_span = written.split_off(&span.first());
        let below = std::mem::replace(written, above);
        for (_, file) in below.values().chain(of_span.values()) {
            files.size_bytes -= size_bytes(file);
        }
        of_span
    }

    /// Forgets all other logs: nobody has written to them for a while.
    pub(super) fn keep_only(&self, logs: &BTreeSet<Log>) {
        let mut files = self.files();
        files.logs.retain(|log, _| logs.contains(log));
        let left = files.logs.values().flat_map(BTreeMap::values);
        files.size_bytes = left.map(|(_, file)| size_bytes(file)).sum();
    }

    fn files(&self) -> MutexGuard<'_, Files> {
        // Whoever panicked may have left the sum wrong: nothing is believed any more.
        self.0.lock().unwrap_or_else(|poisoned| {
            let mut files = PoisonError::into_inner(poisoned);
            *files = Files::default();
            self.0.clear_poison();
            files
        })
    }
}

/// Returns the bytes that a file takes in memory, with what is kept beside it.
fn size_bytes(file: &Vec<u8>) -> usize {
    file.capacity() + BESIDE_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::Hash256;
    use crate::key::{KeyText, StoreId};
    use crate::segment::Level;

    fn log(name: &str) -> Log {
        Log::Cohort(name.parse().unwrap())
    }

    fn add(fresh: &Fresh, log: &Log, number: u64, size_bytes: usize) {
        let text = KeyText {
            run: number.to_string(),
            stage: "train".to_owned(),
            cohort: "c".parse().unwrap(),
            attempt: 0,
        };
        let row = Row {
            key: text.key(StoreId::from_random([0; 16])),
            sha256: Hash256::of(&number.to_be_bytes()),
            file_bytes: 0,
            crc32c: 0,
        };
        fresh.add(log, Seq::new(number).unwrap(), row, vec![0; size_bytes]);
    }

    fn places(written: &Written) -> Vec<u64> {
        written.keys().map(|seq| seq.get()).collect()
    }

    #[test]
    fn a_span_is_given_away_once_by_its_own_log_and_what_lies_below_it_forgotten() {
        let fresh = Fresh::default();
        let (one, other) = (log("one"), log("other"));
        for number in [3, 256, 257, 300, 512, 513] {
            add(&fresh, &one, number, 10);
        }
        let second = Span::numbered(Level::Entries, 1);
        assert!(fresh.take(&other, second).is_empty());
        let taken = fresh.take(&one, second);
        assert_eq!(places(&taken), [257, 300, 512]);
        let (row, file) = &taken[&Seq::new(300).unwrap()];
        assert_eq!(row.sha256, Hash256::of(&300_u64.to_be_bytes()));
        assert_eq!(file.len(), 10);
        assert!(fresh.take(&one, second).is_empty());
        assert!(
            fresh
                .take(&one, Span::numbered(Level::Entries, 0))
                .is_empty()
        );
        assert_eq!(fresh.files().size_bytes, 10 + BESIDE_BYTES);
        let third = fresh.take(&one, Span::numbered(Level::Entries, 2));
        assert_eq!(places(&third), [513]);
        assert_eq!(fresh.files().size_bytes, 0);
    }

    #[test]
    fn no_more_is_remembered_than_the_limit_and_the_first_stay() {
        let fresh = Fresh::default();
        let one = log("one");
        let half = BYTES_MAX / 2 - BESIDE_BYTES;
        for number in 1..=3 {
            add(&fresh, &one, number, half);
        }
        assert_eq!(fresh.files().size_bytes, BYTES_MAX);
        let taken = fresh.take(&one, Span::numbered(Level::Entries, 0));
        assert_eq!(places(&taken), [1, 2]);
        add(&fresh, &one, 4, BYTES_MAX);
        assert_eq!(fresh.files().size_bytes, 0);
        add(&fresh, &one, 5, 10);
        add(&fresh, &one, 5, 20);
        assert_eq!(fresh.files().size_bytes, 20 + BESIDE_BYTES);
    }

    #[test]
    fn logs_that_nobody_writes_to_any_more_are_forgotten() {
        let fresh = Fresh::default();
        let (one, other) = (log("one"), log("other"));
        add(&fresh, &one, 1, 10);
        add(&fresh, &other, 1, 20);
        fresh.keep_only(&BTreeSet::from([other.clone()]));
        let first = Span::numbered(Level::Entries, 0);
        assert!(fresh.take(&one, first).is_empty());
        assert_eq!(fresh.files().size_bytes, 20 + BESIDE_BYTES);
        assert_eq!(places(&fresh.take(&other, first)), [1]);
    }
}
