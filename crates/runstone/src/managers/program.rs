//! One program, from its start to its end.
//!
//! It stands in `/`, reads what it is handed and else nothing, and is in a process group of its
//! own: an interrupt at the terminal ends Runstone and lets a transaction under way come to its
//! end. Both its outputs are read at once, so that neither fills up. The invariant: what it said
//! beyond a limit is left out, never waited for, and neither is what it left behind in the
//! background.

use std::io::{self, Read, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{Access, access};
use rustix::process::{Pid, Signal, kill_process_group};

use super::session::Session;

/// Most that is kept of each output, in bytes. Chosen: pip's report of 500 distributions has 5 MB.
const OUTPUT_BYTES_MAX: usize = 64 << 20;
/// How much is read of an output at once, in bytes. Chosen: as much as a pipe holds.
const CHUNK_BYTES: usize = 64 << 10;
/// How long the outputs are listened to once the program ended. A service that it started may hold
/// them open for ever. Chosen: what it wrote itself lies in the pipe by then, and is read in
/// milliseconds.
const GRACE: Duration = Duration::from_secs(2);
/// How many of the last lines of what a program said are told.
const LINES: usize = 12;
/// How long a program may take to say that it works, in seconds. Chosen: uv takes milliseconds.
const WORKS_WITHIN: u64 = 20;
/// How often it is looked whether a program ended that is not waited for without end.
const LOOK: Duration = Duration::from_millis(5);

/// A program that can be started.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    path: PathBuf,
    session: Session,
}

/// How long a program is waited for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Patience {
    /// Until it ends: it changes something.
    Endless,
    /// It changes nothing, and is ended after a while.
    Seconds(u64),
}

/// How a program ended.
#[derive(Debug, Clone)]
pub(crate) struct Ended {
    /// Its exit code; 128 and more where a signal ended it.
    pub(crate) code: i32,
    /// Whether it was ended since it took too long.
    pub(crate) was_late: bool,
    /// What it wrote on standard output.
    pub(crate) stdout: String,
    /// What it wrote on standard error.
    pub(crate) stderr: String,
    /// How long it took.
    pub(crate) took: Duration,
}

/// Returns where a program is, by name or by path.
pub(crate) fn found(name: &str, session: &Session) -> Option<Program> {
    let candidates: Vec<PathBuf> = if name.contains('/') {
        vec![PathBuf::from(name)]
    } else {
        session
            .folders()
            .map(|folder| Path::new(folder).join(name))
            .collect()
    };
    let path = candidates
        .into_iter()
        .find(|path| path.is_file() && access(path, Access::EXEC_OK).is_ok())?;
    Some(Program {
        path,
        session: session.clone(),
    })
}

/// Returns a program that is there and answers, with its answer: a shim may stand for nothing.
pub(crate) fn working(name: &str, session: &Session) -> Option<(Program, String)> {
    let program = found(name, session)?;
    let version = ["--version".to_owned()];
    let ended = program
        .run(&version, Patience::Seconds(WORKS_WITHIN))
        .ok()?;
    (ended.code == 0).then_some((program, ended.stdout))
}

impl Program {
    /// Starts it, and waits for its end.
    pub(crate) fn run(&self, arguments: &[String], patience: Patience) -> io::Result<Ended> {
        self.run_on(arguments, patience, None)
    }

    /// Starts it with something on its standard input, and waits for its end.
    pub(crate) fn run_on(
        &self,
        arguments: &[String],
        patience: Patience,
        input: Option<String>,
    ) -> io::Result<Ended> {
        let began = Instant::now();
        let mut child = Command::new(&self.path)
            .args(arguments)
            .env_clear()
            .envs(self.session.variables())
            .current_dir("/")
            .process_group(0)
            .stdin(match input {
                Some(_) => Stdio::piped(),
                None => Stdio::null(),
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
            // A program may speak before it has read everything, and needs not read at all.
            thread::spawn(move || match stdin.write_all(input.as_bytes()) {
                Ok(()) | Err(_) => {}
            });
        }
        let stdout = child.stdout.take().map(Heard::listen);
        let stderr = child.stderr.take().map(Heard::listen);
        let (status, was_late) = wait(&mut child, began, patience)?;
        let until = Instant::now() + GRACE;
        let text = |heard: Option<Heard>| heard.map(|it| it.text(until)).unwrap_or_default();
        Ok(Ended {
            code: code(status),
            was_late,
            stdout: text(stdout),
            stderr: text(stderr),
            took: began.elapsed(),
        })
    }
}

impl Ended {
    /// Says how it ended.
    pub(crate) fn how(&self) -> String {
        if self.was_late {
            format!("it was ended after {} s", self.took.as_secs())
        } else {
            format!("exit {}", self.code)
        }
    }

    /// Returns the last lines of what it said: of its errors, else of its answer.
    pub(crate) fn last_lines(&self) -> Vec<String> {
        let said = if self.stderr.trim().is_empty() {
            &self.stdout
        } else {
            &self.stderr
        };
        last_lines(said)
    }
}

/// Returns the last lines of a text in which something is said.
pub(crate) fn last_lines(said: &str) -> Vec<String> {
    let lines = shown(said).filter(|line| !line.trim().is_empty());
    let lines: Vec<&str> = lines.collect();
    let first = lines.len().saturating_sub(LINES);
    lines[first..].iter().map(|it| (*it).to_owned()).collect()
}

/// Returns the lines of a text as a terminal shows them: of one that was written over and over, as
/// progress is, what stood there at last.
pub(crate) fn shown(said: &str) -> impl Iterator<Item = &str> {
    let lines = said.lines().map(|line| line.trim_end_matches('\r'));
    lines.map(|line| line.rsplit('\r').next().unwrap_or(line))
}

fn code(status: ExitStatus) -> i32 {
    let killed = || status.signal().map_or(-1, |signal| 128 + signal);
    status.code().unwrap_or_else(killed)
}

fn wait(child: &mut Child, began: Instant, patience: Patience) -> io::Result<(ExitStatus, bool)> {
    let Patience::Seconds(seconds) = patience else {
        return Ok((child.wait()?, false));
    };
    let limit = Duration::from_secs(seconds);
    while began.elapsed() < limit {
        if let Some(status) = child.try_wait()? {
            return Ok((status, false));
        }
        thread::sleep(LOOK);
    }
    // What it started is in its group, and would keep its outputs open.
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    if let Some(group) = group {
        match kill_process_group(group, Signal::KILL) {
            // It ended by itself meanwhile.
            Ok(()) | Err(_) => {}
        }
    }
    Ok((child.wait()?, true))
}

/// An output that is listened to beside the program.
struct Heard {
    /// The beginning of what was said so far.
    said: Arc<Mutex<Vec<u8>>>,
    /// Disconnected at the end of the output.
    end: Receiver<()>,
}

impl Heard {
    /// Reads an output until its end, which may be long after the program's: whatever still writes
    /// there is read, so that it is neither held up nor ended by a closed pipe.
    fn listen(mut output: impl Read + Send + 'static) -> Self {
        let said = Arc::new(Mutex::new(Vec::new()));
        let (until_the_end, end) = channel::<()>();
        let kept = Arc::clone(&said);
        thread::spawn(move || {
            let _until_the_end = until_the_end;
            let mut chunk = vec![0; CHUNK_BYTES];
            loop {
                match output.read(&mut chunk) {
                    Ok(0) => break,
                    Ok(read) => {
                        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                        let room = OUTPUT_BYTES_MAX - kept.len();
                        kept.extend_from_slice(&chunk[..read.min(room)]);
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    // A program whose output breaks off ends in its own way.
                    Err(_broken) => break,
                }
            }
        });
        Self { said, end }
    }

    /// Returns what was said by the end of the output, or by `until`. It has to be no text.
    fn text(self, until: Instant) -> String {
        // Nothing is ever sent: either it ended, or its time is over.
        match self
            .end
            .recv_timeout(until.saturating_duration_since(Instant::now()))
        {
            Ok(()) | Err(_) => {}
        }
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&said).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, patience: Patience) -> Ended {
        let session = Session::of(&[("HIDDEN".to_owned(), "1".to_owned())].into());
        let program = found("sh", &session).unwrap();
        program
            .run(&["-c".to_owned(), script.to_owned()], patience)
            .unwrap()
    }

    #[test]
    fn program_is_listened_to_on_both_outputs() {
        let ended = shell("echo out; echo err >&2; exit 3", Patience::Endless);
        assert_eq!((ended.code, ended.was_late), (3, false));
        assert_eq!(
            (ended.stdout.as_str(), ended.stderr.as_str()),
            ("out\n", "err\n")
        );
    }

    #[test]
    fn program_knows_nothing_of_the_caller() {
        let ended = shell("echo $PWD-$HIDDEN-$LC_ALL; cat", Patience::Seconds(60));
        assert_eq!(ended.stdout, "/--C.UTF-8\n");
    }

    #[test]
    fn program_reads_what_it_is_handed_or_leaves_it() {
        let session = Session::of(&std::collections::BTreeMap::new());
        let program = found("sh", &session).unwrap();
        let run = |script: &str| {
            let words = ["-c".to_owned(), script.to_owned()];
            // More than a pipe holds.
            let input = Some("numpy==2.1.0\n".repeat(100_000));
            program
                .run_on(&words, Patience::Seconds(60), input)
                .unwrap()
        };
        assert_eq!(run("cat").stdout.len(), 1_300_000);
        assert_eq!(run("exit 3").code, 3);
    }

    #[test]
    fn program_that_takes_too_long_is_ended_with_what_it_started() {
        let ended = shell("sleep 600 & sleep 600", Patience::Seconds(0));
        assert!(ended.was_late);
        assert_eq!(ended.code, 137);
    }

    #[test]
    fn service_that_a_program_leaves_behind_is_not_waited_for() {
        let script = "echo started; trap '' HUP; sleep 20 & echo $!";
        for patience in [Patience::Endless, Patience::Seconds(60)] {
            let ended = shell(script, patience);
            let pid = ended.stdout.strip_prefix("started\n").unwrap();
            let pid = Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
            rustix::process::kill_process(pid, Signal::KILL).unwrap();
            assert_eq!((ended.code, ended.was_late), (0, false));
            assert!(ended.took < Duration::from_secs(15), "{:?}", ended.took);
        }
    }

    #[test]
    fn progress_is_told_as_it_stood_at_last() {
        let said = "Examining a:  10%\rExamining b:  90%\rfailed\n\n \t\nUnsatisfiable\rat 9%\r";
        assert_eq!(last_lines(said), ["failed", "at 9%"]);
    }

    #[test]
    fn program_that_is_not_there_is_not_found() {
        let session = Session::of(&std::collections::BTreeMap::new());
        assert!(found("no-such-manager-here", &session).is_none());
        assert!(found("/etc", &session).is_none());
    }
}
