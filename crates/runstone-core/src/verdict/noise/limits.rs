//! How many spreads off a value must lie to count: the stored tables.
//!
//! A factor belongs to a number of earlier runs, of questions that share the rate of 1 %, and of
//! new values whose median is judged. It is the smallest for which no law of `docs/verdicts.md`
//! gives more than 1.5 times the rate. Derived by `runstone-trust derive`; that a coarse derivation
//! agrees is tested there. The invariant kept: where the table has no row, the next more careful
//! one counts.

use super::pooled::whole;

/// Numbers of earlier runs that the tables have columns for.
pub const RUNS: [usize; 11] = [5, 6, 7, 8, 10, 12, 15, 20, 30, 50, 64];
/// Numbers of one-sided questions that share the rate.
pub const JUDGED: [usize; 7] = [1, 2, 3, 4, 6, 10, 20];
/// Numbers of new values whose median is judged; the median of two is their mean.
pub const REPEATS: [usize; 4] = [1, 2, 3, 5];

/// Spreads by repeats, questions and runs.
pub const FACTORS: [[[f64; RUNS.len()]; JUDGED.len()]; REPEATS.len()] = [
    // One value.
    [
        [
            8.71, 6.87, 5.95, 5.25, 4.50, 4.28, 3.80, 3.44, 3.17, 2.95, 2.88,
        ],
        [
            12.43, 9.50, 8.10, 7.00, 5.87, 5.59, 4.89, 4.51, 4.15, 3.85, 3.75,
        ],
        [
            15.03, 11.30, 9.59, 8.17, 6.77, 6.46, 5.71, 5.26, 4.83, 4.47, 4.35,
        ],
        [
            17.13, 12.73, 10.74, 9.08, 7.45, 7.14, 6.35, 5.85, 5.36, 4.96, 4.82,
        ],
        [
            20.35, 14.92, 12.51, 10.45, 8.49, 8.15, 7.38, 6.78, 6.20, 5.73, 5.56,
        ],
        [
            25.04, 18.09, 15.03, 12.40, 10.02, 9.60, 8.86, 8.13, 7.41, 6.85, 6.64,
        ],
        [
            32.56, 23.08, 18.95, 15.38, 12.81, 12.25, 11.31, 10.34, 9.42, 8.68, 8.43,
        ],
    ],
    // The median of 2.
    [
        [
            6.81, 5.26, 4.45, 3.91, 3.31, 3.12, 2.71, 2.46, 2.28, 2.11, 2.05,
        ],
        [
            9.56, 7.14, 5.98, 5.13, 4.24, 4.00, 3.45, 3.16, 2.90, 2.68, 2.60,
        ],
        [
            11.45, 8.44, 7.03, 5.94, 4.85, 4.58, 3.97, 3.63, 3.32, 3.08, 2.97,
        ],
        [
            13.13, 9.43, 7.86, 6.58, 5.32, 5.03, 4.38, 4.01, 3.64, 3.40, 3.27,
        ],
        [
            15.76, 11.00, 9.10, 7.53, 6.02, 5.73, 5.01, 4.60, 4.15, 3.89, 3.74,
        ],
        [
            19.30, 13.26, 10.86, 8.83, 6.98, 6.73, 5.93, 5.46, 4.90, 4.62, 4.43,
        ],
        [
            24.51, 16.84, 13.54, 10.82, 8.55, 8.30, 7.44, 6.85, 6.15, 5.82, 5.53,
        ],
    ],
    // The median of 3.
    [
        [
            5.31, 4.13, 3.50, 3.07, 2.60, 2.47, 2.16, 1.92, 1.71, 1.57, 1.54,
        ],
        [
            10.20, 5.68, 4.75, 4.07, 3.37, 3.20, 2.74, 2.38, 2.09, 1.89, 1.83,
        ],
        [
            12.99, 7.96, 5.60, 4.74, 3.87, 3.69, 3.11, 2.67, 2.32, 2.08, 2.01,
        ],
        [
            15.07, 9.72, 6.26, 5.25, 4.25, 4.06, 3.39, 2.88, 2.48, 2.22, 2.14,
        ],
        [
            18.11, 12.00, 7.80, 6.04, 4.83, 4.65, 3.81, 3.20, 2.72, 2.41, 2.32,
        ],
        [
            21.84, 14.85, 10.65, 7.13, 5.62, 5.47, 4.39, 3.62, 3.04, 2.69, 2.59,
        ],
        [
            27.32, 18.67, 14.57, 10.01, 6.84, 6.76, 5.27, 4.24, 3.48, 3.11, 2.98,
        ],
    ],
    // The median of 5.
    [
        [
            4.71, 3.25, 2.72, 2.38, 1.99, 1.88, 1.63, 1.44, 1.33, 1.30, 1.29,
        ],
        [
            9.94, 4.66, 3.67, 3.13, 2.56, 2.43, 2.06, 1.77, 1.54, 1.43, 1.40,
        ],
        [
            12.65, 7.77, 4.33, 3.64, 2.94, 2.80, 2.33, 1.98, 1.70, 1.53, 1.49,
        ],
        [
            14.67, 9.47, 4.84, 4.03, 3.22, 3.08, 2.54, 2.14, 1.82, 1.61, 1.56,
        ],
        [
            17.62, 11.69, 7.60, 4.63, 3.65, 3.52, 2.84, 2.37, 1.99, 1.75, 1.68,
        ],
        [
            21.23, 14.45, 10.36, 6.53, 4.25, 4.14, 3.27, 2.66, 2.21, 1.93, 1.84,
        ],
        [
            26.55, 18.16, 14.19, 9.75, 5.15, 6.03, 3.92, 3.12, 2.53, 2.17, 2.07,
        ],
    ],
];

/// Spreads of the others beyond which the worst value of a history is left out, at a rate of 0.1 %.
pub const DROP: [f64; RUNS.len()] = [
    25.04, 18.09, 15.03, 12.40, 10.02, 9.29, 8.63, 7.89, 7.19, 6.60, 6.39,
];

/// Returns how many spreads off the median of `repeats` new values must lie to count, after `runs`
/// earlier ones; `None` where that is fewer than the table begins with.
///
/// Between columns it is interpolated on `1/runs`; beyond the last the last one counts.
pub fn factor(runs: usize, judged: usize, repeats: usize) -> Option<f64> {
    // Fewer repeats scatter more, and more questions need more: both err on the careful side.
    let repeats = REPEATS.iter().rposition(|row| *row <= repeats).unwrap_or(0);
    let judged = JUDGED
        .iter()
        .position(|row| *row >= judged)
        .unwrap_or(JUDGED.len() - 1);
    interpolated(&FACTORS[repeats][judged], runs)
}

/// Returns how many spreads of `runs` others the worst value of a history may lie off.
pub fn drop_factor(runs: usize) -> Option<f64> {
    interpolated(&DROP, runs)
}

fn interpolated(row: &[f64; RUNS.len()], runs: usize) -> Option<f64> {
    let above = match RUNS.iter().position(|column| *column >= runs) {
        Some(0) if runs < RUNS[0] => return None,
        Some(at) if RUNS[at] == runs => return Some(row[at]),
        Some(at) => at,
        None => return Some(row[RUNS.len() - 1]),
    };
    let [left, here, right] = [RUNS[above - 1], runs, RUNS[above]].map(|n| whole(n).recip());
    let share = (left - here) / (left - right);
    Some(row[above - 1] + share * (row[above] - row[above - 1]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_stored_and_between_them_it_falls() {
        for (runs, stored) in RUNS.iter().zip(FACTORS[0][0]) {
            assert_eq!(factor(*runs, 1, 1), Some(stored));
        }
        let all: Vec<f64> = (5..=64).map(|runs| factor(runs, 1, 1).unwrap()).collect();
        assert!(all.is_sorted_by(|one, next| one >= next), "{all:?}");
        assert_eq!(factor(4, 1, 1), None);
        assert_eq!(factor(1000, 1, 1), factor(64, 1, 1));
    }

    #[test]
    fn what_has_no_row_is_judged_by_the_next_more_careful_one() {
        for runs in [5, 10, 33] {
            assert_eq!(factor(runs, 5, 1), factor(runs, 6, 1));
            assert_eq!(factor(runs, 99, 1), factor(runs, 20, 1));
            assert_eq!(factor(runs, 1, 4), factor(runs, 1, 3));
            assert_eq!(factor(runs, 1, 9), factor(runs, 1, 5));
            assert_eq!(factor(runs, 1, 0), factor(runs, 1, 1));
        }
    }

    #[test]
    fn every_table_falls_with_runs_and_rises_with_questions() {
        assert!(DROP.is_sorted_by(|one, next| one > next));
        for by_judged in FACTORS {
            for row in by_judged {
                // From twelve runs on a value may be left out, which costs where clusters are
                // judged.
                let (few, many) = row.split_at(5);
                for part in [few, many] {
                    assert!(part.is_sorted_by(|one, next| one > next), "{row:?}");
                }
            }
            for (fewer, more) in by_judged.iter().zip(&by_judged[1..]) {
                assert!(fewer.iter().zip(more).all(|(fewer, more)| fewer < more));
            }
        }
    }
}
