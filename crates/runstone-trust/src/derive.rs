//! The factors that are stored in `runstone-core`: for each number of runs, questions and repeats
//! the smallest for which no law gives more than 1.5 times its rate.
//!
//! The chance of an alarm is computed for each history from the law itself, so that also rates of
//! 0.05 % are known to a few percent of them. The invariant kept: histories are measured by the
//! functions that judge runs, and not by a copy of them.

use runstone_core::verdict::noise::{
    DROP_RUNS_MIN, JUDGED, REPEATS, RUNS, Side, Spread, without_worst,
};

use crate::law::Law;
use crate::many::Effort;
use crate::random::Random;

/// The rate that all questions share.
pub(crate) const RATE: f64 = 0.01;
/// What is granted to the worst law.
const GRANTED: f64 = 1.5;
/// The rate at which the worst value of a history is left out.
const DROP_RATE: f64 = 0.001;

/// Factors by repeats, questions and runs.
pub(crate) type Factors = Vec<Vec<Vec<f64>>>;

/// A history as the limit sees it.
#[derive(Debug, Clone, Copy)]
struct Measured {
    median: f64,
    spread: f64,
    /// Another new value, for the mean of two.
    beside: f64,
}

impl Measured {
    /// The chance that the median of `repeats` new values lies below the limit.
    fn below(self, law: Law, factor: f64, repeats: usize) -> f64 {
        let limit = self.median - factor * self.spread;
        repeated_below(law, limit, repeats, self.beside)
    }
}

/// The chance that the median of `repeats` new values lies below `limit`; of two, where one is
/// `beside`.
pub(crate) fn repeated_below(law: Law, limit: f64, repeats: usize, beside: f64) -> f64 {
    if repeats == 2 {
        return law.below(2.0 * limit - beside);
    }
    let p = law.below(limit);
    match repeats {
        3 => p * p * (3.0 - 2.0 * p),
        5 => p * p * p * (10.0 - 15.0 * p + 6.0 * p * p),
        _ => p,
    }
}

/// Derives the factors for the numbers of runs at `columns` of [`RUNS`].
pub(crate) fn factors(effort: Effort, columns: &[usize]) -> Factors {
    let mut rows = vec![vec![Vec::new(); JUDGED.len()]; REPEATS.len()];
    for runs in columns {
        let measured: Vec<(Law, Vec<Measured>)> = Law::ALL
            .into_iter()
            .map(|law| {
                (
                    law,
                    effort.collect(|random| measure(law, *runs, random, true)),
                )
            })
            .collect();
        for (repeats, by_judged) in REPEATS.iter().zip(&mut rows) {
            for (judged, row) in JUDGED.iter().zip(by_judged) {
                row.push(smallest(
                    &measured,
                    GRANTED * RATE / whole(*judged),
                    *repeats,
                    effort,
                ));
            }
        }
    }
    rows
}

/// Derives the factors beyond which a value of history is left out.
pub(crate) fn drops(effort: Effort, columns: &[usize]) -> Vec<f64> {
    let of = |runs: &usize| {
        let measured: Vec<(Law, Vec<Measured>)> = Law::ALL
            .into_iter()
            .map(|law| {
                (
                    law,
                    effort.collect(|random| measure(law, *runs, random, false)),
                )
            })
            .collect();
        smallest(&measured, GRANTED * DROP_RATE, 1, effort)
    };
    columns.iter().map(of).collect()
}

/// Prints both tables as they stand in the source.
pub(crate) fn as_source(effort: Effort) -> String {
    let line = |row: &[f64]| {
        let cells: Vec<String> = row.iter().map(|factor| format!("{factor:.2}")).collect();
        format!("[{}],\n", cells.join(", "))
    };
    let mut text = format!("DROP = {}", line(&drops(effort, &RUNS)));
    for (repeats, by_judged) in REPEATS.iter().zip(factors(effort, &RUNS)) {
        let rows: String = by_judged.iter().map(|row| line(row)).collect();
        text.push_str("// ");
        text.push_str(&repeats.to_string());
        text.push_str(" repeats\n[\n");
        text.push_str(&rows);
        text.push_str("],\n");
    }
    text
}

fn measure(law: Law, runs: usize, random: &mut Random, drop: bool) -> Measured {
    let values: Vec<f64> = (0..runs).map(|_| law.draw(random)).collect();
    let found = if drop && runs >= DROP_RUNS_MIN {
        without_worst(&values, Side::Low, 0.0).0
    } else {
        Spread::of(&values, Side::Low)
    };
    Measured {
        median: found.median,
        spread: found.spread,
        beside: law.draw(random),
    }
}

/// The smallest factor for which no law is below its limit more often than `rate`.
fn smallest(measured: &[(Law, Vec<Measured>)], rate: f64, repeats: usize, effort: Effort) -> f64 {
    let chance = |row: &(Law, Vec<Measured>), factor: f64| chance(row, factor, repeats, effort);
    measured.iter().fold(0.5, |factor, row| {
        if chance(row, factor) <= rate {
            return factor;
        }
        let (mut low, mut high) = (factor, factor * 2.0);
        while chance(row, high) > rate {
            (low, high) = (high, high * 2.0);
        }
        while high - low > 0.002 * high {
            let middle = f64::midpoint(low, high);
            if chance(row, middle) > rate {
                low = middle;
            } else {
                high = middle;
            }
        }
        high
    })
}

/// The mean chance of an alarm of one law's histories.
fn chance(
    (law, histories): &(Law, Vec<Measured>),
    factor: f64,
    repeats: usize,
    effort: Effort,
) -> f64 {
    let sum = sum_on_threads(histories, effort.threads, |history| {
        history.below(*law, factor, repeats)
    });
    sum / whole(histories.len())
}

/// Sums in pieces of fixed size, so that threads change nothing.
fn sum_on_threads<T: Sync>(all: &[T], threads: usize, of: impl Fn(&T) -> f64 + Sync) -> f64 {
    let pieces: Vec<&[T]> = all.chunks(8192).collect();
    let share = pieces.len().div_ceil(threads.max(1)).max(1);
    std::thread::scope(|scope| {
        let handles: Vec<_> = pieces
            .chunks(share)
            .map(|mine| {
                let of = &of;
                scope.spawn(move || {
                    mine.iter()
                        .map(|piece| piece.iter().map(of).sum::<f64>())
                        .collect::<Vec<f64>>()
                })
            })
            .collect();
        handles
            .into_iter()
            .flat_map(|handle| handle.join().expect("a sum does not panic"))
            .sum()
    })
}

#[expect(clippy::cast_precision_loss, reason = "counts of histories and runs")]
pub(crate) fn whole(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use runstone_core::verdict::noise::{DROP, FACTORS};

    use super::*;

    /// Few histories and few columns: what would notice a table that was not derived so.
    const COARSE: Effort = Effort {
        histories: 20_000,
        seed: 77,
        threads: 2,
    };

    fn column(runs: usize) -> usize {
        RUNS.iter().position(|column| *column == runs).unwrap()
    }

    /// The worst law's rate at the stored factors is the one they were derived for. Rates are
    /// compared and not factors: where clusters decide, a small change of the rate is a large
    /// one of the factor.
    #[test]
    fn a_coarse_simulation_finds_the_stored_factors_at_their_rate() {
        for runs in [5, 10, 30] {
            let measured = Law::ALL.map(|law| {
                (
                    law,
                    COARSE.collect(|random| measure(law, runs, random, true)),
                )
            });
            for (repeats, by_judged) in REPEATS.iter().zip(FACTORS) {
                // Rates below 0.33 % are known too coarsely from so few histories.
                for (judged, row) in JUDGED.iter().zip(by_judged).take(3) {
                    let factor = row[column(runs)];
                    let rate = measured
                        .iter()
                        .map(|row| chance(row, factor, *repeats, COARSE))
                        .fold(0.0, f64::max);
                    let off = rate * whole(*judged) / (GRANTED * RATE) - 1.0;
                    assert!(
                        off.abs() < 0.15,
                        "{runs} runs, {judged} judged, {repeats}: {off}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_coarse_derivation_agrees_with_the_stored_limits_of_the_worst_value() {
        let stored = DROP[column(10)];
        let derived = drops(COARSE, &[10])[0];
        assert!((derived / stored - 1.0).abs() < 0.12, "{stored} {derived}");
    }
}
