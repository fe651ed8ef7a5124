//! A terminal is lent to a command that asks for it, and left as it was.
//!
//! The terminal is a real one as far as the kernel is concerned; `setsid --ctty` makes it the
//! controlling terminal of what is started on it.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};

use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use crate::scene::Scene;
use crate::started::{DEFAULT_SIGNALS, newest};

/// Somebody in front of a terminal. Whoever holds its other end alone, so that everything on it is
/// hung up when the test ends, however it does.
struct Seat {
    keyboard: File,
    shown: String,
    child: Child,
    terminal: File,
}

impl Seat {
    /// Starts `words` in the project with a terminal of its own.
    fn at(scene: &Scene, words: &[&str]) -> Self {
        let keyboard =
            openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&keyboard).unwrap();
        unlockpt(&keyboard).unwrap();
        let name = ptsname(&keyboard, Vec::new()).unwrap();
        let path = name.to_str().unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let terminal = File::from(rustix::fs::open(path, flags, Mode::empty()).unwrap());
        // What is typed is not shown: the screen holds what programs say alone.
        let mut modes = tcgetattr(&terminal).unwrap();
        modes.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&terminal, OptionalActions::Now, &modes).unwrap();
        let stream = || Stdio::from(terminal.try_clone().unwrap());
        let child = Command::new("setsid")
            .args(["--ctty", "--wait", "env"])
            .args(DEFAULT_SIGNALS)
            .args(words)
            .current_dir(scene.project())
            .env("RUNSTONE", env!("CARGO_BIN_EXE_runstone"))
            .env("PS1", "")
            .stdin(stream())
            .stdout(stream())
            .stderr(stream())
            .spawn()
            .unwrap();
        Self {
            keyboard: File::from(keyboard),
            shown: String::new(),
            child,
            terminal,
        }
    }

    fn types(&mut self, keys: &str) -> &mut Self {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
        self
    }

    /// Reads the screen until `words` have come.
    fn sees(&mut self, words: &str) -> &mut Self {
        self.reads_until(words);
        self
    }

    /// Reads the screen until `words` have come and returns it, with them.
    fn reads_until(&mut self, words: &str) -> String {
        let mut bytes = [0; 1024];
        while !self.shown.contains(words) {
            let read = self.keyboard.read(&mut bytes).unwrap();
            self.shown
                .push_str(&String::from_utf8_lossy(&bytes[..read]));
        }
        let end = self.shown.find(words).unwrap() + words.len();
        self.shown.drain(..end).collect()
    }

    fn leaves(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

const RUNSTONE: &str = env!("CARGO_BIN_EXE_runstone");

#[test]
fn an_interrupt_from_the_keyboard_reaches_the_command_once() {
    let scene = Scene::with_store(&[]);
    let script = "trap 'n=$((n+1)); echo got $n' INT; trap 'exit 9' QUIT
        echo ready; while :; do sleep 0.02; done";
    let mut seat = Seat::at(&scene, &[RUNSTONE, "run", "--", "sh", "-c", script]);
    seat.sees("ready").types("\x03").sees("got 1");
    seat.types("\x03").sees("got 2").types("\x1c");
    assert_eq!(seat.leaves(), Some(9));
    assert_eq!(newest(&scene)["status"], "interrupted");
}

#[test]
fn a_command_that_reads_the_keyboard_gets_it_and_the_modes_are_put_back() {
    let scene = Scene::with_store(&[]);
    let script = "$RUNSTONE run -- sh -c \
        'read word; echo heard $word; stty raw; echo rough; kill -KILL $$'; echo $?; read end";
    let mut seat = Seat::at(&scene, &["sh", "-c", script]);
    let before = tcgetattr(&seat.terminal).unwrap();
    seat.types("hello\n").sees("heard hello").sees("rough");
    seat.sees("recorded").sees("137");
    let after = tcgetattr(&seat.terminal).unwrap();
    assert_eq!(after.local_modes, before.local_modes);
    assert_eq!(after.input_modes, before.input_modes);
    assert_eq!(after.output_modes, before.output_modes);
    seat.types("end\n");
    assert_eq!(seat.leaves(), Some(0));
}

#[test]
fn an_interrupt_reaches_a_command_that_has_the_keyboard_once_too() {
    let scene = Scene::with_store(&[]);
    let script = "trap 'echo got' INT; trap 'exit 9' QUIT; read word; echo heard $word
        while :; do sleep 0.02; done";
    let mut seat = Seat::at(&scene, &[RUNSTONE, "run", "--", "sh", "-c", script]);
    seat.types("hello\n")
        .sees("heard hello")
        .types("\x03")
        .sees("got");
    seat.types("\x1c");
    assert_eq!(seat.leaves(), Some(9));
}

#[test]
fn a_stop_from_the_keyboard_stops_both_and_the_shell_wakes_both_up() {
    let scene = Scene::with_store(&[]);
    // A shell that waits without starting anything: one that is just about to would not stop.
    assert!(
        Command::new("mkfifo")
            .arg(scene.project().join("go"))
            .status()
            .unwrap()
            .success()
    );
    let mut seat = Seat::at(&scene, &["sh", "-i", "-m"]);
    seat.types("$RUNSTONE run -- sh -c 'echo rea''dy; read word < go; echo do''ne'\n");
    seat.sees("ready").types("\x1a").sees("Stopped");
    seat.types("echo she''ll\n").sees("shell").types("fg\n");
    scene.file("go", "word\n");
    seat.sees("done").sees("recorded").types("exit 5\n");
    assert_eq!(seat.leaves(), Some(5));
    assert_eq!(newest(&scene)["status"], "finished");
}

#[test]
fn a_stop_of_a_command_that_has_the_keyboard_gives_the_shell_its_terminal_back() {
    let scene = Scene::with_store(&[]);
    let mut seat = Seat::at(&scene, &["sh", "-i", "-m"]);
    seat.types("$RUNSTONE run -- sh -c 'read a; echo first $a; read b; echo second $b' | cat\n");
    seat.types("one\n")
        .sees("first one")
        .types("\x1a")
        .sees("Stopped");
    seat.types("echo she''ll\n").sees("shell").types("fg\n");
    seat.types("two\n").sees("second two").sees("recorded");
    seat.types("exit 5\n");
    assert_eq!(seat.leaves(), Some(5));
}

#[test]
fn a_command_that_was_stopped_from_the_keyboard_ends_when_its_runstone_is_asked_to() {
    let scene = Scene::with_store(&[]);
    let made = Command::new("mkfifo")
        .arg(scene.project().join("go"))
        .status();
    assert!(made.unwrap().success());
    let mut seat = Seat::at(&scene, &["sh", "-i", "-m"]);
    seat.types("$RUNSTONE run -- sh -c 'echo $PPID > pid; echo rea''dy; read word < go'\n");
    seat.sees("ready").types("\x1a").sees("Stopped");
    let pid = std::fs::read_to_string(scene.project().join("pid")).unwrap();
    let runstone = Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
    // Whoever is stopped hears nothing before it is woken up, `runstone` included; batch systems
    // and `kill %1` do that.
    kill_process(runstone, Signal::TERM).unwrap();
    kill_process(runstone, Signal::CONT).unwrap();
    // A shell that did not look yet takes the job for stopped, and leaves when told twice.
    seat.sees("verdict").types("exit 5\nexit 5\n");
    assert_eq!(seat.leaves(), Some(5));
    assert_eq!(newest(&scene)["status"], "interrupted");
}

#[test]
fn errors_and_hints_wrap_on_a_terminal_and_stay_whole_in_a_pipe() {
    let scene = Scene::with_store(&[]);
    let wrong = ["log", "--where", "x"];
    let piped = String::from_utf8(scene.quietly(&wrong).stderr).unwrap();
    let hint = piped.lines().find(|line| line.starts_with("hint: "));
    let hint = hint.unwrap();
    assert!(hint.chars().count() > 80, "{hint}");

    let mut seat = Seat::at(&scene, &[&[RUNSTONE][..], &wrong].concat());
    let shown = seat.reads_until("verdict");
    let shown = anstream::adapter::strip_str(&shown).to_string();
    let longest = shown.lines().map(|line| line.trim_end().chars().count());
    assert!(longest.max() <= Some(80), "{shown}");
    let joined = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(joined(&shown).contains(&joined(hint)), "{shown}");
    seat.leaves();
}
