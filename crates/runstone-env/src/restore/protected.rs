//! What is never removed, whatever a target lacks.
//!
//! A target may lack a package because it was another machine's, or because somebody wrote it by
//! hand. What a system needs to be mended with stays. The invariant: what is not known to be
//! unneeded counts as needed, such as any kernel where the running one is not known.

use serde_json::Value;

use super::side::Side;
use crate::document::Package;
use crate::names::SourceName;

/// Packages that make, keep or mend a system of Debian.
const DEBIAN: [(&str, &str); 9] = [
    ("apt", "the package manager itself"),
    ("dpkg", "the package manager itself"),
    ("libc-bin", "the C library"),
    ("libc6", "the C library"),
    ("libc6-i386", "the C library"),
    ("libc6-x32", "the C library"),
    ("libc6.1", "the C library"),
    ("musl", "the C library"),
    ("runstone", "Runstone itself"),
];
/// How packages of the drivers of graphics processors begin.
const DRIVERS: [&str; 5] = [
    "amdgpu",
    "libcuda",
    "libnvidia-",
    "nvidia-",
    "xserver-xorg-video-nvidia",
];
/// How packages of kernels begin.
const KERNELS: [&str; 2] = [IMAGE, "linux-modules-"];
const IMAGE: &str = "linux-image-";
/// What installs everything else into a Python environment.
const PYTHON: [&str; 4] = ["pip", "runstone", "setuptools", "uv"];
/// What installs everything else into a prefix of conda.
const CONDA: [&str; 7] = [
    "conda",
    "mamba",
    "micromamba",
    "pip",
    "runstone",
    "setuptools",
    "uv",
];
/// What installs everything else for npm.
const NPM: [&str; 2] = ["npm", "runstone"];

/// Returns why a package of Debian is never removed.
pub(super) fn debian(package: &Package, current: &Side<'_>) -> Option<String> {
    let name = package.name.as_str();
    if package.facts.get("essential") == Some(&Value::Bool(true)) {
        return Some("it is essential".to_owned());
    }
    if package.facts.get("protected") == Some(&Value::Bool(true)) {
        return Some("it is protected".to_owned());
    }
    if package.facts.get("priority").and_then(Value::as_str) == Some("required") {
        return Some("its priority is required".to_owned());
    }
    if let Some((_, reason)) = DEBIAN.iter().find(|(protected, _)| *protected == name) {
        return Some((*reason).to_owned());
    }
    if DRIVERS.iter().any(|driver| name.starts_with(driver)) {
        return Some("a driver of graphics processors".to_owned());
    }
    if name.strip_prefix(IMAGE).is_some_and(is_of_no_release) {
        return Some("it brings the kernel".to_owned());
    }
    if KERNELS.iter().any(|kernel| name.starts_with(kernel)) {
        return match current.fact(SourceName::Kernel, "release") {
            Some(release) if !name.contains(release) => None,
            Some(_) => Some("the running kernel".to_owned()),
            None => Some("a kernel, and which one runs is not known".to_owned()),
        };
    }
    None
}

/// Tells whether what follows in the name of a kernel's package is no release of one (`amd64`,
/// `generic-hwe-22.04`), so that the package brings the newest, and may be what the running one
/// came by.
fn is_of_no_release(rest: &str) -> bool {
    let rest = rest.strip_prefix("unsigned-").unwrap_or(rest);
    let after = rest.trim_start_matches(|it: char| it.is_ascii_digit());
    after.len() == rest.len() || !after.starts_with('.')
}

/// Returns why a distribution of Python is never removed.
pub(super) fn python(name: &str) -> Option<String> {
    let is_protected = PYTHON.contains(&name);
    is_protected.then(|| "it installs the others".to_owned())
}

/// Returns why a package of conda is never removed.
pub(super) fn conda(name: &str) -> Option<String> {
    CONDA
        .contains(&name)
        .then(|| "it installs the others".to_owned())
}

/// Returns why a package of npm is never removed.
pub(super) fn npm(name: &str) -> Option<String> {
    NPM.contains(&name)
        .then(|| "it installs the others".to_owned())
}
