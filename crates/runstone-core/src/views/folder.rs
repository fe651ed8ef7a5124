//! Where views lie: `runs/<run>/<STAGE>/<cohort>/[attempt-<k>/]`.
//!
//! Text of a user becomes a path here and nowhere else. The invariant kept: no two snapshots share
//! a folder, no name of a stage is a name of ours, and every part is one safe file name. Run ids
//! become names in the cohort module, because golden vectors guard both together.

use crate::cohort::{run_directory, stage_directory};
use crate::id::{Attempt, RunId, Stage};

/// The folder that all runs lie in, below the store.
const RUNS: &str = "runs";
/// How the folder of a retry begins.
const ATTEMPT: &str = "attempt-";

/// The folder of one snapshot's views.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ViewFolder {
    run: String,
    stage: String,
    cohort: String,
    attempt: Attempt,
}

/// One file in such a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ViewFile {
    /// The payload with its place.
    Snapshot,
    /// The document with the block `diff_telemetry`.
    Metadata,
    /// The flat metrics with a small block.
    Metrics,
    /// What changed since the previous run.
    DiffPrev,
    /// What differs from the baseline.
    DiffBaseline,
    /// How far each metric stands from both.
    MetricDeltas,
    /// Every changed factor since the previous run, where they are too many to be listed.
    FactorsPrev,
    /// Every changed factor against the baseline, where they are too many to be listed.
    FactorsBaseline,
}

impl ViewFile {
    /// The files that every snapshot has.
    pub const ALWAYS: [Self; 6] = [
        Self::Snapshot,
        Self::Metadata,
        Self::Metrics,
        Self::DiffPrev,
        Self::DiffBaseline,
        Self::MetricDeltas,
    ];
    /// Every file there may be.
    pub const ALL: [Self; 8] = [
        Self::Snapshot,
        Self::Metadata,
        Self::Metrics,
        Self::DiffPrev,
        Self::DiffBaseline,
        Self::MetricDeltas,
        Self::FactorsPrev,
        Self::FactorsBaseline,
    ];

    /// Returns its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Snapshot => "snapshot.json",
            Self::Metadata => "metadata.json",
            Self::Metrics => "metrics.json",
            Self::DiffPrev => "diff_prev.json",
            Self::DiffBaseline => "diff_baseline.json",
            Self::MetricDeltas => "metric_deltas.json",
            Self::FactorsPrev => "excluded_factors_prev.json",
            Self::FactorsBaseline => "excluded_factors_baseline.json",
        }
    }

    /// Returns the word it is listed under: its name without the ending.
    pub fn word(self) -> &'static str {
        self.name().trim_end_matches(".json")
    }

    /// Returns the file of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|file| file.name() == name)
    }
}

/// Returns the name of the folder of a run, below `runs/`.
pub fn run_folder(run_id: &RunId) -> String {
    run_directory(run_id)
}

impl ViewFolder {
    /// Returns the folder of the snapshot of this run, stage, cohort and attempt.
    pub fn of(run_id: &RunId, stage: &Stage, cohort: &str, attempt: Attempt) -> Self {
        Self {
            run: run_directory(run_id),
            stage: stage_directory(stage),
            cohort: cohort.to_owned(),
            attempt,
        }
    }

    /// Returns the folder whose parts below `runs/` are these; `None` if none has them.
    pub fn from_parts(run: &str, stage: &str, cohort: &str, retry: Option<&str>) -> Option<Self> {
        let attempt = match retry {
            None => Attempt(0),
            Some(name) => Self::retry(name)?,
        };
        Some(Self {
            run: run.to_owned(),
            stage: stage.to_owned(),
            cohort: cohort.to_owned(),
            attempt,
        })
    }

    /// Returns the retry that a folder in a cohort's folder is named by.
    pub fn retry(name: &str) -> Option<Attempt> {
        let number: u32 = name.strip_prefix(ATTEMPT)?.parse().ok()?;
        let is_ours = number > 0 && name == format!("{ATTEMPT}{number}");
        is_ours.then_some(Attempt(number))
    }

    /// Returns the names of the folders from `runs/` down to this one.
    pub fn parts(&self) -> Vec<String> {
        let mut parts = vec![self.run.clone(), self.stage.clone(), self.cohort.clone()];
        if self.attempt.0 > 0 {
            parts.push(format!("{ATTEMPT}{}", self.attempt));
        }
        parts
    }

    /// Tells whether this is the folder `other`, also where names are folded.
    pub fn is_same(&self, other: &Self) -> bool {
        self.run == other.run
            && self.stage.eq_ignore_ascii_case(&other.stage)
            && self.cohort == other.cohort
            && self.attempt == other.attempt
    }

    /// Returns the id of the cohort.
    pub fn cohort(&self) -> &str {
        &self.cohort
    }

    /// Returns the name of the run's folder.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// Returns the path of the folder, relative to the store.
    pub fn path(&self) -> String {
        format!("{RUNS}/{}", self.parts().join("/"))
    }

    /// Returns the path of a file in it, relative to the store.
    pub fn file(&self, file: ViewFile) -> String {
        format!("{}/{}", self.path(), file.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(stage: &str, attempt: u32) -> ViewFolder {
        let (run_id, stage) = (RunId::new("r1").unwrap(), Stage::new(stage).unwrap());
        ViewFolder::of(
            &run_id,
            &stage,
            "train.lab.0123456789abcdef",
            Attempt(attempt),
        )
    }

    #[test]
    fn a_retry_lies_below_the_first_attempt() {
        let below = "runs/r1/TRAINING/train.lab.0123456789abcdef";
        assert_eq!(folder("TRAINING", 0).path(), below);
        assert_eq!(
            folder("TRAINING", 12).file(ViewFile::Snapshot),
            format!("{below}/attempt-12/snapshot.json")
        );
    }

    #[test]
    fn parts_lead_back_to_the_folder() {
        for made in [folder("train", 0), folder("a/b", 3)] {
            let parts = made.parts();
            let retry = parts.get(3).map(String::as_str);
            let again = ViewFolder::from_parts(&parts[0], &parts[1], &parts[2], retry);
            assert_eq!(again, Some(made));
        }
        for odd in ["attempt-0", "attempt-01", "attempt-+1", "attempt-", "other"] {
            assert_eq!(ViewFolder::retry(odd), None, "{odd}");
        }
    }

    #[test]
    fn no_stage_takes_the_name_of_the_index() {
        for stage in ["snapshot_index.json", "Snapshot_Index.JSON"] {
            assert_ne!(
                folder(stage, 0).parts()[1].to_lowercase(),
                "snapshot_index.json"
            );
        }
    }

    #[test]
    fn every_file_is_known_by_its_name() {
        for file in ViewFile::ALL {
            assert_eq!(ViewFile::from_name(file.name()), Some(file));
        }
    }
}
