//! One process of a crowd, and the questions asked before and after it.
//!
//! `hand make|work|runs PEER FOLDER [PROGRAM]`: makes what the peer keeps runs in, records into it
//! as long as it is told, or prints the runs that are there, one a line.

use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use runstone_testkit::bench::document;

use crate::Failure;
use crate::figures::Report;
use crate::peers::{self, Keeper};

/// # Errors
/// Those of the peer; a recording that is refused is part of the report.
pub(crate) fn run(words: &[String]) -> Result<(), Failure> {
    let (word, name, at, program) = match words {
        [word, name, at] => (word, name, at, None),
        [word, name, at, program] => (word, name, at, Some(program)),
        _ => return Err("`hand` takes what to do, a peer and a folder".into()),
    };
    let keeping = peers::named(name, Path::new(at), program.map(Path::new))?;
    match word.as_str() {
        "make" => keeping.make(),
        "work" => work(keeping.open()?.as_mut()),
        "runs" => {
            let mut output = BufWriter::new(std::io::stdout().lock());
            for run in keeping.runs()? {
                writeln!(output, "{run}")?;
            }
            Ok(output.flush()?)
        }
        other => Err(format!("`hand {other}` is not understood").into()),
    }
}

fn work(keeper: &mut dyn Keeper) -> Result<(), Failure> {
    println!("ready");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    let seconds = line.trim_end().strip_prefix("go ").ok_or("no `go`")?;
    let lasts = Duration::from_secs(seconds.parse()?);
    let mut report = Report::default();
    let began = Instant::now();
    for round in 0.. {
        if began.elapsed() >= lasts {
            break;
        }
        let document = document(round);
        let begins = Instant::now();
        match keeper.record(document) {
            Ok(run) => {
                report.runs.push(run);
                report.took_ms.push(begins.elapsed().as_secs_f64() * 1e3);
                report.in_time += usize::from(began.elapsed() < lasts);
            }
            Err(failure) => {
                report.refused += 1;
                report.refusal.get_or_insert_with(|| failure.to_string());
            }
        }
    }
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}
