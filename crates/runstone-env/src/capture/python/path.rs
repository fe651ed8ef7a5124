//! The folders an interpreter imports distributions from, in its order.
//!
//! # Source
//! `Lib/site.py` of CPython; Debian's `dist-packages` (`/usr/share/doc/python3/python-policy`).

use std::path::{Path, PathBuf};

use super::super::Options;
use super::super::found::Found;
use super::interpreter::{Interpreter, library};
use crate::root::Root;

/// Returns the folders that are there.
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
        for folder in sites(root, &interpreter.prefix, &interpreter.minor) {
            folders.add_site(root, &folder, found);
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
        for folder in sites(root, base, &interpreter.minor) {
            folders.add_site(root, &folder, found);
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
                if !line.is_empty() && !line.starts_with('#') && !is_code {
                    self.add(root, folder.join(line));
                }
            }
        }
    }
}
