//! How finely a metric is written down.
//!
//! A metric rounded to three decimals cannot move by less than 0.001, and moves by that much for
//! nothing: a history of equal rounded values has no spread at all. One step of the finest value
//! seen is therefore never a finding. The invariant kept: the grain is read from the shortest
//! decimal that is the same binary64, the one a person wrote.

/// The powers of ten that a binary64 holds exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];
/// So many steps are counted exactly, with bits to spare for the error of one product: 2^51.
const STEPS_MAX: f64 = 2_251_799_813_685_248.0;
/// Significant digits that tell any binary64 from its neighbours.
const DIGITS_MAX: usize = 17;

/// Returns how many decimals the shortest spelling of a finite number has.
pub fn decimals(value: f64) -> usize {
    let text = value.to_string();
    text.split_once('.').map_or(0, |(_, behind)| behind.len())
}

/// Returns one step of the finest of these values: `10^-d` for at most `d` decimals.
///
/// Whole numbers step by 1; a set without values has no step.
pub fn grain(values: impl IntoIterator<Item = f64>) -> f64 {
    values
        .into_iter()
        .fold(None, |most, value| {
            let most = most.unwrap_or(0);
            // Spelling a number costs far more than seeing that it is no finer than another one.
            Some(if has_at_most(value, most) {
                most
            } else {
                decimals(value).max(most)
            })
        })
        .and_then(|most| format!("1e-{most}").parse().ok())
        .unwrap_or(0.0)
}

/// Tells whether a number surely has no more decimals than these; `false` where it takes a spelling
/// to tell.
///
/// A quotient of two numbers that are exact is the binary64 next to it, so a whole number of steps
/// that gives the value back is a spelling of it.
fn has_at_most(value: f64, decimals: usize) -> bool {
    if decimals >= DIGITS_MAX && value.abs() >= 0.1 {
        return true;
    }
    let Some(power) = POWERS.get(decimals) else {
        return false;
    };
    let steps = (value * power).round();
    steps.abs() < STEPS_MAX && (steps / power).total_cmp(&value).is_eq()
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "a decimal is one binary64")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The step told from the spelling of every value.
    fn spelled(values: &[f64]) -> f64 {
        let most = values.iter().map(|value| decimals(*value)).max();
        most.map_or(0.0, |most| format!("1e-{most}").parse().unwrap())
    }

    proptest! {
        #[test]
        fn a_value_that_is_not_spelled_is_no_finer(
            values in proptest::collection::vec(
                prop_oneof![
                    (any::<i32>(), 0..25).prop_map(|(digits, off)| {
                        format!("{digits}e-{off}").parse::<f64>().unwrap()
                    }),
                    proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL,
                    (0.0..1.0_f64),
                ],
                0..6,
            ),
        ) {
            prop_assert_eq!(grain(values.iter().copied()), spelled(&values));
        }
    }

    #[test]
    fn the_finest_value_tells() {
        assert_eq!(grain([0.61, 0.6, 0.618]), 0.001);
        assert_eq!(grain([12.0, 100.0]), 1.0);
        assert_eq!(grain([]), 0.0);
    }

    #[test]
    fn small_large_and_binary_values_are_read_by_their_digits() {
        assert_eq!(decimals(1e-9), 9);
        assert_eq!(decimals(1e300), 0);
        assert_eq!(decimals(-0.25), 2);
        assert_eq!(decimals(0.1 + 0.2), 17);
        assert!(grain([5e-324]) <= 5e-324);
    }
}
