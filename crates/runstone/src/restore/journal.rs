//! The journal of a restore: what was started and how it ended, line by line.
//!
//! It is no truth of the ledger and lies outside of the store, on the host that was changed. Each
//! line is durable before what it announces begins, so that after a power cut the last line says
//! what was under way. Secrets are masked by the store's rules before anything is written.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use runstone_core::redact::Redaction;
use serde_json::{Value, json};

use super::error::RestoreError;

/// The schema of its first line.
const SCHEMA: &str = "runstone.restore-journal/1";

/// A journal that is being written.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    redaction: Redaction,
}

impl Journal {
    /// Begins a journal in `folder`, which is made if it is not there, under a name that no other
    /// has.
    pub(super) fn begin(
        folder: &Path,
        name: &str,
        redaction: Redaction,
    ) -> Result<Self, RestoreError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source: io::Error| RestoreError::Unwritable { path, source }
        };
        let mut made = std::fs::DirBuilder::new();
        made.recursive(true).mode(0o700);
        made.create(folder).map_err(failed(folder))?;
        let mut number = 0;
        loop {
            let more = if number == 0 {
                String::new()
            } else {
                format!("-{number}")
            };
            let path = folder.join(format!("{name}{more}.jsonl"));
            let file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path);
            match file {
                Ok(file) => {
                    let listed = File::open(folder).and_then(|folder| folder.sync_all());
                    listed.map_err(failed(folder))?;
                    return Ok(Self {
                        path,
                        file,
                        redaction,
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(failed(&path)(error)),
            }
        }
    }

    /// Returns where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Takes back a journal in which nothing stands yet.
    pub(super) fn discard(self) {
        match std::fs::remove_file(&self.path) {
            // An empty file says nothing wrong.
            Ok(()) | Err(_) => {}
        }
    }

    /// Says what is restored, before anything is.
    pub(super) fn began(&mut self, at: &str, plan: &Value, safety: Option<&str>) -> io::Result<()> {
        self.line(&json!({
            "schema": SCHEMA, "event": "began", "at": at, "plan": plan, "safety": safety,
        }))
    }

    /// Says what is started now.
    pub(super) fn starts(&mut self, at: &str, argv: &[String]) -> io::Result<()> {
        self.line(&json!({ "event": "starts", "at": at, "argv": argv }))
    }

    /// Says how it ended.
    pub(super) fn ended(&mut self, at: &str, code: Option<i32>, said: &str) -> io::Result<()> {
        self.line(&json!({ "event": "ended", "at": at, "code": code, "said": said }))
    }

    /// Says what came of all.
    pub(super) fn finished(
        &mut self,
        at: &str,
        outcome: &str,
        differences: &[Value],
    ) -> io::Result<()> {
        self.line(&json!({
            "event": "finished", "at": at, "outcome": outcome, "differences": differences,
        }))
    }

    fn line(&mut self, line: &Value) -> io::Result<()> {
        let line = format!("{}\n", self.redaction.value(line));
        self.file.write_all(line.as_bytes())?;
        self.file.sync_data()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_a_document_and_no_journal_replaces_another() {
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().join("a/b");
        let mut journal = Journal::begin(&below, "one", Redaction::default()).unwrap();
        journal
            .began("t1", &json!({ "plan_id": "x" }), Some("env#1"))
            .unwrap();
        let argv = ["pip".to_owned(), "install".to_owned()];
        journal.starts("t2", &argv).unwrap();
        let token = format!("ghp_{}", "a1B2".repeat(9));
        journal
            .ended("t3", Some(1), &format!("no access with {token}"))
            .unwrap();
        journal.finished("t4", "stopped", &[]).unwrap();
        let text = std::fs::read_to_string(journal.path()).unwrap();
        let lines: Vec<Value> = text
            .lines()
            .map(|it| serde_json::from_str(it).unwrap())
            .collect();
        let events: Vec<&str> = lines
            .iter()
            .map(|it| it["event"].as_str().unwrap())
            .collect();
        assert_eq!(events, ["began", "starts", "ended", "finished"]);
        assert_eq!(lines[0]["schema"], SCHEMA);
        assert!(!text.contains(&token), "{text}");
        let second = Journal::begin(&below, "one", Redaction::default()).unwrap();
        assert_ne!(second.path(), journal.path());
    }
}
