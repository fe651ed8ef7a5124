//! A lock that is held over the flush: what one writes when many processes share a file.
//!
//! Two shapes of it. One file of lines needs a single flush a run; a folder of numbered files needs
//! two, and keeps each run apart as Runstone does.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;

use serde_json::{Map, Value};

use super::bare::numbered_files;
use super::{Keeper, Keeping};
use crate::Failure;

/// The file that is locked.
const LOCK: &str = "lock";
/// The file of lines.
const RUNS: &str = "runs.jsonl";

/// One file of lines. A run is found by its id.
pub(super) struct Lines(pub(super) PathBuf);

impl Keeping for Lines {
    fn make(&self) -> Result<(), Failure> {
        append_to(&self.0.join(RUNS))?.sync_all()?;
        append_to(&self.0.join(LOCK))?;
        Ok(File::open(&self.0)?.sync_all()?)
    }

    fn open(&self) -> Result<Box<dyn Keeper>, Failure> {
        Ok(Box::new(OpenLines {
            lock: append_to(&self.0.join(LOCK))?,
            lines: append_to(&self.0.join(RUNS))?,
        }))
    }

    fn runs(&self) -> Result<BTreeSet<String>, Failure> {
        BufReader::new(File::open(self.0.join(RUNS))?)
            .lines()
            .map(|line| run_id(&serde_json::from_str(&line?)?))
            .collect()
    }
}

struct OpenLines {
    lock: File,
    lines: File,
}

impl Keeper for OpenLines {
    fn record(&mut self, document: Map<String, Value>) -> Result<String, Failure> {
        let run = run_id(&document)?;
        let line = format!("{}\n", Value::Object(document));
        self.lock.lock()?;
        self.lines.write_all(line.as_bytes())?;
        self.lines.sync_data()?;
        self.lock.unlock()?;
        Ok(run)
    }
}

/// A folder of numbered files. A run is found by its number.
pub(super) struct Files(pub(super) PathBuf);

impl Keeping for Files {
    fn make(&self) -> Result<(), Failure> {
        append_to(&self.0.join(LOCK))?;
        Ok(())
    }

    fn open(&self) -> Result<Box<dyn Keeper>, Failure> {
        Ok(Box::new(OpenFiles {
            lock: append_to(&self.0.join(LOCK))?,
            folder: self.0.clone(),
            handle: File::open(&self.0)?,
            next: 1,
        }))
    }

    fn runs(&self) -> Result<BTreeSet<String>, Failure> {
        numbered_files(&self.0)
    }
}

struct OpenFiles {
    lock: File,
    folder: PathBuf,
    handle: File,
    next: u64,
}

impl Keeper for OpenFiles {
    fn record(&mut self, document: Map<String, Value>) -> Result<String, Failure> {
        let bytes = Value::Object(document).to_string();
        self.lock.lock()?;
        while self.folder.join(self.next.to_string()).exists() {
            self.next += 1;
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(self.folder.join(self.next.to_string()))?;
        file.write_all(bytes.as_bytes())?;
        file.sync_all()?;
        self.handle.sync_all()?;
        self.lock.unlock()?;
        Ok(self.next.to_string())
    }
}

fn append_to(path: &std::path::Path) -> Result<File, Failure> {
    Ok(OpenOptions::new().append(true).create(true).open(path)?)
}

fn run_id(document: &Map<String, Value>) -> Result<String, Failure> {
    let run = document.get("run_id").and_then(Value::as_str);
    Ok(run.ok_or("a document without a run id")?.to_owned())
}
