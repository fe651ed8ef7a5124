//! Processes that wait for each other and then record at once.
//!
//! Whoever is started says `ready`, waits for `go SECONDS`, and prints a [`Report`] for each
//! process it stands for: one for a program of ours, all of them for one of Python, which imports
//! once and forks. The clock of each begins with `go`, so what it took to get there is in no
//! figure.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout};

use crate::Failure;
use crate::figures::Report;
use crate::peers::Peer;

/// A crowd that is ready.
pub(crate) struct Crowd {
    started: Vec<(Child, Lines<BufReader<ChildStdout>>)>,
}

impl Crowd {
    /// Starts so many processes and waits until all are ready.
    ///
    /// # Errors
    /// If one cannot be started, or says something else than that it is ready.
    pub(crate) fn start(peer: &Peer, at: &Path, processes: usize) -> Result<Self, Failure> {
        let mut crowd = Self {
            started: Vec::new(),
        };
        for mut command in peer.hands(at, processes) {
            let mut child = command.spawn()?;
            let answers = child.stdout.take().ok_or("a process without an output")?;
            let answers = BufReader::new(answers).lines();
            crowd.started.push((child, answers));
        }
        for (_, answers) in &mut crowd.started {
            let answer = answers.next().transpose()?;
            if answer.as_deref() != Some("ready") {
                return Err(format!("{} did not get ready: {answer:?}", peer.name).into());
            }
        }
        Ok(crowd)
    }

    /// Lets all of them record for some seconds and returns what they say. A process that ended
    /// without a word has no report.
    ///
    /// # Errors
    /// If a report cannot be read.
    pub(crate) fn record(mut self, seconds: u64) -> Result<Vec<Report>, Failure> {
        for (child, _) in &mut self.started {
            let mut input = child.stdin.take().ok_or("a process without an input")?;
            writeln!(input, "go {seconds}")?;
        }
        let mut reports = Vec::new();
        for (mut child, answers) in self.started {
            for line in answers {
                reports.push(serde_json::from_str(&line?)?);
            }
            child.wait()?;
        }
        Ok(reports)
    }
}
