//! Which interpreter is meant: the named one, else the one `python3` would be.
//!
//! The order is that of `environment.md`: what was said, the virtual environment of the session,
//! its conda prefix, a `.venv` in the folder, the search path. The invariant: where something names
//! an interpreter that is not there, no other is taken in its stead.

use std::path::{Path, PathBuf};

use super::super::Options;
use crate::root::Root;

/// The names of interpreters, in the order in which they are looked for.
const NAMES: [&str; 2] = ["python3", "python"];

/// An interpreter, and what chose it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chosen {
    pub(super) executable: PathBuf,
    pub(super) by: String,
}

/// Returns the interpreter that is meant. `None`: there is none.
pub(super) fn interpreter(root: &Root, options: &Options) -> Result<Option<Chosen>, String> {
    let chosen = |executable: PathBuf, by: &str| {
        Ok(Some(Chosen {
            executable,
            by: by.to_owned(),
        }))
    };
    if let Some(named) = &options.python {
        let by = "option";
        if let Some(executable) = within(root, named) {
            return chosen(executable, by);
        }
        if root.has(named) && root.list(named).ok().flatten().is_none() {
            return chosen(unshimmed(root, named, options)?, by);
        }
        return Err(format!("there is no interpreter at {}", named.display()));
    }
    for name in ["VIRTUAL_ENV", "CONDA_PREFIX"] {
        if let Some(prefix) = options.variable(name) {
            return match within(root, Path::new(prefix)) {
                Some(executable) => chosen(executable, name),
                // A conda prefix without Python is an ordinary one.
                None if name == "CONDA_PREFIX" => continue,
                None => Err(format!("`{name}` is {prefix}, and no interpreter is there")),
            };
        }
    }
    let local = options.folder.as_ref().map(|folder| folder.join(".venv"));
    if let Some(executable) = local.and_then(|prefix| within(root, &prefix)) {
        return chosen(executable, ".venv");
    }
    let folders: Vec<&Path> = match options.variable("PATH") {
        Some(folders) => folders.split(':').map(Path::new).collect(),
        None => ["usr/local/bin", "usr/bin"].map(Path::new).into(),
    };
    let usable = |folder: &&&Path| folder.is_absolute() || options.variable("PATH").is_none();
    for name in NAMES {
        for folder in folders.iter().filter(usable) {
            let executable = folder.join(name);
            if root.has(&executable) {
                return chosen(unshimmed(root, &executable, options)?, "PATH");
            }
        }
    }
    Ok(None)
}

/// Returns the interpreter of a prefix.
fn within(root: &Root, prefix: &Path) -> Option<PathBuf> {
    let executables = NAMES.map(|name| prefix.join("bin").join(name));
    executables.into_iter().find(|it| root.has(it))
}

/// Returns the interpreter that a script of pyenv would start. Of any other script nobody knows.
fn unshimmed(root: &Root, executable: &Path, options: &Options) -> Result<PathBuf, String> {
    if root.beginning(executable, 2).is_none_or(|it| it != b"#!") {
        return Ok(executable.to_owned());
    }
    let shim = executable.display();
    let versions = executable.parent().and_then(Path::parent);
    let versions = versions.filter(|_| executable.parent().is_some_and(|it| it.ends_with("shims")));
    let Some(pyenv) = versions else {
        return Err(format!(
            "{shim} is a script that chooses an interpreter; name one"
        ));
    };
    let version = match options.variable("PYENV_VERSION") {
        Some(version) => Some(version.to_owned()),
        None => local_version(root, options).or_else(|| first_line(root, &pyenv.join("version"))),
    };
    let version = version.map(|it| it.split(':').next().unwrap_or_default().to_owned());
    let Some(version) = version.filter(|it| is_plain_name(it)) else {
        return Err(format!(
            "{shim} is a script of pyenv, which has no version chosen"
        ));
    };
    within(root, &pyenv.join("versions").join(&version))
        .ok_or_else(|| format!("{shim} is a script of pyenv, whose version {version} is missing"))
}

/// Returns the version that the folder, or one above, asks pyenv for.
fn local_version(root: &Root, options: &Options) -> Option<String> {
    let folder = options.folder.as_ref()?;
    folder
        .ancestors()
        .find_map(|above| first_line(root, &above.join(".python-version")))
}

fn first_line(root: &Root, path: &Path) -> Option<String> {
    let text = String::from_utf8(root.read(path).ok()??).ok()?;
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    Some(line.to_owned())
}

/// Tells whether a text from a file can be a name in a folder, and nothing else.
fn is_plain_name(text: &str) -> bool {
    !text.is_empty() && text != "." && text != ".." && !text.contains(['/', '\0'])
}
