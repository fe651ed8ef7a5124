//! A small machine to capture: a folder that looks like the root of a Debian with Python.
//!
//! What is installed is what a test says, so that two captures differ in just that. Reading it is
//! left to `runstone-env`.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// Where the packages of its Python lie.
const SITE: &str = "usr/lib/python3/dist-packages";

/// A folder that looks like the root of a machine, gone with the test.
#[derive(Debug)]
pub struct Machine(TempDir);

impl Machine {
    /// Makes a Debian 12 with a C library and a Python without packages.
    ///
    /// # Panics
    /// If it cannot be made.
    pub fn new() -> Self {
        let machine = Self(tempfile::tempdir().expect("a temporary folder can be made"));
        machine.file("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n");
        machine.file("usr/bin/python3.11", "\u{7f}ELF");
        machine.file("usr/lib/python3.11/os.py", "");
        fs::create_dir_all(machine.path().join(SITE)).expect("a folder can be made");
        std::os::unix::fs::symlink("python3.11", machine.path().join("usr/bin/python3"))
            .expect("a link can be made");
        machine.debian(&[("libc6", "2.36-9")]);
        machine
    }

    /// Returns the folder.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Installs these packages of Debian, and no others.
    ///
    /// # Panics
    /// If that cannot be written.
    pub fn debian(&self, packages: &[(&str, &str)]) -> &Self {
        let stanza = |(name, version): &(&str, &str)| {
            format!(
                "Package: {name}\nStatus: install ok installed\nArchitecture: amd64\n\
                 Version: {version}\n\n"
            )
        };
        let status: String = packages.iter().map(stanza).collect();
        self.file("var/lib/dpkg/status", &status)
    }

    /// Installs a version of a Python package, in place of any other.
    ///
    /// # Panics
    /// If that cannot be written.
    pub fn python(&self, name: &str, version: &str) -> &Self {
        let site = self.path().join(SITE);
        let listed = fs::read_dir(&site).expect("the folder is there");
        for entry in listed {
            let entry = entry.expect("the folder can be listed");
            if entry
                .file_name()
                .to_string_lossy()
                .starts_with(&format!("{name}-"))
            {
                fs::remove_dir_all(entry.path()).expect("a folder can be removed");
            }
        }
        let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n");
        self.file(
            &format!("{SITE}/{name}-{version}.dist-info/METADATA"),
            &metadata,
        );
        self.file(&format!("{SITE}/{name}-{version}.dist-info/RECORD"), "")
    }

    /// Writes a file of it.
    ///
    /// # Panics
    /// If it cannot be written.
    #[expect(
        clippy::disallowed_methods,
        reason = "a machine of a test needs no flush"
    )]
    pub fn file(&self, path: &str, text: &str) -> &Self {
        let path = self.path().join(path);
        let folder: PathBuf = path.parent().expect("a file lies in a folder").to_owned();
        fs::create_dir_all(folder).expect("a folder can be made");
        fs::write(path, text).expect("a file can be written");
        self
    }
}

impl Default for Machine {
    fn default() -> Self {
        Self::new()
    }
}
