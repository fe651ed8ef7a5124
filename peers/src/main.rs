//! `just peers`: Runstone beside what a user would pick instead, on one disk, in one run.
//!
//! For each peer and each size of crowd, processes are started, wait for each other with their
//! handle open, record the same document for some seconds, and say what was acknowledged; then the
//! peer is asked by its own reading which runs it has. The same program with the word `hand` is
//! such a process; peers in Python are those of `python/hand.py`, by the same words. What is
//! measured stands in `docs/benchmarks.md`.
//!
//! A peer that refuses, or loses, is printed with it and fails nothing: the figures are of others'
//! making. A cell that could not be measured does not stop the others; it fails the whole at its
//! end, as a run does that Runstone lost.

mod arguments;
mod crowd;
mod figures;
mod hand;
mod peers;
mod place;
mod table;

use std::path::Path;
use std::process::ExitCode;

use self::arguments::Arguments;
use self::crowd::Crowd;
use self::figures::Figures;
use self::peers::Peer;
use self::table::Cell;

/// The one of the command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Anything that keeps the comparison from being made.
type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let done = match words.split_first() {
        Some((first, rest)) if first == "hand" => hand::run(rest).map(|()| true),
        _ => Arguments::parse(&words).and_then(|arguments| compare(&arguments)),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Measures every cell and prints the tables; `false` if Runstone lost a run, or a cell is missing.
fn compare(arguments: &Arguments) -> Result<bool, Failure> {
    std::fs::create_dir_all(&arguments.place)?;
    let folder = tempfile::Builder::new()
        .prefix("peers-")
        .tempdir_in(&arguments.place)?;
    println!("{}", place::of(folder.path())?);
    println!(
        "{} s a cell, {} turn(s), the median by rate; a document of 20 parameters and 20 metrics",
        arguments.seconds, arguments.turns
    );
    let (mut cells, mut missing) = (Vec::new(), Vec::new());
    // Views make and remove many files, which on some file systems slows whatever comes next.
    let (last, first): (Vec<_>, Vec<_>) = peers::all(arguments)?
        .into_iter()
        .partition(|peer| peer.has_views);
    for peers in [first, last] {
        for &processes in &arguments.processes {
            let mut turns: Vec<Vec<Figures>> = peers.iter().map(|_| Vec::new()).collect();
            // Peer after peer in each turn: what is busy beside them for a while meets all of them.
            for turn in 0..arguments.turns {
                for (peer, turns) in peers.iter().zip(&mut turns) {
                    let name = format!("{}, {processes} processes", peer.name);
                    let at = folder.path().join(peer.name);
                    let at = at.join(format!("{processes}-{turn}"));
                    match measure(peer, &at, processes, arguments.seconds) {
                        Ok(figures) => {
                            eprintln!("measured: {name}: {:.1} runs/s", figures.per_second);
                            turns.push(figures);
                        }
                        Err(failure) => missing.push(format!("{name}: {failure}")),
                    }
                }
            }
            for (peer, turns) in peers.iter().zip(turns) {
                cells.extend(Figures::median(turns).map(|figures| Cell {
                    peer: peer.clone(),
                    processes,
                    figures,
                }));
            }
        }
    }
    table::print(&cells);
    println!("{}", place::load());
    for cell in &missing {
        eprintln!("error: not measured: {cell}");
    }
    let lost = cells
        .iter()
        .any(|it| it.peer.is_ours && it.figures.lost > 0);
    Ok(!lost && missing.is_empty())
}

fn measure(peer: &Peer, at: &Path, processes: usize, seconds: u64) -> Result<Figures, Failure> {
    std::fs::create_dir_all(at)?;
    peer.ask("make", at)?;
    let reports = Crowd::start(peer, at, processes)?.record(seconds)?;
    let runs = peer.ask("runs", at)?;
    Ok(Figures::of(reports, &runs, processes, seconds))
}
