//! What is wrong with a profile's text, at a line and a column.
//!
//! A profile decides what may be compared, so nothing in it is guessed: an unknown key is an error
//! and not a remark. Each error names the file it stands in, also when that file came in by
//! `extends`.

use super::source::Place;
use crate::pointer::BadPath;
use crate::redact::{BadShape, Mode};

/// A text is not a profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{source_name}:{line}:{column}: {fault}")]
pub struct ProfileError {
    /// The file, as the caller named it.
    pub source_name: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong there.
    pub fault: ProfileFault,
    /// What to do about it, in one sentence.
    pub hint: Option<String>,
}

impl ProfileError {
    /// Tells whether the profile is written in a schema that comes after the one known here.
    pub fn is_of_a_later_schema(&self) -> bool {
        matches!(self.fault, ProfileFault::UnknownSchema { found } if found > super::schema::SCHEMA)
    }

    pub(super) fn at(place: &Place, fault: ProfileFault) -> Self {
        Self {
            source_name: place.source_name.to_string(),
            line: place.line,
            column: place.column,
            fault,
            hint: None,
        }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// What can be wrong with a profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProfileFault {
    /// The text is not TOML.
    #[error("not TOML: {message}")]
    NotToml {
        /// What the parser said.
        message: String,
    },
    /// A key that profiles do not have.
    #[error("unknown key `{key}`{}", within(.table))]
    UnknownKey {
        /// The key.
        key: String,
        /// The table it stands in; empty at the top.
        table: String,
    },
    /// A key that profiles must have.
    #[error("`{key}` is missing{}", within(.table))]
    MissingKey {
        /// The key.
        key: &'static str,
        /// The table it is wanted in; empty at the top.
        table: String,
    },
    /// A value of the wrong type.
    #[error("`{key}` is {found}, {expected} is wanted")]
    WrongType {
        /// The key.
        key: String,
        /// What is wanted, with its article.
        expected: &'static str,
        /// What stands there, with its article.
        found: &'static str,
    },
    /// A word that is none of those known there.
    #[error("`{word}` is none of {}", .known.join(", "))]
    UnknownWord {
        /// The word.
        word: String,
        /// The words known there.
        known: Vec<&'static str>,
    },
    /// A number out of its range.
    #[error("`{key}` is out of range")]
    OutOfRange {
        /// The key.
        key: String,
    },
    /// A text that is no dotted path.
    #[error("not a path: {0}")]
    Path(BadPath),
    /// A pattern of the group `*` that does not end in one `*`.
    #[error("`{pattern}` does not end in `.*`, so it makes no groups")]
    OpenGroup {
        /// The pattern.
        pattern: String,
    },
    /// The same thing is said twice.
    #[error("`{what}` is listed twice")]
    Twice {
        /// The thing.
        what: String,
    },
    /// An alias of an alias.
    #[error("`{alias}` stands for `{target}`, which is an alias itself")]
    AliasChain {
        /// The alias.
        alias: String,
        /// What it stands for.
        target: String,
    },
    /// An alias that reaches into another, so that the order of reading would decide.
    #[error("the alias `{alias}`, or what it stands for, reaches into the alias `{other}`")]
    AliasOverlap {
        /// The alias.
        alias: String,
        /// The other one, or the same.
        other: String,
    },
    /// `extends` names a profile that is nowhere.
    #[error("there is no profile `{name}`")]
    UnknownProfile {
        /// The name.
        name: String,
    },
    /// A profile extends itself, at last.
    #[error("`{name}` extends itself{}", way_between(.by_way_of))]
    ExtendsCycle {
        /// The name.
        name: String,
        /// The profiles between.
        by_way_of: Vec<String>,
    },
    /// Profiles extend each other without an end in sight.
    #[error("`{name}` is one more than the {profiles_max} profiles that may extend each other")]
    ChainTooLong {
        /// The name that was not followed.
        name: String,
        /// Most profiles in a chain.
        profiles_max: usize,
    },
    /// A field that a profile has no say in.
    #[error("`{field}` means the same in every profile, so it cannot be {role}")]
    FixedField {
        /// The field.
        field: &'static str,
        /// What it was to be, with its article.
        role: &'static str,
    },
    /// A stage alias stands for a stage that the profile refuses.
    #[error("`{alias}` stands for `{target}`, which is no stage of this profile")]
    AliasOfNoStage {
        /// The alias.
        alias: String,
        /// What it stands for.
        target: String,
    },
    /// A pattern where one metric is wanted.
    #[error("`{entry}` is a pattern, the name of one metric is wanted")]
    NotOneMetric {
        /// The entry.
        entry: String,
    },
    /// A primary metric that is better both ways.
    #[error("primary metric `{metric}` is listed as better both `higher` and `lower`")]
    TwoDirections {
        /// The metric.
        metric: String,
    },
    /// A cohort is to be named by a field that is no identity.
    #[error("`{path}` is no identity field of any stage, so it cannot name a cohort")]
    NoIdentity {
        /// The field.
        path: String,
    },
    /// A schema of profiles that this release does not know.
    #[error("profile schema {found} is not known, only 1")]
    UnknownSchema {
        /// The number.
        found: i64,
    },
    /// A text that is no value pattern.
    #[error("the value pattern `{pattern}` {reason}")]
    Shape {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        reason: Box<BadShape>,
    },
    /// A rule would make different runs equal, or take away what must be there.
    #[error("`{path}` may reach {what}, which cannot be redacted by `{mode}`")]
    Conflates {
        /// The pattern of the rule.
        path: String,
        /// Its mode.
        mode: Mode,
        /// What it may reach.
        what: Box<str>,
    },
    /// A list of what is kept leaves out what is needed.
    #[error("`allow_only` leaves out {what}")]
    NotAllowed {
        /// What is left out.
        what: String,
    },
    /// A list of what is kept holds more than that of the profile it extends.
    #[error("`allow_only` holds `{path}`, which the profile below does not allow")]
    Widens {
        /// The entry.
        path: String,
    },
}

fn way_between(profiles: &[String]) -> String {
    if profiles.is_empty() {
        String::new()
    } else {
        format!(" by way of {}", profiles.join(", "))
    }
}

fn within(table: &str) -> String {
    if table.is_empty() {
        String::new()
    } else {
        format!(" in `{table}`")
    }
}
