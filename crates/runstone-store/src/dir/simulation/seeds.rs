//! The seeds that are lived in tests, and what to do with one that found something.

use std::time::Instant;

use super::life::{Birth, Seen, Violation, live};
use crate::dir::Kind;

/// Lives of each kind of file system in an ordinary run of the tests.
pub(super) const SEEDS: u64 = 200;

/// Lines of a trace that are shown.
const TRACE_LINES: usize = 400;

/// Reads a number from the environment.
#[expect(
    clippy::disallowed_methods,
    reason = "how many seeds a test lives is asked for where it is run"
)]
fn asked(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().expect("a number of seeds is a number"))
}

/// Lives many lives on one kind of file system.
fn live_all(kind: Kind, test: &str) {
    let first = asked("RUNSTONE_FIRST_SEED").unwrap_or(1);
    let seeds = asked("RUNSTONE_SEEDS").unwrap_or(SEEDS);
    let begun = Instant::now();
    let mut total = Seen::default();
    for seed in first..first + seeds {
        let birth = Birth {
            kind,
            seed,
            mutant: None,
        };
        match live(birth, false) {
            Ok(seen) => {
                total.calls += seen.calls;
                total.survivals += seen.survivals;
                total.answers += seen.answers;
            }
            Err(violation) => tell(birth, test, &violation),
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "{kind:?}: {seeds} seeds, {} calls, {} survivals, {} answers in {seconds:.1} s",
        total.calls, total.survivals, total.answers
    );
}

/// Fails with what a seed found, what led to it, and how to see it again.
fn tell(birth: Birth, test: &str, violation: &Violation) -> ! {
    let again = live(birth, true).expect_err("what a seed found it finds again");
    assert_eq!(again.broken, violation.broken, "a seed decides everything");
    let from = again.trace.len().saturating_sub(TRACE_LINES);
    let seed = birth.seed;
    panic!(
        "{}\n{}\n\nseed {seed} of {:?}: {}\nagain: RUNSTONE_FIRST_SEED={seed} RUNSTONE_SEEDS=1 cargo \
         test -p runstone-store --lib simulation::seeds::{test}",
        if from > 0 { "…" } else { "" },
        again.trace[from..].join("\n"),
        birth.kind,
        violation.broken
    );
}

#[test]
fn promises_are_kept_on_a_journal() {
    live_all(Kind::Journal, "promises_are_kept_on_a_journal");
}

#[test]
fn promises_are_kept_on_copy_on_write() {
    live_all(Kind::CopyOnWrite, "promises_are_kept_on_copy_on_write");
}

#[test]
fn promises_are_kept_on_a_network() {
    live_all(Kind::Network, "promises_are_kept_on_a_network");
}

#[test]
fn promises_are_kept_where_nothing_is_known() {
    live_all(Kind::Other, "promises_are_kept_where_nothing_is_known");
}
