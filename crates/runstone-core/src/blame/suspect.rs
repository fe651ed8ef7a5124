//! What changed at the onset of a move, ranked by the evidence of the cohort's own history.
//!
//! The invariant kept: outcomes (metrics, artifacts, status) are no suspects, and what was not
//! captured is none either; it is said beside them as not known.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::diff::{
    EnvironmentChanges, FactorGroup, Row, RunDiff, comparable_tree, tells_of_process,
};
use crate::id::SnapshotSeq;
use crate::snapshot::{Code, DIGEST, Snapshot};
use crate::verdict::Overall;

/// What kind of thing changed; the order is that among equally suspicious ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Software or hardware that moves numbers.
    Numerics,
    /// The state of the code.
    Code,
    /// Versions that the document states.
    Versions,
    /// Settings.
    Settings,
    /// The command line, or how the process ended.
    Process,
    /// Other software, or the machine: an upgrade of a system changes a hundred of these at once.
    Environment,
    /// Labels.
    Labels,
    /// Seeds.
    Seeds,
}

impl Group {
    /// Returns the word used in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Numerics => "numerics",
            Self::Environment => "environment",
            Self::Code => "code",
            Self::Versions => "versions",
            Self::Settings => "settings",
            Self::Process => "process",
            Self::Labels => "labels",
            Self::Seeds => "seeds",
        }
    }
}

/// One thing that changed between the last run before a move and the first that shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Changed {
    /// Its dotted name as the diff has it: `factors.versions.numpy`, `code.commit`.
    pub key: String,
    /// What kind of thing it is.
    pub group: Group,
    /// The value before; `None`: absent.
    pub prev: Option<Value>,
    /// The value since; `None`: absent.
    pub curr: Option<Value>,
}

impl Changed {
    /// Tells whether it is a row of the environment's document, which no tree holds.
    fn is_row(&self) -> bool {
        matches!(self.group, Group::Numerics | Group::Environment)
            && self.key != environment_key(DIGEST)
    }
}

/// A run beside a move.
#[derive(Debug, Clone)]
pub struct Run<'s> {
    /// What was recorded.
    pub snapshot: &'s Snapshot,
    /// By the key of a change of the environment, what the run has of it. Keys that are not there:
    /// something else, or nobody knows.
    pub environment: BTreeMap<String, Has>,
}

/// Which side of a change a run has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Has {
    /// What was before the move.
    Before,
    /// What is since the move.
    Since,
}

/// What an earlier run was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earlier {
    /// The run.
    pub seq: SnapshotSeq,
    /// What had changed since its previous run.
    pub changed: BTreeSet<String>,
    /// Whether it mattered.
    pub overall: Overall,
}

/// Something that changed with a move, and what speaks for and against it.
#[derive(Debug, Clone, PartialEq)]
pub struct Suspect {
    /// What changed.
    pub changed: Changed,
    /// Runs since that have the value from before again.
    pub undone: usize,
    /// Runs before that had the new value already.
    pub seen_before: usize,
    /// Earlier runs at which the same thing had changed, and were judged as the current one is.
    pub harmful: Vec<SnapshotSeq>,
    /// Those that were judged otherwise.
    pub harmless: Vec<SnapshotSeq>,
    /// Those that could not be judged.
    pub unjudged: usize,
}

/// Returns what changed between two runs and could explain a move.
pub fn changed_between(diff: &RunDiff) -> Vec<Changed> {
    let mut found = Vec::new();
    for change in &diff.excluded_factors.changes {
        let (group, class) = match change.group {
            FactorGroup::Hyperparameters => (Group::Settings, "settings"),
            FactorGroup::TrainSeed => (Group::Seeds, "seeds"),
            FactorGroup::Versions => (Group::Versions, "versions"),
        };
        found.push(Changed {
            key: format!("factors.{class}.{}", change.key),
            group,
            prev: change.prev.clone(),
            curr: change.curr.clone(),
        });
    }
    match &diff.environment_changes {
        Some(EnvironmentChanges::Told { rows, .. }) if !rows.is_empty() => {
            found.extend(rows.iter().map(|row| {
                let side = |side: &Option<String>| side.as_deref().map(Value::from);
                Changed {
                    key: environment_key(&row.key),
                    group: if row.numeric {
                        Group::Numerics
                    } else {
                        Group::Environment
                    },
                    prev: side(&row.prev),
                    curr: side(&row.curr),
                }
            }));
        }
        // Nobody knows what is behind the two names.
        _ => found.extend(diff.environment.rows().iter().map(|row| Changed {
            key: environment_key(&row.key),
            group: Group::Environment,
            prev: row.prev.clone(),
            curr: row.curr.clone(),
        })),
    }
    let sections = [
        ("code", Group::Code, diff.code.rows()),
        ("process", Group::Process, diff.process.rows()),
        ("labels", Group::Labels, &diff.labels),
    ];
    for (section, group, rows) in sections {
        let tells = |row: &&Row| match group {
            Group::Code => Code::tells(&row.key),
            Group::Process => tells_of_process(&row.key),
            _ => true,
        };
        found.extend(rows.iter().filter(tells).map(|row| Changed {
            key: format!("{section}.{}", row.key),
            group,
            prev: row.prev.clone(),
            curr: row.curr.clone(),
        }));
    }
    found
}

/// Returns the key of a change of the environment, given that of its row.
pub fn environment_key(row: &str) -> String {
    format!("environment.{row}")
}

/// Ranks what changed at an onset, most suspicious first: what was not undone since, was new, and
/// did not change before without harm; among equals what moves numbers first. `since` are the runs
/// after the first that shows the move, `before` those before it; `overall` is the current answer.
pub fn suspects(
    changed: Vec<Changed>,
    before: &[Run<'_>],
    since: &[Run<'_>],
    earlier: &[Earlier],
    overall: Overall,
) -> Vec<Suspect> {
    let [before, since] = [before, since].map(|runs| {
        let with_tree = |run: &'_ Run<'_>| (comparable_tree(run.snapshot), run.environment.clone());
        runs.iter().map(with_tree).collect::<Vec<_>>()
    });
    let mut found: Vec<Suspect> = changed
        .into_iter()
        .map(|changed| {
            let count = |runs: &[(Value, BTreeMap<String, Has>)], side, value: Option<&Value>| {
                let has = |(tree, environment): &&(Value, BTreeMap<String, Has>)| {
                    match environment.get(&changed.key) {
                        Some(found) => *found == side,
                        // Of rows a tree says nothing, neither that one is there nor that none is.
                        None if changed.is_row() => false,
                        None => has(tree, &changed.key, value),
                    }
                };
                runs.iter().filter(has).count()
            };
            let undone = count(&since, Has::Before, changed.prev.as_ref());
            let seen_before = count(&before, Has::Since, changed.curr.as_ref());
            let (mut harmful, mut harmless, mut unjudged) = (Vec::new(), Vec::new(), 0);
            for run in earlier
                .iter()
                .filter(|run| run.changed.contains(&changed.key))
            {
                match run.overall {
                    Overall::Undecided => unjudged += 1,
                    word if word == overall => harmful.push(run.seq),
                    _ => harmless.push(run.seq),
                }
            }
            Suspect {
                changed,
                undone,
                seen_before,
                harmful,
                harmless,
                unjudged,
            }
        })
        .collect();
    found.sort_by(|one, other| one.weight().cmp(&other.weight()));
    found
}

impl Suspect {
    /// Smaller is more suspicious.
    fn weight(&self) -> (bool, bool, bool, bool, usize, Group, &str) {
        (
            self.undone > 0,
            self.harmless.len() > self.harmful.len(),
            self.seen_before > 0,
            self.changed.group != Group::Numerics,
            self.harmless.len(),
            self.changed.group,
            &self.changed.key,
        )
    }

    /// Returns what speaks for and against it, as a fragment for people; `since` and `before` are
    /// how many runs there are.
    pub fn evidence(&self, before: usize, since: usize, overall: Overall) -> String {
        let runs = |count: usize| match count {
            1 => "1 run".to_owned(),
            count => format!("{count} runs"),
        };
        let mut said = vec![match self.seen_before {
            0 => format!("new: in none of {} before", runs(before)),
            seen => format!("not new: in {seen} of {} before", runs(before)),
        }];
        match (since, self.undone) {
            (1, _) => {}
            (since, 0) => said.push(format!("not undone in the {} since", runs(since))),
            (since, undone) => said.push(format!("undone in {undone} of {} since", runs(since))),
        }
        let judged = self.harmful.len() + self.harmless.len();
        said.push(match (judged, self.unjudged) {
            (0, 0) => "never changed before".to_owned(),
            (0, unjudged) => format!("changed at {} before, none of them judged", runs(unjudged)),
            (judged, _) => {
                let word = match overall {
                    Overall::Regression => "a regression",
                    Overall::Improvement => "an improvement",
                    _ => "a change",
                };
                let harm = match (self.harmful.len(), judged) {
                    (0, 1) => format!("not {word}"),
                    (0, _) => format!("none of them {word}"),
                    (1, 1) => word.to_owned(),
                    (harmful, _) => format!("{harmful} of them {word}"),
                };
                format!("changed at {} judged before, {harm}", runs(judged))
            }
        });
        said.join("; ")
    }

    /// Returns the stable JSON form.
    pub fn to_json(&self) -> Value {
        json!({
            "key": self.changed.key,
            "group": self.changed.group.as_str(),
            "prev": self.changed.prev,
            "curr": self.changed.curr,
            "undone": self.undone,
            "seen_before": self.seen_before,
            "changed_before": {
                "harmful": self.harmful,
                "harmless": self.harmless,
                "unjudged": self.unjudged,
            },
        })
    }
}

/// Tells whether a value, or nothing, stands at a dotted key of a comparable tree. Names may hold
/// dots themselves; of a section that was not captured nothing is told.
fn has(tree: &Value, key: &str, value: Option<&Value>) -> bool {
    let (section, rest) = key.split_once('.').unwrap_or((key, ""));
    let section = tree.get(section);
    section.is_some_and(|section| below(section, rest) == value)
}

fn below<'v>(value: &'v Value, rest: &str) -> Option<&'v Value> {
    if rest.is_empty() {
        return Some(value);
    }
    let members = value.as_object()?;
    if let Some(found) = members.get(rest) {
        return Some(found);
    }
    rest.match_indices('.').find_map(|(dot, _)| {
        let member = members.get(&rest[..dot])?;
        below(member, &rest[dot + 1..])
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::Against;
    use crate::diff::sample::{self, at as placed, diff};
    use crate::snapshot::Captured;

    /// A run by its numpy, its commit and its seed.
    fn run(numpy: &str, commit: &str, seed: u64) -> Snapshot {
        let mut run = sample::run("a");
        run.factors.versions = sample::values(&[("lib.numpy", json!(numpy))]);
        run.factors.seeds = sample::values(&[("seed", json!(seed))]);
        run.code = Captured::Known(json!({"commit": commit}));
        run.metrics = sample::metrics(&[("auc", 0.5)]);
        run
    }

    fn earlier(seq: u64, overall: Overall, keys: &[&str]) -> Earlier {
        Earlier {
            seq: SnapshotSeq(seq),
            changed: keys.iter().map(|key| (*key).to_owned()).collect(),
            overall,
        }
    }

    fn found(before: &[Snapshot], since: &[Snapshot], earlier: &[Earlier]) -> Vec<Suspect> {
        let between = diff(
            Against::Comparable(placed(before.last().unwrap(), 3)),
            placed(&since[0], 4),
        );
        suspects(
            changed_between(&between),
            &runs(before),
            &runs(&since[1..]),
            earlier,
            Overall::Regression,
        )
    }

    fn runs(snapshots: &[Snapshot]) -> Vec<Run<'_>> {
        let runs = snapshots.iter().map(|snapshot| Run {
            snapshot,
            environment: BTreeMap::new(),
        });
        runs.collect()
    }

    fn keys(suspects: &[Suspect]) -> Vec<&str> {
        suspects.iter().map(|it| it.changed.key.as_str()).collect()
    }

    const NUMPY: &str = "factors.versions.lib.numpy";
    const COMMIT: &str = "code.commit";
    const SEED: &str = "factors.seeds.seed";

    #[test]
    fn what_never_changed_before_stands_before_what_did_without_harm() {
        let before = [
            run("1.26", "a", 1),
            run("1.26", "b", 2),
            run("1.26", "c", 3),
        ];
        let since = [run("2.0", "d", 4), run("2.0", "e", 5)];
        let answers = [
            earlier(1, Overall::Undecided, &[]),
            earlier(2, Overall::Same, &[COMMIT, SEED, "metrics.auc"]),
            earlier(3, Overall::Same, &[COMMIT, SEED]),
        ];
        let found = found(&before, &since, &answers);
        assert_eq!(keys(&found), [NUMPY, COMMIT, SEED]);
        assert_eq!(found[1].harmless, [SnapshotSeq(2), SnapshotSeq(3)]);
        assert_eq!(
            found[0].evidence(3, 2, Overall::Regression),
            "new: in none of 3 runs before; not undone in the 2 runs since; never changed before"
        );
        assert_eq!(
            found[2].evidence(3, 2, Overall::Regression),
            "new: in none of 3 runs before; not undone in the 2 runs since; changed at 2 runs \
             judged before, none of them a regression"
        );
    }

    #[test]
    fn what_was_undone_since_or_seen_before_is_less_suspicious() {
        let before = [run("2.0", "a", 1), run("1.26", "b", 2), run("1.26", "c", 3)];
        let since = [run("2.0", "d", 4), run("2.0", "c", 5)];
        let found = found(&before, &since, &[]);
        assert_eq!(keys(&found), [SEED, NUMPY, COMMIT]);
        assert_eq!((found[1].seen_before, found[1].undone), (1, 0));
        assert_eq!((found[2].seen_before, found[2].undone), (0, 1));
    }

    #[test]
    fn what_came_with_harm_before_is_more_suspicious_than_what_did_not() {
        let before = [run("1.26", "a", 1), run("1.26", "b", 2)];
        let since = [run("2.0", "c", 3)];
        let answers = [
            earlier(2, Overall::Regression, &[COMMIT]),
            earlier(3, Overall::Same, &[NUMPY]),
        ];
        let found = found(&before, &since, &answers);
        assert_eq!(keys(&found), [COMMIT, SEED, NUMPY]);
        assert_eq!(
            found[0].evidence(2, 1, Overall::Regression),
            "new: in none of 2 runs before; changed at 1 run judged before, a regression"
        );
    }

    #[test]
    fn what_moves_numbers_stands_first_among_equals_and_outcomes_are_no_suspects() {
        let changed = |key: &str, group| Changed {
            key: key.to_owned(),
            group,
            prev: None,
            curr: Some(json!(1)),
        };
        let all = vec![
            changed("code.commit", Group::Code),
            changed("environment.dpkg.vim", Group::Environment),
            changed("environment.python.numpy", Group::Numerics),
        ];
        let found = suspects(all, &[], &[], &[], Overall::Regression);
        assert_eq!(found[0].changed.group, Group::Numerics);
        let mut other = run("1", "a", 1);
        other.metrics = sample::metrics(&[("auc", 0.1)]);
        other.artifacts = vec![json!({"path": "m", "sha256": "b"})];
        let between = diff(
            Against::Comparable(placed(&run("1", "a", 1), 1)),
            placed(&other, 2),
        );
        assert_eq!(changed_between(&between), []);
    }

    #[test]
    fn rows_of_an_environment_are_suspects_one_by_one() {
        use crate::diff::EnvironmentRow;
        let row = |key: &str, numeric| EnvironmentRow {
            change: "upgraded",
            curr: Some("2".to_owned()),
            key: key.to_owned(),
            numeric,
            prev: Some("1".to_owned()),
        };
        let mut run = run("1.26", "a", 1);
        let mut between = diff(Against::Comparable(placed(&run, 3)), placed(&run, 4));
        between.environment_changes = Some(EnvironmentChanges::Told {
            rows: vec![row("python.numpy", true), row("dpkg.vim:amd64", false)],
            total: 2,
            not_compared: Vec::new(),
        });
        let changed = changed_between(&between);
        let (numpy, vim) = ("environment.python.numpy", "environment.dpkg.vim:amd64");
        assert_eq!(changed[0].group, Group::Numerics);
        assert_eq!(
            (&*changed[1].key, changed[1].group),
            (vim, Group::Environment)
        );
        // Two runs with the digests of their environments in their trees; who has what is told.
        run.environment = Captured::Known(json!({"digest": "a"}));
        let mut gone = changed.clone();
        for it in &mut gone {
            it.curr = None;
        }
        let with = |has: &[(&str, Has)]| Run {
            snapshot: &run,
            environment: has
                .iter()
                .map(|(key, has)| ((*key).to_owned(), *has))
                .collect(),
        };
        let before = [with(&[(numpy, Has::Before), (vim, Has::Since)]), with(&[])];
        let since = [with(&[(numpy, Has::Since), (vim, Has::Before)])];
        let found = suspects(changed, &before, &since, &[], Overall::Regression);
        assert_eq!(keys(&found), [numpy, vim]);
        assert_eq!((found[0].seen_before, found[0].undone), (0, 0));
        assert_eq!((found[1].seen_before, found[1].undone), (1, 1));
        // That one is gone is not known of a run whose environment nobody could read.
        let found = suspects(gone, &[with(&[])], &[with(&[])], &[], Overall::Regression);
        assert!(found.iter().all(|it| (it.seen_before, it.undone) == (0, 0)));
    }

    #[test]
    fn a_section_that_was_not_captured_is_neither_undone_nor_seen() {
        let mut unknown = run("1.26", "d", 3);
        unknown.code = Captured::NotCaptured {
            reason: "not asked for".to_owned(),
        };
        let before = [unknown.clone(), run("1.26", "c", 2)];
        let since = [run("1.26", "d", 2), unknown];
        let found = found(&before, &since, &[]);
        assert_eq!(keys(&found), [COMMIT]);
        assert_eq!((found[0].seen_before, found[0].undone), (0, 0));
    }
}
