//! How finely a metric is written down.
//!
//! A metric rounded to three decimals cannot move by less than 0.001, and moves by that much for
//! nothing: a history of equal rounded values has no spread at all. One step of the finest value
//! seen is therefore never a finding. The invariant kept: the grain is read from the shortest
//! decimal that is the same binary64, the one a person wrote.

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
        .map(decimals)
        .max()
        .and_then(|most| format!("1e-{most}").parse().ok())
        .unwrap_or(0.0)
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "a decimal is one binary64")]
mod tests {
    use super::*;

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
