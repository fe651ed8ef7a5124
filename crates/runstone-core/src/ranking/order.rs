//! Runs ordered by one metric, best first.
//!
//! The invariant kept: only a finished run with a finite value has a rank, and only a metric with a
//! better side has a best; everything else stands behind, in the order it came in.

use super::columns::{Column, columns};
use super::scatter::{Scatter, Ties};
use crate::metric::MetricValue;
use crate::profile::{Direction, Tolerance};
use crate::snapshot::{Snapshot, Status};

/// By which metric runs are ordered.
#[derive(Debug, Clone, Copy)]
pub struct By<'a> {
    /// Its flat name.
    pub name: &'a str,
    /// Which way is better.
    pub direction: Direction,
    /// How far a value may lie off for nothing.
    pub tolerance: Tolerance,
}

/// One run in its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranked {
    /// Which of the runs that were handed in.
    pub at: usize,
    /// Its value, if it has any.
    pub value: Option<MetricValue>,
    /// Its rank from 1, equal values sharing one; `None` where it is not ranked.
    pub rank: Option<usize>,
    /// Whether it cannot be told from the best; `None` where that is not known.
    pub tied: Option<bool>,
}

/// Runs side by side.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking {
    /// Every run, best first.
    pub runs: Vec<Ranked>,
    /// Which of them are tied with the best.
    pub ties: Ties,
    /// What differs between them, the most telling first; cells in the order of the runs.
    pub columns: Vec<Column>,
}

/// Orders runs by a metric; `scatter` is the noise of a single value, or why it is not known.
pub fn rank(runs: &[&Snapshot], by: By<'_>, scatter: Result<Scatter, String>) -> Ranking {
    // Turns a value so that larger is better, or is shown first where nothing is.
    let down = |value: f64| match by.direction {
        Direction::Lower => -value,
        Direction::Higher | Direction::None => value,
    };
    let mut ranked: Vec<Ranked> = runs
        .iter()
        .enumerate()
        .map(|(at, run)| Ranked {
            at,
            value: run.metrics.get(by.name).copied(),
            rank: None,
            tied: None,
        })
        .collect();
    let own = |it: &Ranked| {
        let finished = runs[it.at].status == Status::Finished;
        it.value.and_then(MetricValue::finite).filter(|_| finished)
    };
    ranked.sort_by(|one, other| match (own(one), own(other)) {
        (Some(one), Some(other)) => down(other).total_cmp(&down(one)),
        (one, other) => other.is_some().cmp(&one.is_some()),
    });
    let values: Vec<f64> = ranked.iter().filter_map(own).collect();
    for at in 0..values.len() {
        let same = at > 0 && values[at].total_cmp(&values[at - 1]).is_eq();
        ranked[at].rank = if same {
            ranked[at - 1].rank
        } else {
            Some(at + 1)
        };
    }
    let ties = ties(&values, by, scatter, down);
    if let Ties::Within { limit, .. } = &ties {
        for (it, value) in ranked.iter_mut().zip(&values) {
            it.tied = Some(is_tied(*value, values[0], *limit, by, down));
        }
    }
    let ordered: Vec<&Snapshot> = ranked.iter().map(|it| runs[it.at]).collect();
    let measured: Vec<Option<f64>> = ranked.iter().map(own).collect();
    let columns = columns(&ordered, by.name, &measured);
    Ranking {
        runs: ranked,
        ties,
        columns,
    }
}

fn ties(
    values: &[f64],
    by: By<'_>,
    scatter: Result<Scatter, String>,
    down: impl Fn(f64) -> f64 + Copy,
) -> Ties {
    let unknown = |reason: &str| Ties::Unknown {
        reason: reason.to_owned(),
    };
    if by.direction == Direction::None {
        return unknown("it has no better side, so no run is best");
    }
    let Some(best) = values.first().copied() else {
        return unknown("no finished run has a value of it");
    };
    if values.len() == 1 {
        return unknown("one run alone is best of nothing");
    }
    match scatter {
        Err(reason) => Ties::Unknown { reason },
        Ok(scatter) => {
            let limit = scatter.limit(best, values, by.tolerance, down);
            let tied = values
                .iter()
                .filter(|value| is_tied(**value, best, limit, by, down));
            Ties::Within {
                scatter,
                limit,
                runs: tied.count(),
            }
        }
    }
}

fn is_tied(value: f64, best: f64, limit: f64, by: By<'_>, down: impl Fn(f64) -> f64) -> bool {
    let last_place = f64::EPSILON * best.abs().max(value.abs());
    down(value) >= down(limit) - last_place || by.tolerance.covers(best, value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::sample;
    use crate::ranking::Basis;

    const BY: By<'_> = By {
        name: "auc",
        direction: Direction::Higher,
        tolerance: Tolerance::EXACT,
    };

    fn run(auc: f64) -> Snapshot {
        Snapshot {
            metrics: sample::metrics(&[("auc", auc)]),
            ..sample::run("a")
        }
    }

    fn scatter(deviation: f64) -> Scatter {
        Scatter {
            basis: Basis::WithinSettings,
            deviation,
            degrees: 20,
            groups: 5,
            log: false,
        }
    }

    fn ranked(runs: &[Snapshot], by: By<'_>, scatter: Result<Scatter, String>) -> Ranking {
        rank(&runs.iter().collect::<Vec<_>>(), by, scatter)
    }

    fn ranks(ranking: &Ranking) -> Vec<(usize, Option<usize>)> {
        ranking.runs.iter().map(|it| (it.at, it.rank)).collect()
    }

    #[test]
    fn the_best_stands_first_and_what_cannot_be_ranked_last() {
        let mut runs = [0.70, f64::NAN, 0.72, 0.90, 0.72].map(run);
        runs[3].status = Status::Failed;
        let found = ranked(&runs, BY, Ok(scatter(0.001)));
        assert_eq!(
            ranks(&found),
            [
                (2, Some(1)),
                (4, Some(1)),
                (0, Some(3)),
                (1, None),
                (3, None)
            ]
        );
        let lower = By {
            direction: Direction::Lower,
            ..BY
        };
        assert_eq!(ranked(&runs, lower, Ok(scatter(0.001))).runs[0].at, 0);
    }

    #[test]
    fn those_within_noise_of_the_best_are_tied_and_only_where_there_is_noise() {
        let runs = [0.7001, 0.7102, 0.7053, 0.7304].map(run);
        // Four values, 20 degrees: 2.19·√2 deviations.
        let found = ranked(&runs, BY, Ok(scatter(0.007)));
        let tied: Vec<Option<bool>> = found.runs.iter().map(|it| it.tied).collect();
        assert_eq!(tied, [Some(true), Some(true), Some(false), Some(false)]);
        assert!(matches!(found.ties, Ties::Within { runs: 2, .. }));
        let silent = ranked(&runs, BY, Err("no repeats".to_owned()));
        assert!(silent.runs.iter().all(|it| it.tied.is_none()));
        assert_eq!(
            silent.ties,
            Ties::Unknown {
                reason: "no repeats".to_owned()
            }
        );
    }

    #[test]
    fn a_metric_without_a_better_side_has_no_best() {
        let by = By {
            direction: Direction::None,
            ..BY
        };
        let found = ranked(&[0.1, 0.9].map(run), by, Ok(scatter(0.1)));
        assert_eq!(found.runs[0].at, 1);
        assert!(matches!(found.ties, Ties::Unknown { .. }));
    }

    #[test]
    fn one_run_or_none_is_no_contest() {
        for runs in [&[][..], &[run(0.5)]] {
            let found = ranked(runs, BY, Ok(scatter(0.1)));
            assert!(matches!(found.ties, Ties::Unknown { .. }));
            assert!(found.columns.is_empty());
        }
    }
}
