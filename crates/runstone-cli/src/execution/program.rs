//! Which program a command means, found out before anything is started.
//!
//! The search is the one of `execvp`: a name with a slash is a path, any other is looked for in
//! `PATH`. The two ways to fail have the exit codes that shells, `env` and `timeout` give them.

use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{Access, access};

use crate::env_vars;
use crate::error::CliError;
use crate::exit::Exit;

/// Where commands are when nobody set `PATH`, as POSIX systems have it.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// Interpreters: the stage is named after what they run.
const INTERPRETERS: [&str; 11] = [
    "Rscript", "bash", "julia", "node", "perl", "php", "pypy", "python", "ruby", "sh", "zsh",
];

/// A command that can be started, as far as one can tell without starting it.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    path: PathBuf,
    words: Vec<OsString>,
}

/// Why a command cannot be started.
#[derive(Debug)]
pub(crate) enum NotRunnable {
    /// Nothing has that name.
    NotFound,
    /// Something has it, and may not be executed.
    NotExecutable(PathBuf),
}

impl Program {
    /// Finds the program that the first of `words` names.
    pub(crate) fn find(words: Vec<OsString>) -> Result<Self, NotRunnable> {
        let name = words.first().ok_or(NotRunnable::NotFound)?;
        let path = search(name)?;
        Ok(Self { path, words })
    }

    /// Returns the command, ready to be started.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        if let Some((name, arguments)) = self.words.split_first() {
            command.arg0(name).args(arguments);
        }
        command
    }

    /// Returns the words as they were typed; what is not UTF-8 is shown as such.
    pub(crate) fn words(&self) -> Vec<String> {
        let shown = self.words.iter().map(|word| word.to_string_lossy());
        shown.map(std::borrow::Cow::into_owned).collect()
    }

    /// Returns what talk calls the command.
    pub(crate) fn name(&self) -> String {
        self.words
            .first()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default()
    }

    /// Returns the stage of a run that nobody gave one: the name of the script an interpreter
    /// runs, else of the program, without folder and extension.
    pub(crate) fn stage(&self) -> String {
        let words = self.words();
        let name = stem(words.first().map(String::as_str).unwrap_or_default());
        let family = name.trim_end_matches(|end: char| end.is_ascii_digit() || end == '.');
        if !INTERPRETERS.contains(&family) {
            return name.to_owned();
        }
        let mut arguments = words.iter().skip(1);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "-m" => {
                    return arguments
                        .next()
                        .map_or_else(|| name.to_owned(), Clone::clone);
                }
                "-c" | "-e" | "-" => break,
                "-W" | "-X" => {
                    arguments.next();
                }
                option if option.starts_with('-') => {}
                script => return stem(script).to_owned(),
            }
        }
        family.to_owned()
    }
}

impl NotRunnable {
    /// Returns the exit code that `env` and `timeout` give it.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::NotExecutable(_) => Exit::Command(126),
            Self::NotFound => Exit::Command(127),
        }
    }

    /// Returns the error with its hint.
    pub(crate) fn error(&self, name: &OsStr) -> CliError {
        let name = name.to_string_lossy();
        match self {
            Self::NotFound if name.is_empty() => CliError::usage(
                "the command is an empty text, nothing was started",
                "name a command, such as `runstone run -- python train.py`",
            ),
            Self::NotFound if name.contains('/') => CliError::usage(
                format!("`{name}` does not exist, nothing was started"),
                "check the path; a relative one begins in the working directory",
            ),
            Self::NotFound => CliError::usage(
                format!("no command `{name}` is found in `PATH`, nothing was started"),
                format!("see what `PATH` holds with `command -v {name}`, or name it by its path"),
            ),
            Self::NotExecutable(path) => CliError::usage(
                format!(
                    "`{}` is no executable file, nothing was started",
                    path.display()
                ),
                format!("make it executable: `chmod +x {}`", path.display()),
            ),
        }
    }
}

/// Returns the file that `name` means.
fn search(name: &OsStr) -> Result<PathBuf, NotRunnable> {
    if name.is_empty() {
        return Err(NotRunnable::NotFound);
    }
    let named = Path::new(name);
    if named.components().count() > 1 || name.as_encoded_bytes().contains(&b'/') {
        return match (named.exists(), is_program(named)) {
            (_, true) => Ok(named.to_path_buf()),
            (true, false) => Err(NotRunnable::NotExecutable(named.to_path_buf())),
            (false, false) => Err(NotRunnable::NotFound),
        };
    }
    let folders = env_vars::read_path(env_vars::PATH).unwrap_or_else(|| DEFAULT_PATH.into());
    let mut in_the_way = None;
    for folder in std::env::split_paths(&folders) {
        // An empty part of `PATH` is the working directory.
        let candidate = if folder.as_os_str().is_empty() {
            Path::new(".").join(named)
        } else {
            folder.join(named)
        };
        if is_program(&candidate) {
            return Ok(candidate);
        }
        if candidate.is_file() {
            in_the_way.get_or_insert(candidate);
        }
    }
    Err(in_the_way.map_or(NotRunnable::NotFound, NotRunnable::NotExecutable))
}

fn is_program(path: &Path) -> bool {
    path.is_file() && access(path, Access::EXEC_OK).is_ok()
}

/// Returns the last part of a path without its extension.
fn stem(path: &str) -> &str {
    let name = path
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or(path);
    match name.rsplit_once('.') {
        // `python3.11` is a version, not an extension.
        Some((stem, extension))
            if !stem.is_empty() && !extension.chars().all(|end| end.is_ascii_digit()) =>
        {
            stem
        }
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(words: &[&str]) -> String {
        let program = Program {
            path: PathBuf::new(),
            words: words.iter().map(OsString::from).collect(),
        };
        program.stage()
    }

    #[test]
    fn the_stage_is_named_after_the_script_else_after_the_program() {
        for (words, name) in [
            (&["python", "train.py", "--lr", "1"][..], "train"),
            (&["/usr/bin/python3.11", "-u", "src/fit.py"], "fit"),
            (&["python3", "-W", "ignore", "a.b.py"], "a.b"),
            (&["python", "-m", "pkg.train", "x"], "pkg.train"),
            (&["python3", "-c", "print(1)"], "python"),
            (&["sh", "-c", "true"], "sh"),
            (&["bash", "./run.sh"], "run"),
            (&["./target/release/bench"], "bench"),
            (&["./evaluate.sh", "1"], "evaluate"),
            (&["true"], "true"),
            (&[".hidden"], ".hidden"),
        ] {
            assert_eq!(stage(words), name, "{words:?}");
        }
    }

    #[test]
    fn what_cannot_be_started_is_told_apart() {
        let find = |name: &str| Program::find(vec![name.into()]);
        assert!(matches!(
            find("no-such-command-here"),
            Err(NotRunnable::NotFound)
        ));
        assert!(matches!(find("/no/such/file"), Err(NotRunnable::NotFound)));
        assert!(matches!(find("/etc"), Err(NotRunnable::NotExecutable(_))));
        assert!(matches!(find(""), Err(NotRunnable::NotFound)));
        assert!(find("sh").is_ok());
    }
}
