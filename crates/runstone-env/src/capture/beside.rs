//! Many things read at once, by as many threads as the machine has processors.
//!
//! Reading files is waiting for the kernel and hashing them is work: both go on side by side. The
//! invariant: what comes back stands in the order of what was given, however it was read. How much
//! there is to gain belongs to whoever asks.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Most threads beside each other. Chosen: more of them wait for the same folder.
const THREADS_MAX: usize = 4;

/// Works off items, the first ones first, and returns what came of each in their order.
pub(super) fn work_off<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let threads = threads.min(THREADS_MAX).min(items.len());
    let next = AtomicUsize::new(0);
    let share = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else {
                return done;
            };
            done.push((at, work(item)));
        }
    };
    let mut done = thread::scope(|scope| {
        // Where no thread can be started this one does it all.
        let start = |_| thread::Builder::new().spawn_scoped(scope, share).ok();
        let helpers: Vec<_> = (1..threads).filter_map(start).collect();
        let mut done = share();
        for helper in helpers {
            match helper.join() {
                Ok(more) => done.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_stand_in_the_order_of_their_items() {
        let items: Vec<usize> = (0..1000).collect();
        let doubled = work_off(&items, |it| it * 2);
        assert_eq!(doubled, items.iter().map(|it| it * 2).collect::<Vec<_>>());
        assert!(work_off(&[] as &[usize], |it| *it).is_empty());
    }

    #[test]
    fn panic_of_one_is_a_panic_of_all() {
        let all = std::panic::catch_unwind(|| {
            work_off(&[1, 2, 3, 4, 5, 6, 7, 8], |it| assert_ne!(*it, 5));
        });
        assert!(all.is_err());
    }
}
