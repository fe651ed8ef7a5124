//! This host, as far as it tells one process from another of the same number.

use runstone::under_way::{Host, ProcessId};

use super::usage::stat_fields;

/// Where the time a process began stands, counted from its state on (field 22 of
/// `/proc/PID/stat`, proc(5)).
const BEGAN: usize = 19;

/// The host this process runs on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ThisHost;

impl Host for ThisHost {
    fn this_process(&self) -> ProcessId {
        let pid = std::process::id();
        let boot_id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
        let pid_space = std::fs::read_link("/proc/self/ns/pid").ok();
        ProcessId {
            host: rustix::system::uname()
                .nodename()
                .to_string_lossy()
                .into_owned(),
            boot_id: boot_id.map(|id| id.trim().to_owned()),
            pid_space: pid_space.map(|space| space.to_string_lossy().into_owned()),
            pid,
            began: self.began(pid).flatten(),
        }
    }

    fn began(&self, pid: u32) -> Option<Option<u64>> {
        let raw = i32::try_from(pid)
            .ok()
            .and_then(rustix::process::Pid::from_raw)?;
        match rustix::process::test_kill_process(raw) {
            // Somebody else's process is there all the same.
            Ok(()) | Err(rustix::io::Errno::PERM) => {}
            Err(_) => return None,
        }
        let fields = stat_fields(raw);
        // A dead process whose parent did not look yet watches nothing any more.
        if matches!(fields.first().map(String::as_str), Some("Z" | "X")) {
            return None;
        }
        Some(fields.get(BEGAN).and_then(|began| began.parse().ok()))
    }
}
