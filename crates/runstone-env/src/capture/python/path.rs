//! The folders an interpreter imports distributions from, in its order.
//!
//! The invariant: a folder that an installation has of its own, or that one of its files names, and
//! that is not there (a disk that is not mounted, an environment that is being rebuilt) leaves the
//! source partial. What is in the folders is left to `distribution`.
//!
//! # Source
//! `Lib/site.py` of CPython; Debian's `dist-packages` (`/usr/share/doc/python3/python-policy`).

use std::path::{Path, PathBuf};

use super::super::Options;
use super::super::found::Found;
use super::interpreter::{Interpreter, library};
use crate::root::Root;

/// Returns the folders that are there. What is missing of them is said in `found`.
pub(super) fn folders(
    root: &Root,
    interpreter: &Interpreter,
    options: &Options,
    found: &mut Found,
) -> Vec<PathBuf> {
    let mut folders = Folders::default();
    let variable = options.variable("PYTHONPATH").unwrap_or_default();
    for folder in variable.split(':').filter(|it| !it.is_empty()) {
        // Folders of this variable are no site folders: links in `.pth` files count for nothing.
        folders.add(root, absolute(folder, options));
    }
    let sees_base = interpreter.base.is_none() || interpreter.has_system_packages;
    if interpreter.base.is_some() {
        let own = &interpreter.prefix;
        for folder in sites(root, own, &interpreter.minor) {
            folders.add_site(root, &folder, found);
        }
        // Whatever made the environment made this folder, also where nothing was installed.
        let library = library(own, &interpreter.minor).join("site-packages");
        if !root.has(&library) {
            found.lacks(format!("{} is missing", library.display()));
        }
    }
    if sees_base {
        if let Some(home) = options.home()
            && options.variable("PYTHONNOUSERSITE").is_none()
        {
            let users = library(&home.join(".local"), &interpreter.minor);
            folders.add_site(root, &users.join("site-packages"), found);
        }
        let base = interpreter.base.as_ref().unwrap_or(&interpreter.prefix);
        let sites = sites(root, base, &interpreter.minor);
        for folder in &sites {
            folders.add_site(root, folder, found);
        }
        if !sites.iter().any(|folder| root.has(folder)) {
            found.lacks(format!(
                "no folder of distributions is below {}",
                base.display()
            ));
        }
    }
    folders.0
}

fn absolute(folder: &str, options: &Options) -> PathBuf {
    match &options.folder {
        Some(below) => below.join(folder),
        None => PathBuf::from(folder),
    }
}

/// Returns where distributions may be below a prefix.
fn sites(root: &Root, prefix: &Path, minor: &str) -> Vec<PathBuf> {
    let mut sites = Vec::new();
    let local = prefix.join("local");
    let debians = prefix.join("lib/python3/dist-packages");
    if root.has(&debians) {
        // What was installed by hand goes before what came as a package.
        sites.push(library(&local, minor).join("dist-packages"));
        sites.push(debians);
        sites.push(library(prefix, minor).join("dist-packages"));
    } else if !root.has(local.join(format!("bin/python{minor}"))) {
        // Fedora's; where an interpreter stands beside it, the folder is that one's.
        sites.push(library(&local, minor).join("site-packages"));
        sites.push(local.join(format!("lib64/python{minor}/site-packages")));
    }
    sites.push(library(prefix, minor).join("site-packages"));
    sites.push(
        prefix
            .join("lib64")
            .join(format!("python{minor}/site-packages")),
    );
    sites
}

/// Folders, each once.
#[derive(Debug, Default)]
struct Folders(Vec<PathBuf>);

impl Folders {
    /// Adds a folder, unless it is not there or stands there already under any name.
    fn add(&mut self, root: &Root, folder: PathBuf) -> bool {
        let Some(stamp) = root.stamp(&folder) else {
            return false;
        };
        let is_known = self.0.iter().any(|it| root.stamp(it) == Some(stamp));
        if !is_known {
            self.0.push(folder);
        }
        !is_known
    }

    /// Adds a site folder and the folders that its `.pth` files name.
    fn add_site(&mut self, root: &Root, folder: &Path, found: &mut Found) {
        if !self.add(root, folder.to_owned()) {
            return;
        }
        for entry in found.names(root, folder).unwrap_or_default() {
            let is_list =
                matches!(entry.name.rsplit_once('.'), Some((name, "pth")) if !name.is_empty());
            if !is_list || entry.name.starts_with('.') {
                continue;
            }
            let bytes = found
                .read(root, folder.join(&entry.name))
                .unwrap_or_default();
            for line in String::from_utf8_lossy(&bytes).lines() {
                let line = line.trim_end();
                // Code runs at the start of the interpreter; what it adds is not known.
                let is_code = line.starts_with("import ") || line.starts_with("import\t");
                if line.is_empty() || line.starts_with('#') || is_code {
                    continue;
                }
                let named = folder.join(line);
                if !root.has(&named) {
                    found.lacks(format!(
                        "{} names {}, which is not there",
                        folder.join(&entry.name).display(),
                        named.display()
                    ));
                }
                self.add(root, named);
            }
        }
    }
}
