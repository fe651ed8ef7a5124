//! The processor: its model, and the instructions by which libraries choose their kernels.
//!
//! Which instructions there are decides which code a BLAS runs, and thereby the last bits of a
//! result. How many processors this process may use, and how much memory there is, differs from job
//! to job, and is observed only.
//!
//! # Source
//! x86-64 psABI, section 3.1.1 (levels), in the names of `/proc/cpuinfo`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::found::Found;
use crate::root::Root;

/// What each level adds to the one before, from 2 on.
const LEVELS: [(&str, &[&str]); 3] = [
    (
        "x86-64-v2",
        &[
            "cx16", "lahf_lm", "popcnt", "pni", "sse4_1", "sse4_2", "ssse3",
        ],
    ),
    (
        "x86-64-v3",
        &[
            "abm", "avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe", "xsave",
        ],
    ),
    (
        "x86-64-v4",
        &["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"],
    ),
];
/// Instructions beside the levels that numerical libraries ask for.
const ASKED_FOR: [&str; 12] = [
    "amx_bf16",
    "amx_int8",
    "amx_tile",
    "asimd",
    "asimdhp",
    "avx512_bf16",
    "avx512_fp16",
    "avx512_vnni",
    "avx_vnni",
    "bf16",
    "sve",
    "sve2",
];
/// Fields of the first processor, by their names there and here.
const FIELDS: [(&str, &str); 7] = [
    ("vendor_id", "vendor"),
    ("cpu family", "family"),
    ("model", "model"),
    ("model name", "name"),
    ("stepping", "stepping"),
    ("CPU implementer", "implementer"),
    ("CPU part", "part"),
];

pub(super) fn read(root: &Root) -> Found {
    if !root.is_host() {
        return Found::skipped("another root has no processor of its own");
    }
    let mut found = Found::captured();
    match found.text(root, "proc/cpuinfo") {
        Some(text) => describe(&text, &mut found),
        None if found.warnings.is_empty() => {
            return Found::unreadable("/proc/cpuinfo is missing");
        }
        None => return Found::unreadable(found.warnings.join("; ")),
    }
    if let Ok(set) = rustix::thread::sched_getaffinity(None) {
        found.observe("usable", set.count());
    }
    let memory = root.read("proc/meminfo").ok().flatten();
    if let Some(kilobytes) = memory.and_then(|bytes| memory_kb(&bytes)) {
        found.observe("memory_kb", kilobytes);
    }
    let groups = root.read("proc/self/cgroup").ok().flatten();
    let group = groups.and_then(|bytes| group(&bytes));
    for (name, file) in [("cpu_max", "cpu.max"), ("memory_max", "memory.max")] {
        let limit = group.as_deref().and_then(|group| limit(root, group, file));
        if let Some(limit) = limit {
            found.observe(name, limit);
        }
    }
    found
}

/// Returns the control group of this process, where there is one hierarchy (version 2).
fn group(bytes: &[u8]) -> Option<PathBuf> {
    let text = str::from_utf8(bytes).ok()?;
    let group = text.lines().find_map(|line| line.strip_prefix("0::"))?;
    Some(PathBuf::from(group.trim_start_matches('/')))
}

/// Returns the limit that is nearest above this process: the group, or one it stands in.
fn limit(root: &Root, group: &Path, file: &str) -> Option<String> {
    group.ancestors().find_map(|group| {
        let path = Path::new("sys/fs/cgroup").join(group).join(file);
        let text = String::from_utf8(root.read(path).ok()??).ok()?;
        let text = text.trim();
        (!text.starts_with("max")).then(|| text.to_owned())
    })
}

fn describe(text: &str, found: &mut Found) {
    let fields = |text: &str| -> Vec<(String, String)> {
        let lines = text.lines().filter_map(|line| line.split_once(':'));
        lines
            .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
            .collect()
    };
    let first = fields(text.split("\n\n").next().unwrap_or_default());
    let value = |name: &str| first.iter().find(|(it, _)| it == name).map(|(_, it)| it);
    for (theirs, ours) in FIELDS {
        if let Some(value) = value(theirs) {
            found.fact(ours, value.as_str());
        }
    }
    let features = value("flags").or_else(|| value("Features"));
    let features: BTreeSet<&str> = features
        .map(|text| text.split_ascii_whitespace().collect())
        .unwrap_or_default();
    if features.is_empty() {
        found.lacks("/proc/cpuinfo names no instructions");
    }
    if features.contains("lm") {
        found.fact("level", level(&features));
    }
    let features = ASKED_FOR.into_iter().filter(|it| features.contains(it));
    let features: Vec<Value> = features.map(Value::from).collect();
    found.list("instructions", features);
}

fn level(features: &BTreeSet<&str>) -> &'static str {
    let has_all =
        |(_, needed): &&(&'static str, &[&str])| needed.iter().all(|it| features.contains(it));
    let reached = LEVELS.iter().take_while(has_all).last();
    reached.map_or("x86-64-v1", |(name, _)| name)
}

fn memory_kb(bytes: &[u8]) -> Option<u64> {
    let text = str::from_utf8(bytes).ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn level_is_the_highest_of_which_nothing_is_missing() {
        let second = "lm cx16 lahf_lm popcnt pni sse4_1 sse4_2 ssse3";
        let third = "abm avx avx2 bmi1 bmi2 f16c fma movbe xsave";
        let fourth = "avx512f avx512bw avx512cd avx512dq avx512vl";
        let level_of = |flags: &str| level(&flags.split(' ').collect());
        assert_eq!(level_of("lm"), "x86-64-v1");
        assert_eq!(level_of(second), "x86-64-v2");
        assert_eq!(level_of(&format!("{second} {third}")), "x86-64-v3");
        assert_eq!(level_of(&format!("{second} {fourth}")), "x86-64-v2");
        assert_eq!(level_of(&format!("{second} {third} {fourth}")), "x86-64-v4");
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a fixture needs no flush")]
    fn limit_is_the_nearest_above_that_limits_anything() {
        let folder = tempfile::TempDir::new().unwrap();
        let groups = folder.path().join("sys/fs/cgroup");
        std::fs::create_dir_all(groups.join("a/b")).unwrap();
        std::fs::write(groups.join("a/cpu.max"), "50000 100000\n").unwrap();
        std::fs::write(groups.join("a/b/cpu.max"), "max 100000\n").unwrap();
        let root = Root::at(folder.path()).unwrap();
        let group = group(b"1:name=x:/\n0::/a/b\n").unwrap();
        assert_eq!(
            limit(&root, &group, "cpu.max").as_deref(),
            Some("50000 100000")
        );
        assert_eq!(limit(&root, &group, "memory.max"), None);
    }

    #[test]
    fn first_processor_is_described_and_odd_instructions_are_left_out() {
        let mut found = Found::captured();
        let text = "processor\t: 0\nmodel name\t: Fixture 1\nflags\t\t: lm sse amx_tile\n\nprocessor\t: 1\nmodel name\t: Other\n";
        describe(text, &mut found);
        assert_eq!(found.source.facts["name"], "Fixture 1");
        assert_eq!(found.source.facts["level"], "x86-64-v1");
        assert_eq!(
            found.source.facts["instructions"],
            serde_json::json!(["amx_tile"])
        );
    }
}
