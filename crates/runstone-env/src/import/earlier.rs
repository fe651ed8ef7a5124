//! The folders of an earlier tool: one a snapshot, with lists of apt, pip and npm packages.
//!
//! Its lists are what three programs printed. One that failed left an empty list, so that an empty
//! list is *not known*; dpkg-query lists what was removed and not purged as well, and no
//! architectures. The invariant: a folder is known by its name alone, which has one of three
//! shapes; what a file says about its id is kept as text and leads nowhere. What the lists do not
//! hold, and every key that is not known here, is kept beside the document, without the names of
//! whose machine it was: those of another one no rule of the store knows.

use std::path::Path;

use runstone_core::canon;
use runstone_core::json::read_document;
use runstone_core::redact::{MASK, Redaction};
use serde_json::{Map, Value};

use super::json::limits;
use super::{Another, Format, Imported, NotImported, Read};
use crate::document::Package;
use crate::names::SourceName;
use crate::root::{Kind, Root, RootError};
use crate::{capture, grammar};

/// The one file of a snapshot.
const FILE: &str = "metadata.json";
/// The lists, and the sources they are of.
const LISTS: [(&str, SourceName); 3] = [
    ("apt", SourceName::Dpkg),
    ("npm", SourceName::Npm),
    ("pip", SourceName::Python),
];
/// What its list of npm says where no version is known.
const NO_VERSION: &str = "unknown";
/// Members that name a host or a user.
const PERSONAL: [&str; 8] = [
    "fqdn",
    "host",
    "host_name",
    "hostname",
    "nodename",
    "user",
    "user_name",
    "username",
];
/// Most that is kept beside a document, in bytes of canonical JSON. Chosen: an `os-release` is a
/// hundredth of it.
const TOLD_BYTES_MAX: usize = 64 * 1024;

/// A folder that is called like a snapshot.
#[derive(Debug)]
pub struct Earlier {
    /// The name of the folder: `20251118_231533_3f9a0c1e`.
    pub id: String,
    /// What it holds, or why it cannot be read.
    pub imported: Result<Imported, NotRead>,
}

/// What is in a folder of the earlier tool.
#[derive(Debug)]
pub struct Folder {
    /// The snapshots, in the order of their names, which is that of time.
    pub snapshots: Vec<Earlier>,
    /// Names of what is no snapshot.
    pub passed_over: Vec<String>,
}

/// Why a snapshot cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum NotRead {
    /// Its file cannot be read.
    #[error(transparent)]
    File(#[from] RootError),
    /// It has no file.
    #[error("it has no `{FILE}`")]
    NoFile,
    /// Its file is none of that tool.
    #[error(transparent)]
    Content(#[from] NotImported),
}

/// Reads every snapshot in a folder of the earlier tool. Links that lead out of it lead nowhere.
///
/// # Errors
/// [`RootError`] if it cannot be listed.
pub fn read(folder: &Root, redaction: &Redaction) -> Result<Folder, RootError> {
    let listing = folder.list("")?.unwrap_or_default();
    let mut found = Folder {
        snapshots: Vec::new(),
        passed_over: Vec::new(),
    };
    for entry in listing.entries {
        if entry.kind != Kind::Folder || !is_id(&entry.name) {
            found.passed_over.push(entry.name);
            continue;
        }
        found.snapshots.push(Earlier {
            imported: snapshot(folder, &entry.name, redaction),
            id: entry.name,
        });
    }
    Ok(found)
}

/// Tells whether a name is one of the three shapes: date and time; those and microseconds; those
/// and eight hex digits.
fn is_id(name: &str) -> bool {
    let are_digits = |text: &str| text.bytes().all(|it| it.is_ascii_digit());
    let mut parts = name.split('_');
    let (date, time) = (parts.next(), parts.next());
    let is_instant = date.is_some_and(|it| it.len() == 8 && are_digits(it))
        && time.is_some_and(|it| it.len() == 6 && are_digits(it));
    let is_ending = match parts.next() {
        None => true,
        Some(ending) => (ending.len() == 6 && are_digits(ending)) || grammar::is_hex(ending, 8..=8),
    };
    is_instant && is_ending && parts.next().is_none()
}

fn snapshot(folder: &Root, id: &str, redaction: &Redaction) -> Result<Imported, NotRead> {
    let bytes = folder.read(Path::new(id).join(FILE))?;
    let bytes = bytes.ok_or(NotRead::NoFile)?;
    let document = read_document(&bytes, &limits()).map_err(NotImported::NotJson)?;
    Ok(of_document(id, document)?.settled(redaction)?)
}

fn of_document(id: &str, mut document: Map<String, Value>) -> Result<Read, NotImported> {
    let Some(Value::Object(mut lists)) = document.remove("packages") else {
        return Err(NotImported::NotThisFormat {
            format: Format::Json,
            found: Another("it has no lists under `packages`".to_owned()),
        });
    };
    document.iter_mut().for_each(mask_names);
    let mut read = Read::default();
    for (list, source) in LISTS {
        match lists.remove(list) {
            Some(Value::Array(packages)) if packages.is_empty() => read.warnings.push(format!(
                "{list}: an empty list, as a failed capture left it: nothing is known of `{}`",
                source.as_str()
            )),
            Some(Value::Array(packages)) => self::packages(list, source, packages, &mut read),
            Some(_) => read.lacks(format!("/packages/{list}"), list, "it is no list"),
            None => {}
        }
    }
    if read.environment.sources.contains_key(&SourceName::Dpkg) {
        read.warnings.push(
            "apt: its list has packages that were removed and not purged, and no architectures"
                .to_owned(),
        );
    }
    let info = document.get("system_info").and_then(Value::as_object);
    system(&info.cloned().unwrap_or_default(), &mut read);
    if document.get("id").and_then(Value::as_str) != Some(id) {
        read.warnings
            .push("its file says another id than its folder is called by".to_owned());
    }
    if !lists.is_empty() {
        document.insert("packages".to_owned(), Value::Object(lists));
    }
    if canon::bytes(&document).len() > TOLD_BYTES_MAX {
        read.warnings.push(format!(
            "what its file says beside packages is more than {TOLD_BYTES_MAX} bytes, and not kept"
        ));
    } else {
        read.told = document;
    }
    Ok(read)
}

/// Masks what a member says, if that is the name of a host or a user, and what is below it.
fn mask_names((name, value): (&String, &mut Value)) {
    match value {
        Value::String(text) if PERSONAL.contains(&name.to_ascii_lowercase().as_str()) => {
            MASK.clone_into(text);
        }
        Value::Object(members) => members.iter_mut().for_each(mask_names),
        _ => {}
    }
}

fn packages(list: &str, source: SourceName, packages: Vec<Value>, read: &mut Read) {
    for (position, package) in packages.into_iter().enumerate() {
        let place = format!("/packages/{list}/{position}");
        let Value::Object(mut members) = package else {
            read.lacks(place, "", "it is no package with name and version");
            continue;
        };
        let mut text = |name: &str| match members.remove(name) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        let (name, version) = (text("name"), text("version"));
        let name = name.unwrap_or_default();
        let Some(version) = version.filter(|it| !it.is_empty() && it != NO_VERSION) else {
            read.lacks(place, name, "its version is not known");
            continue;
        };
        let mut package = Package::new(name, version);
        if source == SourceName::Python {
            let raw = std::mem::take(&mut package.name);
            package.name = grammar::python_name(&raw);
            if package.name != raw {
                package.facts.insert("raw_name".to_owned(), raw.into());
            }
        }
        // Whatever else somebody wrote about it.
        package.facts.extend(members);
        read.package(place, source, package);
    }
}

/// Takes over what is told of the system: the lines of its `os-release`, kernel and machine.
fn system(info: &Map<String, Value>, read: &mut Read) {
    let text = |name: &str| info.get(name).and_then(Value::as_str);
    let release = capture::RELEASE_FIELDS.iter().filter_map(|field| {
        let name = field.to_ascii_lowercase();
        let value = text(&name)?.to_owned();
        Some((name, Value::from(value)))
    });
    let release: Map<String, Value> = release.collect();
    if !release.is_empty() {
        read.fact(SourceName::Os, "release", release);
    }
    for (theirs, ours) in [("arch", "machine"), ("kernel", "release")] {
        if let Some(value) = text(theirs) {
            read.fact(SourceName::Kernel, ours, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folder_is_known_by_one_of_three_shapes() {
        for id in [
            "20251118_231533",
            "20251118_231533_123456",
            "20251118_231533_3f9a0c1e",
        ] {
            assert!(is_id(id), "{id}");
        }
        for other in [
            "",
            ".",
            "..",
            "20251118",
            "20251118_23153",
            "20251118_231533_",
            "20251118_231533_12345",
            "20251118_231533_3F9A0C1E",
            "20251118_231533_3f9a0c1e_1",
            "20251118_231533 ",
            "../20251118_231533",
            ".snapshots.lock",
        ] {
            assert!(!is_id(other), "{other}");
        }
    }
}
