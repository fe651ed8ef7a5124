//! Lasting steps: the limits of the shift test, how often it cries without one, how soon it finds
//! one.
//!
//! The limit for a number of values is the one that 0.25 % of the histories without a finding so
//! far exceed to one side. Since the test sees ranks alone, one law derives them for all. The
//! invariant kept: what is measured is the watch that judges runs, restarts included.

use std::fmt::Write as _;

use runstone_core::verdict::noise::{SHIFT_RUNS_MIN, SHIFT_TAKEN_MAX, Shift, ShiftWatch, Side};

use crate::derive::whole;
use crate::history::History;
use crate::many::{Effort, Mean, mean};
use crate::table::{Table, percent};

/// The rate per run and side.
const RATE: f64 = 0.0025;
/// Runs that follow a step.
const FOLLOWING: usize = 10;

/// Derives the limit for each number of values.
pub(crate) fn limits(effort: Effort) -> Vec<f64> {
    // Every history at once, one strength per number of values and side.
    let all: Vec<Vec<[f64; 2]>> = effort.collect(|random| {
        let mut watch = ShiftWatch::default();
        (0..SHIFT_TAKEN_MAX)
            .filter_map(|_| {
                watch.rank(random.normal());
                watch.strengths()
            })
            .collect()
    });
    let mut silent: Vec<&Vec<[f64; 2]>> = all.iter().collect();
    (0..=SHIFT_TAKEN_MAX - SHIFT_RUNS_MIN)
        .map(|at| {
            let mut strengths: Vec<f64> = silent.iter().flat_map(|history| history[at]).collect();
            strengths.sort_by(|one, next| next.total_cmp(one));
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a share of a count"
            )]
            let granted = (RATE * whole(strengths.len())) as usize;
            // Rounded up to what the table holds, so that ties of a coarse statistic stay below.
            let limit = (strengths[granted] * 1000.0).ceil() / 1000.0;
            silent.retain(|history| history[at].iter().all(|strength| *strength <= limit));
            limit
        })
        .collect()
}

/// Prints the limits as they stand in the source.
pub(crate) fn as_source(effort: Effort) -> String {
    let cells: Vec<String> = limits(effort).iter().map(|at| format!("{at:.3}")).collect();
    format!("SHIFT_LIMITS = [{}]\n", cells.join(", "))
}

/// Whether a step counts: grain and tolerance are not what is measured here, but equal medians of a
/// rounded metric are no step.
fn moved(history: History) -> impl Fn(f64, f64) -> bool {
    move |before: f64, after: f64| (after - before).abs() > history.grain() * (1.0 + 1e-9)
}

/// How often runs without a step show one, to the bad side.
pub(crate) fn false_alarms(effort: Effort) -> String {
    let mut table = Table::new(&["law", "12–20 runs", "21–30", "31–50", "51–65"]);
    for history in History::ALL {
        let found: Vec<[f64; 4]> = effort.collect(|random| {
            let values = history.draw(SHIFT_TAKEN_MAX, random);
            let mut watch = ShiftWatch::default();
            let mut alarms = [0.0; 4];
            for (value, run) in values.iter().zip(1_usize..) {
                let shift = watch.push(*value, moved(history));
                if shift.is_some_and(|shift| shift.side == Side::Low) {
                    alarms[[20, 30, 50, SHIFT_TAKEN_MAX].partition_point(|end| *end < run)] += 1.0;
                }
            }
            alarms
        });
        let runs = [9.0, 10.0, 20.0, 15.0];
        let mut cells = vec![history.as_str().to_owned()];
        cells.extend((0..4).map(|at| percent(mean(found.iter().map(|row| row[at] / runs[at])), 2)));
        table.row(cells);
    }
    table.to_string()
}

/// How soon a lasting step is found and how well its onset is known.
pub(crate) fn found(effort: Effort) -> String {
    let mut table = Table::new(&[
        "law, runs before",
        "step",
        "found within 3",
        "5",
        "10",
        "onset off by, runs",
        "onset within 1",
    ]);
    let laws = [
        History::NORMAL,
        History::STUDENT3,
        History::EXPONENTIAL_DOWN,
        History::Ar,
    ];
    for history in laws {
        for (before, step) in [(10, 3.0), (20, 3.0), (40, 3.0), (20, 1.5), (40, 1.5)] {
            let all: Vec<Option<(usize, f64)>> = effort.collect(|random| {
                let values = history.draw(before + FOLLOWING, random);
                let mut watch = ShiftWatch::default();
                values.iter().zip(1..).find_map(|(value, run)| {
                    let down = if run > before { step } else { 0.0 };
                    let shift = watch.push(value - down, moved(history))?;
                    found_after(before, run, shift)
                })
            });
            let within = |runs: usize| {
                mean(all.iter().map(|found| {
                    f64::from(u8::from(found.is_some_and(|(after, _)| after <= runs)))
                }))
            };
            let off: Vec<f64> = all.iter().flatten().map(|(_, off)| *off).collect();
            let near = mean(off.iter().map(|off| f64::from(u8::from(*off <= 1.0))));
            let mut cells = vec![format!("{}, {before}", history.as_str()), format!("{step}")];
            cells.extend([3, 5, 10].map(|runs| percent(within(runs), 1)));
            cells.push(format!("{:.2}", mean(off.iter().copied()).value));
            cells.push(percent(near, 1));
            table.row(cells);
        }
    }
    table.to_string()
}

/// After how many runs since the step a shift down was found, and by how many its onset is off.
fn found_after(before: usize, run: usize, shift: Shift) -> Option<(usize, f64)> {
    let after = run.checked_sub(before).filter(|after| *after > 0)?;
    (shift.side == Side::Low).then(|| (after, whole(shift.since.abs_diff(after))))
}

/// The mean of a share, for the goals.
pub(crate) fn share_found(effort: Effort, before: usize, step: f64, within: usize) -> Mean {
    let [share] = effort.means(|random| {
        let values = History::NORMAL.draw(before + within, random);
        let mut watch = ShiftWatch::default();
        let found = values.iter().zip(1..).any(|(value, run)| {
            let down = if run > before { step } else { 0.0 };
            let shift = watch.push(value - down, |_, _| true);
            shift.is_some_and(|shift| found_after(before, run, shift).is_some())
        });
        [f64::from(u8::from(found))]
    });
    share
}

/// Every rate of `false_alarms` in one number per law: alarms per run from 12 runs on.
pub(crate) fn alarms_per_run(effort: Effort, history: History) -> Mean {
    let [rate] = effort.means(|random| {
        let values = history.draw(SHIFT_TAKEN_MAX, random);
        let mut watch = ShiftWatch::default();
        let alarms = values
            .iter()
            .filter_map(|value| watch.push(*value, moved(history)))
            .filter(|shift| shift.side == Side::Low)
            .count();
        [whole(alarms) / whole(SHIFT_TAKEN_MAX - SHIFT_RUNS_MIN + 1)]
    });
    rate
}

/// Writes the limits' false alarms as a line, for a reader who asks what the table rests on.
pub(crate) fn heading(text: &mut String, effort: Effort) {
    let _infallible = writeln!(
        text,
        "{} histories a row, seed {}; percent, ± 95 %\n",
        effort.histories, effort.seed
    );
}

#[cfg(test)]
mod tests {
    use runstone_core::verdict::noise::SHIFT_LIMITS;

    use super::*;

    const COARSE: Effort = Effort {
        histories: 20_000,
        seed: 78,
        threads: 2,
    };

    #[test]
    fn a_coarse_derivation_agrees_with_the_stored_limits() {
        for (derived, stored) in limits(COARSE).iter().zip(SHIFT_LIMITS) {
            assert!(
                (derived / stored - 1.0).abs() < 0.05,
                "stored {stored}, derived {derived}"
            );
        }
    }
}
