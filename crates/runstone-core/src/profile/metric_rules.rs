//! What a profile says about one metric: which way is better, how far it may move, and which
//! metric decides.
//!
//! A metric handed in as `{mean, std, n}` is kept as `logloss.mean`, `logloss.std`, `logloss.n`.
//! The rules speak of the metric, `logloss`; here they are applied to the flat names. The invariant
//! kept: a spread or a count (`auc.std`, `auc.n`) is never better or worse because its metric's
//! name matched. Reading these rules from TOML belongs to the rest of this folder, applying
//! them to two runs to the diff.

use std::collections::BTreeMap;
use std::fmt;

use super::{Direction, MetricRules, NamePattern};
use crate::metric::MetricValue;
use crate::pattern::{self, Name};

/// Most metrics judged together when the profile names no primary one.
const JUDGED_TOGETHER_MAX: usize = 3;

/// How far a metric may move without having moved.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerance {
    /// Absolute, in the metric's own unit.
    pub absolute: f64,
    /// Relative, dimensionless: to the larger of both magnitudes, or on a log scale to the
    /// smaller.
    pub relative: f64,
    /// Compares the ratio of both values instead of their difference.
    pub log: bool,
}

impl Tolerance {
    /// Every movement counts.
    pub const EXACT: Self = Self {
        absolute: 0.0,
        relative: 0.0,
        log: false,
    };

    /// Returns the largest move between two finite values that does not count, in the metric's own
    /// unit.
    ///
    /// On a log scale the larger magnitude may be `1 + relative` times the smaller, which is a
    /// difference of `relative` times the smaller; values of different sign have no ratio, so only
    /// the absolute part holds for them.
    pub fn used(self, prev: f64, curr: f64) -> f64 {
        let scale = match self.log {
            false => prev.abs().max(curr.abs()),
            true if (prev < 0.0) == (curr < 0.0) => prev.abs().min(curr.abs()),
            true => 0.0,
        };
        self.absolute.max(self.relative * scale)
    }

    /// Tells whether a move between two finite values does not count.
    ///
    /// A difference of two decimals is known only to the last place of the larger one: 0.612 is
    /// 0.001 above 0.611, though their binary64 difference is a little more. So much is granted to
    /// a tolerance, and nothing to an exact comparison.
    pub fn covers(self, prev: f64, curr: f64) -> bool {
        let used = self.used(prev, curr);
        let moved = (curr - prev).abs();
        let last_place = if used > 0.0 {
            f64::EPSILON * prev.abs().max(curr.abs())
        } else {
            0.0
        };
        moved <= used + last_place
    }
}

/// The metrics that decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Primary {
    /// One metric decides.
    One(String),
    /// Two or three with a direction, and the profile names none: all of them are judged.
    Several(Vec<String>),
    /// More have a direction, and the profile names none.
    Undecided {
        /// The metrics that could decide, by name.
        candidates: Vec<String>,
    },
    /// No metric decides: none has a direction, or the run lacks those which the profile names.
    /// Another metric is not put in their place: a run that lost its primary metric has not done
    /// well by its second.
    None,
}

impl Primary {
    /// Returns the metrics that decide, by name; none where it is not settled which.
    pub fn names(self) -> Vec<String> {
        match self {
            Self::One(name) => vec![name],
            Self::Several(names) => names,
            Self::Undecided { .. } | Self::None => Vec::new(),
        }
    }
}

impl fmt::Display for Primary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(name) => write!(f, "`{name}` decides"),
            Self::Several(names) => write!(
                f,
                "{} metrics have a better side and the profile names none of them as primary",
                names.len()
            ),
            Self::Undecided { candidates } => write!(
                f,
                "{} metrics have a better side and the profile names none of them as primary",
                candidates.len()
            ),
            Self::None => f.write_str("the run has no metric that decides"),
        }
    }
}

impl MetricRules {
    /// Returns which way `name` is better.
    ///
    /// `logloss.mean` has the direction of `logloss`; `logloss.std` and `logloss.n` have none
    /// unless listed by that very name. An entry without `*` beats a pattern; equal claims of both
    /// lists leave none.
    pub fn direction(&self, name: &str) -> Direction {
        let [listed_higher, listed_lower] = [&self.higher, &self.lower].map(|list| {
            list.iter().any(|entry| {
                entry.is_name() && spellings(name).any(|spelled| entry.matches(spelled))
            })
        });
        if listed_higher || listed_lower {
            return one_side(listed_higher, listed_lower);
        }
        if is_spread_or_count(name) {
            return Direction::None;
        }
        let [higher, lower] = [&self.higher, &self.lower].map(|list| any_matches(list, name));
        one_side(higher, lower)
    }

    /// Returns which way `name` is better beside the other metrics of its run: of what stands
    /// beside a mean (`auc.min`, `auc.max`) only the mean is the metric's value, so the rest
    /// has a direction only if listed by that very name.
    pub fn direction_beside(&self, name: &str, is_measured: impl Fn(&str) -> bool) -> Direction {
        let is_beside_a_mean = name
            .rsplit_once('.')
            .is_some_and(|(metric, part)| part != "mean" && is_measured(&format!("{metric}.mean")));
        let is_listed = || {
            let mut lists = self.higher.iter().chain(&self.lower);
            lists.any(|entry| pattern::same_name(entry.as_str(), name))
        };
        if is_beside_a_mean && !is_listed() {
            return Direction::None;
        }
        self.direction(name)
    }

    /// Returns how far `name` may move: the first rule that matches it or its metric, else exact.
    pub fn tolerance(&self, name: &str) -> Tolerance {
        self.tolerance
            .iter()
            .find(|rule| any_matches(&rule.names, name))
            .map_or(Tolerance::EXACT, |rule| Tolerance {
                absolute: rule.absolute,
                relative: rule.relative,
                log: rule.log,
            })
    }

    /// Tells whether a flat name is the spread or the count of a metric.
    pub fn is_part(name: &str) -> bool {
        is_spread_or_count(name)
    }

    /// Returns which of these metrics are judged beside those that decide, in the profile's order.
    pub fn judged_beside<'n>(
        &self,
        names: &(impl Iterator<Item = &'n str> + Clone),
    ) -> Vec<&'n str> {
        let by_name = |wanted: &str| names.clone().find(|name| pattern::same_name(name, wanted));
        self.judged
            .iter()
            .filter_map(|entry| by_name(entry).or_else(|| by_name(&format!("{entry}.mean"))))
            .collect()
    }

    /// Returns which of a run's metrics decide.
    pub fn primary(&self, metrics: &BTreeMap<String, MetricValue>) -> Primary {
        if !self.primary.is_empty() {
            return self
                .primary
                .iter()
                .find_map(|entry| present(entry, metrics))
                .map_or(Primary::None, Primary::One);
        }
        let mut candidates: Vec<String> = metrics
            .keys()
            .filter(|name| {
                let direction = self.direction_beside(name, |other| metrics.contains_key(other));
                direction != Direction::None
            })
            .cloned()
            .collect();
        match candidates.len() {
            0 => Primary::None,
            1 => Primary::One(candidates.remove(0)),
            2..=JUDGED_TOGETHER_MAX => Primary::Several(candidates),
            _ => Primary::Undecided { candidates },
        }
    }
}

fn one_side(higher: bool, lower: bool) -> Direction {
    match (higher, lower) {
        (true, false) => Direction::Higher,
        (false, true) => Direction::Lower,
        _ => Direction::None,
    }
}

fn is_spread_or_count(name: &str) -> bool {
    matches!(name.rsplit_once('.'), Some((_, "std" | "n")))
}

/// The names under which a rule may speak of a flat metric: its own, and its metric's for a mean.
fn spellings(name: &str) -> impl Iterator<Item = &str> {
    std::iter::once(name).chain(name.strip_suffix(".mean"))
}

fn any_matches(entries: &[NamePattern], name: &str) -> bool {
    spellings(name)
        .map(Name::of)
        .any(|spelled| entries.iter().any(|entry| entry.matches_name(spelled)))
}

/// The flat name under which a run has the metric that a profile's entry names.
fn present(entry: &str, metrics: &BTreeMap<String, MetricValue>) -> Option<String> {
    let by_name = |wanted: &str| {
        metrics
            .keys()
            .find(|name| pattern::same_name(name, wanted))
            .cloned()
    };
    by_name(entry).or_else(|| by_name(&format!("{entry}.mean")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::ToleranceRule;

    fn texts(entries: &[&str]) -> Vec<String> {
        entries.iter().map(|&entry| entry.to_owned()).collect()
    }

    fn patterns(entries: &[&str]) -> Vec<NamePattern> {
        texts(entries).into_iter().map(NamePattern::from).collect()
    }

    fn rules() -> MetricRules {
        MetricRules {
            higher: patterns(&["*auc*", "*recall*"]),
            lower: patterns(&["*loss*", "*_seconds", "auc_gap"]),
            tolerance: vec![
                ToleranceRule {
                    names: patterns(&["*_seconds"]),
                    absolute: 0.0,
                    relative: 0.05,
                    log: true,
                },
                ToleranceRule {
                    names: patterns(&["*"]),
                    absolute: 0.0,
                    relative: 1e-3,
                    log: false,
                },
            ],
            ..MetricRules::default()
        }
    }

    fn run(names: &[&str]) -> BTreeMap<String, MetricValue> {
        names
            .iter()
            .map(|&name| (name.to_owned(), MetricValue::new(0.5)))
            .collect()
    }

    #[test]
    fn value_and_mean_have_a_direction_spread_and_count_have_none() {
        let rules = rules();
        assert_eq!(rules.direction("val_AUC"), Direction::Higher);
        assert_eq!(rules.direction("logloss.mean"), Direction::Lower);
        assert_eq!(rules.direction("fit_seconds.mean"), Direction::Lower);
        for name in ["auc.std", "auc.n", "n_trees"] {
            assert_eq!(rules.direction(name), Direction::None, "{name}");
        }
    }

    #[test]
    fn of_a_summary_only_the_mean_decides() {
        let of_folds = ["auc.max", "auc.mean", "auc.min", "auc.std"];
        assert_eq!(
            rules().primary(&run(&of_folds)),
            Primary::One("auc.mean".into())
        );
        let listed = MetricRules {
            higher: patterns(&["*auc*", "auc.min"]),
            ..rules()
        };
        let direction = |name| listed.direction_beside(name, |other| of_folds.contains(&other));
        assert_eq!(direction("auc.min"), Direction::Higher);
        assert_eq!(direction("auc.max"), Direction::None);
    }

    #[test]
    fn an_entry_without_star_beats_a_pattern() {
        assert_eq!(rules().direction("auc_gap"), Direction::Lower);
        assert_eq!(rules().direction("auc_gap.mean"), Direction::Lower);
    }

    #[test]
    fn a_name_in_both_lists_has_no_direction() {
        assert_eq!(rules().direction("recall_loss"), Direction::None);
    }

    #[test]
    fn first_matching_tolerance_wins_and_none_is_exact() {
        assert!(rules().tolerance("fit_seconds").log);
        assert!(rules().tolerance("fit_seconds.mean").log);
        assert!(!rules().tolerance("auc").log);
        assert_eq!(MetricRules::default().tolerance("auc"), Tolerance::EXACT);
    }

    #[test]
    fn a_move_of_exactly_the_tolerance_is_covered_and_an_exact_rule_covers_nothing() {
        let thousandth = Tolerance {
            absolute: 1e-3,
            relative: 0.0,
            log: false,
        };
        assert!(thousandth.covers(0.611, 0.612));
        assert!(!thousandth.covers(0.611, 0.612_001));
        assert!(Tolerance::EXACT.covers(1.0, 1.0));
        assert!(!Tolerance::EXACT.covers(1.0, 1.0 + f64::EPSILON));
    }

    #[test]
    fn log_scale_compares_ratios_whichever_way_round() {
        let five_percent = Tolerance {
            absolute: 0.0,
            relative: 0.05,
            log: true,
        };
        assert!(five_percent.covers(100.0, 105.0) && five_percent.covers(105.0, 100.0));
        assert!(!five_percent.covers(100.0, 105.1) && !five_percent.covers(105.1, 100.0));
        assert!(!five_percent.covers(-1.0, 1.0) && !five_percent.covers(0.0, 1e-9));
    }

    #[test]
    fn the_named_primary_is_the_first_the_run_has_also_by_its_mean() {
        let named = MetricRules {
            primary: texts(&["f1", "logloss"]),
            ..rules()
        };
        assert_eq!(
            named.primary(&run(&["auc", "logloss.mean"])),
            Primary::One("logloss.mean".into())
        );
        assert_eq!(named.primary(&run(&["auc"])), Primary::None);
    }

    #[test]
    fn without_a_named_one_up_to_three_with_a_direction_decide() {
        let rules = rules();
        assert_eq!(rules.primary(&run(&["n_trees"])), Primary::None);
        assert_eq!(
            rules.primary(&run(&["auc", "auc.std", "n_trees"])),
            Primary::One("auc".into())
        );
        assert_eq!(
            rules.primary(&run(&["auc", "logloss.mean"])),
            Primary::Several(texts(&["auc", "logloss.mean"]))
        );
        let four = ["auc", "fit_seconds", "logloss", "recall"];
        assert_eq!(
            rules.primary(&run(&four)),
            Primary::Undecided {
                candidates: texts(&four)
            }
        );
    }
}
