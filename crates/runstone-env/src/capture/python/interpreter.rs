//! The interpreter: its prefix, its version, and the one it was made from.
//!
//! # Source
//! PEP 405 (`pyvenv.cfg`); `Modules/getpath.py` of CPython (the folder above which the standard
//! library is found).

use std::path::{Path, PathBuf};

use crate::root::Root;

/// Most links from an executable to the file itself. Chosen: distributions have three.
const LINKS_MAX: usize = 16;

/// An interpreter, without having asked it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Interpreter {
    /// The folder above `bin` and `lib`.
    pub(super) prefix: PathBuf,
    /// The version as far as it is known: `3.11.7`, or `3.11`.
    pub(super) version: String,
    /// Major and minor version: `3.11`.
    pub(super) minor: String,
    /// The prefix of the interpreter that a virtual environment was made from.
    pub(super) base: Option<PathBuf>,
    /// Whether the packages of the base are seen as well.
    pub(super) has_system_packages: bool,
    /// The release of uv that made the virtual environment.
    pub(super) uv: Option<String>,
}

impl Interpreter {
    /// Finds out what belongs to an executable.
    pub(super) fn of(root: &Root, executable: &Path) -> Result<Self, String> {
        let folder = executable.parent().unwrap_or(Path::new("/"));
        let above = folder.parent().unwrap_or(Path::new("/"));
        let mut settings = [above, folder].map(|it| it.join("pyvenv.cfg")).into_iter();
        match settings.find(|it| root.has(it)) {
            Some(settings) => Self::virtual_one(root, executable, above, &settings),
            None => Self::base_one(root, executable),
        }
    }

    /// Returns the folder of the standard library.
    pub(super) fn library(&self) -> PathBuf {
        library(&self.prefix, &self.minor)
    }

    fn base_one(root: &Root, executable: &Path) -> Result<Self, String> {
        let file = followed(root, executable);
        let minor = minor_of_name(&file);
        for prefix in file.ancestors().skip(2) {
            let minors = match &minor {
                Some(minor) => vec![minor.clone()],
                None => minors_below(root, prefix),
            };
            let mut there = minors
                .into_iter()
                .filter(|minor| root.has(library(prefix, minor)));
            let Some(minor) = there.next() else {
                continue;
            };
            if let Some(other) = there.next() {
                return Err(format!(
                    "{} may be Python {minor} or {other}: its name does not say",
                    file.display()
                ));
            }
            return Ok(Self {
                version: patch_version(root, prefix, &minor).unwrap_or_else(|| minor.clone()),
                prefix: prefix.to_owned(),
                minor,
                base: None,
                has_system_packages: false,
                uv: None,
            });
        }
        Err(format!("no standard library belongs to {}", file.display()))
    }

    fn virtual_one(
        root: &Root,
        executable: &Path,
        prefix: &Path,
        settings: &Path,
    ) -> Result<Self, String> {
        let at = settings.display();
        let text = root.read(settings).ok().flatten();
        let text = text.and_then(|bytes| String::from_utf8(bytes).ok());
        let text = text.ok_or_else(|| format!("{at} cannot be read"))?;
        let value = |name: &str| {
            let lines = text.lines().filter_map(|line| line.split_once('='));
            let mut values = lines.filter(|(it, _)| it.trim().eq_ignore_ascii_case(name));
            values.next().map(|(_, value)| value.trim().to_owned())
        };
        let written = value("version_info").or_else(|| value("version"));
        // `3.11.7.final.0` and `3.11.7` are the same.
        let written = written.map(|it| it.split('.').take(3).collect::<Vec<_>>().join("."));
        let home = value("home").map(PathBuf::from);
        let names = executable.file_name().map(Path::new).into_iter();
        let names = names.chain(["python3", "python"].map(Path::new));
        let base = home.as_ref().and_then(|home| {
            let mut executables = names.map(|name| home.join(name));
            let there = executables.find(|it| root.has(it))?;
            Self::base_one(root, &there).ok()
        });
        let minor = base.as_ref().map(|base| base.minor.clone());
        let minor = minor.or_else(|| written.as_deref().and_then(minor_of_version));
        let minor = minor.ok_or_else(|| format!("{at} does not say which Python it is of"))?;
        // The base may have got another patch release since; the file still has the one it was.
        let patched = base.as_ref().map(|base| base.version.clone());
        let version = patched.filter(|version| *version != minor).or(written);
        Ok(Self {
            prefix: prefix.to_owned(),
            version: version.unwrap_or_else(|| minor.clone()),
            minor,
            base: Some(base.map_or_else(
                || {
                    home.and_then(|it| it.parent().map(Path::to_owned))
                        .unwrap_or_default()
                },
                |base| base.prefix,
            )),
            has_system_packages: value("include-system-site-packages")
                .is_some_and(|it| it.eq_ignore_ascii_case("true")),
            uv: value("uv"),
        })
    }
}

/// Returns the folder of a standard library.
pub(super) fn library(prefix: &Path, minor: &str) -> PathBuf {
    prefix.join("lib").join(format!("python{minor}"))
}

/// Returns the file an executable is a link to.
fn followed(root: &Root, executable: &Path) -> PathBuf {
    let mut file = executable.to_owned();
    for _ in 0..LINKS_MAX {
        let Some(target) = root.link(&file) else {
            break;
        };
        let folder = file.parent().unwrap_or(Path::new("/")).to_owned();
        file = folder.join(target);
    }
    normal(&file)
}

/// Returns a path without `..`, as far as names alone tell.
fn normal(path: &Path) -> PathBuf {
    let mut whole = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => {
                whole.pop();
            }
            std::path::Component::CurDir => {}
            part => whole.push(part),
        }
    }
    whole
}

/// Reads `python3.11` as `3.11`.
fn minor_of_name(file: &Path) -> Option<String> {
    let name = file.file_name()?.to_str()?;
    minor_of_version(name.strip_prefix("python")?)
}

/// Reads `3.11.7` as `3.11`.
fn minor_of_version(version: &str) -> Option<String> {
    let mut parts = version.split('.');
    let (major, minor) = (parts.next()?, parts.next()?);
    let is_number = |it: &str| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_digit());
    (is_number(major) && is_number(minor)).then(|| format!("{major}.{minor}"))
}

/// Returns which standard libraries stand below a prefix.
fn minors_below(root: &Root, prefix: &Path) -> Vec<String> {
    let listing = root.list(prefix.join("lib")).ok().flatten();
    let entries = listing.map(|it| it.entries).unwrap_or_default();
    let names = entries.into_iter().map(|entry| PathBuf::from(entry.name));
    names.filter_map(|name| minor_of_name(&name)).collect()
}

/// Returns the whole version, from the header that says it.
fn patch_version(root: &Root, prefix: &Path, minor: &str) -> Option<String> {
    let header = prefix.join(format!("include/python{minor}/patchlevel.h"));
    let text = String::from_utf8(root.read(header).ok()??).ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("#define PY_VERSION "))?;
    let version = line.trim().trim_matches('"');
    version.starts_with(minor).then(|| version.to_owned())
}
