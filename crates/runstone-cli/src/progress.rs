//! How far a long command has come, on one line of a terminal.
//!
//! Nothing is said for the first second, to anything but a terminal, or when quiet was asked for.
//! The line goes when the work is done, so that the answer stands alone.

use std::io::{self, IsTerminal as _};
use std::time::{Duration, Instant};

use crate::ui::Ui;

/// Before this nobody waits.
const SILENT: Duration = Duration::from_secs(1);
/// From one line to the next.
const EVERY: Duration = Duration::from_millis(100);

/// A line that says how far the work has come.
#[derive(Debug)]
pub(crate) struct Progress<'a> {
    ui: &'a Ui,
    what: &'static str,
    is_wanted: bool,
    next: Instant,
    is_shown: bool,
}

impl<'a> Progress<'a> {
    /// Begins work on so many of `what`.
    pub(crate) fn new(ui: &'a Ui, what: &'static str) -> Self {
        Self {
            ui,
            what,
            is_wanted: io::stderr().is_terminal(),
            next: Instant::now() + SILENT,
            is_shown: false,
        }
    }

    /// Says that so many are done.
    pub(crate) fn at(&mut self, done: u64, total: u64) {
        self.say(format_args!("{done} of {total}"));
    }

    /// Says that so many are done, where nobody knows of how many.
    pub(crate) fn so_far(&mut self, done: u64) {
        self.say(format_args!("{done}"));
    }

    fn say(&mut self, how_far: std::fmt::Arguments<'_>) {
        if !self.is_wanted || Instant::now() < self.next {
            return;
        }
        self.ui.talk(&format!("\r{how_far} {}", self.what));
        self.is_shown = true;
        self.next = Instant::now() + EVERY;
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        if self.is_shown {
            self.ui.talk("\r\u{1b}[K");
        }
    }
}
