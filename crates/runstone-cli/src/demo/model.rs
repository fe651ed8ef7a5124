//! Gradient-boosted trees for two classes, and their scores over the folds.
//!
//! Second step of the demo: folds, settings, defaults and a seed go in, one value per metric and
//! fold comes out. Each tree is grown on a random part of the cases, so that two seeds give two
//! honest runs that differ by noise alone; the seed decides everything, so that one seed gives one
//! run. Splitting is [`dataset`](super::dataset)'s, recording the caller's.
//!
//! # Source
//! J. H. Friedman, "Greedy Function Approximation: A Gradient Boosting Machine", Annals of
//! Statistics 29 (2001), and "Stochastic Gradient Boosting", Computational Statistics & Data
//! Analysis 38 (2002).

use serde::Serialize;

use super::dataset::{Case, Diagnosis, Features, Fold};
use super::pcg::{Pcg32, Seed};
use super::sample::{Sample, count};
use super::score::{self, Prediction};
use super::tree::{Bins, Defaults, Slope, Tree};

/// What the user of the model chooses: the settings of a run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Settings {
    /// Share of each tree's step that is taken, above 0 to 1.
    pub(crate) learning_rate: f64,
    /// Number of trees.
    pub(crate) trees: u32,
    /// Most questions in a row a tree asks.
    pub(crate) depth: u32,
    /// Probability that a case is seen by a tree, above 0 to 1.
    pub(crate) subsample: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            learning_rate: 0.1,
            trees: 60,
            depth: 3,
            subsample: 0.5,
        }
    }
}

/// The metrics of a run: one value per fold each, in fold order.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Scores {
    /// Area under the ROC curve; higher is better.
    pub(crate) auc: Sample,
    /// Logarithmic loss in nats; lower is better.
    pub(crate) logloss: Sample,
    /// Share of cases told right; higher is better.
    pub(crate) accuracy: Sample,
}

/// Trains on the training part of each fold and scores on its test part.
pub(super) fn cross_validate(
    folds: &[Fold],
    settings: Settings,
    defaults: Defaults,
    seed: Seed,
) -> Scores {
    let (mut auc, mut logloss, mut accuracy) = (Vec::new(), Vec::new(), Vec::new());
    for (stream, fold) in (0..).zip(folds) {
        let model = Model::train(&fold.train, settings, defaults, Pcg32::new(seed, stream));
        let predictions: Vec<Prediction> = fold
            .test
            .iter()
            .map(|case| Prediction {
                probability: model.probability(&case.features),
                truth: case.diagnosis,
            })
            .collect();
        auc.push(score::auc(&predictions).expect("a stratified fold holds both classes"));
        logloss.push(score::log_loss(&predictions));
        accuracy.push(score::accuracy(&predictions));
    }
    Scores {
        auc: Sample::of(auc),
        logloss: Sample::of(logloss),
        accuracy: Sample::of(accuracy),
    }
}

/// A trained model: a score to start from and the steps of its trees.
#[derive(Debug)]
struct Model {
    start: f64,
    learning_rate: f64,
    trees: Vec<Tree>,
}

impl Model {
    /// Lowers the log loss of `cases` tree by tree, from the log odds of the classes on.
    fn train(cases: &[Case], settings: Settings, defaults: Defaults, mut generator: Pcg32) -> Self {
        let targets: Vec<f64> = cases.iter().map(target).collect();
        let share = targets.iter().sum::<f64>() / count(targets.len());
        let start = (share / (1.0 - share)).ln();

        let bins = Bins::of(cases);
        let mut scores = vec![start; cases.len()];
        let mut trees = Vec::new();
        for _ in 0..settings.trees {
            let slopes: Vec<Slope> = scores
                .iter()
                .zip(&targets)
                .map(|(&score, &target)| slope(score, target))
                .collect();
            let is_seen = |_: &usize| generator.next_unit() < settings.subsample;
            let rows: Vec<usize> = (0..cases.len()).filter(is_seen).collect();
            let tree = Tree::grow(&bins, &slopes, &rows, settings.depth, defaults);
            for (score, case) in scores.iter_mut().zip(cases) {
                *score += settings.learning_rate * tree.step(&case.features);
            }
            trees.push(tree);
        }
        Self {
            start,
            learning_rate: settings.learning_rate,
            trees,
        }
    }

    /// Returns the probability that a case is malignant.
    fn probability(&self, features: &Features) -> f64 {
        let steps: f64 = self.trees.iter().map(|tree| tree.step(features)).sum();
        logistic(self.start + self.learning_rate * steps)
    }
}

/// Returns 1 for what is to be found, 0 for the rest.
fn target(case: &Case) -> f64 {
    match case.diagnosis {
        Diagnosis::Malignant => 1.0,
        Diagnosis::Benign => 0.0,
    }
}

/// Returns the derivatives of the log loss by the score: p − y and p (1 − p).
fn slope(score: f64, target: f64) -> Slope {
    let probability = logistic(score);
    Slope {
        gradient: probability - target,
        curvature: probability * (1.0 - probability),
    }
}

/// Returns the probability whose log odds are `score`.
fn logistic(score: f64) -> f64 {
    1.0 / (1.0 + (-score).exp())
}

#[cfg(test)]
mod tests {
    use super::super::dataset::{Dataset, FOLDS};
    use super::*;

    fn folds() -> Vec<Fold> {
        Dataset::breast_cancer().folds(Seed(0))
    }

    #[test]
    fn one_seed_gives_one_run_and_two_seeds_two() {
        let folds = &folds()[..2];
        let scores =
            |seed| cross_validate(folds, Settings::default(), Defaults::CUSTOMARY, Seed(seed));
        assert_eq!(scores(1), scores(1));
        assert_ne!(scores(1).auc, scores(2).auc);
    }

    #[test]
    fn default_settings_tell_the_classes_apart() {
        let scores = cross_validate(&folds(), Settings::default(), Defaults::CUSTOMARY, Seed(1));
        assert_eq!(scores.auc.n, FOLDS);
        assert!(scores.auc.mean > 0.97, "auc {}", scores.auc.mean);
        assert!(
            scores.accuracy.mean > 0.93,
            "accuracy {}",
            scores.accuracy.mean
        );
        assert!(scores.logloss.mean < 0.2, "logloss {}", scores.logloss.mean);
    }

    #[test]
    fn learning_too_slowly_hurts_more_than_a_seed_moves() {
        let folds = folds();
        let auc = |settings, seed| {
            cross_validate(&folds, settings, Defaults::CUSTOMARY, Seed(seed))
                .auc
                .mean
        };
        let honest = [1, 2, 3].map(|seed| auc(Settings::default(), seed));
        let lowest = honest.into_iter().fold(f64::INFINITY, f64::min);
        let highest = honest.into_iter().fold(f64::NEG_INFINITY, f64::max);
        let poor = auc(
            Settings {
                trees: 3,
                depth: 1,
                ..Settings::default()
            },
            1,
        );
        assert!(
            lowest - poor > 2.0 * (highest - lowest),
            "{honest:?} against {poor}"
        );
    }

    #[test]
    fn training_lowers_the_loss_of_what_was_seen() {
        let fold = &folds()[0];
        let loss_after = |trees| {
            let settings = Settings {
                trees,
                ..Settings::default()
            };
            let model = Model::train(
                &fold.train,
                settings,
                Defaults::CUSTOMARY,
                Pcg32::new(Seed(1), 0),
            );
            let predictions: Vec<Prediction> = fold
                .train
                .iter()
                .map(|case| Prediction {
                    probability: model.probability(&case.features),
                    truth: case.diagnosis,
                })
                .collect();
            score::log_loss(&predictions)
        };
        let losses = [0, 5, 20].map(loss_after);
        assert!(
            losses.is_sorted_by(|earlier, later| later < earlier),
            "{losses:?}"
        );
    }

    #[test]
    fn model_without_trees_says_the_share_of_the_class() {
        let fold = &folds()[0];
        let settings = Settings {
            trees: 0,
            ..Settings::default()
        };
        let model = Model::train(
            &fold.train,
            settings,
            Defaults::CUSTOMARY,
            Pcg32::new(Seed(1), 0),
        );
        let share = fold.train.iter().map(target).sum::<f64>() / count(fold.train.len());
        assert!((model.probability(&fold.test[0].features) - share).abs() < 1e-12);
    }

    #[test]
    fn slopes_are_the_derivatives_of_the_loss() {
        let loss = |score: f64, target: f64| {
            let probability = logistic(score);
            -(target * probability.ln() + (1.0 - target) * (1.0 - probability).ln())
        };
        let width = 1e-4;
        for (score, target) in [(0.3, 1.0), (0.3, 0.0), (-2.0, 1.0)] {
            let (low, mid, high) = (
                loss(score - width, target),
                loss(score, target),
                loss(score + width, target),
            );
            let Slope {
                gradient,
                curvature,
            } = slope(score, target);
            // Central differences err by about width² and by rounding over width².
            assert!((gradient - (high - low) / (2.0 * width)).abs() < 1e-7);
            assert!((curvature - (high - 2.0 * mid + low) / (width * width)).abs() < 1e-6);
        }
    }
}
