//! The distribution, its C library, and whether this is a container.

use serde_json::{Map, Value};

use super::found::Found;
use crate::root::Root;

/// Where `os-release` is, the first that exists.
const RELEASE: [&str; 2] = ["etc/os-release", "usr/lib/os-release"];
/// What of it describes the environment; the rest is for people and bug trackers.
pub(crate) const FIELDS: [&str; 6] = [
    "ID",
    "ID_LIKE",
    "VERSION_ID",
    "VERSION_CODENAME",
    "VARIANT_ID",
    "BUILD_ID",
];
/// Folders of libraries, those of the usual architectures first.
const LIBRARIES: [&str; 8] = [
    "lib/x86_64-linux-gnu",
    "lib/aarch64-linux-gnu",
    "lib/riscv64-linux-gnu",
    "lib/powerpc64le-linux-gnu",
    "lib64",
    "usr/lib64",
    "lib",
    "usr/lib",
];
/// What glibc says of itself within its own file.
const BANNER: &[u8] = b"stable release version ";
/// Most bytes that a version of glibc has. Chosen: four times `2.36`.
const VERSION_BYTES_MAX: usize = 16;
/// Files by which containers are known.
const MARKS: [(&str, &str); 4] = [
    (".dockerenv", "docker"),
    ("run/.containerenv", "podman"),
    (".singularity.d", "apptainer"),
    ("var/run/secrets/kubernetes.io", "kubernetes"),
];

pub(super) fn read(root: &Root) -> Found {
    let mut found = Found::captured();
    let release = RELEASE.into_iter().find(|path| root.has(path));
    if let Some(path) = release
        && let Some(text) = found.text(root, path)
    {
        let release = release_fields(&text);
        if release.is_empty() {
            found.lacks(format!("{path} names no distribution"));
        }
        found.fact("release", release);
    }
    if let Some((name, version)) = c_library(root, &mut found) {
        found.fact("libc", name);
        if let Some(version) = version {
            found.fact("libc_version", version);
        }
    }
    let marks = MARKS.into_iter().filter(|(path, _)| root.has(path));
    let marks: Vec<Value> = marks.map(|(_, name)| name.into()).collect();
    found.list("container", marks);
    if found.source.facts.is_empty() && found.warnings.is_empty() {
        return Found::absent();
    }
    if release.is_none() {
        found.lacks("there is no os-release: the distribution is unknown");
    }
    found
}

/// Reads the assignments of `os-release(5)`, which are those of a shell without expansion.
fn release_fields(text: &str) -> Map<String, Value> {
    let lines = text.lines().filter_map(|line| line.trim().split_once('='));
    let fields = lines.filter(|(name, _)| FIELDS.contains(name));
    fields
        .map(|(name, value)| (name.to_ascii_lowercase(), unquoted(value).into()))
        .collect()
}

fn unquoted(value: &str) -> String {
    let value = value.trim();
    for quote in ['"', '\''] {
        if let Some(inner) = value.strip_prefix(quote)
            && let Some(inner) = inner.strip_suffix(quote)
        {
            return inner
                .replace("\\\"", "\"")
                .replace("\\$", "$")
                .replace("\\\\", "\\");
        }
    }
    value.to_owned()
}

/// Returns which C library there is, and its version where it says so.
fn c_library(root: &Root, found: &mut Found) -> Option<(&'static str, Option<String>)> {
    for folder in LIBRARIES {
        let path = format!("{folder}/libc.so.6");
        // It stands behind the code, which is most of the file.
        if let Some(bytes) = found.last_part_with(root, &path, BANNER, VERSION_BYTES_MAX as u64) {
            let version = glibc_version(&bytes);
            if version.is_none() {
                found.warn(format!("{path} does not say its version"));
            }
            return Some(("glibc", version));
        }
    }
    let names = root.list("lib").ok()??.entries;
    let is_musl = names.iter().any(|it| it.name.starts_with("ld-musl-"));
    is_musl.then_some(("musl", None))
}

fn glibc_version(bytes: &[u8]) -> Option<String> {
    let at = memchr::memmem::rfind(bytes, BANNER)?;
    let version = bytes[at + BANNER.len()..].iter().copied();
    let version = version.take_while(|byte| byte.is_ascii_digit() || *byte == b'.');
    let version: String = version.take(VERSION_BYTES_MAX).map(char::from).collect();
    let version = version.trim_end_matches('.');
    (!version.is_empty()).then(|| version.to_owned())
}
