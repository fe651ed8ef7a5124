//! What processes took: time and memory, as the kernel tells.
//!
//! Memory is the honest part: the kernel keeps, of all processes that were waited for, the largest
//! resident set of a single one, and no sum. Before a command is executed its process is a copy of
//! `runstone`, whose own size is therefore the smallest figure there can be; a figure that is not
//! above it says nothing about the command, and is not given.

use std::time::Duration;

use nix::sys::resource::{Usage as Resources, UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike as _};
use rustix::process::Pid;

/// What a command and the descendants it waited for took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Time on a processor in the program.
    pub(crate) user: Duration,
    /// Time on a processor in the kernel on its behalf.
    pub(crate) system: Duration,
    /// The largest resident set of any one of the processes; unknown where it did not exceed what
    /// `runstone` itself had when the command was started.
    pub(crate) peak_rss_largest_process_bytes: Option<u64>,
}

/// The counters before a command was started.
#[derive(Debug)]
pub(super) struct Before {
    children: Option<Resources>,
    own_peak_bytes: u64,
}

impl Before {
    /// Reads the counters.
    pub(super) fn now() -> Self {
        let own = getrusage(UsageWho::RUSAGE_SELF).ok();
        Self {
            children: getrusage(UsageWho::RUSAGE_CHILDREN).ok(),
            own_peak_bytes: own.as_ref().map_or(0, peak_bytes),
        }
    }

    /// Reads the own peak once more, with the command executed: until then its memory was that of
    /// `runstone`, which may have grown since.
    pub(super) fn executed(&mut self) {
        let own = getrusage(UsageWho::RUSAGE_SELF).ok();
        self.own_peak_bytes = own.as_ref().map_or(0, peak_bytes).max(self.own_peak_bytes);
    }

    /// Returns what the command took that was started since, and was waited for.
    pub(super) fn usage(&self) -> Option<Usage> {
        let before = self.children.as_ref()?;
        let after = getrusage(UsageWho::RUSAGE_CHILDREN).ok()?;
        let floor = self.own_peak_bytes.max(peak_bytes(before));
        let peak = peak_bytes(&after);
        Some(Usage {
            user: since(before.user_time(), after.user_time()),
            system: since(before.system_time(), after.system_time()),
            peak_rss_largest_process_bytes: (peak > floor).then_some(peak),
        })
    }
}

/// Returns the peak in bytes. Linux counts KiB, macOS bytes.
fn peak_bytes(resources: &Resources) -> u64 {
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    u64::try_from(resources.max_rss()).unwrap_or(0) * unit
}

fn since(before: TimeVal, after: TimeVal) -> Duration {
    let micros = after.num_microseconds() - before.num_microseconds();
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

/// Returns the processes that are still in a process group, zombies left out; none where `/proc`
/// does not tell.
pub(super) fn members_of(group: Pid) -> usize {
    let group = group.as_raw_nonzero().get().to_string();
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return 0;
    };
    entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().as_encoded_bytes()[0].is_ascii_digit())
        .filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok())
        .filter(|stat| {
            let fields = after_name(stat);
            !matches!(fields.first(), Some(&("Z" | "X"))) && fields.get(2) == Some(&group.as_str())
        })
        .count()
}

/// Returns the parent of a process; none where `/proc` does not tell.
pub(super) fn parent_of(pid: Pid) -> Option<Pid> {
    Pid::from_raw(stat_fields(pid).get(1)?.parse().ok()?)
}

/// Returns the fields of a process from its state on; none where `/proc` does not tell.
pub(super) fn stat_fields(pid: Pid) -> Vec<String> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    let stat = stat.unwrap_or_default();
    after_name(&stat).into_iter().map(str::to_owned).collect()
}

/// Returns the fields of `/proc/PID/stat` from the state on. The name before it stands in
/// parentheses and may hold anything, also blanks and parentheses.
fn after_name(stat: &str) -> Vec<&str> {
    stat.rsplit_once(')')
        .map(|(_, fields)| fields.split_ascii_whitespace().collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_may_call_itself_anything() {
        let stat = "4242 (a) S 1 (b) R 17 99 99 0";
        assert_eq!(after_name(stat)[..3], ["R", "17", "99"]);
    }

    #[test]
    fn the_parent_of_this_process_is_found() {
        let own = rustix::process::getpid();
        assert_eq!(parent_of(own), rustix::process::getppid());
    }
}
