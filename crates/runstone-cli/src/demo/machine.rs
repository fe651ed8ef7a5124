//! The machine that the demo trains on: a folder with a Python, and one library in it.
//!
//! The library is what growing trees takes its defaults from: they are read from the file that its
//! release brings. An upgrade that changes one of them moves the numbers, and no setting of any run
//! tells. The folder is captured as any image would be, by the same reading. The invariant: what is
//! captured and what is trained with are the same files. What is read of a machine is left to
//! `runstone-env`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use runstone::environments::{CaptureRequest, EnvironmentChoice};

use super::tree::Defaults;
use crate::error::CliError;

/// How the library is called.
pub(super) const LIBRARY: &str = "demo-trees";
/// Where its Python looks for what is installed.
const SITE: &str = "usr/lib/python3.12/site-packages";
/// The file of the library that has its defaults.
const DEFAULTS: &str = "demo_trees/defaults.json";

/// A folder that is the root of a machine.
#[derive(Debug, Clone)]
pub(super) struct Machine(PathBuf);

/// A release of the library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Release {
    /// The one that the pool is trained with.
    First,
    /// The next: its trees are more careful, and nobody was told.
    Careful,
}

impl Release {
    const ALL: [Self; 2] = [Self::First, Self::Careful];

    /// Returns how it is called.
    pub(super) const fn version(self) -> &'static str {
        match self {
            Self::First => "1.4.2",
            Self::Careful => "2.0.0",
        }
    }

    const fn defaults(self) -> Defaults {
        let customary = Defaults::CUSTOMARY;
        match self {
            Self::First => customary,
            Self::Careful => Defaults {
                min_child_weight: 20.0,
                ..customary
            },
        }
    }

    /// Returns the folder in which an installer says what it installed.
    fn dist_info(self) -> String {
        format!("{SITE}/demo_trees-{}.dist-info", self.version())
    }
}

impl Machine {
    /// Names a machine that stands in `folder`, or will.
    pub(super) const fn at(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// Returns the folder.
    pub(super) fn folder(&self) -> &Path {
        &self.0
    }

    /// Installs a release of the library in place of any other, and a Python where none is.
    pub(super) fn install(&self, release: Release) -> Result<(), CliError> {
        self.file("usr/bin/python3.12", "")?;
        let link = self.0.join("usr/bin/python3");
        if !link.is_symlink() {
            std::os::unix::fs::symlink("python3.12", &link).map_err(unwritable(&link))?;
        }
        for other in Release::ALL.into_iter().filter(|it| *it != release) {
            let gone = self.0.join(other.dist_info());
            if gone.is_dir() {
                fs::remove_dir_all(&gone).map_err(unwritable(&gone))?;
            }
        }
        let defaults = release.defaults();
        let defaults = serde_json::to_string_pretty(&defaults).expect("plain numbers are JSON");
        self.file(&format!("{SITE}/{DEFAULTS}"), &defaults)?;
        let metadata = format!(
            "Metadata-Version: 2.1\nName: {LIBRARY}\nVersion: {}\n",
            release.version()
        );
        self.file(&format!("{}/METADATA", release.dist_info()), &metadata)
    }

    /// Reads the defaults of the library that is installed.
    pub(super) fn defaults(&self) -> Result<Defaults, CliError> {
        let path = self.0.join(SITE).join(DEFAULTS);
        let read = fs::read(&path).and_then(|bytes| Ok(serde_json::from_slice(&bytes)?));
        read.map_err(|source| CliError::Unreadable { path, source })
    }

    /// Asks for the machine to be captured beside a run, as it is then.
    pub(super) fn captured(&self) -> EnvironmentChoice {
        EnvironmentChoice::Current(Arc::new(CaptureRequest {
            root: Some(self.0.clone()),
            ..CaptureRequest::default()
        }))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a machine that is gone with the demo needs no flush"
    )]
    fn file(&self, name: &str, text: &str) -> Result<(), CliError> {
        let path = self.0.join(name);
        let above = path.parent().expect("a file lies in a folder");
        fs::create_dir_all(above)
            .and_then(|()| fs::write(&path, text))
            .map_err(unwritable(&path))
    }
}

fn unwritable(path: &Path) -> impl FnOnce(std::io::Error) -> CliError {
    let path = path.to_owned();
    move |source| CliError::Unwritable { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upgrade_takes_the_place_of_what_was_installed() {
        let folder = tempfile::tempdir().unwrap();
        let machine = Machine::at(folder.path().to_owned());
        for release in [Release::First, Release::Careful, Release::First] {
            machine.install(release).unwrap();
            assert_eq!(machine.defaults().unwrap(), release.defaults());
            let installed = fs::read_dir(folder.path().join(SITE)).unwrap();
            let mut installed: Vec<String> = installed
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            installed.sort();
            let dist_info = format!("demo_trees-{}.dist-info", release.version());
            assert_eq!(installed, ["demo_trees", &dist_info]);
        }
    }
}
