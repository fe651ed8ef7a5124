//! The data the demo trains on, and how it is split.
//!
//! First step of the demo: the embedded text becomes cases, the cases become folds, and each fold
//! is standardised. The invariant is that no test case has touched anything its model learns from,
//! the scale of the features included: a leak there is the commonest way a comparison lies.
//! Training is left to [`model`](super::model), the digest of the text to the caller.
//! Where the data is from and under which licence stands in `README.md` beside it.

use super::pcg::{Pcg32, Seed};
use super::sample::Sample;

/// The Wisconsin diagnostic breast-cancer set: a header, then one line of features and class per
/// case.
pub(crate) const BREAST_CANCER: &str = include_str!("breast_cancer.csv");

/// Number of folds every split has.
pub(crate) const FOLDS: usize = 5;

/// Number of features of a case.
pub(crate) const FEATURES: usize = 30;

/// What is known of a case before its diagnosis, in the order of the columns.
pub(super) type Features = [f64; FEATURES];

/// The class of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Diagnosis {
    /// The one to be found.
    Malignant,
    /// The other.
    Benign,
}

/// One fine needle aspirate.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Case {
    /// Its measurements.
    pub(super) features: Features,
    /// Its class.
    pub(super) diagnosis: Diagnosis,
}

/// A part to learn from and a part to be judged by, both on the scale of the first.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fold {
    /// Four fifths of the cases, each feature with mean 0 and deviation 1.
    pub(super) train: Vec<Case>,
    /// The other fifth, moved and scaled as the training part was.
    pub(super) test: Vec<Case>,
}

/// The cases of a data set, in the order of the file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Dataset {
    cases: Vec<Case>,
}

impl Dataset {
    /// Reads the embedded data set.
    pub(crate) fn breast_cancer() -> Self {
        Self::parse(BREAST_CANCER).expect("the embedded data set is whole")
    }

    /// Returns how many cases there are.
    pub(crate) fn case_count(&self) -> usize {
        self.cases.len()
    }

    /// Splits the cases into [`FOLDS`] folds, each with the class shares of the whole as nearly as
    /// whole cases allow. Every case is in exactly one test part.
    pub(crate) fn folds(&self, seed: Seed) -> Vec<Fold> {
        let fold_of = self.deal(seed);
        (0..FOLDS)
            .map(|fold| standardised(self.parts(&fold_of, fold)))
            .collect()
    }

    /// Returns for each case the fold it is tested in: each class is shuffled and dealt in turn,
    /// the second class going on where the first ended, so that fold sizes differ by one at most.
    fn deal(&self, seed: Seed) -> Vec<usize> {
        let mut generator = Pcg32::new(seed, 0);
        let mut order = Vec::with_capacity(self.cases.len());
        for class in [Diagnosis::Malignant, Diagnosis::Benign] {
            let is_of_class = |&row: &usize| self.cases[row].diagnosis == class;
            let mut rows: Vec<usize> = (0..self.cases.len()).filter(is_of_class).collect();
            generator.shuffle(&mut rows);
            order.extend(rows);
        }
        let mut fold_of = vec![0; self.cases.len()];
        for (place, row) in order.into_iter().enumerate() {
            fold_of[row] = place % FOLDS;
        }
        fold_of
    }

    /// Returns what `fold` learns from and what it is judged by, as measured.
    fn parts(&self, fold_of: &[usize], fold: usize) -> Parts {
        let (mut train, mut test) = (Vec::new(), Vec::new());
        for (case, &tested_in) in self.cases.iter().zip(fold_of) {
            let part = if tested_in == fold {
                &mut test
            } else {
                &mut train
            };
            part.push(case.clone());
        }
        Parts { train, test }
    }

    /// Reads the form in which scikit-learn ships the set: a header `cases,features,classes…`, then
    /// the features and the number of the class.
    fn parse(text: &str) -> Result<Self, DatasetError> {
        let mut lines = text.lines();
        let header = lines.next().unwrap_or_default();
        let case_count = header
            .strip_suffix(",30,malignant,benign")
            .and_then(|count| count.parse::<usize>().ok())
            .ok_or_else(|| DatasetError::Header {
                found: header.to_owned(),
            })?;
        let cases = lines
            .enumerate()
            .map(|(index, line)| {
                parse_case(line).ok_or_else(|| DatasetError::Case { line: index + 2 })
            })
            .collect::<Result<Vec<_>, _>>()?;
        if cases.len() != case_count {
            return Err(DatasetError::Count {
                declared: case_count,
                found: cases.len(),
            });
        }
        Ok(Self { cases })
    }
}

/// Why a text is not the data set.
#[derive(Debug, PartialEq, thiserror::Error)]
enum DatasetError {
    /// The first line does not declare what this file knows.
    #[error("header `{found}` is not `<cases>,30,malignant,benign`")]
    Header {
        /// The first line.
        found: String,
    },
    /// A line is not 30 finite numbers and a class.
    #[error("line {line} is not 30 finite numbers and a class, 0 or 1")]
    Case {
        /// Its number, from 1.
        line: usize,
    },
    /// Cases are missing, or there are too many.
    #[error("header declares {declared} cases, {found} follow")]
    Count {
        /// Cases the header promises.
        declared: usize,
        /// Cases read.
        found: usize,
    },
}

fn parse_case(line: &str) -> Option<Case> {
    let (features, class) = line.rsplit_once(',')?;
    let features = features
        .split(',')
        .map(|number| number.parse().ok().filter(|value: &f64| value.is_finite()))
        .collect::<Option<Vec<f64>>>()?;
    let diagnosis = match class {
        "0" => Diagnosis::Malignant,
        "1" => Diagnosis::Benign,
        _ => return None,
    };
    Some(Case {
        features: features.try_into().ok()?,
        diagnosis,
    })
}

/// The two parts of a fold, each feature still in its own unit.
#[derive(Debug, Clone)]
struct Parts {
    train: Vec<Case>,
    test: Vec<Case>,
}

/// Moves and scales both parts by the mean and deviation of the training part alone.
fn standardised(
    Parts {
        mut train,
        mut test,
    }: Parts,
) -> Fold {
    for feature in 0..FEATURES {
        let column = Sample::of(train.iter().map(|case| case.features[feature]).collect());
        // A feature that never varies says nothing: it becomes 0 whatever it is divided by.
        let scale = column.std.filter(|&std| std > 0.0).unwrap_or(1.0);
        for case in train.iter_mut().chain(&mut test) {
            case.features[feature] = (case.features[feature] - column.mean) / scale;
        }
    }
    Fold { train, test }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn malignant(cases: &[Case]) -> usize {
        cases
            .iter()
            .filter(|case| case.diagnosis == Diagnosis::Malignant)
            .count()
    }

    #[test]
    fn embedded_data_set_has_the_published_counts_and_ranges() {
        let dataset = Dataset::breast_cancer();
        assert_eq!(dataset.case_count(), 569);
        assert_eq!(malignant(&dataset.cases), 212);
        let radius_mean = dataset.cases.iter().map(|case| case.features[0]);
        assert_eq!(radius_mean.clone().reduce(f64::min), Some(6.981));
        assert_eq!(radius_mean.reduce(f64::max), Some(28.11));
    }

    #[test]
    fn every_case_is_tested_in_one_fold_and_trained_on_in_the_others() {
        let dataset = Dataset::breast_cancer();
        let fold_of = dataset.deal(Seed(3));
        let parts: Vec<Parts> = (0..FOLDS)
            .map(|fold| dataset.parts(&fold_of, fold))
            .collect();
        for case in &dataset.cases {
            let tested_in = parts
                .iter()
                .filter(|parts| parts.test.contains(case))
                .count();
            let trained_in = parts
                .iter()
                .filter(|parts| parts.train.contains(case))
                .count();
            assert_eq!((tested_in, trained_in), (1, FOLDS - 1));
        }
    }

    #[test]
    fn folds_keep_the_class_shares_within_one_case() {
        let folds = Dataset::breast_cancer().folds(Seed(3));
        for fold in &folds {
            assert!((113..=114).contains(&fold.test.len()));
            assert!((42..=43).contains(&malignant(&fold.test)));
        }
    }

    #[test]
    fn seed_alone_decides_the_split() {
        let dataset = Dataset::breast_cancer();
        assert_eq!(dataset.deal(Seed(3)), dataset.deal(Seed(3)));
        assert_ne!(dataset.deal(Seed(3)), dataset.deal(Seed(4)));
    }

    #[test]
    fn training_part_has_mean_zero_and_deviation_one() {
        for fold in Dataset::breast_cancer().folds(Seed(3)) {
            for feature in 0..FEATURES {
                let column = Sample::of(
                    fold.train
                        .iter()
                        .map(|case| case.features[feature])
                        .collect(),
                );
                assert!(
                    column.mean.abs() < 1e-10,
                    "feature {feature} has mean {}",
                    column.mean
                );
                assert!((column.std.unwrap() - 1.0).abs() < 1e-10);
            }
        }
    }

    #[test]
    fn test_part_does_not_touch_the_scale_of_the_training_part() {
        let Dataset { mut cases } = Dataset::breast_cancer();
        let mut test = cases.split_off(400);
        let before = standardised(Parts {
            train: cases.clone(),
            test: test.clone(),
        });
        for case in &mut test {
            case.features = case.features.map(|value| value * 1_000.0);
        }
        let after = standardised(Parts { train: cases, test });
        assert_eq!(after.train, before.train);
        assert_ne!(after.test, before.test);
    }

    #[test]
    fn feature_that_never_varies_becomes_zero() {
        let mut cases = Dataset::breast_cancer().cases;
        for case in &mut cases {
            case.features[4] = 2.5;
        }
        let test = cases.split_off(400);
        let fold = standardised(Parts { train: cases, test });
        assert!(
            fold.train
                .iter()
                .chain(&fold.test)
                .all(|case| case.features[4].abs() < 1e-12)
        );
    }

    #[test]
    fn damaged_text_is_refused_with_the_place() {
        let line = |fields: usize, class: &str| format!("{}{class}", "1.5,".repeat(fields));
        let text = |case: &str| format!("1,30,malignant,benign\n{case}\n");
        let case_refused = Err(DatasetError::Case { line: 2 });
        assert!(Dataset::parse(&text(&line(30, "0"))).is_ok());
        assert_eq!(Dataset::parse(&text(&line(29, "0"))), case_refused);
        assert_eq!(Dataset::parse(&text(&line(30, "2"))), case_refused);
        assert_eq!(
            Dataset::parse(&text(&line(30, "0").replacen("1.5", "NaN", 1))),
            case_refused
        );
        assert_eq!(
            Dataset::parse("2,30,benign,malignant\n"),
            Err(DatasetError::Header {
                found: "2,30,benign,malignant".to_owned()
            })
        );
        assert_eq!(
            Dataset::parse("2,30,malignant,benign\n"),
            Err(DatasetError::Count {
                declared: 2,
                found: 0
            })
        );
    }
}
