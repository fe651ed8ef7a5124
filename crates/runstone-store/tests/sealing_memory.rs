//! Sealing takes as much memory as the segment has bytes, however large the entries are.
//!
//! A file of its own: the peak is one of the whole process.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a failed step should stop the test")]

mod support;

use std::fs;

use runstone_store::dir::OsFileSystem;
use runstone_store::dir::faults::FaultyFileSystem;
use runstone_store::{Appended, Store as _};
use support::{COHORT, Place, entry, key, log, record};

/// Bytes of an entry of which a segment has the row alone.
const LARGE: usize = 512 * 1024;

/// Returns the most memory that this process had at any time.
fn peak_bytes() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    let kibibytes = line.unwrap().split_whitespace().nth(1).unwrap();
    kibibytes.parse::<usize>().unwrap() * 1024
}

/// Fills a payload with bytes that nothing compresses, other ones each time.
fn fill(payload: &mut [u8], noise: &mut u64) {
    for eight in payload.chunks_exact_mut(8) {
        *noise ^= *noise << 13;
        *noise ^= *noise >> 7;
        *noise ^= *noise << 17;
        eight.copy_from_slice(&noise.to_ne_bytes());
    }
}

#[test]
fn sealing_large_entries_holds_none_but_the_one_it_reads() {
    let place = Place::new();
    let store = place.init_on(FaultyFileSystem::new(OsFileSystem).without_flushes());
    record(&store, &[]);
    let (mut noise, mut payload) = (1, vec![0; LARGE]);
    for number in 1..=287 {
        fill(&mut payload, &mut noise);
        let run = key(&format!("run-{number}"));
        let appended = store.append(&log(), Some(&run), &entry(&payload)).unwrap();
        assert!(matches!(appended, Appended::New(_)), "{appended:?}");
    }
    let before = peak_bytes();
    let appended = store.append(&log(), Some(&key("small")), &entry(b"small"));
    let grown = peak_bytes() - before;
    assert!(matches!(appended, Ok(Appended::New(_))), "{appended:?}");
    let segment = format!("{COHORT}/seg/{:020}-{:020}", 1, 256);
    assert!(place.path().join(segment).exists());
    assert!(grown < 16 * LARGE, "{grown} bytes");
}
