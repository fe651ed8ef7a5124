//! How far below the best of several values the truly best may lie.
//!
//! Whoever picks the best of many picks luck as well: the best of ten equal runs stands 1.54
//! spreads above a typical one. The distance here is the smallest one at which the run that is
//! truly best is still among those kept in 95 of 100 tables, however many there are. The invariant
//! kept: the same counts give the same bits on every machine.

use std::f64::consts::{FRAC_1_SQRT_2, TAU};

/// How often the truly best run is among those within the distance.
pub(super) const KEPT: f64 = 0.95;
/// Beyond it the normal law holds nothing worth counting.
const FAR: f64 = 8.0;
/// Nodes over the normal law. The trapezoid rule over a smooth law that ends at zero gains digits
/// with every node: these give nine.
const NODES: u32 = 96;
/// Nodes over the law of the estimated deviation.
const DEVIATION_NODES: u32 = 64;
/// Halvings of the interval in which the distance is looked for.
const HALVINGS: u32 = 40;

/// Returns how many deviations of a single value below the best of `runs` values one may lie that
/// is still kept, when the deviation was estimated with `degrees` of freedom.
///
/// # Source
/// Subset selection: Gupta, Technometrics 7, 225 (1965); multiple comparisons with the best: Hsu,
/// Annals of Statistics 9, 1026 (1981). `P = ∫∫ Φ^(k−1)(z + d·u) φ(z) dz g(u) du` with `u = s/σ` is
/// solved for `d`; over √2 it is the one-sided limit of Dunnett, JASA 50, 1096 (1955).
pub fn among_best(runs: usize, degrees: usize) -> f64 {
    if runs < 2 || degrees == 0 {
        return 0.0;
    }
    let deviation = deviation_law(degrees);
    let (mut low, mut high) = (0.0, 40.0);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if kept(middle, runs, &deviation) < KEPT {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// The probability that the truly best of `runs` equal ones lies within `distance` of the best
/// value.
fn kept(distance: f64, runs: usize, deviation: &[(f64, f64)]) -> f64 {
    let others = f64::from(u32::try_from(runs - 1).unwrap_or(u32::MAX));
    let step = 2.0 * FAR / f64::from(NODES);
    let over_values = |off: f64| -> f64 {
        (0..=NODES)
            .map(|node| {
                let z = f64::from(node) * step - FAR;
                step * density(z) * libm::pow(below(z + off), others)
            })
            .sum()
    };
    let parts = deviation
        .iter()
        .map(|(ratio, weight)| weight * over_values(distance * ratio));
    parts.sum()
}

/// Nodes and weights of the law of `s/σ`, `√(χ²/ν)`.
fn deviation_law(degrees: usize) -> Vec<(f64, f64)> {
    let n = f64::from(u32::try_from(degrees).unwrap_or(u32::MAX));
    // It lies near 1, and its deviation is about 1/√(2ν).
    let width = FAR / (2.0 * n).sqrt();
    let (from, to) = ((1.0 - width).max(1e-6), 1.0 + width);
    let step = (to - from) / f64::from(DEVIATION_NODES);
    let law = |u: f64| libm::exp((n - 1.0) * libm::log(u) - n * (u * u - 1.0) / 2.0);
    let mut nodes: Vec<(f64, f64)> = (0..=DEVIATION_NODES)
        .map(|node| {
            let u = from + f64::from(node) * step;
            (u, law(u))
        })
        .collect();
    // Scaled to one, which spares the gamma function.
    let whole: f64 = nodes.iter().map(|(_, weight)| weight).sum();
    for (_, weight) in &mut nodes {
        *weight /= whole;
    }
    nodes
}

fn density(z: f64) -> f64 {
    libm::exp(-z * z / 2.0) / TAU.sqrt()
}

/// The share of the normal law below `z`.
fn below(z: f64) -> f64 {
    0.5 * libm::erfc(-z * FRAC_1_SQRT_2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_are_those_of_the_tables() {
        // Dunnett, JASA 50, 1096 (1955), table 1a: one-sided, 95 %, as many comparisons.
        for (comparisons, degrees, expected) in [
            (1, 10, 1.81),
            (2, 10, 2.15),
            (3, 10, 2.34),
            (5, 10, 2.56),
            (9, 10, 2.81),
            (4, 20, 2.30),
            (9, 60, 2.48),
        ] {
            let found = among_best(comparisons + 1, degrees) / std::f64::consts::SQRT_2;
            assert!(
                (found - expected).abs() < 0.006,
                "{comparisons} {degrees}: {found}"
            );
        }
    }

    #[test]
    fn more_runs_widen_it_and_more_degrees_narrow_it() {
        assert!(among_best(20, 12) > among_best(10, 12));
        assert!(among_best(10, 40) < among_best(10, 12));
        assert!(among_best(5000, 8).is_finite());
        assert!(among_best(1, 8) <= 0.0 && among_best(5, 0) <= 0.0);
    }
}
