//! A distribution: what a `*.dist-info` folder, or an older form of it, says.
//!
//! # Source
//! PEP 376 and 627 (installed projects), 610 and 660 (`direct_url.json`), 503 (names).

use std::cell::Cell;
use std::path::{Path, PathBuf};

use memchr::{memchr_iter, memrchr};
use runstone_core::digest::Digest;
use runstone_core::json::{Limits, read_document};
use serde_json::{Map, Value, json};

use super::super::found::explained;
use crate::document::Package;
use crate::root::{Entry, Kind, Root};
use crate::stanza::{Line, Stanza};
use crate::{grammar, url};

/// Files of an installation that say how it came about and not what it holds.
const ABOUT: [&str; 4] = ["INSTALLER", "RECORD", "REQUESTED", "direct_url.json"];

/// A distribution, and what of it could not be read.
#[derive(Debug)]
pub(super) struct Distribution {
    pub(super) package: Package,
    pub(super) problems: Vec<String>,
}

/// Why something that is called like a distribution is none.
#[derive(Debug)]
pub(super) enum Problem {
    /// It is half removed, or half installed.
    Broken(String),
    /// It could not be read.
    Unreadable(String),
}

impl Distribution {
    /// Reads what `entry` of `folder` says. `None`: it is not called like a distribution.
    pub(super) fn of(root: &Root, folder: &Path, entry: &Entry) -> Option<Result<Self, Problem>> {
        let path = folder.join(&entry.name);
        if entry.name.starts_with('~') {
            // What is half removed keeps its ending.
            return None;
        }
        let (_, ending) = entry.name.rsplit_once('.')?;
        let is_file = match entry.kind {
            Kind::File => true,
            Kind::Link => root.list(&path).ok().flatten().is_none(),
            Kind::Folder | Kind::Other => false,
        };
        match (ending, is_file) {
            ("dist-info", false) => Some(Self::of_dist_info(root, &path)),
            ("egg-info", false) => Some(Self::of_metadata(root, &path.join("PKG-INFO"))),
            ("egg-info", true) => Some(Self::of_metadata(root, &path)),
            ("egg", false) => Some(Self::of_metadata(root, &path.join("EGG-INFO/PKG-INFO"))),
            ("egg-link", true) => Some(Self::of_link(root, &path)),
            _ => None,
        }
    }

    fn of_dist_info(root: &Root, path: &Path) -> Result<Self, Problem> {
        let mut distribution = Self::of_metadata(root, &path.join("METADATA"))?;
        let mut file = |name: &str| match root.read(path.join(name)) {
            Ok(bytes) => bytes,
            Err(error) => {
                distribution.problems.push(explained(&error));
                None
            }
        };
        let installer = file("INSTALLER");
        let requested = file("REQUESTED");
        let origin = file("direct_url.json");
        let files = root.look(path.join("RECORD"), contents);
        let files = files.unwrap_or_else(|error| {
            distribution.problems.push(explained(&error));
            None
        });
        let facts = &mut distribution.package.facts;
        let installer = installer.map(|it| String::from_utf8_lossy(&it).trim().to_owned());
        if let Some(installer) = installer.filter(|it| !it.is_empty()) {
            facts.insert("installer".to_owned(), installer.into());
        }
        if requested.is_some() {
            facts.insert("requested".to_owned(), true.into());
        }
        if let Some(files) = files {
            facts.insert("files".to_owned(), json!(files));
        }
        if let Some(origin) = origin {
            match direct_url(&origin) {
                Ok(origin) => facts.extend(origin),
                Err(problem) => {
                    let path = path.join("direct_url.json");
                    let problem = format!("{}: {problem}", path.display());
                    distribution.problems.push(problem);
                }
            }
        }
        Ok(distribution)
    }

    fn of_metadata(root: &Root, path: &Path) -> Result<Self, Problem> {
        let at = path.display();
        // The description behind the headers is most of the file.
        let has_headers = |bytes: &[u8]| Stanza::headers(bytes).is_ended_in(bytes);
        match root.look_at_head(path, has_headers, package) {
            Ok(Some(Some(package))) => Ok(Self {
                package,
                problems: Vec::new(),
            }),
            Ok(Some(None)) => Err(Problem::Broken(format!("{at} has no name or no version"))),
            Ok(None) => Err(Problem::Broken(format!("{at} is missing"))),
            Err(error) => Err(Problem::Unreadable(explained(&error))),
        }
    }

    /// Reads an `.egg-link`: its first line is the folder that an old editable install works from.
    fn of_link(root: &Root, path: &Path) -> Result<Self, Problem> {
        let at = path.display();
        let bytes = match root.read(path) {
            Ok(bytes) => bytes.unwrap_or_default(),
            Err(error) => return Err(Problem::Unreadable(explained(&error))),
        };
        let text = String::from_utf8_lossy(&bytes);
        let folder = text
            .lines()
            .next()
            .map(str::trim)
            .filter(|it| !it.is_empty());
        let folder = folder.map(PathBuf::from);
        let Some(folder) = folder else {
            return Err(Problem::Broken(format!("{at} names no folder")));
        };
        let listing = root.list(&folder).ok().flatten();
        let entries = listing.map(|it| it.entries).unwrap_or_default();
        let mut infos = entries.iter().filter(|it| it.name.ends_with(".egg-info"));
        let Some(info) = infos.next() else {
            return Err(Problem::Broken(format!(
                "{at} names {}, where no distribution is",
                folder.display()
            )));
        };
        let mut distribution = Self::of_metadata(root, &folder.join(&info.name).join("PKG-INFO"))?;
        let facts = &mut distribution.package.facts;
        facts.insert("editable".to_owned(), true.into());
        facts.insert(
            "url".to_owned(),
            format!("file://{}", folder.display()).into(),
        );
        Ok(distribution)
    }
}

/// Returns the package that the headers of a `METADATA` name, if they do.
fn package(bytes: &[u8]) -> Option<Package> {
    let mut name = None;
    let mut version = None;
    for line in Stanza::headers(bytes).lines() {
        let Line::Field(field, value) = line else {
            continue;
        };
        let text = || str::from_utf8(value).ok().filter(|it| !it.is_empty());
        if field.eq_ignore_ascii_case(b"Name") && name.is_none() {
            name = text();
        } else if field.eq_ignore_ascii_case(b"Version") && version.is_none() {
            version = text();
        }
    }
    let (name, version) = (name?, version?);
    let mut package = Package::new(grammar::python_name(name), version);
    if package.name != name {
        package.facts.insert("raw_name".to_owned(), name.into());
    }
    Some(package)
}

/// Returns one digest of the contents, by the hashes of the files that the wheel brought.
///
/// What an installer adds differs from place to place: scripts that name the interpreter, compiled
/// files, the files about the installation. Those do not count, nor does the order of the lines.
fn contents(record: &[u8]) -> Digest {
    let text = |(start, end): (usize, usize)| &record[start..end];
    // Most bytes of a capture pass here, and most stand in their order: they are hashed as they are
    // met, and once more where that was wrong.
    let is_in_order = Cell::new(true);
    let runs = runs(record, contents_of(record), &is_in_order).map(text);
    let digest = Digest::of_lines("python.files", runs);
    if is_in_order.get() {
        return digest;
    }
    let mut lines: Vec<(usize, usize)> = contents_of(record).collect();
    lines.sort_unstable_by(|one, other| text(*one).cmp(text(*other)));
    Digest::of_lines("python.files", lines.into_iter().map(text))
}

/// Returns where the lines are that count.
fn contents_of(record: &[u8]) -> impl Iterator<Item = (usize, usize)> {
    let ends = memchr_iter(b'\n', record).chain([record.len()]);
    let mut next = 0;
    ends.filter_map(move |end| {
        let start = std::mem::replace(&mut next, end + 1);
        let line = record[start..end].trim_ascii();
        let start = end - record[start..end].trim_ascii_start().len();
        is_content(line).then_some((start, start + line.len()))
    })
}

/// Joins lines that follow each other, which are hashed as they stand. Ends early where they are not
/// in the order of their bytes, and says so.
fn runs(
    record: &[u8],
    mut lines: impl Iterator<Item = (usize, usize)>,
    is_in_order: &Cell<bool>,
) -> impl Iterator<Item = (usize, usize)> {
    let mut before: &[u8] = &[];
    let mut open = None;
    std::iter::from_fn(move || {
        for (start, end) in lines.by_ref() {
            let line = &record[start..end];
            if line < before {
                is_in_order.set(false);
                return None;
            }
            before = line;
            match &mut open {
                Some((_, last)) if *last + 1 == start && record[*last] == b'\n' => *last = end,
                _ => {
                    if let Some(run) = open.replace((start, end)) {
                        return Some(run);
                    }
                }
            }
        }
        open.take()
    })
}

fn is_content(line: &[u8]) -> bool {
    let parts = memrchr(b',', line).and_then(|size| {
        let hash = memrchr(b',', &line[..size])?;
        Some((&line[..hash], &line[hash + 1..size]))
    });
    let Some((path, hash)) = parts else {
        return false;
    };
    if hash.is_empty() || path.ends_with(b".pyc") {
        return false;
    }
    let is_about = || {
        ABOUT.iter().any(|name| {
            path.strip_suffix(name.as_bytes())
                .is_some_and(|before| before.ends_with(b".dist-info/"))
        })
    };
    !path.starts_with(b"..") && !path.starts_with(b"/") && !is_about()
}

/// Reads where a distribution came from, if not from an index.
fn direct_url(bytes: &[u8]) -> Result<Map<String, Value>, String> {
    let json = read_document(bytes, &Limits::default()).map_err(|error| error.to_string())?;
    let mut facts = Map::new();
    let address = json.get("url").and_then(Value::as_str);
    let address = address.ok_or("there is no `url`")?;
    facts.insert("url".to_owned(), url::stripped(address).into());
    if let Some(folder) = json.get("subdirectory").and_then(Value::as_str) {
        facts.insert("subdirectory".to_owned(), folder.into());
    }
    let is_editable = json.get("dir_info").and_then(|it| it.get("editable"));
    if is_editable.and_then(Value::as_bool) == Some(true) {
        facts.insert("editable".to_owned(), true.into());
    }
    if let Some(vcs) = json.get("vcs_info") {
        for member in ["vcs", "commit_id", "requested_revision"] {
            if let Some(text) = vcs.get(member).and_then(Value::as_str) {
                facts.insert(member.to_owned(), text.into());
            }
        }
    }
    if let Some(hashes) = json.get("archive_info").and_then(|it| it.get("hashes"))
        && hashes.is_object()
    {
        facts.insert("hashes".to_owned(), hashes.clone());
    }
    Ok(facts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_are_the_same_wherever_and_by_whomever_they_were_installed() {
        let pip = b"a/__init__.py,sha256=aa,3\na/__pycache__/x.pyc,,\na-1.dist-info/INSTALLER,sha256=pp,4\na-1.dist-info/RECORD,,\n../../../bin/a,sha256=11,200\n";
        let uv = b"../../../bin/a,sha256=22,180\r\na-1.dist-info/INSTALLER,sha256=uu,2\r\na/__init__.py,sha256=aa,3\r\n";
        let patched = b"a/__init__.py,sha256=bb,3\n";
        assert_eq!(contents(pip), contents(uv));
        assert_ne!(contents(pip), contents(patched));
    }

    #[test]
    fn contents_are_the_same_in_whatever_order_and_with_whatever_ends_they_stand() {
        let sorted = b"a,sha256=aa,1\nb,sha256=bb,2\nc,sha256=cc,3\n";
        let others: [&[u8]; 3] = [
            b"b,sha256=bb,2\nc,sha256=cc,3\na,sha256=aa,1\n",
            b" a,sha256=aa,1\r\n\nx.pyc,,\nb,sha256=bb,2\n\tc,sha256=cc,3",
            b"c,sha256=cc,3\nb,sha256=bb,2\nb.pyc,sha256=bb,2\na,sha256=aa,1",
        ];
        for other in others {
            assert_eq!(contents(other), contents(sorted));
        }
        let digest = Digest::of_lines("python.files", sorted.trim_ascii().split(|it| *it == b'\n'));
        assert_eq!(contents(sorted), digest);
    }

    #[test]
    fn origin_is_told_without_its_credentials() {
        let json = br#"{"url":"https://ann:tok@host/r.git","vcs_info":{"vcs":"git","commit_id":"abc","requested_revision":"main"}}"#;
        let facts = Value::Object(direct_url(json).unwrap());
        let expected = json!({
            "url": "https://host/r.git", "vcs": "git", "commit_id": "abc",
            "requested_revision": "main",
        });
        assert_eq!(facts, expected);
    }
}
