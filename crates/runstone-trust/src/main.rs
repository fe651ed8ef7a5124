//! Trust, measured: what the verdict does to histories whose truth is known.
//!
//! ```text
//! laws → histories → the functions that judge runs → rates with their errors → tables
//! ```
//!
//! `table` prints what stands in `docs/verdicts.md`, `goals` each goal with what was measured (and
//! fails if one is missed), `derive` the tables that `runstone-core` stores (`derive-shift` those
//! of the shift test alone), `series` histories for other tools. One seed gives one output on every
//! machine and any number of threads.

mod arguments;
mod derive;
mod goals;
mod history;
mod lasting;
mod law;
mod many;
mod random;
mod rules;
mod series;
mod single;
mod table;

use std::io;
use std::process::ExitCode;

use arguments::{Arguments, Job};
use many::Effort;

fn main() -> ExitCode {
    let arguments = match Arguments::read(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(error) => {
            return said(
                io::stderr(),
                &format!("error: {error}\nhint: {}\n", arguments::USAGE),
                2,
            );
        }
    };
    let effort = arguments.effort;
    let (text, code) = match arguments.job {
        Job::Table => (tables(effort), 0),
        Job::Goals => {
            let (text, met) = goals::all(effort);
            (text, if met { 0 } else { 4 })
        }
        Job::Derive => (derive::as_source(effort) + &lasting::as_source(effort), 0),
        Job::DeriveShift => (lasting::as_source(effort), 0),
        Job::Series => (series::lines(effort), 0),
    };
    said(io::stdout(), &text, code)
}

fn said(mut to: impl io::Write, text: &str, code: u8) -> ExitCode {
    match to.write_all(text.as_bytes()).and_then(|()| to.flush()) {
        Ok(()) => ExitCode::from(code),
        // A reader that has seen enough closes the pipe.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::from(code),
        Err(_) => ExitCode::FAILURE,
    }
}

fn tables(effort: Effort) -> String {
    // Sequences of runs cost more and are counted, not computed.
    let fewer = Effort {
        histories: effort.histories.div_ceil(5),
        ..effort
    };
    let mut text = String::new();
    lasting::heading(&mut text, effort);
    for (title, table) in [
        ("False alarms, one metric", single::false_alarms(effort, 1)),
        (
            "False alarms, any of three metrics",
            single::false_alarms(effort, 3),
        ),
        (
            "False alarms, any of ten metrics",
            single::false_alarms(effort, 10),
        ),
        (
            "Drops seen, one metric, by spreads",
            single::power(effort, 1),
        ),
        ("Rules beside each other", single::rules(effort)),
        ("Against one run", single::against_one(effort)),
        ("The median of repeats", single::repeats(effort)),
        (
            "A drop as large as the answer names, seen",
            single::detectable(effort),
        ),
        ("Too few runs with these settings", single::pooled(effort)),
        (
            "Shift test, false alarms a run",
            lasting::false_alarms(fewer),
        ),
        ("Lasting steps found", lasting::found(fewer)),
        ("Goals", goals::all(effort).0),
    ] {
        text.extend(["### ", title, "\n\n", &table, "\n"]);
    }
    text
}
