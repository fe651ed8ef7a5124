//! Squares of numbers of any size.
//!
//! The square of a number below 1e-162 is none, and that of one beyond 1e154 is infinite, while a
//! metric may be of either size. So numbers are brought near 1 before they are squared, by a power
//! of two, which changes no digit. The invariant kept: where the plain squares are exact numbers,
//! what comes of them is the same to the bit.

/// Exponents of the powers of two whose inverse is a normal number as well.
const EXPONENT_MAX: i32 = 1022;

/// Returns the power of two that brings the largest of these numbers near 1; times it, all may be
/// squared and summed up. 1 where the largest is 0 or infinite.
pub(super) fn near_one(numbers: impl Iterator<Item = f64>) -> f64 {
    let largest = numbers.map(f64::abs).fold(0.0, f64::max);
    if largest == 0.0 || !largest.is_finite() {
        return 1.0;
    }
    let exponent = libm::ilogb(largest).clamp(-EXPONENT_MAX, EXPONENT_MAX);
    libm::ldexp(1.0, -exponent)
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "powers of two are exact")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_largest_is_brought_near_one_whatever_its_size() {
        for largest in [5e-324, 1e-310, 1e-170, 0.7, 1.0, -3.5, 1e200, f64::MAX] {
            let factor = near_one([0.0, largest, largest / 3.0].into_iter());
            let near = (largest * factor).abs();
            assert!((1e-16..4.0).contains(&near), "{largest}: {near}");
            assert_eq!(largest * factor / factor, largest);
        }
        assert_eq!(near_one([0.0, 0.0].into_iter()), 1.0);
        assert_eq!(near_one([1.0, f64::NEG_INFINITY].into_iter()), 1.0);
    }

    proptest! {
        #[test]
        fn where_plain_squares_are_numbers_the_root_is_the_same_to_the_bit(
            numbers in prop::collection::vec(-1e6_f64..1e6, 1..40),
            times in -250_i32..250,
        ) {
            let numbers: Vec<f64> = numbers.iter().map(|it| libm::ldexp(*it, times)).collect();
            let root = |factor: f64| {
                let squares = numbers.iter().map(|it| (it * factor) * (it * factor));
                squares.sum::<f64>().sqrt() / factor
            };
            prop_assert_eq!(root(near_one(numbers.iter().copied())), root(1.0));
        }
    }
}
