//! What is different between two environments: rows, those first that move numbers.
//!
//! ```text
//! comparable   what may be compared at all     facts     everything beside packages
//! packages     packages by name and arch       numerics  which rows come first
//! ```
//!
//! Pure functions of two documents. The invariant: nothing is said of a source that was not
//! captured on both sides, and what was not compared is listed with its reason. Words and colours
//! belong to the faces.

mod comparable;
mod facts;
mod numerics;
mod packages;

use serde_json::Value;

use self::comparable::Comparable;
use crate::document::{Environment, Source};
use crate::names::SourceName;

/// What is different.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EnvironmentDiff {
    /// The differences, those first that move numbers, then by source and name.
    pub rows: Vec<Row>,
    /// What was not compared, or not all of it, and why.
    pub not_compared: Vec<NotCompared>,
}

/// One difference.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Where it was found.
    pub source: SourceName,
    /// The package, or the fact.
    pub name: String,
    /// The architecture of the package.
    pub arch: Option<String>,
    /// What became of it.
    pub change: Change,
    /// What was: the version, the value, the state.
    pub before: Option<String>,
    /// What is.
    pub after: Option<String>,
    /// What else of the package is different.
    pub facts: Vec<FactChange>,
    /// Whether it is of those that move numbers.
    pub is_numeric: bool,
}

/// A fact of a package that is different.
#[derive(Debug, Clone, PartialEq)]
pub struct FactChange {
    /// Its name.
    pub name: String,
    /// What was; `None`: nothing.
    pub before: Option<Value>,
    /// What is.
    pub after: Option<Value>,
}

/// What became of a package or a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// It is not there any more.
    Removed,
    /// It was not there.
    Added,
    /// Its version is a later one.
    Upgraded,
    /// Its version is an earlier one.
    Downgraded,
    /// It is another one; which is later is not known, or nothing that has an order.
    Changed,
    /// The version is the same, what is behind it is not.
    Rebuilt,
    /// Who asked for it, or what is to become of it.
    Marked,
    /// It is neither installed nor gone, or was.
    State,
}

/// A source that was not compared, or not all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotCompared {
    /// The source.
    pub source: SourceName,
    /// Why, as a sentence fragment for people.
    pub reason: String,
}

/// Compares two environments, the earlier one first.
pub fn diff(before: &Environment, after: &Environment) -> EnvironmentDiff {
    let mut diff = EnvironmentDiff::default();
    for name in SourceName::ALL.iter().copied() {
        let comparable = Comparable::of(name, before, after);
        let whole = matches!(comparable, Comparable::Whole);
        if let Comparable::Common(reason) | Comparable::Nothing(reason) = &comparable {
            diff.not_compared.push(NotCompared {
                source: name,
                reason: reason.clone(),
            });
        }
        if let Comparable::Nothing(_) | Comparable::Neither = comparable {
            continue;
        }
        let sides = (before.sources.get(&name), after.sources.get(&name));
        if let (Some(left), Some(right)) = sides {
            let sides = Sides {
                name,
                left,
                right,
                whole,
            };
            diff.rows.extend(sides.rows(before, after));
        }
    }
    for row in &mut diff.rows {
        row.is_numeric = numerics::is_numeric(row.source, &row.name);
    }
    diff.rows.sort_by(|left, right| {
        let key = |row: &Row| {
            (
                !row.is_numeric,
                row.source,
                row.name.clone(),
                row.arch.clone(),
            )
        };
        key(left)
            .cmp(&key(right))
            .then(left.change.cmp(&right.change))
    });
    diff
}

/// A source on both sides.
#[derive(Debug, Clone, Copy)]
struct Sides<'e> {
    name: SourceName,
    left: &'e Source,
    right: &'e Source,
    /// Whether what one side lacks is known to be missing there.
    whole: bool,
}

impl Sides<'_> {
    fn rows(self, before: &Environment, after: &Environment) -> Vec<Row> {
        let mut rows = packages::rows(self, before, after);
        rows.extend(facts::rows(self, before, after));
        if self.whole {
            return rows;
        }
        // What one side lacks may be among what could not be read.
        rows.retain(|row| row.before.is_some() && row.after.is_some());
        rows
    }

    fn row(self, name: &str, change: Change) -> Row {
        Row {
            source: self.name,
            name: name.to_owned(),
            arch: None,
            change,
            before: None,
            after: None,
            facts: Vec::new(),
            is_numeric: false,
        }
    }
}

impl Change {
    /// Returns the word that stands for it in JSON and talk.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Upgraded => "upgraded",
            Self::Downgraded => "downgraded",
            Self::Changed => "changed",
            Self::Rebuilt => "rebuilt",
            Self::Marked => "marked",
            Self::State => "state",
        }
    }

    /// Returns what it is, seen from the other side.
    #[must_use]
    pub const fn mirrored(self) -> Self {
        match self {
            Self::Added => Self::Removed,
            Self::Removed => Self::Added,
            Self::Upgraded => Self::Downgraded,
            Self::Downgraded => Self::Upgraded,
            same => same,
        }
    }
}

#[cfg(test)]
mod tests;
