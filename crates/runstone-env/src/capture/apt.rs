//! apt: which packages came along as dependencies, and where packages come from.
//!
//! Which packages are installed is dpkg's. The invariant: without the file of marks nothing is said
//! about marks, since "not marked" would mean "asked for by hand". The date of the archive lists
//! changes with each update without a package having changed, so it is observed and not a fact.

use std::collections::{BTreeMap, BTreeSet};

use memchr::memrchr;
use serde_json::{Value, json};

use super::found::Found;
use crate::root::{Kind, Root};
use crate::stanza::{Line, Stanza, is_whole, stanzas};
use crate::url;

const MARKS: &str = "var/lib/apt/extended_states";
const LISTS: &str = "var/lib/apt/lists";

pub(super) fn read(root: &Root) -> Found {
    if !root.has("etc/apt") && !root.has("var/lib/apt") {
        return Found::absent();
    }
    let mut found = Found::captured();
    found.watch(root, MARKS);
    match found.read(root, MARKS) {
        Some(bytes) if bytes.trim_ascii().is_empty() => {
            found.fact("marks", "unknown");
            found.lacks(format!("{MARKS} is empty: what was asked for is unknown"));
        }
        Some(bytes) => {
            if !is_whole(&bytes) {
                found.lacks(format!("{MARKS} ends within a stanza: it was cut off"));
            }
            marks(&bytes, &mut found);
        }
        None => {
            found.fact("marks", "unknown");
            found.warn(format!(
                "{MARKS} cannot be read: what was asked for is unknown"
            ));
        }
    }
    let mut sources = one_line_sources(root, "etc/apt/sources.list", &mut found);
    for path in files(root, "etc/apt/sources.list.d", &mut found) {
        match path.rsplit_once('.') {
            Some((_, "list")) => sources.extend(one_line_sources(root, &path, &mut found)),
            Some((_, "sources")) => sources.extend(stanza_sources(root, &path, &mut found)),
            _ => {}
        }
    }
    found.list("sources", sources);
    let mut preferences = preferences(root, "etc/apt/preferences", &mut found);
    for path in files(root, "etc/apt/preferences.d", &mut found) {
        preferences.extend(self::preferences(root, &path, &mut found));
    }
    found.list("preferences", preferences);
    let lists = releases(root, &mut found);
    if !lists.is_empty() {
        found.observe("releases", lists);
    }
    found
}

/// Adds the packages that came along, by architecture. (As `name:arch` the package `passwd` would
/// look like a secret.)
fn marks(bytes: &[u8], found: &mut Found) {
    let mut automatic: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for stanza in stanzas(bytes) {
        let [name, arch, mark] = fields(stanza, ["Package", "Architecture", "Auto-Installed"]);
        let (Some(name), Some(mark)) = (name, mark) else {
            found.lacks(format!("a stanza of {MARKS} has no package or no mark"));
            continue;
        };
        if mark == "1" {
            let arch = arch.unwrap_or_else(|| "unknown".to_owned());
            automatic.entry(arch).or_default().insert(name);
        }
    }
    found.fact("automatic", json!(automatic));
}

/// Returns the first values of the named fields.
fn fields<const N: usize>(stanza: Stanza<'_>, names: [&str; N]) -> [Option<String>; N] {
    let mut values = [const { None }; N];
    for line in stanza.lines() {
        let Line::Field(field, value) = line else {
            continue;
        };
        let place = names
            .iter()
            .position(|name| field.eq_ignore_ascii_case(name.as_bytes()));
        if let Some(place) = place
            && values[place].is_none()
        {
            values[place] = str::from_utf8(value).ok().map(ToOwned::to_owned);
        }
    }
    values
}

fn files(root: &Root, folder: &str, found: &mut Found) -> Vec<String> {
    let entries = found.names(root, folder).unwrap_or_default().into_iter();
    entries
        .filter(|entry| matches!(entry.kind, Kind::File | Kind::Link))
        .map(|entry| format!("{folder}/{}", entry.name))
        .collect()
}

/// Returns the lines of a file that name an archive.
fn one_line_sources(root: &Root, path: &str, found: &mut Found) -> Vec<Value> {
    let text = found.text(root, path).unwrap_or_default();
    let lines = text.lines().map(|line| match line.split_once('#') {
        Some((before, _)) => before.trim(),
        None => line.trim(),
    });
    lines
        .filter(|line| !line.is_empty())
        .map(|line| Value::from(without_credentials(line)))
        .collect()
}

/// Returns the stanzas of a file that name archives, one line each.
fn stanza_sources(root: &Root, path: &str, found: &mut Found) -> Vec<Value> {
    const FIELDS: [&str; 5] = ["Types", "URIs", "Suites", "Components", "Enabled"];
    let bytes = found.read(root, path).unwrap_or_default();
    let mut sources = Vec::new();
    for stanza in stanzas(&bytes) {
        let [types, uris, suites, components, enabled] = fields(stanza, FIELDS);
        if enabled.is_some_and(|enabled| enabled.eq_ignore_ascii_case("no")) {
            continue;
        }
        let parts = [types, uris, suites, components];
        let line = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
        if !line.is_empty() {
            sources.push(Value::from(without_credentials(&line)));
        }
    }
    sources
}

fn without_credentials(line: &str) -> String {
    let words = line.split_ascii_whitespace();
    words.map(url::stripped).collect::<Vec<_>>().join(" ")
}

/// Returns the pins of a file.
fn preferences(root: &Root, path: &str, found: &mut Found) -> Vec<Value> {
    let bytes = found.read(root, path).unwrap_or_default();
    let pins = stanzas(&bytes).filter_map(|stanza| {
        let [package, pin, priority] = fields(stanza, ["Package", "Pin", "Pin-Priority"]);
        Some(json!({ "package": package?, "pin": pin?, "priority": priority? }))
    });
    pins.collect()
}

/// Returns which archives were last listed, and as of when.
fn releases(root: &Root, found: &mut Found) -> Vec<Value> {
    const FIELDS: [&str; 4] = ["Origin", "Suite", "Codename", "Date"];
    let mut releases = Vec::new();
    for path in files(root, LISTS, found) {
        if !path.ends_with("Release") {
            continue;
        }
        // What follows these fields is a hundred thousand bytes of digests.
        let bytes = found.head(root, &path, |bytes| {
            let lines = &bytes[..memrchr(b'\n', bytes).unwrap_or(0)];
            dated(lines).is_some_and(|stanza| fields(stanza, FIELDS).iter().all(Option::is_some))
        });
        let bytes = bytes.unwrap_or_default();
        let stanza = dated(&bytes);
        if let Some(stanza) = stanza {
            let [origin, suite, codename, date] = fields(stanza, FIELDS);
            releases.push(json!({
                "origin": origin, "suite": suite, "codename": codename, "date": date,
            }));
        }
    }
    releases
}

/// Returns the first stanza with a date: a signed file has its fields in the second one.
fn dated(bytes: &[u8]) -> Option<Stanza<'_>> {
    stanzas(bytes).find(|stanza| fields(*stanza, ["Date"])[0].is_some())
}
