//! How likely a move this large is by chance alone: the two tails of Student's t.
//!
//! A pure number for the metric deltas; what it means is said there. Accurate to about 1e-12
//! where it is used (2 to some thousand degrees of freedom), far below any use of a probability.
//! The invariant kept: the same arguments give the same bits on every machine, since a probability
//! is stored in views.

/// Returns the probability that Student's t with `degrees` of freedom lies beyond `±t`.
///
/// # Source
/// `P = I_x(ν/2, 1/2)` with `x = ν/(ν + t²)`: Abramowitz & Stegun, Handbook of Mathematical
/// Functions (1964), 26.7.1 and 26.5.27.
pub(super) fn two_sided(t: f64, degrees: f64) -> f64 {
    incomplete_beta(degrees / (degrees + t * t), degrees / 2.0, 0.5)
}

/// The regularised incomplete beta function `I_x(a, b)`.
///
/// # Source
/// Continued fraction 26.5.8 of Abramowitz & Stegun, and 26.5.2 (`I_x(a,b) = 1 − I_{1−x}(b,a)`)
/// where it converges faster.
fn incomplete_beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    let front = libm::exp(
        ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * libm::log(x) + b * libm::log1p(-x),
    );
    if x < (a + 1.0) / (a + b + 2.0) {
        front * continued_fraction(x, a, b) / a
    } else {
        1.0 - front * continued_fraction(1.0 - x, b, a) / b
    }
}

/// The continued fraction of the incomplete beta function, evaluated forwards.
///
/// # Source
/// Lentz, Applied Optics 15, 668 (1976), as modified by Thompson & Barnett (1986).
#[expect(
    clippy::many_single_char_names,
    reason = "the names of the cited formula"
)]
fn continued_fraction(x: f64, a: f64, b: f64) -> f64 {
    /// Stands for a zero denominator, far below every term.
    const TINY: f64 = 1e-300;
    /// Chosen: some ten terms suffice near the mean, about `√max(a, b)` elsewhere.
    const TERMS_MAX: u32 = 10_000;
    let off_zero = |value: f64| if value.abs() < TINY { TINY } else { value };

    let mut c = 1.0;
    let mut d = 1.0 / off_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut result = d;
    for m in (1..=TERMS_MAX).map(f64::from) {
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut factor = 1.0;
        for term in [even, odd] {
            d = 1.0 / off_zero(1.0 + term * d);
            c = off_zero(1.0 + term / c);
            factor = c * d;
            result *= factor;
        }
        if (factor - 1.0).abs() < f64::EPSILON {
            break;
        }
    }
    result
}

/// The logarithm of the gamma function for positive arguments.
///
/// # Source
/// Lanczos, SIAM J. Numer. Anal. B 1, 86 (1964); coefficients for g = 7, n = 9 by P. Godfrey
/// (2001), relative error below 1e-14.
fn ln_gamma(z: f64) -> f64 {
    const G: f64 = 7.0;
    const FIRST: f64 = 0.999_999_999_999_809_9;
    const REST: [f64; 8] = [
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    let z = z - 1.0;
    let series = REST
        .iter()
        .zip(1_u32..)
        .fold(FIRST, |sum, (coefficient, k)| {
            sum + coefficient / (z + f64::from(k))
        });
    let t = z + G + 0.5;
    0.5 * libm::log(std::f64::consts::TAU) + (z + 0.5) * libm::log(t) - t + libm::log(series)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_agree_with_the_printed_table() {
        // Abramowitz & Stegun, table 26.10, rounded there to three decimals of t.
        for (t, degrees, tail) in [
            (12.706, 1.0, 0.05),
            (2.228, 10.0, 0.05),
            (3.169, 10.0, 0.01),
            (1.980, 120.0, 0.05),
        ] {
            assert!((two_sided(t, degrees) - tail).abs() < 1e-4, "{t} {degrees}");
        }
    }

    #[test]
    fn closed_forms_for_one_and_two_degrees_are_met() {
        for t in [0.0_f64, 1e-3, 0.5, 1.0, 7.0, 1e6] {
            let cauchy = 1.0 - 2.0 / std::f64::consts::PI * t.atan();
            assert!((two_sided(t, 1.0) - cauchy).abs() < 1e-12, "{t}");
            let two = 1.0 - t / (2.0 + t * t).sqrt();
            assert!((two_sided(t, 2.0) - two).abs() < 1e-12, "{t}");
        }
    }

    #[test]
    fn many_degrees_approach_the_normal_law() {
        // Φ(1.959964) = 0.975.
        assert!((two_sided(1.959_964, 1e7) - 0.05).abs() < 1e-6);
    }

    #[test]
    fn sign_does_not_count_and_certainty_is_reached() {
        assert!((two_sided(-2.0, 5.0) - two_sided(2.0, 5.0)).abs() < 1e-15);
        assert!((two_sided(0.0, 5.0) - 1.0).abs() < 1e-12);
        assert!(two_sided(1e200, 5.0) < 1e-12);
    }
}
