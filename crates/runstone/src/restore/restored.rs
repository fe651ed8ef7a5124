//! What came of a restore, in full: an outcome is told, whatever it is.

use std::path::PathBuf;

use runstone_env::restore::{Kept, Manager, Step};
use serde_json::{Value, json};

use super::propose::Proposal;

/// What was done, and what is there now.
#[derive(Debug, Clone)]
pub struct Restored {
    /// How it ended.
    pub outcome: Outcome,
    /// The command lines that were started, in order.
    pub ran: Vec<Ran>,
    /// What still differs from the target, as it was captured afterwards.
    pub differences: Vec<Step>,
    /// What is there and the target lacks.
    pub kept: Vec<Kept>,
    /// The environment as it was before, kept and pinned; `None`: nothing that was there changed.
    pub safety: Option<String>,
    /// The folder of the environment that was made anew.
    pub fresh: Option<String>,
    /// The journal.
    pub journal: PathBuf,
    /// What else should be known.
    pub warnings: Vec<String>,
}

/// How a restore ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// What is there is the target.
    Exactly,
    /// What is there has everything of the target, and more that was to stay.
    WithMore,
    /// Something of the target is not there.
    WithDifferences,
    /// A manager failed, and nothing was started after it.
    Stopped {
        /// The manager.
        manager: Manager,
        /// How it ended.
        how: String,
        /// The last lines of what it said.
        said: Vec<String>,
    },
    /// What came of it could not be captured.
    Unverified {
        /// Why not.
        why: String,
    },
}

/// A command line that was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// Whose it is.
    pub manager: Manager,
    /// Its words.
    pub argv: Vec<String>,
    /// Its exit code; `None`: it could not be started.
    pub code: Option<i32>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

impl Outcome {
    /// Returns the word that stands for it in JSON.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Exactly => "exactly",
            Self::WithMore => "with_more",
            Self::WithDifferences => "with_differences",
            Self::Stopped { .. } => "stopped",
            Self::Unverified { .. } => "unverified",
        }
    }

    /// Tells whether everything of the target is there.
    pub const fn is_whole(&self) -> bool {
        matches!(self, Self::Exactly | Self::WithMore)
    }
}

impl Restored {
    /// Returns the command that leads back, where something was changed.
    pub fn way_back(&self, proposal: &Proposal) -> Option<String> {
        let safety = self.safety.as_deref()?;
        let managers = proposal.plan.managers.iter().map(|it| it.as_str());
        let managers: Vec<&str> = managers.collect();
        let python = proposal.request.capture.python.as_ref();
        let python = python.map_or_else(String::new, |python| {
            let python = python.to_string_lossy().replace('\'', r"'\''");
            format!(" --python '{python}'")
        });
        Some(format!(
            "runstone env restore {safety} --prune --only {}{python}",
            managers.join(",")
        ))
    }

    /// Returns the stable JSON form, schema `runstone.env-restore/1`.
    pub fn to_json(&self, proposal: &Proposal) -> Value {
        let mut json = proposal.to_json();
        let ran = self.ran.iter().map(|ran| {
            json!({
                "manager": ran.manager.as_str(),
                "argv": ran.argv,
                "code": ran.code,
                "took_ms": ran.took_ms,
            })
        });
        json["outcome"] = json!(self.outcome.as_str());
        json["ran"] = ran.collect();
        json["differences"] = self.differences.iter().map(Step::to_json).collect();
        json["safety"] = json!(self.safety);
        json["fresh"] = json!(self.fresh);
        json["journal"] = json!(self.journal.to_string_lossy());
        json["way_back"] = json!(self.way_back(proposal));
        json["warnings"] = json!(self.warnings);
        match &self.outcome {
            Outcome::Stopped { manager, how, said } => {
                json["stopped"] = json!({ "manager": manager.as_str(), "how": how, "said": said });
            }
            Outcome::Unverified { why } => json["unverified"] = json!(why),
            _ => {}
        }
        json
    }
}
