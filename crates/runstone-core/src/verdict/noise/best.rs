//! How lucky the best of several runs is.
//!
//! Whoever is chosen because nobody was better stands beyond a typical run by chance alone, and the
//! next run has to be forgiven for that. The invariant kept: the table is the integral it names.
//! Which run is chosen belongs to the baseline.

/// The expected largest of so many standard normal values, from one on: as many as a window may
/// have.
///
/// # Source
/// `E[max] = n ∫ x φ(x) Φ(x)^(n−1) dx`: David & Nagaraja, Order Statistics (2003), 3.1; five
/// decimals, worked out by the trapezoid rule, which a test does again.
#[rustfmt::skip]
const EXPECTED_BEST: [f64; 64] = [
    0.00000, 0.56419, 0.84628, 1.02938, 1.16296, 1.26721, 1.35218, 1.42360,
    1.48501, 1.53875, 1.58644, 1.62923, 1.66799, 1.70338, 1.73591, 1.76599,
    1.79394, 1.82003, 1.84448, 1.86748, 1.88917, 1.90969, 1.92916, 1.94767,
    1.96531, 1.98216, 1.99827, 2.01371, 2.02852, 2.04276, 2.05646, 2.06967,
    2.08241, 2.09471, 2.10661, 2.11812, 2.12928, 2.14009, 2.15059, 2.16078,
    2.17068, 2.18032, 2.18969, 2.19882, 2.20772, 2.21640, 2.22486, 2.23312,
    2.24119, 2.24907, 2.25678, 2.26432, 2.27169, 2.27891, 2.28598, 2.29291,
    2.29970, 2.30635, 2.31288, 2.31928, 2.32556, 2.33173, 2.33778, 2.34373,
];

/// Returns by how many spreads the best of `runs` is expected beyond a typical one: 1.54 for ten.
pub fn expected_best(runs: usize) -> f64 {
    let last = EXPECTED_BEST.len();
    EXPECTED_BEST[runs.clamp(1, last) - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_of_several_is_expected_where_the_tables_say() {
        // Harter, Biometrika 48, 151 (1961), five decimals.
        for (runs, expected) in [
            (1, 0.0),
            (2, 0.56419),
            (5, 1.16296),
            (10, 1.53875),
            (50, 2.24907),
        ] {
            assert!((expected_best(runs) - expected).abs() < 1e-5, "{runs}");
        }
    }

    #[test]
    fn every_expected_best_is_the_integral() {
        const STEP: f64 = 1.0 / 64.0;
        for runs in 1..=64_u32 {
            let at = |step: i32| {
                let x = f64::from(step) * STEP;
                let density = libm::exp(-x * x / 2.0) / std::f64::consts::TAU.sqrt();
                let below = 0.5 * libm::erfc(-x / std::f64::consts::SQRT_2);
                f64::from(runs) * x * density * libm::pow(below, f64::from(runs - 1)) * STEP
            };
            let expected: f64 = (-9 * 64..=9 * 64).map(at).sum();
            let found = expected_best(usize::try_from(runs).unwrap());
            assert!(
                (found - expected).abs() < 6e-6,
                "{runs}: {found} {expected}"
            );
        }
    }
}
