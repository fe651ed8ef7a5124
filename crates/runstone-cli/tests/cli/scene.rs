//! A folder of its own, a fixed clock, an empty environment: where a transcript takes place.

use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// Where a transcript takes place.
pub(crate) struct Scene {
    folder: TempDir,
    clock: String,
    transcript: String,
}

impl Scene {
    /// An empty folder called `project`, at a fixed instant.
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("project")).unwrap();
        Self {
            folder,
            clock: "2026-11-20T10:00:00.000Z".to_owned(),
            transcript: String::new(),
        }
    }

    /// The same with a store in it, made for `options`.
    pub(crate) fn with_store(options: &[&str]) -> Self {
        let scene = Self::empty();
        let output = scene
            .command(&[&["init"], options].concat())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        scene
    }

    /// The folder commands run in.
    pub(crate) fn project(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    /// Moves the clock to another instant.
    pub(crate) fn at(&mut self, instant: &str) -> &mut Self {
        instant.clone_into(&mut self.clock);
        self
    }

    /// Writes a file of the project.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> &Self {
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(self.project().join(name))
            .unwrap();
        file.write_all(content.as_ref()).unwrap();
        self
    }

    /// Changes a bit of a file of the store, near its end.
    pub(crate) fn flip_a_bit(&self, file: &Path) -> &Self {
        let mut bytes = std::fs::read(file).unwrap();
        let hit = bytes.len().saturating_sub(40);
        bytes[hit] ^= 1;
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
        self.file(file.to_str().unwrap(), bytes)
    }

    /// Copies a fixture of the market pipeline into the project.
    pub(crate) fn market(&self, name: &str) -> &Self {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/records/market");
        self.file(name, std::fs::read(fixtures.join(name)).unwrap())
    }

    /// Runs a command and adds it to the transcript.
    pub(crate) fn run(&mut self, arguments: &[&str]) -> &mut Self {
        self.run_with(arguments, &[], b"")
    }

    /// Runs a command with more environment and something on standard input.
    pub(crate) fn run_with(
        &mut self,
        arguments: &[&str],
        environment: &[(&str, &str)],
        input: &[u8],
    ) -> &mut Self {
        let mut child = self
            .command(arguments)
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that does not read its input closes it; that is no failure here.
        match child.stdin.take().unwrap().write_all(input) {
            Ok(()) | Err(_) => {}
        }
        let output = child.wait_with_output().unwrap();
        let typed: Vec<String> = arguments.iter().map(|argument| quoted(argument)).collect();
        self.add(&typed.join(" "), &output);
        self
    }

    /// Runs a command outside the transcript and returns what came back.
    pub(crate) fn quietly(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command outside the transcript and returns its JSON answer.
    pub(crate) fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let output = self.quietly(&[arguments, &["--json"]].concat());
        assert!(
            output.stderr.is_empty(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Returns a command ready to be started in the project.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_runstone"));
        command
            .args(arguments)
            .current_dir(self.project())
            .env_clear()
            .env("RUNSTONE_CLOCK", &self.clock)
            // The machine is another one everywhere; scenes about it name a root of their own.
            .env("RUNSTONE_ENVIRONMENT", "none");
        command
    }

    /// Returns the transcript so far.
    pub(crate) fn transcript(&self) -> String {
        let folder = self.folder.path().to_string_lossy();
        self.transcript.replace(folder.as_ref(), "$FOLDER")
    }

    fn add(&mut self, typed: &str, output: &Output) {
        let stdout = String::from_utf8_lossy(&output.stdout);
        let stderr = String::from_utf8_lossy(&output.stderr);
        let code = output
            .status
            .code()
            .map_or_else(|| "signal".to_owned(), |code| code.to_string());
        writeln!(self.transcript, "$ runstone {typed}").unwrap();
        self.transcript.push_str(&stdout);
        if !stderr.is_empty() {
            writeln!(self.transcript, "-- stderr").unwrap();
            self.transcript.push_str(&stderr);
        }
        writeln!(self.transcript, "-- exit {code}\n").unwrap();
    }
}

fn quoted(argument: &str) -> String {
    let is_plain =
        |character: char| character.is_ascii_alphanumeric() || "-_./:=@#,+".contains(character);
    if !argument.is_empty() && argument.chars().all(is_plain) {
        argument.to_owned()
    } else {
        format!("'{}'", argument.escape_debug())
    }
}

/// Returns a small run document.
pub(crate) fn run_document(run_id: &str, auc: f64) -> String {
    serde_json::json!({
        "run_id": run_id,
        "stage": "train",
        "identity": { "dataset": { "sha256": "d1", "rows": 48211 } },
        "factors": { "learning_rate": 0.05, "num_leaves": 63, "seed": 1337 },
        "metrics": { "auc": auc, "logloss": { "mean": 0.66, "std": 0.03, "n": 5 } },
    })
    .to_string()
}

/// Twelve runs that differ by their seeds alone.
pub(crate) fn recorded_before(scene: &Scene) {
    let aucs = [
        0.7131, 0.7118, 0.7142, 0.7126, 0.7135, 0.7139, 0.7122, 0.7128, 0.7133, 0.7140, 0.7120,
        0.7130,
    ];
    for (auc, seed) in aucs.iter().zip(1..) {
        let document = seeded(&format!("night-{seed}"), *auc, seed);
        scene.file("night.json", document);
        assert!(scene.quietly(&["record", "night.json"]).status.success());
    }
}

/// Returns a small run document with another seed.
pub(crate) fn seeded(run_id: &str, auc: f64, seed: u32) -> String {
    let document = run_document(run_id, auc);
    assert!(document.contains(r#""seed":1337"#));
    document.replace(r#""seed":1337"#, &format!(r#""seed":{seed}"#))
}
