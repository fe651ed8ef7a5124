//! Which runs the demo makes, and in which order those come that are shown.
//!
//! Every run has settings and a seed, and nothing else: what else makes its numbers belongs to the
//! machine it is trained on. The invariant: no two runs have the same name. Training them is left
//! to [`model`](super::model).

use super::model::Settings;
use super::pcg::Seed;

/// Seeds each setting is trained with.
const SEEDS: u64 = 6;

/// One training run to be done.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) settings: Settings,
    pub(super) seed: Seed,
    /// What its name ends with, where settings and seed are those of another run.
    remark: &'static str,
}

impl Job {
    fn new(settings: Settings, seed: u64) -> Self {
        Self {
            settings,
            seed: Seed(seed),
            remark: "",
        }
    }

    pub(super) fn run_id(&self) -> String {
        let Settings {
            learning_rate,
            trees,
            depth,
            subsample,
        } = self.settings;
        format!(
            "gbt-{learning_rate}-{trees}-{depth}-{subsample}-seed{}{}",
            self.seed.0, self.remark
        )
    }
}

/// Every run of the pool: the settings one would try, each with several seeds.
pub(super) fn pool() -> Vec<Job> {
    let usual = Settings::default();
    let tried = [
        usual,
        Settings {
            learning_rate: 0.3,
            ..usual
        },
        Settings {
            trees: 120,
            ..usual
        },
        Settings {
            subsample: 0.2,
            ..usual
        },
    ];
    (1..=SEEDS)
        .flat_map(|seed| tried.map(|settings| Job::new(settings, seed)))
        .collect()
}

/// The runs that come in last, one after the other.
#[derive(Debug)]
pub(super) struct Last {
    /// The usual settings.
    pub(super) usual: Job,
    /// The same, learning slower.
    pub(super) lowered: Job,
    /// The usual settings again.
    pub(super) back: Job,
    /// The very same again, for a machine that changed meanwhile.
    pub(super) upgraded: Job,
}

impl Last {
    /// How many these are.
    pub(super) const COUNT: usize = 4;

    pub(super) fn new() -> Self {
        let usual = Settings::default();
        let lowered = Settings {
            learning_rate: 0.01,
            ..usual
        };
        let back = Job::new(usual, SEEDS + 2);
        Self {
            usual: Job::new(usual, SEEDS + 1),
            lowered: Job::new(lowered, SEEDS + 1),
            upgraded: Job {
                remark: "-upgraded",
                ..back.clone()
            },
            back,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_runs_have_the_same_name() {
        let Last {
            usual,
            lowered,
            back,
            upgraded,
        } = Last::new();
        let mut jobs = pool();
        jobs.extend([usual, lowered, back, upgraded]);
        let names: BTreeSet<String> = jobs.iter().map(Job::run_id).collect();
        assert_eq!(names.len(), pool().len() + Last::COUNT);
    }

    #[test]
    fn upgrade_changes_no_setting_and_no_seed() {
        let Last { back, upgraded, .. } = Last::new();
        assert_eq!(back.settings, upgraded.settings);
        assert_eq!(back.seed, upgraded.seed);
    }
}
