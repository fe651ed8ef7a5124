//! Waiting for the answers of a library within a time.
//!
//! Where nobody else uses a processor its driver wakes it first, which takes a second each, and one
//! that hangs never answers. So whoever asks has a thread of its own and tells what it knows as it
//! goes; what is known when the time is up is taken, and the thread is left behind. The invariant:
//! a driver costs a capture its time and not more, and what came too late is said. A thread that
//! sits within the kernel may still hold up the end of the process: no program can help that.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use super::answers::{Answer, Answers, Processor};

/// One answer.
#[derive(Debug)]
pub(super) enum Said {
    /// The CUDA that the driver offers.
    Cuda(Answer<i32>),
    /// The processors.
    Processors(Answer<Vec<Answer<Processor>>>),
}

/// Lets `ask` ask, and returns what it said until it ended, or until the time was up.
pub(super) fn within(time: Duration, ask: impl FnOnce(&Sender<Said>) + Send + 'static) -> Answers {
    let (say, heard) = mpsc::channel();
    let asking = thread::Builder::new().name("nvml".to_owned());
    if let Err(error) = asking.spawn(move || ask(&say)) {
        return Answers::none(&format!("no thread could be started: {error}"));
    }
    hear(&heard, time)
}

/// Returns what is said until nobody is left to say anything, or until the time is up.
fn hear(heard: &Receiver<Said>, time: Duration) -> Answers {
    let until = Instant::now() + time;
    let (mut cuda, mut processors) = (None, None);
    let reason = loop {
        match heard.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(Said::Cuda(answer)) => cuda = Some(answer),
            Ok(Said::Processors(answer)) => processors = Some(answer),
            Err(RecvTimeoutError::Disconnected) => break "asking its library broke off".to_owned(),
            Err(RecvTimeoutError::Timeout) => {
                break format!("its library did not answer within {} ms", time.as_millis());
            }
        }
    };
    Answers {
        cuda: cuda.unwrap_or_else(|| Err(reason.clone())),
        processors: processors.unwrap_or(Err(reason)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    /// Longer than any test waits.
    const LONG: Duration = Duration::from_mins(10);

    #[test]
    fn what_was_said_before_the_time_was_up_is_kept_and_the_rest_is_said_to_be_late() {
        let (say, heard) = channel();
        say.send(Said::Cuda(Ok(12_040))).unwrap();
        let answers = hear(&heard, Duration::from_millis(20));
        assert_eq!(answers.cuda, Ok(12_040));
        let late = "its library did not answer within 20 ms".to_owned();
        assert_eq!(answers.processors, Err(late));
        drop(say);
    }

    #[test]
    fn one_that_hangs_is_left_behind() {
        let (release, held) = channel::<()>();
        let answers = within(Duration::from_millis(20), move |_| {
            held.recv().unwrap_err();
        });
        let late = "its library did not answer within 20 ms".to_owned();
        assert_eq!(answers.cuda, Err(late.clone()));
        assert_eq!(answers.processors, Err(late));
        drop(release);
    }

    #[test]
    fn whoever_has_answered_is_not_waited_for_any_longer() {
        let answers = within(LONG, |say| {
            say.send(Said::Processors(Ok(Vec::new()))).unwrap();
            say.send(Said::Cuda(Err("no libcuda".to_owned()))).unwrap();
        });
        assert_eq!(answers.cuda, Err("no libcuda".to_owned()));
        assert_eq!(answers.processors, Ok(Vec::new()));
    }

    #[test]
    fn asking_that_breaks_off_leaves_nothing_unsaid() {
        let answers = within(LONG, |_| {});
        let reason = "asking its library broke off".to_owned();
        assert_eq!(answers.cuda, Err(reason.clone()));
        assert_eq!(answers.processors, Err(reason));
    }
}
