//! Many histories on several threads, with the same result on any number of them.
//!
//! Work is cut into blocks; each has a stream of the seed to itself, and sums are added in the
//! order of the blocks. The invariant kept: the number of threads changes the time and nothing
//! else.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::random::Random;

/// Histories in one block.
const BLOCK: usize = 1000;

/// How much is simulated.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    /// Histories of each row.
    pub(crate) histories: usize,
    /// Where the random numbers begin.
    pub(crate) seed: u64,
    /// How many at once.
    pub(crate) threads: usize,
}

/// A mean over histories with its standard error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Mean {
    pub(crate) value: f64,
    pub(crate) error: f64,
}

impl Effort {
    /// Returns what `of` gives for each history, in order.
    pub(crate) fn collect<T: Send>(self, of: impl Fn(&mut Random) -> T + Sync) -> Vec<T> {
        let blocks = self.histories.div_ceil(BLOCK);
        let next = AtomicUsize::new(0);
        let done: Mutex<Vec<(usize, Vec<T>)>> = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..self.threads.max(1) {
                scope.spawn(|| {
                    loop {
                        let block = next.fetch_add(1, Ordering::Relaxed);
                        if block >= blocks {
                            break;
                        }
                        let stream = u64::try_from(block).expect("blocks are few");
                        let mut random = Random::new(self.seed, stream);
                        let count = BLOCK.min(self.histories - block * BLOCK);
                        let found = (0..count).map(|_| of(&mut random)).collect();
                        done.lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .push((block, found));
                    }
                });
            }
        });
        let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.sort_by_key(|(block, _)| *block);
        done.into_iter().flat_map(|(_, found)| found).collect()
    }

    /// Returns the means of `N` numbers that `of` gives for each history.
    pub(crate) fn means<const N: usize>(
        self,
        of: impl Fn(&mut Random) -> [f64; N] + Sync,
    ) -> [Mean; N] {
        let all = self.collect(of);
        std::array::from_fn(|at| mean(all.iter().map(|row| row[at])))
    }
}

/// Returns the mean of numbers with its standard error; 0 without any.
#[expect(clippy::cast_precision_loss, reason = "histories are fewer than 2^53")]
pub(crate) fn mean(numbers: impl Iterator<Item = f64> + Clone) -> Mean {
    let count = numbers.clone().count().max(1) as f64;
    let value = numbers.clone().sum::<f64>() / count;
    let variance = numbers.map(|x| (x - value) * (x - value)).sum::<f64>() / count;
    Mean {
        value,
        error: (variance / count).sqrt(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_change_nothing_but_the_time() {
        let effort = |threads| Effort {
            histories: 4321,
            seed: 9,
            threads,
        };
        let drawn = |threads| effort(threads).collect(Random::uniform);
        assert_eq!(drawn(1).len(), 4321);
        assert_eq!(drawn(1), drawn(3));
    }
}
