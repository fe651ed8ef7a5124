//! A command under `runstone run` that says on its stdout how far it is.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::scene::Scene;

/// `runstone run` of a shell script, started and not waited for.
pub(crate) struct Started {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

/// What came of it.
pub(crate) struct Came {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Started {
    /// Starts `script` with options of `run`.
    pub(crate) fn new(scene: &Scene, options: &[&str], script: &str) -> Self {
        Self::within(scene, &[], options, script)
    }

    /// Starts `script` with options of `run`, in an environment with more in it.
    pub(crate) fn within(
        scene: &Scene,
        environment: &[(&str, &str)],
        options: &[&str],
        script: &str,
    ) -> Self {
        let arguments = [&["run"], options, &["--", "sh", "-c", script]].concat();
        let mut child = undisturbed(scene, &arguments)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self { child, stdout }
    }

    /// Waits for the next line the script prints.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Sends a signal to `runstone`.
    pub(crate) fn send(&self, signal: Signal) -> &Self {
        kill_process(self.pid(), signal).unwrap();
        self
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Kills `runstone` without asking it, and returns how it ended.
    pub(crate) fn killed(mut self) -> ExitStatus {
        self.child.kill().unwrap();
        self.child.wait().unwrap()
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Came {
        let mut stdout = String::new();
        self.stdout.read_to_string(&mut stdout).unwrap();
        let output = self.child.wait_with_output().unwrap();
        Came {
            code: output.status.code(),
            stdout,
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Returns a command that ignores no signal, whatever this process ignores: a shell starts what it
/// puts into the background with interrupts ignored, and `runstone` leaves that as it is.
pub(crate) fn undisturbed(scene: &Scene, arguments: &[&str]) -> Command {
    let plain = scene.command(arguments);
    let mut command = Command::new("env");
    command
        .args(DEFAULT_SIGNALS)
        .arg(plain.get_program())
        .args(plain.get_args())
        .current_dir(scene.project())
        .env_clear()
        // Run directories that are kept go with the scene.
        .env("TMPDIR", scene.project().parent().unwrap());
    for (name, value) in plain.get_envs() {
        command.envs(value.map(|value| (name, value)));
    }
    command
}

/// What `env` is told to undo.
pub(crate) const DEFAULT_SIGNALS: [&str; 1] =
    ["--default-signal=HUP,INT,QUIT,TERM,USR1,USR2,XCPU,TSTP,CONT,TTIN,TTOU"];

/// Runs a shell script to its end.
pub(crate) fn run(scene: &Scene, options: &[&str], script: &str) -> Came {
    Started::new(scene, options, script).end()
}

/// Returns the newest snapshot that `show --json` prints.
pub(crate) fn newest(scene: &Scene) -> serde_json::Value {
    scene.json(&["show", "@latest"])["snapshot"].clone()
}
