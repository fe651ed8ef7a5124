//! A small seeded generator of random numbers: PCG32.
//!
//! Everything random in the demo comes from here: who is dealt into which fold and which cases a
//! tree sees. The invariant is that a seed and a stream alone decide the sequence, on every
//! machine, so that a run can be repeated. It is no source of secrets.
//!
//! # Source
//! M. E. O'Neill, "PCG: A Family of Simple Fast Space-Efficient Statistically Good Algorithms for
//! Random Number Generation", HMC-CS-2014-0905; the variant XSH-RR 64/32 with its reference
//! constants, <https://www.pcg-random.org>.

use serde::Serialize;

/// Chooses one of the sequences of a generator; the whole of the randomness of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Seed(pub(crate) u64);

/// Generates a sequence decided by a seed and a stream: the streams of one seed are independent.
#[derive(Debug, Clone)]
pub(super) struct Pcg32 {
    state: u64,
    increment: u64,
}

impl Pcg32 {
    const MULTIPLIER: u64 = 6_364_136_223_846_793_005;

    /// Starts the sequence of `seed` on `stream`.
    pub(super) fn new(seed: Seed, stream: u64) -> Self {
        let mut generator = Self {
            state: 0,
            increment: (stream << 1) | 1,
        };
        generator.advance();
        generator.state = generator.state.wrapping_add(seed.0);
        generator.advance();
        generator
    }

    /// Returns the next 32 bits.
    pub(super) fn next_bits(&mut self) -> u32 {
        let state = self.state;
        self.advance();
        let shifted = ((((state >> 18) ^ state) >> 27) & 0xffff_ffff) as u32;
        shifted.rotate_right((state >> 59) as u32)
    }

    /// Returns the next number from 0 (included) to 1 (excluded), in steps of 2^-32.
    pub(super) fn next_unit(&mut self) -> f64 {
        const STEP: f64 = 1.0 / 4_294_967_296.0;
        f64::from(self.next_bits()) * STEP
    }

    /// Puts `items` in random order, every order equally likely (Fisher and Yates).
    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let choices = u32::try_from(last + 1).expect("a slice to shuffle is short");
            items.swap(last, self.next_below(choices) as usize);
        }
    }

    /// Returns the next number below `bound`. The lowest draws, which would make small results
    /// likelier than large ones, are thrown away.
    fn next_below(&mut self, bound: u32) -> u32 {
        let unfair = bound.wrapping_neg() % bound;
        loop {
            let bits = self.next_bits();
            if bits >= unfair {
                return bits % bound;
            }
        }
    }

    fn advance(&mut self) {
        self.state = self
            .state
            .wrapping_mul(Self::MULTIPLIER)
            .wrapping_add(self.increment);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequence_is_that_of_the_reference_implementation() {
        let mut generator = Pcg32::new(Seed(42), 54);
        let drawn: Vec<u32> = (0..6).map(|_| generator.next_bits()).collect();
        let reference = [
            0xa15c_02b7,
            0x7b47_f409,
            0xba1d_3330,
            0x83d2_f293,
            0xbfa4_784b,
            0xcbed_606e,
        ];
        assert_eq!(drawn, reference);
    }

    #[test]
    fn streams_of_one_seed_differ() {
        assert_ne!(
            Pcg32::new(Seed(7), 0).next_bits(),
            Pcg32::new(Seed(7), 1).next_bits()
        );
    }

    #[test]
    fn units_cover_the_interval_evenly() {
        let mut generator = Pcg32::new(Seed(1), 0);
        let mut tenths = [0_u32; 10];
        for _ in 0..10_000 {
            let unit = generator.next_unit();
            assert!((0.0..1.0).contains(&unit));
            let tenth = (1..10)
                .take_while(|&edge| unit >= f64::from(edge) / 10.0)
                .count();
            tenths[tenth] += 1;
        }
        // 1,000 expected in each with a deviation of 30; five deviations are allowed.
        assert!(
            tenths.iter().all(|&found| found.abs_diff(1_000) <= 150),
            "{tenths:?}"
        );
    }

    #[test]
    fn every_order_of_three_is_equally_likely() {
        let mut generator = Pcg32::new(Seed(1), 0);
        let mut orders = std::collections::BTreeMap::<[u8; 3], u32>::new();
        for _ in 0..6_000 {
            let mut items = [0, 1, 2];
            generator.shuffle(&mut items);
            *orders.entry(items).or_default() += 1;
        }
        // 1,000 expected of each with a deviation of 29; five deviations are allowed.
        assert_eq!(orders.len(), 6);
        assert!(
            orders.values().all(|&found| found.abs_diff(1_000) <= 145),
            "{orders:?}"
        );
    }
}
