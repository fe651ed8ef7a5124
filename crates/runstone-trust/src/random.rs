//! Numbers that look random and are the same on every machine for one seed.
//!
//! A simulation that nobody can repeat proves nothing, so the generator stands here in twenty lines
//! and takes nothing from the machine. Which law the numbers follow belongs to [`crate::law`].

/// A generator of uniform and normal numbers.
///
/// # Source
/// xoshiro256++ 1.0, seeded by `SplitMix64`: Blackman & Vigna, ACM Transactions on Mathematical
/// Software 47 (2021), <https://prng.di.unimi.it>. Normal numbers by the polar method of Marsaglia &
/// Bray, SIAM Review 6, 260 (1964).
#[derive(Debug, Clone)]
pub(crate) struct Random {
    state: [u64; 4],
    spare: Option<f64>,
}

impl Random {
    /// Makes the generator of one stream of a seed; streams do not overlap in practice.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut mixed = seed ^ stream.wrapping_mul(0xA076_1D64_78BD_642F);
        let mut next = || {
            mixed = mixed.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = mixed;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^ (z >> 31)
        };
        Self {
            state: [next(), next(), next(), next()],
            spare: None,
        }
    }

    fn bits(&mut self) -> u64 {
        let [a, b, c, d] = self.state;
        let result = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
        let (c, d) = (c ^ a, d ^ b);
        self.state = [a ^ d, b ^ c, c ^ (b << 17), d.rotate_left(45)];
        result
    }

    /// Returns a number between 0 and 1, neither of them.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    pub(crate) fn uniform(&mut self) -> f64 {
        ((self.bits() >> 11) as f64 + 0.5) / 9_007_199_254_740_992.0
    }

    /// Returns a whole number below `count`.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        let count = u128::try_from(count).expect("a count fits 128 bits");
        usize::try_from((u128::from(self.bits()) * count) >> 64).expect("less than the count")
    }

    /// Returns a standard normal number.
    pub(crate) fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        loop {
            let (x, y) = (2.0 * self.uniform() - 1.0, 2.0 * self.uniform() - 1.0);
            let square = x * x + y * y;
            if square < 1.0 && square > 0.0 {
                let scale = (-2.0 * libm::log(square) / square).sqrt();
                self.spare = Some(y * scale);
                return x * scale;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_one_sequence_and_streams_differ() {
        let first = |seed, stream| Random::new(seed, stream).bits();
        assert_eq!(first(1, 0), first(1, 0));
        assert_ne!(first(1, 0), first(1, 1));
        assert_ne!(first(1, 0), first(2, 0));
    }

    #[test]
    fn moments_are_those_of_the_law() {
        let mut random = Random::new(7, 0);
        let normal: Vec<f64> = (0..200_000).map(|_| random.normal()).collect();
        let mean = |of: &dyn Fn(f64) -> f64| normal.iter().map(|x| of(*x)).sum::<f64>() / 2e5;
        // Five standard errors of each.
        assert!(mean(&|x| x).abs() < 0.012);
        assert!((mean(&|x| x * x) - 1.0).abs() < 0.016);
        assert!((mean(&|x| x * x * x * x) - 3.0).abs() < 0.11);
        let ones = (0..30_000).filter(|_| random.below(3) == 1).count();
        assert!(ones.abs_diff(10_000) < 410);
    }
}
