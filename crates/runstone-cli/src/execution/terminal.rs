//! The terminal, lent to a command that asks for it and left as it was.
//!
//! The command has a process group of its own, which a terminal treats as being in the background:
//! it may write, but is stopped when it reads or changes modes. Then, and not before, it is given
//! the foreground. So a pager at the other end of a pipeline keeps the keyboard, and a debugger or
//! a password prompt gets it. The modes found at the first loan are put back whenever the terminal
//! returns.

use std::fs::File;

use nix::sys::signal::{SigSet, Signal as NixSignal};
use rustix::process::{Pid, getpgid, getpgrp, getpid, getppid, getsid};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr, tcsetpgrp};

/// The terminal that controls this session.
#[derive(Debug)]
pub(super) struct Terminal {
    device: File,
    /// The modes before the first loan.
    modes: Option<Termios>,
    /// The modes the command had when the terminal was last taken back.
    modes_of_command: Option<Termios>,
    is_lent: bool,
}

impl Terminal {
    /// Returns the terminal of this session, if it has one.
    pub(super) fn of_this_session() -> Option<Self> {
        let device = File::options()
            .read(true)
            .write(true)
            .open("/dev/tty")
            .ok()?;
        Some(Self {
            device,
            modes: None,
            modes_of_command: None,
            is_lent: false,
        })
    }

    /// Tells whether the foreground is this process group's, so that it can be lent.
    pub(super) fn is_ours(&self) -> bool {
        tcgetpgrp(&self.device).is_ok_and(|foreground| foreground == getpgrp())
    }

    /// Tells whether a command has it.
    pub(super) fn is_lent(&self) -> bool {
        self.is_lent
    }

    /// Gives the foreground to a process group, with the modes it had when it last had it.
    pub(super) fn lend(&mut self, group: Pid) {
        if self.modes.is_none() {
            self.modes = tcgetattr(&self.device).ok();
        }
        if let Some(modes) = self.modes_of_command.take() {
            set_modes(&self.device, &modes);
        }
        self.is_lent = tcsetpgrp(&self.device, group).is_ok();
    }

    /// Takes the foreground back and restores the modes.
    pub(super) fn take_back(&mut self) {
        if !self.is_lent {
            return;
        }
        self.is_lent = false;
        // Whoever is in the background is stopped for reaching for the foreground, unless the
        // signal that would stop it is blocked.
        let mut stopping = SigSet::empty();
        stopping.add(NixSignal::SIGTTOU);
        if stopping.thread_block().is_err() {
            return;
        }
        if tcsetpgrp(&self.device, getpgrp()).is_ok() {
            self.modes_of_command = tcgetattr(&self.device).ok();
            if let Some(modes) = &self.modes {
                set_modes(&self.device, modes);
            }
        }
        // It was unblocked before; nothing can be done, or is lost, if that fails.
        match stopping.thread_unblock() {
            Ok(()) | Err(_) => {}
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.take_back();
    }
}

fn set_modes(device: &File, modes: &Termios) {
    // A terminal that hung up has no modes to restore.
    match tcsetattr(device, OptionalActions::Drain, modes) {
        Ok(()) | Err(_) => {}
    }
}

/// Tells whether a shell watches this process group and could wake it up after a stop: somebody in
/// the session, but outside the group, is the parent of one of its members.
pub(super) fn a_shell_watches() -> bool {
    let (session, group) = (getsid(None).ok(), getpgrp());
    let mut parent = getppid();
    // A chain of parents ends at process 1; the bound guards against one that moves meanwhile.
    for _ in 0..64 {
        let Some(pid) = parent.filter(|pid| *pid != getpid()) else {
            return false;
        };
        if getsid(Some(pid)).ok() != session {
            return false;
        }
        if getpgid(Some(pid)).is_ok_and(|found| found != group) {
            return true;
        }
        parent = super::usage::parent_of(pid);
    }
    false
}
