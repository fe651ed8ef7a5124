//! What is different between the environments of two runs, beside their names.
//!
//! A snapshot names its environment by digest, and that is what is compared here: equal names,
//! equal environments. What differs between two of them is in their documents, which whoever reads
//! them puts beside the comparison. The invariant: rows are told only where both documents could be
//! read, and what was not compared is listed with its reason. Finding the rows belongs to
//! `runstone-env`.

use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

use super::run_diff::SectionRows;

/// What is different between two environments that have different names.
#[derive(Debug, Clone, PartialEq)]
pub enum EnvironmentChanges {
    /// Both could be read.
    Told {
        /// The first differences, those that move numbers before others.
        rows: Vec<EnvironmentRow>,
        /// How many there are.
        total: usize,
        /// Sources that were not compared, or not all of them.
        not_compared: Vec<NotCompared>,
    },
    /// One of them could not be read.
    Unknown {
        /// Which, and why not, as a fragment for people.
        reason: String,
    },
}

/// One difference between two environments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EnvironmentRow {
    /// What became of it: `added`, `removed`, `upgraded`, `downgraded`, `changed`, `rebuilt`,
    /// `marked` or `state`.
    pub change: &'static str,
    /// What is: a version, a value, a state.
    pub curr: Option<String>,
    /// The source, a dot, the package or fact, and its architecture behind a colon.
    pub key: String,
    /// Whether it is of those that move numbers.
    pub numeric: bool,
    /// What was.
    pub prev: Option<String>,
}

/// A source that was not compared, or not all of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotCompared {
    /// Why, as a fragment for people.
    pub reason: String,
    /// The source.
    pub source: &'static str,
}

/// The section as it is told: the names where nothing more is known, else what differs.
#[derive(Debug, Clone, Copy)]
pub(super) struct EnvironmentSection<'a> {
    pub(super) rows: &'a SectionRows,
    pub(super) changes: Option<&'a EnvironmentChanges>,
}

impl Serialize for EnvironmentSection<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(changes) = self.changes else {
            return self.rows.serialize(serializer);
        };
        let mut members = serializer.serialize_struct("EnvironmentSection", 5)?;
        match changes {
            EnvironmentChanges::Told {
                rows,
                total,
                not_compared,
            } => {
                members.serialize_field("not_compared", not_compared)?;
                members.serialize_field("reason", &None::<&str>)?;
                if rows.is_empty() {
                    members.serialize_field("rows", self.rows.rows())?;
                } else {
                    members.serialize_field("rows", rows)?;
                }
                members.serialize_field("state", "compared")?;
                members.serialize_field("total", total)?;
            }
            EnvironmentChanges::Unknown { reason } => {
                members.serialize_field("not_compared", &[] as &[NotCompared])?;
                members.serialize_field("reason", reason)?;
                members.serialize_field("rows", self.rows.rows())?;
                members.serialize_field("state", "compared")?;
                members.serialize_field("total", &None::<usize>)?;
            }
        }
        members.end()
    }
}
