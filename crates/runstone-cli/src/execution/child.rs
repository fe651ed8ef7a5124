//! The child: a command in a process group of its own, watched to its end.
//!
//! The invariant: whatever would have reached the command without `runstone` reaches it once, and
//! nothing else does but a SIGCONT after what asks it to end. Its standard streams are inherited
//! and never touched; signals to `runstone` are handed on to its group ([`super::signals`]); it is
//! stopped and goes on together with `runstone` where a shell watches ([`super::terminal`]).
//! Nothing here kills on its own account: processes that outlive the command are counted and left
//! alone.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitOptions, WaitStatus, getpid, kill_current_process_group, kill_process,
    kill_process_group, test_kill_process_group, waitpid,
};

use super::signals::{self, Inbox};
use super::terminal::{Terminal, a_shell_watches};
use super::usage::{Before, Usage, members_of};

/// How often the system may deny that there is a child; chosen: one time too many says it for good.
const DENIED_MAX: u32 = 3;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// It exited with a code.
    Exited(u8),
    /// A signal killed it.
    Killed(i32),
}

/// A command that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// How.
    pub(crate) end: End,
    /// The signals that were handed on to it, in order of their first coming.
    pub(crate) handed_on: Vec<i32>,
    /// From its start to its end.
    pub(crate) elapsed: Duration,
    /// What it took, where the system tells.
    pub(crate) usage: Option<Usage>,
    /// Processes of its group that were still there when it had ended.
    pub(crate) left_behind: usize,
    /// Its process group.
    pub(super) group: Pid,
}

impl Ended {
    /// Tells whether it was stopped from outside: killed by a signal that asks to end, or failed
    /// after one was handed on, or exited the way shells and interpreters pass such an end on.
    pub(crate) fn was_interrupted(&self) -> bool {
        match self.end {
            End::Exited(0) => false,
            End::Killed(signal) if signals::asks_to_end(signal) => true,
            End::Exited(code) if code > 128 && signals::asks_to_end(i32::from(code) - 128) => true,
            End::Exited(_) | End::Killed(_) => self.was_asked_to_end(),
        }
    }

    /// Tells whether processes of its group are still there now.
    pub(super) fn has_left_some(&self) -> bool {
        left_of(self.group) > 0
    }

    /// Tells whether a signal that asks to end was handed on to it.
    pub(crate) fn was_asked_to_end(&self) -> bool {
        self.handed_on
            .iter()
            .any(|signal| signals::asks_to_end(*signal))
    }
}

/// Why the end of a command is not known, and what the system said.
#[derive(Debug)]
pub(crate) enum NoEnd {
    /// It could not be started.
    NotStarted(io::Error),
    /// It was started, and may be running still.
    OutOfSight(io::Error),
}

/// Starts a command and returns when it has ended.
///
/// # Errors
/// [`NoEnd`] when the command could not be started, or not be watched to its end.
pub(crate) fn start_and_watch(command: &mut Command) -> Result<Ended, NoEnd> {
    let inbox = Inbox::open().map_err(NoEnd::NotStarted)?;
    let mut before = Before::now();
    let began = Instant::now();
    let child = command
        .process_group(0)
        .spawn()
        .map_err(NoEnd::NotStarted)?;
    before.executed();
    watched(&child, inbox, &before, began).map_err(NoEnd::OutOfSight)
}

fn watched(child: &Child, inbox: Inbox, before: &Before, began: Instant) -> io::Result<Ended> {
    inbox.let_in()?;
    let group = i32::try_from(child.id())
        .ok()
        .and_then(Pid::from_raw)
        .ok_or_else(|| io::Error::other("the system gave the command no process id"))?;
    let mut watch = Watch {
        group,
        inbox,
        terminal: Terminal::of_this_session(),
        handed_on: Vec::new(),
        swallows_stop: false,
        lends_again: false,
    };
    let end = watch.until_it_ends()?;
    let elapsed = began.elapsed();
    watch.inbox.let_the_second_pass()?;
    Ok(Ended {
        end,
        handed_on: watch.handed_on,
        elapsed,
        usage: before.usage(),
        left_behind: left_of(group),
        group,
    })
}

/// Returns how many processes of a group there are.
fn left_of(group: Pid) -> usize {
    if test_kill_process_group(group).is_ok() {
        members_of(group)
    } else {
        0
    }
}

/// A command under watch. Its first process leads the group, so one id names both.
#[derive(Debug)]
struct Watch {
    group: Pid,
    inbox: Inbox,
    terminal: Option<Terminal>,
    handed_on: Vec<i32>,
    /// The next stop signal is our own, sent to our group.
    swallows_stop: bool,
    /// The command had the terminal when we stopped with it.
    lends_again: bool,
}

impl Watch {
    fn until_it_ends(&mut self) -> io::Result<End> {
        loop {
            while let Some(status) = self.change()? {
                if let Some(signal) = status.stopping_signal() {
                    self.stopped_by(signal);
                } else if let Some(signal) = status.terminating_signal() {
                    return Ok(End::Killed(signal));
                } else if let Some(code) = status.exit_status() {
                    // The kernel keeps eight bits of an exit code.
                    return Ok(End::Exited(u8::try_from(code & 0xff).unwrap_or(u8::MAX)));
                }
            }
            for signal in self.inbox.wait() {
                self.hand_on(signal);
            }
        }
    }

    /// Returns the next change of the command's state, if there is one.
    fn change(&self) -> io::Result<Option<WaitStatus>> {
        let mut denied = 0;
        loop {
            match waitpid(
                Some(self.group),
                WaitOptions::NOHANG | WaitOptions::UNTRACED,
            ) {
                Ok(found) => return Ok(found.map(|(_, status)| status)),
                Err(Errno::INTR) => {}
                // Nobody else waits for our child: what says so once (a tracer does) is asked
                // again.
                Err(Errno::CHILD) if denied < DENIED_MAX => denied += 1,
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn hand_on(&mut self, signal: Signal) {
        if signal == Signal::TSTP {
            if std::mem::take(&mut self.swallows_stop) {
                return;
            }
            // Nobody could wake the two of us up again: the kernel ignores a stop from the keyboard
            // in such a place, and so must the command's group.
            if self.terminal.is_some() && !a_shell_watches() {
                return;
            }
        }
        if signal == Signal::CONT
            && std::mem::take(&mut self.lends_again)
            && let Some(terminal) = &mut self.terminal
            && terminal.is_ours()
        {
            terminal.lend(self.group);
        }
        let raw = signal.as_raw();
        if !self.handed_on.contains(&raw) {
            self.handed_on.push(raw);
        }
        self.send(signal);
        // Whoever is stopped meets its end only when it is woken up, and nobody else knows that it
        // was asked to: shells and `timeout` send the same.
        if signals::asks_to_end(raw) {
            self.send(Signal::CONT);
        }
    }

    /// Does what a shell would do about a command that was stopped.
    fn stopped_by(&mut self, signal: i32) {
        // Without a terminal whoever stopped the command will wake it up.
        let Some(terminal) = &mut self.terminal else {
            return;
        };
        let wants_terminal = signal == Signal::TTIN.as_raw() || signal == Signal::TTOU.as_raw();
        if wants_terminal && terminal.is_ours() {
            terminal.lend(self.group);
            self.send(Signal::CONT);
            return;
        }
        let was_lent = terminal.is_lent();
        if !a_shell_watches() {
            // A stop from the keyboard, in a place where the kernel would have ignored it.
            if was_lent && signal == Signal::TSTP.as_raw() {
                self.send(Signal::CONT);
            }
            return;
        }
        terminal.take_back();
        self.lends_again = was_lent;
        if was_lent {
            // The keyboard reached the command's group alone; the rest of our pipeline stops too,
            // else the shell would go on waiting for it.
            self.swallows_stop = kill_current_process_group(Signal::TSTP).is_ok();
        }
        // We stop here, and go on here once the shell wakes us up; the SIGCONT of that is handed
        // on.
        match kill_process(getpid(), Signal::STOP) {
            Ok(()) | Err(_) => {}
        }
    }

    /// Sends to the whole group. One that is gone has ended, which is learnt elsewhere.
    fn send(&self, signal: Signal) {
        match kill_process_group(self.group, signal) {
            Ok(()) | Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(end: End, handed_on: &[i32]) -> Ended {
        Ended {
            end,
            handed_on: handed_on.to_vec(),
            elapsed: Duration::ZERO,
            usage: None,
            left_behind: 0,
            group: getpid(),
        }
    }

    #[test]
    fn what_is_no_child_of_ours_cannot_be_watched_and_is_not_waited_for() {
        let mut watch = Watch {
            group: rustix::process::getppid().unwrap(),
            inbox: Inbox::open().unwrap(),
            terminal: None,
            handed_on: Vec::new(),
            swallows_stop: false,
            lends_again: false,
        };
        let error = watch.until_it_ends().unwrap_err();
        assert_eq!(Errno::from_io_error(&error), Some(Errno::CHILD));
    }

    #[test]
    fn an_end_from_outside_is_told_from_a_failure() {
        let term = Signal::TERM.as_raw();
        let usr1 = Signal::USR1.as_raw();
        for (end, handed_on, interrupted) in [
            (End::Exited(0), &[][..], false),
            (End::Exited(0), &[term], false),
            (End::Exited(1), &[], false),
            (End::Exited(1), &[usr1], false),
            (End::Exited(1), &[term], true),
            (End::Exited(130), &[], true),
            (End::Exited(143), &[], true),
            (End::Exited(137), &[], false),
            (End::Killed(Signal::INT.as_raw()), &[], true),
            (End::Killed(Signal::KILL.as_raw()), &[], false),
            (End::Killed(Signal::KILL.as_raw()), &[term], true),
            (End::Killed(Signal::SEGV.as_raw()), &[], false),
        ] {
            let ended = ended(end, handed_on);
            assert_eq!(ended.was_interrupted(), interrupted, "{ended:?}");
        }
    }
}
