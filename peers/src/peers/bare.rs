//! The bare protocol: what any durable commit of a new file needs, and nothing else.

use std::collections::BTreeSet;
use std::path::PathBuf;

use runstone_testkit::bench::{Floor, entry_bytes};
use serde_json::{Map, Value};

use super::{Keeper, Keeping};
use crate::Failure;

/// A folder of numbered files. A run is found by its number.
pub(super) struct Bare(pub(super) PathBuf);

impl Keeping for Bare {
    fn make(&self) -> Result<(), Failure> {
        Ok(())
    }

    fn open(&self) -> Result<Box<dyn Keeper>, Failure> {
        Ok(Box::new(Open {
            floor: Floor::in_directory(&self.0)?,
            bytes: entry_bytes(),
        }))
    }

    fn runs(&self) -> Result<BTreeSet<String>, Failure> {
        numbered_files(&self.0)
    }
}

/// Returns the names of all files of `folder` that are numbers.
pub(super) fn numbered_files(folder: &std::path::Path) -> Result<BTreeSet<String>, Failure> {
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        if let Some(number) = name.to_str().and_then(|name| name.parse::<u64>().ok()) {
            names.insert(number.to_string());
        }
    }
    Ok(names)
}

struct Open {
    floor: Floor,
    bytes: Vec<u8>,
}

impl Keeper for Open {
    fn record(&mut self, _: Map<String, Value>) -> Result<String, Failure> {
        Ok(self.floor.commit(&self.bytes)?.to_string())
    }
}
