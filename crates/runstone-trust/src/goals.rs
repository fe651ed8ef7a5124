//! The goals, each with what was measured and whether it is met.

use crate::history::History;
use crate::lasting::{alarms_per_run, share_found};
use crate::law::Law;
use crate::many::{Effort, Mean};
use crate::rules::Rule;
use crate::single::{alarms, repeated};
use crate::table::{Table, percent};

/// Columns of the stored table, and lengths between them.
const LENGTHS: [usize; 19] = [
    5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 17, 20, 25, 30, 35, 40, 50, 57, 64,
];
const OURS: Rule = Rule::Runstone { judged: 1 };

/// Prints every goal; the flag tells whether all are met.
pub(crate) fn all(effort: Effort) -> (String, bool) {
    let mut table = Table::new(&["goal", "wanted", "measured", ""]);
    let mut met = true;
    let mut row = |goal: String, wanted: f64, at_most: bool, found: Mean| {
        // What lies within the error of the simulation is not called a miss.
        let off = if at_most {
            found.value - wanted
        } else {
            wanted - found.value
        };
        let is_met = off <= 1.96 * found.error;
        met &= is_met;
        let sign = if at_most { "≤" } else { "≥" };
        table.row(vec![
            goal,
            format!("{sign} {} %", 100.0 * wanted),
            percent(found, 2),
            if is_met { "met" } else { "MISSED" }.to_owned(),
        ]);
    };
    for history in Law::ALL.map(History::Of).into_iter().chain([History::Ar]) {
        let name = format!("false alarms, {}, worst of 5 to 64 runs", history.as_str());
        row(name, 0.015, true, worst_of_lengths(effort, OURS, history));
    }
    for (rule, name) in [
        (Rule::AgainstPrevious, "the previous run"),
        (Rule::AgainstBest, "the best of ten"),
    ] {
        let worst = Law::ALL.map(|law| worst_of_lengths(effort, rule, History::Of(law)));
        let name = format!("false alarms against {name}, worst law, worst of 5 to 64 runs");
        row(name, 0.015, true, worst_of(worst));
    }
    for (step, runs, wanted) in [
        (5.0, 10, 0.60),
        (5.0, 20, 0.90),
        (5.0, 30, 0.94),
        (4.0, 20, 0.70),
        (4.0, 30, 0.78),
    ] {
        let [found] = alarms(effort, OURS, History::NORMAL, runs, [step]);
        row(
            format!("seen: {step} spreads after {runs} runs"),
            wanted,
            false,
            found,
        );
    }
    for (runs, wanted) in [(10, 0.70), (20, 0.90)] {
        let found = repeated(effort, Law::Normal, runs, 3, 3.0);
        row(
            format!("seen: 3 spreads by three repeats after {runs} runs"),
            wanted,
            false,
            found,
        );
    }
    let lasting = Effort {
        histories: effort.histories.div_ceil(5),
        ..effort
    };
    for history in History::ALL {
        let wanted = match history {
            // The single run's rule and the shift test together.
            History::Ar => 0.015,
            History::Rounded | History::RoundedToThirds => 0.01,
            _ => 0.004,
        };
        let found = alarms_per_run(lasting, history);
        row(
            format!("shift test, false alarms a run, {}", history.as_str()),
            wanted,
            true,
            found,
        );
    }
    for (before, step, wanted) in [(10, 3.0, 0.88), (40, 1.5, 0.70)] {
        let found = share_found(lasting, before, step, 10);
        let name = format!("a lasting step of {step} after {before} runs, found within 10");
        row(name, wanted, false, found);
    }
    (table.to_string(), met)
}

fn worst_of_lengths(effort: Effort, rule: Rule, history: History) -> Mean {
    worst_of(LENGTHS.map(|runs| alarms(effort, rule, history, runs, [0.0])[0]))
}

fn worst_of<const N: usize>(means: [Mean; N]) -> Mean {
    means
        .into_iter()
        .max_by(|one, other| one.value.total_cmp(&other.value))
        .expect("there are some")
}
