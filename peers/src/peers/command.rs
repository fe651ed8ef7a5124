//! Runstone as a command: a new process for each run, with answer and views.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Map, Value};

use super::runstone::Library;
use super::{Keeper, Keeping};
use crate::Failure;

/// A store in a folder, and the command. A run is found by its id.
pub(super) struct Processes {
    program: PathBuf,
    store: PathBuf,
    library: Library,
}

impl Processes {
    pub(super) fn of(program: &Path, at: &Path) -> Self {
        Self {
            program: program.to_path_buf(),
            store: at.join("store"),
            library: Library::with_views(at),
        }
    }
}

impl Keeping for Processes {
    fn make(&self) -> Result<(), Failure> {
        self.library.make()
    }

    fn open(&self) -> Result<Box<dyn Keeper>, Failure> {
        Ok(Box::new(Open {
            program: self.program.clone(),
            store: self.store.clone(),
        }))
    }

    fn runs(&self) -> Result<BTreeSet<String>, Failure> {
        self.library.runs()
    }
}

struct Open {
    program: PathBuf,
    store: PathBuf,
}

impl Keeper for Open {
    fn record(&mut self, document: Map<String, Value>) -> Result<String, Failure> {
        let run = document.get("run_id").and_then(Value::as_str);
        let run = run.ok_or("a document without a run id")?.to_owned();
        let mut child = Command::new(&self.program)
            .arg("--store")
            .arg(&self.store)
            .args(["--quiet", "record", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut input = child.stdin.take().ok_or("a process without an input")?;
        input.write_all(Value::Object(document).to_string().as_bytes())?;
        drop(input);
        let output = child.wait_with_output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        }
        Ok(run)
    }
}
