//! How good predictions are: area under the ROC curve, logarithmic loss, accuracy.
//!
//! Takes what the model says of each unseen case beside the truth and gives one number per metric.
//! Guards that equal probabilities are ties, so that no order of the input can flatter a model.
//! Averaging over folds is left to [`sample`](super::sample).

use super::dataset::Diagnosis;
use super::sample::count;

/// Smallest probability that log loss believes, so that one certain mistake is not an infinite
/// loss. The size at which scikit-learn's `log_loss` clips.
const PROBABILITY_MIN: f64 = f64::EPSILON;

/// What was said of one case, and what is true of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prediction {
    /// Probability of [`Diagnosis::Malignant`], 0 to 1.
    pub(super) probability: f64,
    /// The diagnosis of the data set.
    pub(super) truth: Diagnosis,
}

/// Returns the probability that a malignant case is ranked above a benign one, ties counting half;
/// `None` unless both kinds are present.
///
/// # Shape and units
/// One prediction per case in any order; result: dimensionless, 0 to 1.
///
/// # Source
/// The Mann–Whitney statistic with midranks, as in "The Meaning and Use of the Area under a
/// Receiver Operating Characteristic (ROC) Curve", Radiology 143 (1982), 29–36. With R the rank
/// sum of the m malignant and n the number of benign cases, AUC = (R − m(m + 1)/2) / (m n).
pub(super) fn auc(predictions: &[Prediction]) -> Option<f64> {
    let mut ordered = predictions.to_vec();
    ordered.sort_by(|a, b| a.probability.total_cmp(&b.probability));
    let (mut below, mut malignant, mut rank_sum) = (0.0, 0.0, 0.0);
    for tied in ordered.chunk_by(|a, b| a.probability.total_cmp(&b.probability).is_eq()) {
        let midrank = below + f64::midpoint(count(tied.len()), 1.0);
        let found = count(
            tied.iter()
                .filter(|case| case.truth == Diagnosis::Malignant)
                .count(),
        );
        rank_sum += found * midrank;
        malignant += found;
        below += count(tied.len());
    }
    let benign = below - malignant;
    let pairs = malignant * benign;
    (pairs > 0.0).then(|| (rank_sum - malignant * (malignant + 1.0) / 2.0) / pairs)
}

/// Returns the mean of −ln p over the cases, p the probability given to the true diagnosis.
///
/// # Shape and units
/// One prediction per case, at least one; result: nats per case.
pub(super) fn log_loss(predictions: &[Prediction]) -> f64 {
    let losses = predictions.iter().map(|case| {
        let given = match case.truth {
            Diagnosis::Malignant => case.probability,
            Diagnosis::Benign => 1.0 - case.probability,
        };
        -given.clamp(PROBABILITY_MIN, 1.0).ln()
    });
    losses.sum::<f64>() / count(predictions.len())
}

/// Returns the share of cases whose true diagnosis got the larger probability; an even one
/// counts as malignant.
///
/// # Shape and units
/// One prediction per case, at least one; result: dimensionless, 0 to 1.
pub(super) fn accuracy(predictions: &[Prediction]) -> f64 {
    let right = predictions.iter().filter(|case| {
        let said = if case.probability >= 0.5 {
            Diagnosis::Malignant
        } else {
            Diagnosis::Benign
        };
        said == case.truth
    });
    count(right.count()) / count(predictions.len())
}

#[cfg(test)]
mod tests {
    use super::Diagnosis::{Benign, Malignant};
    use super::*;

    fn predictions(said: &[(f64, Diagnosis)]) -> Vec<Prediction> {
        said.iter()
            .map(|&(probability, truth)| Prediction { probability, truth })
            .collect()
    }

    #[track_caller]
    fn assert_near(found: f64, expected: f64) {
        assert!(
            (found - expected).abs() < 1e-12,
            "found {found}, expected {expected}"
        );
    }

    #[test]
    fn perfect_ranking_has_auc_one_and_its_reverse_zero() {
        let perfect = [
            (0.1, Benign),
            (0.2, Benign),
            (0.7, Malignant),
            (0.9, Malignant),
        ];
        assert_near(auc(&predictions(&perfect)).unwrap(), 1.0);
        let reversed = perfect.map(|(probability, truth)| (1.0 - probability, truth));
        assert_near(auc(&predictions(&reversed)).unwrap(), 0.0);
    }

    #[test]
    fn ties_count_half_in_whatever_order_they_come() {
        // Pairs: 0.5 beats 0.3 and ties 0.5 (1.5 of 2); 0.3 ties 0.3 and loses (0.5 of 2).
        let mut said = [
            (0.5, Malignant),
            (0.3, Malignant),
            (0.5, Benign),
            (0.3, Benign),
        ];
        assert_near(auc(&predictions(&said)).unwrap(), 0.5);
        said.reverse();
        assert_near(auc(&predictions(&said)).unwrap(), 0.5);
        // Pairs: 0.8 beats both; 0.4 ties one and beats the other. 3.5 of 4.
        let said = [
            (0.8, Malignant),
            (0.4, Malignant),
            (0.4, Benign),
            (0.1, Benign),
        ];
        assert_near(auc(&predictions(&said)).unwrap(), 0.875);
    }

    #[test]
    fn auc_of_one_kind_alone_is_not_told() {
        assert_eq!(auc(&predictions(&[(0.3, Benign), (0.8, Benign)])), None);
        assert_eq!(auc(&[]), None);
    }

    #[test]
    fn log_loss_is_the_mean_surprise() {
        // −ln 0.5, −ln 0.25 and −ln 0.5 are 1, 2 and 1 times ln 2.
        let said = [(0.5, Malignant), (0.75, Benign), (0.5, Benign)];
        assert_near(
            log_loss(&predictions(&said)),
            4.0 / 3.0 * std::f64::consts::LN_2,
        );
    }

    #[test]
    fn certain_mistake_costs_much_but_finitely() {
        let loss = log_loss(&predictions(&[(0.0, Malignant)]));
        assert_near(loss, -f64::EPSILON.ln());
    }

    #[test]
    fn accuracy_counts_the_larger_probability() {
        let said = [
            (0.5, Malignant),
            (0.5, Benign),
            (0.49, Benign),
            (0.2, Malignant),
        ];
        assert_near(accuracy(&predictions(&said)), 0.5);
    }
}
