//! What is kept of the process that ran, beside the document: no content, so that the same results
//! from another process are the same recording.

use runstone::core::snapshot::Status;
use serde_json::{Value, json};

use super::child::{End, Ended};
use super::program::Program;
use super::scheduler::Job;
use super::signals;

/// Returns how a run whose command ended so is recorded.
pub(crate) fn status(ended: &Ended) -> Status {
    match ended.end {
        End::Exited(0) => Status::Finished,
        _ if ended.was_interrupted() => Status::Interrupted,
        _ => Status::Failed,
    }
}

/// Returns the facts of the execution `nonce`. Times are seconds.
pub(crate) fn of(nonce: &str, program: &Program, ended: &Ended, job: Option<&Job>) -> Value {
    let seconds = |duration: std::time::Duration| {
        // Microseconds are what the kernel counts in.
        f64::from(u32::try_from(duration.as_secs()).unwrap_or(u32::MAX))
            + f64::from(duration.subsec_micros()) / 1e6
    };
    let (exit_code, signal) = match ended.end {
        End::Exited(code) => (Some(code), None),
        End::Killed(signal) => (None, Some(signals::name(signal))),
    };
    let usage = ended.usage;
    let host = rustix::system::uname();
    json!({
        "execution": nonce,
        "command": program.words(),
        "exit_code": exit_code,
        "signal": signal,
        "signals_handed_on": ended
            .handed_on
            .iter()
            .map(|signal| signals::name(*signal))
            .collect::<Vec<_>>(),
        "elapsed_seconds": seconds(ended.elapsed),
        "user_seconds": usage.map(|usage| seconds(usage.user)),
        "system_seconds": usage.map(|usage| seconds(usage.system)),
        "peak_rss_largest_process_bytes":
            usage.and_then(|usage| usage.peak_rss_largest_process_bytes),
        "left_behind": ended.left_behind,
        "host": host.nodename().to_string_lossy(),
        "scheduler": job.map(|job| json!({ "name": job.scheduler, "job": job.id })),
    })
}

/// Says how a command ended, as a fragment.
pub(crate) fn in_words(ended: &Ended) -> String {
    match ended.end {
        End::Exited(code) => format!("exited with {code}"),
        End::Killed(signal) => format!("was killed by {}", signals::name(signal)),
    }
}
