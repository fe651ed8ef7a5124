//! One run judged by itself: false alarms and power of each rule on each history.

use runstone_core::verdict::noise::{Band, Pooled, Side, Stake};

use crate::derive::{repeated_below, whole};
use crate::history::History;
use crate::law::Law;
use crate::many::{Effort, Mean};
use crate::rules::Rule;
use crate::table::{Table, bare_percent, percent};

/// Lengths of histories in the tables.
pub(crate) const LENGTHS: [usize; 6] = [5, 8, 10, 20, 30, 50];
/// Sizes of a drop in spreads.
const STEPS: [f64; 6] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];

/// The chance that a run moved down by each step counts as worse.
pub(crate) fn alarms<const N: usize>(
    effort: Effort,
    rule: Rule,
    history: History,
    runs: usize,
    steps: [f64; N],
) -> [Mean; N] {
    effort.means(|random| {
        let values = history.draw(runs, random);
        let limit = rule.limit(&values, history.grain());
        steps.map(|step| {
            let one = history.next_below(&values, step, limit, |value| value < limit);
            match rule {
                // Any of as many independent metrics; the others are drawn like this one.
                Rule::Runstone { judged } if step <= 0.0 => {
                    1.0 - (1.0 - one).powi(i32::try_from(judged).expect("metrics are few"))
                }
                _ => one,
            }
        })
    })
}

/// False alarms by history and length, for some judged metrics.
pub(crate) fn false_alarms(effort: Effort, judged: usize) -> String {
    let mut table = table_by_length("history");
    for history in History::ALL {
        let mut cells = vec![history.as_str().to_owned()];
        cells.extend(LENGTHS.map(|runs| {
            let [mean] = alarms(effort, Rule::Runstone { judged }, history, runs, [0.0]);
            percent(mean, 2)
        }));
        table.row(cells);
    }
    table.to_string()
}

/// Power of our rule by history, length and step.
pub(crate) fn power(effort: Effort, judged: usize) -> String {
    let mut table = Table::new(&["history", "runs", "1", "2", "3", "4", "5", "6"]);
    for history in History::ALL {
        for runs in LENGTHS {
            let means = alarms(effort, Rule::Runstone { judged }, history, runs, STEPS);
            let mut cells = vec![history.as_str().to_owned(), runs.to_string()];
            cells.extend(means.map(|mean| percent(mean, 1)));
            table.row(cells);
        }
    }
    table.to_string()
}

/// The rules beside each other: false alarms on two laws, and power on the normal one.
pub(crate) fn rules(effort: Effort) -> String {
    let mut table = Table::new(&[
        "rule",
        "runs",
        "false, normal",
        "t3",
        "exponential",
        "AR(1) 0.5",
        "seen at 3",
        "4",
        "5",
    ]);
    for runs in [5, 10, 20, 30] {
        for rule in [
            Rule::Runstone { judged: 1 },
            Rule::AgainstPrevious,
            Rule::AgainstBest,
            Rule::KnownLaw(Law::Normal),
            Rule::StudentLimit,
            Rule::PreviousByOnePercent,
            Rule::BestOfTenByOnePercent,
            Rule::MeanLessTwo,
            Rule::MedianLessMad,
        ] {
            let laws = [
                History::NORMAL,
                History::STUDENT3,
                History::EXPONENTIAL_DOWN,
                History::Ar,
            ];
            let mut cells = vec![rule.as_str(), runs.to_string()];
            cells.extend(laws.map(|history| {
                let [mean] = alarms(effort, rule, history, runs, [0.0]);
                bare_percent(mean.value)
            }));
            let seen = alarms(effort, rule, History::NORMAL, runs, [3.0, 4.0, 5.0]);
            cells.extend(seen.map(|mean| bare_percent(mean.value)));
            table.row(cells);
        }
    }
    table.to_string()
}

/// One run held against another single one: false alarms and power, by history and length.
pub(crate) fn against_one(effort: Effort) -> String {
    let mut table = Table::new(&[
        "history",
        "runs",
        "previous: false",
        "seen at 3",
        "5",
        "best: false",
        "seen at 3",
        "5",
    ]);
    for history in History::ALL {
        for runs in [5, 10, 20, 50] {
            let mut cells = vec![history.as_str().to_owned(), runs.to_string()];
            for rule in [Rule::AgainstPrevious, Rule::AgainstBest] {
                let [alarms, three, five] = alarms(effort, rule, history, runs, [0.0, 3.0, 5.0]);
                cells.extend([percent(alarms, 2), percent(three, 1), percent(five, 1)]);
            }
            table.row(cells);
        }
    }
    table.to_string()
}

/// The median of several new runs: false alarms of the worst law, and power at three spreads.
pub(crate) fn repeats(effort: Effort) -> String {
    let mut table = Table::new(&[
        "repeats",
        "runs",
        "false, normal",
        "false, worst law",
        "seen at 3",
    ]);
    for repeats in [1, 2, 3, 5] {
        for runs in [5, 10, 20, 30] {
            let of = |law: Law, step: f64| repeated(effort, law, runs, repeats, step);
            let worst = Law::ALL
                .map(|law| of(law, 0.0))
                .into_iter()
                .max_by(|one, other| one.value.total_cmp(&other.value))
                .expect("there are laws");
            table.row(vec![
                repeats.to_string(),
                runs.to_string(),
                percent(of(Law::Normal, 0.0), 2),
                percent(worst, 2),
                percent(of(Law::Normal, 3.0), 1),
            ]);
        }
    }
    table.to_string()
}

/// The chance that the median of some new runs, moved down by a step, counts as worse.
pub(crate) fn repeated(effort: Effort, law: Law, runs: usize, repeats: usize, step: f64) -> Mean {
    let [mean] = effort.means(|random| {
        let values = History::Of(law).draw(runs, random);
        let beside = law.draw(random);
        let stake = Stake { judged: 1, repeats };
        let band = Band::of(&values, Side::Low, 0.0, stake).expect("five runs or more");
        let limit = band.median - band.distance() + step;
        [repeated_below(law, limit, repeats, beside)]
    });
    mean
}

/// How often a shift as large as the answer names is seen.
pub(crate) fn detectable(effort: Effort) -> String {
    let mut table = table_by_length("history");
    for history in History::ALL.into_iter().take(8) {
        let mut cells = vec![history.as_str().to_owned()];
        cells.extend(LENGTHS.map(|runs| {
            let [mean] = effort.means(|random| {
                let values = history.draw(runs, random);
                let stake = Stake {
                    judged: 1,
                    repeats: 1,
                };
                let band = Band::of(&values, Side::Low, 0.0, stake).expect("five runs or more");
                let limit = band.median - band.distance();
                [history.next_below(&values, band.detectable(0.0), limit, |_| true)]
            });
            percent(mean, 1)
        }));
        table.row(cells);
    }
    table.to_string()
}

/// Too few runs with the current settings: the pooled limit.
pub(crate) fn pooled(effort: Effort) -> String {
    let mut table = Table::new(&[
        "settings × runs, of these settings",
        "false, normal",
        "Laplace",
        "t3",
        "lognormal, bad tail",
        "exponential, bad tail",
        "exponential, good tail",
        "two clusters",
        "seen at 3",
        "4",
        "5",
    ]);
    for (settings, each, own) in [(4, 3, 3), (9, 2, 1), (10, 2, 2), (3, 5, 4)] {
        let of = |law: Law, step: f64| {
            let [mean] = effort.means(|random| {
                let values: Vec<Vec<f64>> = (0..settings)
                    .map(|at| {
                        let runs = if at == 0 { own } else { each };
                        History::Of(law).draw(runs, random)
                    })
                    .collect();
                let Some(found) = Pooled::of(values.iter().map(Vec::as_slice)) else {
                    return [0.0];
                };
                let mean = values[0].iter().sum::<f64>() / whole(own);
                [law.below(mean - found.distance(own, 1, 1) + step)]
            });
            mean
        };
        let mut cells = vec![format!("{settings} × {each}, {own}")];
        let laws = [
            Law::Normal,
            Law::Laplace,
            Law::Student3,
            Law::LognormalDown,
            Law::ExponentialDown,
            Law::ExponentialUp,
            Law::Clusters,
        ];
        cells.extend(laws.map(|law| percent(of(law, 0.0), 2)));
        cells.extend([3.0, 4.0, 5.0].map(|step| percent(of(Law::Normal, step), 1)));
        table.row(cells);
    }
    table.to_string()
}

fn table_by_length(head: &str) -> Table {
    let mut heads = vec![format!("{head}, runs")];
    heads.extend(LENGTHS.map(|runs| runs.to_string()));
    Table::new(&heads.iter().map(String::as_str).collect::<Vec<_>>())
}
