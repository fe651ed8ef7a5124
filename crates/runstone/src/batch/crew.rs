//! Threads that work lists off together, as long as a stream lasts.
//!
//! A thread that ends leaves its memory to nobody in particular, and the next one begins with none;
//! so the same ones work off list after list. The invariant: what came of a list is in its order,
//! whoever did it. What is done with each item does not matter here.

use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::Scope;

/// Items that one thread takes at least: below that handing them on costs more than it saves.
const SHARE_MIN: usize = 16;

/// Threads that work lists off together with the one that hands them out.
#[derive(Debug)]
pub(super) struct Crew<T, R, W> {
    mates: Vec<Mate<T, R>>,
    work: W,
}

#[derive(Debug)]
struct Mate<T, R> {
    to_do: SyncSender<Vec<T>>,
    done: Receiver<Vec<R>>,
}

impl<T, R, W: Fn(T) -> R + Clone + Send> Crew<T, R, W> {
    /// Starts so many threads, less the one that is there already.
    pub(super) fn start<'scope>(scope: &'scope Scope<'scope, '_>, threads: usize, work: W) -> Self
    where
        T: Send + 'scope,
        R: Send + 'scope,
        W: 'scope,
    {
        let mates = (1..threads).map(|_| {
            let (to_do, shares) = mpsc::sync_channel::<Vec<T>>(1);
            let (hand_in, done) = mpsc::sync_channel(1);
            let work = work.clone();
            scope.spawn(move || {
                for share in shares {
                    let worked = share.into_iter().map(&work).collect();
                    if hand_in.send(worked).is_err() {
                        return;
                    }
                }
            });
            Mate { to_do, done }
        });
        Self {
            mates: mates.collect(),
            work,
        }
    }

    /// Works a list off; nothing if one of the threads has panicked.
    pub(super) fn work_off(&self, list: Vec<T>) -> Option<Vec<R>> {
        let share = list.len().div_ceil(self.mates.len() + 1).max(SHARE_MIN);
        let mut list = list.into_iter();
        let own: Vec<T> = list.by_ref().take(share).collect();
        let mut asked = Vec::new();
        for mate in &self.mates {
            let share: Vec<T> = list.by_ref().take(share).collect();
            if share.is_empty() {
                break;
            }
            mate.to_do.send(share).ok()?;
            asked.push(mate);
        }
        let mut worked: Vec<R> = own.into_iter().map(&self.work).collect();
        for mate in asked {
            worked.extend(mate.done.recv().ok()?);
        }
        Some(worked)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn lists_of_any_length_come_back_in_their_order() {
        thread::scope(|scope| {
            for threads in [1, 2, 5] {
                let crew = Crew::start(scope, threads, |number: usize| number * 2);
                for length in [0, 1, 15, 16, 17, 80, 81, 1024] {
                    let doubled: Vec<usize> = (0..length).map(|number| number * 2).collect();
                    let list = (0..length).collect();
                    assert_eq!(crew.work_off(list), Some(doubled), "{threads} threads");
                }
            }
        });
    }

    #[test]
    fn the_same_threads_work_list_after_list() {
        thread::scope(|scope| {
            let crew = Crew::start(scope, 3, |()| thread::current().id());
            let ids = || crew.work_off(vec![(); 48]).unwrap();
            let first = ids();
            assert_eq!((first[0], first[15]), (thread::current().id(), first[0]));
            assert_ne!(first[0], first[16]);
            assert_ne!(first[16], first[32]);
            assert_eq!(ids(), first);
        });
    }
}
