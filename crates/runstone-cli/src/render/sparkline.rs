//! Values as a line of characters, one each, higher where the value is.

/// Eight heights, from the least value to the largest.
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// The height of values that are all equal.
const MIDDLE: char = '▄';

/// Returns one character for each value, scaled between the least and the largest; nothing for
/// fewer than two.
pub(crate) fn sparkline(values: &[f64]) -> String {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if values.len() < 2 {
        return String::new();
    }
    // Halved, because the span of the largest numbers is none.
    let span = most / 2.0 - least / 2.0;
    let height = |value: &f64| {
        let share = (value / 2.0 - least / 2.0) / span;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and 7; what is no number is 0"
        )]
        let step = (share * 7.0).round() as usize;
        HEIGHTS[step.min(HEIGHTS.len() - 1)]
    };
    if span > 0.0 {
        values.iter().map(height).collect()
    } else {
        values.iter().map(|_| MIDDLE).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_is_lowest_and_the_largest_highest() {
        assert_eq!(sparkline(&[0.1, 0.2, 0.15, 0.8]), "▁▂▁█");
        assert_eq!(sparkline(&[-1e308, 0.0, 1e308]), "▁▅█");
    }

    #[test]
    fn equal_values_lie_in_the_middle_and_one_alone_shows_nothing() {
        assert_eq!(sparkline(&[0.5, 0.5]), "▄▄");
        assert_eq!(sparkline(&[5e-324, 0.0]), "▄▄");
        assert_eq!(sparkline(&[0.5]), "");
    }
}
