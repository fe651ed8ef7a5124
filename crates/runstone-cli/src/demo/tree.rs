//! One regression tree, grown on how the loss slopes and curves at each case.
//!
//! The model hands in its training cases once, binned, and for every tree the slope of the loss at
//! each case; a [`Tree`] comes back that says how far to move. Splits are searched on at most
//! [`BINS_MAX`] bins a feature, which costs a pass over the cases instead of a sort. Guards that
//! equal input grows an equal tree: of equally good splits the first wins. How far a tree is
//! believed is left to [`model`](super::model).
//!
//! # Source
//! Gain and leaf values: T. Chen and C. Guestrin, "`XGBoost`: A Scalable Tree Boosting System",
//! KDD 2016, equations 5 to 7. Binned search: G. Ke et al., "`LightGBM`", NIPS 2017.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use super::dataset::{Case, FEATURES, Features};

/// Most bins a feature is cut into. Chosen: twice as many raise no metric on the embedded data.
const BINS_MAX: usize = 32;

/// What trees are grown by where no setting says otherwise, under the names of the source's
/// library.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Defaults {
    /// λ of the source: shrinks leaves that few cases speak for.
    pub(super) reg_lambda: f64,
    /// Least curvature on either side of a split, so that no leaf follows a case or two; a case
    /// weighs at most a quarter.
    pub(super) min_child_weight: f64,
}

impl Defaults {
    /// The customary values.
    pub(super) const CUSTOMARY: Self = Self {
        reg_lambda: 1.0,
        min_child_weight: 1.0,
    };
}

/// First and second derivative of the loss by the score: of one case, or summed over several.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Slope {
    /// g of the source.
    pub(super) gradient: f64,
    /// h of the source, never negative.
    pub(super) curvature: f64,
}

/// Maps the features of a case to a step of its score.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Tree {
    /// The step, for every case that arrives here.
    Leaf(f64),
    /// A question: is the feature at most the threshold?
    Split {
        /// Column asked about.
        feature: usize,
        /// Largest value that goes to `at_most`.
        threshold: f64,
        /// Where yes leads.
        at_most: Box<Self>,
        /// Where no leads.
        above: Box<Self>,
    },
}

impl Tree {
    /// Grows a tree of at most `depth` questions in a row from those cases listed in `rows`.
    ///
    /// # Shape and units
    /// `slopes`: one per case of `bins`, in its order; `rows`: indices into both.
    pub(super) fn grow(
        bins: &Bins,
        slopes: &[Slope],
        rows: &[usize],
        depth: u32,
        defaults: Defaults,
    ) -> Self {
        let total = sum(rows.iter().map(|&row| slopes[row]));
        let split = if depth == 0 {
            None
        } else {
            best_split(bins, slopes, rows, total, defaults)
        };
        let Some(Split { feature, bin }) = split else {
            return Self::Leaf(-total.gradient / (total.curvature + defaults.reg_lambda));
        };
        let column = &bins.columns[feature];
        let (at_most, above): (Vec<usize>, Vec<usize>) = rows
            .iter()
            .partition(|&&row| usize::from(column.codes[row]) <= bin);
        Self::Split {
            feature,
            threshold: column.edges[bin],
            at_most: Box::new(Self::grow(bins, slopes, &at_most, depth - 1, defaults)),
            above: Box::new(Self::grow(bins, slopes, &above, depth - 1, defaults)),
        }
    }

    /// Returns the step for a case.
    pub(super) fn step(&self, features: &Features) -> f64 {
        match self {
            Self::Leaf(step) => *step,
            Self::Split {
                feature,
                threshold,
                at_most,
                above,
            } => {
                let next = if features[*feature] <= *threshold {
                    at_most
                } else {
                    above
                };
                next.step(features)
            }
        }
    }
}

/// Training cases with each feature cut into bins of about equally many cases.
#[derive(Debug)]
pub(super) struct Bins {
    columns: Vec<Column>,
}

/// One feature of all cases.
#[derive(Debug)]
struct Column {
    /// Largest value of each bin but the last, ascending.
    edges: Vec<f64>,
    /// The bin of each case.
    codes: Vec<u8>,
}

impl Bins {
    /// Cuts the features of `cases`.
    pub(super) fn of(cases: &[Case]) -> Self {
        let columns = (0..FEATURES).map(|feature| {
            let values: Vec<f64> = cases.iter().map(|case| case.features[feature]).collect();
            Column::of(&values)
        });
        Self {
            columns: columns.collect(),
        }
    }
}

impl Column {
    fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        // An edge half way between two neighbours asks new cases a fairer question than one on a
        // case seen; equal neighbours belong to one bin, so that there is no edge between them.
        let mut edges: Vec<f64> = (1..BINS_MAX)
            .map(|cut| cut * sorted.len() / BINS_MAX)
            .filter(|&place| place > 0 && sorted[place - 1] < sorted[place])
            .map(|place| f64::midpoint(sorted[place - 1], sorted[place]))
            .collect();
        edges.dedup();
        let code = |value: &f64| {
            let bin = edges.partition_point(|edge| edge < value);
            u8::try_from(bin).expect("there are at most BINS_MAX bins")
        };
        let codes = values.iter().map(code).collect();
        Self { edges, codes }
    }
}

/// A question that can be asked of binned cases: is the feature in this bin or a lower one?
struct Split {
    feature: usize,
    bin: usize,
}

/// Returns the question that lowers the loss most, if any does.
fn best_split(
    bins: &Bins,
    slopes: &[Slope],
    rows: &[usize],
    total: Slope,
    defaults: Defaults,
) -> Option<Split> {
    let worth = |total: Slope| worth(total, defaults.reg_lambda);
    let mut best = None;
    let mut worth_most = worth(total);
    for (feature, column) in bins.columns.iter().enumerate() {
        let mut histogram = [Slope::default(); BINS_MAX];
        for &row in rows {
            histogram[usize::from(column.codes[row])] += slopes[row];
        }
        let mut at_most = Slope::default();
        for (bin, &held) in histogram.iter().enumerate().take(column.edges.len()) {
            at_most += held;
            let above = Slope {
                gradient: total.gradient - at_most.gradient,
                curvature: total.curvature - at_most.curvature,
            };
            let worth_both = worth(at_most) + worth(above);
            if at_most.curvature.min(above.curvature) >= defaults.min_child_weight
                && worth_both > worth_most
            {
                worth_most = worth_both;
                best = Some(Split { feature, bin });
            }
        }
    }
    best
}

/// Returns twice what the best single step for these cases takes off the loss: G² / (H + λ).
fn worth(total: Slope, reg_lambda: f64) -> f64 {
    total.gradient.powi(2) / (total.curvature + reg_lambda)
}

fn sum(slopes: impl Iterator<Item = Slope>) -> Slope {
    slopes.fold(Slope::default(), |mut total, slope| {
        total += slope;
        total
    })
}

impl AddAssign for Slope {
    fn add_assign(&mut self, rhs: Self) {
        self.gradient += rhs.gradient;
        self.curvature += rhs.curvature;
    }
}

#[cfg(test)]
mod tests {
    use super::super::dataset::Diagnosis;
    use super::*;

    /// Forty cases whose feature 7 counts up; all others are constant.
    fn counting_cases() -> Vec<Case> {
        (0..40)
            .map(|number| {
                let mut features = [0.0; FEATURES];
                features[7] = f64::from(number);
                Case {
                    features,
                    diagnosis: Diagnosis::Benign,
                }
            })
            .collect()
    }

    /// Pulls cases up to `last_down` down and all later ones up, each with curvature 1.
    fn step_after(last_down: usize) -> Vec<Slope> {
        (0..40)
            .map(|row| Slope {
                gradient: if row <= last_down { 1.0 } else { -1.0 },
                curvature: 1.0,
            })
            .collect()
    }

    fn grown(bins: &Bins, slopes: &[Slope], rows: &[usize], depth: u32) -> Tree {
        Tree::grow(bins, slopes, rows, depth, Defaults::CUSTOMARY)
    }

    #[test]
    fn split_is_found_where_the_slope_turns() {
        let cases = counting_cases();
        let rows: Vec<usize> = (0..40).collect();
        let tree = grown(&Bins::of(&cases), &step_after(19), &rows, 1);
        // Twenty cases a side: −G / (H + λ) = ∓20 / 21.
        let expected = Tree::Split {
            feature: 7,
            threshold: 19.5,
            at_most: Box::new(Tree::Leaf(-20.0 / 21.0)),
            above: Box::new(Tree::Leaf(20.0 / 21.0)),
        };
        assert_eq!(tree, expected);
        assert!(tree.step(&cases[19].features) < 0.0);
        assert!(tree.step(&cases[20].features) > 0.0);
    }

    #[test]
    fn cases_not_listed_do_not_count() {
        let cases = counting_cases();
        let down: Vec<usize> = (0..20).collect();
        let tree = grown(&Bins::of(&cases), &step_after(19), &down, 3);
        assert_eq!(tree, Tree::Leaf(-20.0 / 21.0));
    }

    #[test]
    fn no_leaf_is_made_for_too_little_curvature() {
        let cases = counting_cases();
        let rows: Vec<usize> = (0..40).collect();
        let light: Vec<Slope> = step_after(19)
            .into_iter()
            .map(|slope| Slope {
                curvature: 0.04,
                ..slope
            })
            .collect();
        // Twenty cases at 0.04 are 0.8, under the least curvature.
        let tree = grown(&Bins::of(&cases), &light, &rows, 3);
        assert!(matches!(tree, Tree::Leaf(_)));
    }

    #[test]
    fn depth_bounds_the_questions_in_a_row() {
        fn questions(tree: &Tree) -> u32 {
            match tree {
                Tree::Leaf(_) => 0,
                Tree::Split { at_most, above, .. } => 1 + questions(at_most).max(questions(above)),
            }
        }
        let bins = Bins::of(&counting_cases());
        let rows: Vec<usize> = (0..40).collect();
        let waves: Vec<Slope> = (0..40_u32)
            .map(|row| Slope {
                gradient: f64::from(row).sin(),
                curvature: 1.0,
            })
            .collect();
        for depth in 0..4 {
            assert_eq!(questions(&grown(&bins, &waves, &rows, depth)), depth);
        }
    }

    #[test]
    fn bin_and_threshold_send_a_case_the_same_way() {
        let spread: Vec<f64> = (0..64)
            .map(|number| f64::from(number * 37 % 64).sqrt())
            .collect();
        // Half way between neighbouring doubles rounds onto one of them.
        let neighbours = vec![1.0, 1.0_f64.next_up()];
        for (values, edge_count) in [(spread, BINS_MAX - 1), (neighbours, 1)] {
            let column = Column::of(&values);
            assert_eq!(column.edges.len(), edge_count);
            for (bin, edge) in column.edges.iter().enumerate() {
                for (value, &code) in values.iter().zip(&column.codes) {
                    assert_eq!(usize::from(code) <= bin, value <= edge);
                }
            }
        }
    }

    #[test]
    fn equal_values_share_a_bin() {
        let column = Column::of(&[1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0]);
        assert_eq!(column.edges, [1.5]);
        assert_eq!(column.codes, [0, 0, 0, 0, 1, 1, 1, 1]);
        assert!(Column::of(&[3.0; 8]).edges.is_empty());
    }
}
