//! The verdict in one sentence.
//!
//! It begins with its word and says what moved, from where, against how many runs and which, and
//! what could have been seen at all, so that a silence can be weighed. The invariant kept: every
//! number in it stands in the verdict's JSON too. Colour and width belong to the faces.

use super::held::{HeldAgainst, ShiftSeen};
use super::metric::MetricVerdict;
use crate::diff::wording;
use crate::id::SnapshotSeq;
use crate::profile::Direction;

/// Says why a metric has its answer, as a fragment.
pub(super) fn reason(verdict: &MetricVerdict) -> String {
    let step = verdict
        .shift
        .as_ref()
        .map(|shift| lasting(&verdict.name, shift));
    let (step, whose) = match step {
        None => (String::new(), verdict.name.as_str()),
        Some(step) => (format!("{step}; "), "now"),
    };
    match &verdict.held {
        Err(reason) => format!("{step}{reason}"),
        Ok(held) => {
            let (off, seen) = (distance(verdict, held), can_be_seen(verdict, held));
            format!("{step}{whose} {off}; {seen}")
        }
    }
}

/// Names what else was judged with its answer; what is not known for the same reason is not
/// repeated.
pub(super) fn beside<'v>(
    deciding: &MetricVerdict,
    others: impl Iterator<Item = &'v MetricVerdict>,
) -> String {
    let named = others.filter_map(|other| {
        let reason = match (&other.held, &deciding.held) {
            (Err(reason), Err(known))
                if reason.to_string() == known.to_string() && other.overall == deciding.overall =>
            {
                return None;
            }
            (Err(reason), _) if other.shift.is_none() => format!(" ({reason})"),
            _ => String::new(),
        };
        Some(format!(
            "; {} {}{reason}",
            other.name,
            other.overall.as_str()
        ))
    });
    named.collect()
}

/// The value, and how far it lies off what it was held against.
fn distance(verdict: &MetricVerdict, held: &HeldAgainst) -> String {
    let value = verdict.value.unwrap_or(held.median);
    let moved = wording::movement(held.median, value);
    let own = match verdict.repeats {
        1 => String::new(),
        2 => " (mean of 2 repeats)".to_owned(),
        repeats => format!(" (median of {repeats} repeats)"),
    };
    let side = if value < held.median {
        format!("{} below", size(&moved.delta))
    } else if value > held.median {
        format!("{} above", size(&moved.delta))
    } else {
        "at".to_owned()
    };
    let runs = match held.runs {
        1 => "1 run".to_owned(),
        runs => format!("{runs} runs"),
    };
    let borrowed = held.pooled.map_or_else(String::new, |(_, groups)| {
        let settings = if groups == 1 { "setting" } else { "settings" };
        format!(", measured by the scatter within {groups} {settings}")
    });
    let noise = format!(
        "{runs} with these settings ({})",
        places(held.between, &held.without)
    );
    let lucky = if held.luck > 0.0 {
        ", lucky as the best of several"
    } else {
        ""
    };
    let one = |place: SnapshotSeq| format!("#{place} ({}{lucky})", moved.prev);
    let center = match (held.one, held.pooled) {
        (None, None) => format!("the median of {noise}"),
        (None, Some(_)) => format!("the mean of {noise}"),
        (Some(place), None) => format!("{}, measured by the noise of {noise}", one(place)),
        (Some(place), Some(_)) => one(place),
    };
    format!("{}{own}, {side} {center}{borrowed}", moved.curr)
}

fn lasting(name: &str, shift: &ShiftSeen) -> String {
    let moved = wording::movement(shift.before, shift.after);
    format!(
        "{name} moved from {} to {} at #{} and stayed there for {} runs",
        moved.prev, moved.curr, shift.onset, shift.since
    )
}

fn can_be_seen(verdict: &MetricVerdict, held: &HeldAgainst) -> String {
    let (what, side) = match verdict.direction {
        Direction::Higher => ("drop", ""),
        Direction::Lower => ("rise", ""),
        Direction::None => ("move", " to either side"),
    };
    let size = two_digits(held.detectable);
    format!("a {what} of more than {size}{side} can be seen")
}

fn places((first, last): (SnapshotSeq, SnapshotSeq), without: &[SnapshotSeq]) -> String {
    let span = if first == last {
        format!("#{first}")
    } else {
        format!("#{first}–#{last}")
    };
    match without {
        [] => span,
        left_out => {
            let named: Vec<String> = left_out.iter().map(|seq| format!("#{seq}")).collect();
            format!("{span}, the noise without {}", named.join(" and "))
        }
    }
}

/// A difference in words, without its sign.
fn size(delta: &str) -> &str {
    delta.trim_start_matches(['+', '−'])
}

/// By so little a limit may lie beyond a round number because it was worked out in binary.
const ROUNDING: f64 = 1e-9;

/// What is only estimated is said in two digits, rounded up: no smaller move is promised to be
/// seen.
fn two_digits(value: f64) -> String {
    let text = format!("{value:.1e}");
    let near = text.parse().unwrap_or(value);
    let up = if near < value * (1.0 - ROUNDING) {
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let tenths: u32 = digits.replace('.', "").parse().unwrap_or(99);
        let exponent: i32 = exponent.parse().unwrap_or(0);
        format!("{}e{}", tenths + 1, exponent - 1)
            .parse()
            .unwrap_or(value)
    } else {
        near
    };
    wording::number(up)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Overall;
    use crate::verdict::noise::Side;

    fn verdict() -> MetricVerdict {
        MetricVerdict {
            name: "auc".to_owned(),
            overall: Overall::Regression,
            direction: Direction::Higher,
            value: Some(0.702),
            repeats: 1,
            held: Ok(HeldAgainst {
                pooled: None,
                one: None,
                runs: 12,
                between: (SnapshotSeq(88), SnapshotSeq(140)),
                luck: 0.0,
                median: 0.713,
                low: 0.708,
                high: 0.718,
                detectable: 0.006_04,
                without: Vec::new(),
                log: false,
                twins: 0,
                not_finite: 0,
            }),
            shift: None,
        }
    }

    fn with(change: impl Fn(&mut HeldAgainst)) -> String {
        let mut verdict = verdict();
        verdict.held.as_mut().map(change).unwrap();
        reason(&verdict)
    }

    #[test]
    fn a_run_is_said_to_lie_off_its_median_with_what_can_be_seen() {
        assert_eq!(
            reason(&verdict()),
            "auc 0.702, 0.011 below the median of 12 runs with these settings (#88–#140); a \
             drop of more than 0.0061 can be seen"
        );
    }

    #[test]
    fn what_was_left_out_and_borrowed_is_named() {
        let without = with(|held| held.without = vec![SnapshotSeq(93), SnapshotSeq(95)]);
        assert!(
            without.contains("(#88–#140, the noise without #93 and #95)"),
            "{without}"
        );
        let pooled = with(|held| {
            held.pooled = Some((9, 4));
            held.runs = 1;
            held.between = (SnapshotSeq(7), SnapshotSeq(7));
        });
        assert!(
            pooled.contains(
                "the mean of 1 run with these settings (#7), measured by the scatter within 4 \
                 settings"
            ),
            "{pooled}"
        );
    }

    #[test]
    fn a_single_run_that_it_was_held_against_is_named_with_its_value() {
        let one = with(|held| held.one = Some(SnapshotSeq(139)));
        assert!(
            one.starts_with(
                "auc 0.702, 0.011 below #139 (0.713), measured by the noise of 12 runs with these \
                 settings (#88–#140); "
            ),
            "{one}"
        );
        let borrowed = with(|held| {
            held.one = Some(SnapshotSeq(139));
            held.pooled = Some((9, 4));
        });
        assert!(
            borrowed.starts_with(
                "auc 0.702, 0.011 below #139 (0.713), measured by the scatter within 4 settings; "
            ),
            "{borrowed}"
        );
        let lucky = with(|held| {
            held.one = Some(SnapshotSeq(139));
            held.luck = 1.54;
        });
        assert!(
            lucky.contains("below #139 (0.713, lucky as the best of several), measured"),
            "{lucky}"
        );
    }

    #[test]
    fn a_lasting_step_names_its_onset_and_repeats_are_counted() {
        let mut shifted = verdict();
        shifted.repeats = 3;
        shifted.shift = Some(ShiftSeen {
            onset: SnapshotSeq(135),
            since: 6,
            before: 0.713,
            after: 0.704,
            side: Side::Low,
        });
        assert!(reason(&shifted).starts_with(
            "auc moved from 0.713 to 0.704 at #135 and stayed there for 6 runs; now 0.702 (median of \
             3 repeats), "
        ));
    }

    #[test]
    fn what_can_be_seen_is_never_rounded_down() {
        for (value, text) in [
            (0.006, "0.006"),
            (0.006_01, "0.0061"),
            (0.75 - (0.75 - 0.01), "0.01"),
            (1234.0, "1300"),
            (0.0, "0"),
        ] {
            assert_eq!(two_digits(value), text);
        }
    }
}
