//! Rest: files that processes a command left behind may still be writing, watched until they are.
//!
//! The invariant: where nothing was left behind nobody waits, and nowhere longer than a second. A
//! file at rest may still be half of what it was to become; whoever reads it finds that out
//! ([`super::left`]).

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::child::Ended;
use super::stamp::Stamp;

/// How long nothing may be touched to be at rest; chosen: well above the pause between two writes
/// of a process that is about to end, and little beside a run.
const QUIET: Duration = Duration::from_millis(500);

/// How long is waited at most; chosen, so that nobody notices it after a run.
const WAITED_MAX: Duration = Duration::from_secs(1);

/// Between two looks; chosen: the processes are counted by reading `/proc`.
const PAUSE: Duration = Duration::from_millis(20);

/// Waits until what `ended` left behind is gone, or has left `files` alone for a while, and returns
/// those that did not come to rest.
pub(crate) fn restless(ended: &Ended, files: Vec<PathBuf>) -> Vec<PathBuf> {
    if ended.left_behind == 0 {
        return Vec::new();
    }
    let began = Instant::now();
    let mut looks: Vec<_> = files
        .into_iter()
        .map(|path| (Stamp::at(&path), began, path))
        .collect();
    while ended.has_left_some() {
        let now = Instant::now();
        for (look, since, path) in &mut looks {
            let stamp = Stamp::at(path);
            if stamp != *look {
                (*look, *since) = (stamp, now);
            }
        }
        looks.retain(|(_, since, _)| now.duration_since(*since) < QUIET);
        if looks.is_empty() {
            break;
        }
        if now.duration_since(began) >= WAITED_MAX {
            return looks.into_iter().map(|(_, _, path)| path).collect();
        }
        std::thread::sleep(PAUSE);
    }
    Vec::new()
}
