//! `runstone doctor`.

use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use runstone::doctor::diagnose;
use runstone::store::Primitive;
use runstone::store::dir::examine::{Course, Racer, State};

use crate::env_vars;
use crate::error::CliError;
use crate::exit::Exit;
use crate::render::doctor;
use crate::settings::Settings;
use crate::ui::{Face, Ui};

/// Ask a directory whether a store can keep its promises there
///
/// It may be a store or not be one yet. Processes race for names, files are linked, flushed, locked
/// and read back in a directory `.probe-…` that is removed again; what earlier probes left is
/// removed as well. Exits with 1 if a store cannot keep its promises there, with 5 if something
/// could not be asked, as in a directory that may not be written.
#[derive(Debug, clap::Args)]
pub(crate) struct DoctorArgs {
    /// The directory [default: the store that is named or found]
    #[arg(value_name = "STORE")]
    directory: Option<PathBuf>,
}

/// One process of a race.
#[derive(Debug, clap::Args)]
pub(crate) struct RacerArgs {
    /// Where the race is.
    #[arg(long)]
    place: PathBuf,
    /// Which racer this is, from 0.
    #[arg(long)]
    racer: usize,
    /// How many there are.
    #[arg(long)]
    racers: usize,
    /// How many names they race for.
    #[arg(long)]
    names: usize,
    /// Race by a rename instead of by a link.
    #[arg(long)]
    rename: bool,
}

pub(crate) fn run(args: &DoctorArgs, ui: &Ui, settings: &Settings) -> Result<Exit, CliError> {
    let path = match &args.directory {
        Some(directory) => directory.clone(),
        None => settings.find_store()?.value,
    };
    let found = diagnose(&path, env_vars::clock(), &mut race_processes)?;
    match ui.face {
        Face::Json => ui.json(&found.to_json())?,
        Face::Text => ui.data(&doctor::text(&found, &path))?,
    }
    Ok(match found.worst() {
        State::Refused => Exit::Failure,
        State::Unasked => Exit::Partly,
        State::Warning | State::Good => Exit::Done,
    })
}

/// A racer that was started.
struct Started {
    child: Child,
    gate: ChildStdin,
    said: BufReader<ChildStdout>,
}

/// Lets processes race: each makes its files and says so, then all are let go at once.
fn race_processes(place: &Path, course: Course) -> io::Result<Vec<Vec<usize>>> {
    let program = std::env::current_exe()?;
    let mut racers = Vec::with_capacity(course.racers);
    for racer in 0..course.racers {
        let mut command = Command::new(&program);
        command
            .arg("doctor-racer")
            .arg("--place")
            .arg(place)
            .args(["--racer", &racer.to_string()])
            .args(["--racers", &course.racers.to_string()])
            .args(["--names", &course.names.to_string()])
            .args((course.primitive == Primitive::RenameNoreplace).then_some("--rename"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn()?;
        let (gate, said) = child
            .stdin
            .take()
            .zip(child.stdout.take())
            .ok_or_else(dumb)?;
        let said = BufReader::new(said);
        racers.push(Started { child, gate, said });
    }
    let mut failure = None;
    for racer in &mut racers {
        failure = failure.or(heard(&mut racer.said).err());
    }
    // A gate that closes lets its racer go.
    let (gates, racers): (Vec<_>, Vec<_>) = racers
        .into_iter()
        .map(|racer| (racer.gate, (racer.child, racer.said)))
        .unzip();
    drop(gates);
    let mut won = Vec::with_capacity(course.racers);
    for (mut child, mut said) in racers {
        match heard(&mut said) {
            Ok(names) => won.push(names),
            Err(error) => failure = failure.or(Some(error)),
        }
        child.wait()?;
    }
    failure.map_or(Ok(won), Err)
}

/// Reads a line of a racer: numbers, or what the system said to it.
fn heard(said: &mut BufReader<ChildStdout>) -> io::Result<Vec<usize>> {
    let mut line = String::new();
    said.read_line(&mut line)?;
    let mut words = line.split_whitespace();
    match words.next() {
        Some("names") => words
            .map(|word| word.parse().map_err(|_not_a_number| dumb()))
            .collect(),
        Some("errno") => Err(words
            .next()
            .and_then(|word| word.parse().ok())
            .map_or_else(dumb, io::Error::from_raw_os_error)),
        _ => Err(dumb()),
    }
}

fn dumb() -> io::Error {
    io::Error::other("a racer ended without a word")
}

/// Races as one of the processes of [`race_processes`].
pub(crate) fn race(args: &RacerArgs, ui: &Ui) -> Result<Exit, CliError> {
    let course = Course {
        racers: args.racers,
        names: args.names,
        primitive: if args.rename {
            Primitive::RenameNoreplace
        } else {
            Primitive::Link
        },
    };
    let tell = |outcome: io::Result<Vec<usize>>| {
        let line = match outcome {
            Ok(won) => won
                .iter()
                .fold("names".to_owned(), |line, name| format!("{line} {name}")),
            Err(error) => format!("errno {}", error.raw_os_error().unwrap_or(0)),
        };
        ui.exact(&format!("{line}\n"))
    };
    let racer = match Racer::new(&args.place, course, args.racer) {
        Ok(racer) => racer,
        Err(error) => {
            tell(Err(error))?;
            return Ok(Exit::Failure);
        }
    };
    tell(Ok(Vec::new()))?;
    // Until the gate is closed; whoever held it may be gone by then.
    let mut nothing = Vec::new();
    let waited = io::stdin().read_to_end(&mut nothing);
    tell(waited.and_then(|_| racer.race()))?;
    Ok(Exit::Done)
}
