//! What a piece of work took: time on the wall, and time of processors.
//!
//! On a machine that others use too the wall says little; what the kernel counted for this process
//! says more.

use std::time::{Duration, Instant};

/// Ticks of a second in which the kernel counts (`USER_HZ`, 100 on every Linux).
const TICKS_PER_SECOND: f64 = 100.0;

/// What one piece of work took.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cost {
    wall: Duration,
    /// Seconds in user mode and in the kernel, of all threads together; nothing where the system
    /// does not tell.
    processor: Option<(f64, f64)>,
}

impl Cost {
    pub(crate) fn of(work: impl FnOnce()) -> Self {
        let (before, began) = (processor_time(), Instant::now());
        work();
        let wall = began.elapsed();
        let spent = |((user, kernel), (user_before, kernel_before))| {
            (user - user_before, kernel - kernel_before)
        };
        Self {
            wall,
            processor: processor_time().zip(before).map(spent),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    pub(crate) fn per_second(self, items: usize) -> f64 {
        items as f64 / self.wall.as_secs_f64()
    }

    /// Returns which share of the rate of `floor` this is.
    pub(crate) fn ratio(self, floor: Self) -> f64 {
        floor.wall.as_secs_f64() / self.wall.as_secs_f64()
    }

    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    pub(crate) fn processor_time_each(self, items: usize) -> String {
        let each_us = |seconds: f64| seconds * 1e6 / items as f64;
        self.processor.map_or_else(String::new, |(user, kernel)| {
            format!(
                "{:4.0} + {:4.0} µs user + kernel each",
                each_us(user),
                each_us(kernel)
            )
        })
    }
}

/// What several turns of one piece of work took.
#[derive(Debug, Default)]
pub(crate) struct Costs(Vec<Cost>);

impl Costs {
    pub(crate) fn push(&mut self, cost: Cost) {
        self.0.push(cost);
    }

    /// Returns the turn that took the median time on the wall.
    pub(crate) fn median(mut self) -> Cost {
        self.0.sort_unstable_by_key(|cost| cost.wall);
        let middle = self.0.len() / 2;
        self.0.get(middle).copied().unwrap_or_default()
    }
}

/// Returns the seconds this process has spent in user mode and in the kernel.
///
/// # Source
/// `proc_pid_stat(5)`, fields 14 and 15.
fn processor_time() -> Option<(f64, f64)> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let (_, after_name) = stat.rsplit_once(") ")?;
    let mut ticks = after_name.split(' ').skip(11).map(str::parse::<f64>);
    let mut next = || Some(ticks.next()?.ok()? / TICKS_PER_SECOND);
    Some((next()?, next()?))
}
