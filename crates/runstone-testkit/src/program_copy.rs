//! A copy of the test program that runs, as another process.
//!
//! A promise about many processes needs some. A copy runs one test of its own program, is told its
//! part by an argument that the test harness takes for one more filter, waits until its standard
//! input ends, and says what it has to say on lines behind the word `said`. The invariant kept: a
//! line is handed on with its end, so that one that was cut short by a death is known as such.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};

/// A copy of this program.
#[derive(Debug)]
pub struct ProgramCopy {
    child: Child,
    said: BufReader<ChildStdout>,
}

impl ProgramCopy {
    /// Starts a copy that runs this test alone, with an argument.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn start(test: &str, argument: &str) -> Self {
        let program = std::env::current_exe().expect("this program has a path");
        let mut child = Command::new(program)
            .args([test, "--exact", "--nocapture", argument])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a program that runs can be started");
        let said = child.stdout.take().expect("it was asked for");
        Self {
            child,
            said: BufReader::new(said),
        }
    }

    /// Returns the next thing it says, with the end of its line; `None` when it is done.
    ///
    /// # Panics
    /// If it cannot be heard.
    pub fn hear(&mut self) -> Option<String> {
        loop {
            let mut line = String::new();
            let read = self.said.read_line(&mut line);
            if read.expect("a copy says text") == 0 {
                return None;
            }
            // The harness prints the name of the test without a newline before what the test says.
            if let Some((_, said)) = line.split_once("said ") {
                return Some(said.to_owned());
            }
        }
    }

    /// Lets it go on: ends the standard input that it waits for.
    pub fn go(&mut self) {
        drop(self.child.stdin.take());
    }

    /// Kills it, wherever in its work it is.
    ///
    /// # Panics
    /// If it was waited for before.
    pub fn kill(&mut self) {
        self.child.kill().expect("nobody waited for it");
    }

    /// Waits until it has ended, and returns how.
    ///
    /// # Panics
    /// If it cannot be waited for.
    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().expect("it is a child of this program")
    }
}
