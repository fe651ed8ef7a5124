//! Signals that reach `runstone` while a command runs: caught, and handed on to the command.
//!
//! Handlers, not a blocked mask, so that the command starts with every signal as it would have had
//! it: what is caught here is the default there. A signal that was ignored when `runstone` began
//! (`nohup`, a shell's background jobs) stays ignored by both. One that was blocked then is blocked
//! for the command too, and let in here once that has started.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use nix::sys::signal::{SigSet, Signal as Blockable};
use rustix::process::Signal;
use signal_hook::consts::{
    SIGCHLD, SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1, SIGUSR2, SIGXCPU, SIGXFSZ,
};
use signal_hook::iterator::Signals;
use signal_hook::{flag, low_level};

/// What is handed on. Batch systems announce the end of a job by these, people by the first three.
const HANDED_ON: [i32; 9] = [
    SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU, SIGTSTP, SIGCONT,
];

/// Signals that ask a command to end.
const ENDING: [i32; 4] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM];

/// The signals that have come and were not looked at yet.
#[derive(Debug)]
pub(super) struct Inbox {
    signals: Signals,
    caught: Vec<i32>,
    /// Those that could not have ended this process when it began.
    harmless: u64,
}

impl Inbox {
    /// Catches, from now on, everything that is to be handed on.
    pub(super) fn open() -> io::Result<Self> {
        let ignored = own_mask(IGNORED);
        let caught = HANDED_ON
            .into_iter()
            .filter(|signal| !is_in(ignored, *signal));
        // SIGCHLD is caught in any case: were it ignored, nobody could learn the exit code.
        let caught: Vec<i32> = caught.chain([SIGCHLD]).collect();
        Ok(Self {
            signals: Signals::new(&caught)?,
            caught,
            harmless: ignored | own_mask(BLOCKED),
        })
    }

    /// Lets in what was blocked when this process began; a command that is started before has it
    /// blocked still.
    pub(super) fn let_in(&self) -> io::Result<()> {
        let caught = self.caught.iter();
        let caught: SigSet = caught
            .filter_map(|signal| Blockable::try_from(*signal).ok())
            .collect();
        Ok(caught.thread_unblock()?)
    }

    /// Waits until something came, and returns what is to be handed on of it.
    pub(super) fn wait(&mut self) -> Vec<Signal> {
        self.signals
            .wait()
            .filter(|signal| *signal != SIGCHLD)
            .filter_map(Signal::from_named_raw)
            .collect()
    }

    /// Stops holding back what asks to end: the first such signal is let pass, so that a finished
    /// run is still recorded; the second ends `runstone` as if nobody caught it.
    pub(super) fn let_the_second_pass(&self) -> io::Result<()> {
        let came = Arc::new(AtomicBool::new(false));
        for signal in ENDING
            .into_iter()
            .filter(|signal| !is_in(self.harmless, *signal))
        {
            flag::register_conditional_default(signal, Arc::clone(&came))?;
            flag::register(signal, Arc::clone(&came))?;
        }
        Ok(())
    }
}

/// Lets this process outlive a file that grows beyond its limit (`ulimit -f`): the write fails
/// instead. Commands have the signal as it was.
pub(crate) fn outlive_full_files() {
    if !is_in(own_mask(IGNORED), SIGXFSZ) {
        // Where it cannot be caught, all is as it was.
        match flag::register(SIGXFSZ, Arc::default()) {
            Ok(_) | Err(_) => {}
        }
    }
}

/// Tells whether a signal asks a command to end.
pub(super) fn asks_to_end(signal: i32) -> bool {
    ENDING.contains(&signal)
}

/// Returns the name of a signal, such as `SIGTERM`.
pub(crate) fn name(signal: i32) -> String {
    low_level::signal_name(signal).map_or_else(|| format!("signal {signal}"), str::to_owned)
}

/// The signals this process ignores, as `/proc` calls them.
const IGNORED: &str = "SigIgn:";
/// The same, those it blocks.
const BLOCKED: &str = "SigBlk:";

/// Returns signals of this process, one bit each; none where the system does not tell.
fn own_mask(name: &str) -> u64 {
    std::fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|status| {
            let mask = status.lines().find_map(|line| line.strip_prefix(name))?;
            u64::from_str_radix(mask.trim(), 16).ok()
        })
        .unwrap_or(0)
}

fn is_in(mask: u64, signal: i32) -> bool {
    u32::try_from(signal - 1)
        .ok()
        .and_then(|bit| mask.checked_shr(bit))
        .is_some_and(|shifted| shifted & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_have_the_names_people_know() {
        assert_eq!(name(9), "SIGKILL");
        assert_eq!(name(SIGTERM), "SIGTERM");
        assert_eq!(name(64), "signal 64");
    }

    #[test]
    fn the_first_bit_of_a_mask_is_signal_one() {
        assert!(is_in(0b1, SIGHUP));
        assert!(is_in(0b10, SIGINT));
        assert!(!is_in(0b10, SIGHUP));
        assert!(!is_in(u64::MAX, 0));
    }
}
