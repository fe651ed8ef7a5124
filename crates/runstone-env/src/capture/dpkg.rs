//! dpkg: `status`, the journal over it, and the folder of images without dpkg.
//!
//! The invariant: a package is what its *state* says. One that was removed and not purged still
//! has a stanza, and is not installed; it is listed apart, as all that is in between is. The key is
//! name and architecture. A database that is empty or cut off is no machine without packages. Marks
//! (`auto`) belong to `apt`.
//!
//! # Source
//! `dpkg(1)` (package states, selections, flags), `deb-status(5)`; `lib/dpkg/dbmodify.c` for the
//! journal.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::found::Found;
use crate::document::Package;
use crate::root::Root;
use crate::stanza::{Line, Stanza, is_whole, stanzas};

const STATUS: &str = "var/lib/dpkg/status";
/// One file a change that is not in `status` yet; their names are numbers, in order.
const JOURNAL: &str = "var/lib/dpkg/updates";
/// One file a package, in images that were put together without dpkg.
const PARTS: &str = "var/lib/dpkg/status.d";

pub(super) fn read(root: &Root) -> Found {
    let mut found = Found::captured();
    // dpkg replaces `status`, which changes the folder; others write into it.
    found.watch(root, "var/lib/dpkg");
    found.watch(root, STATUS);
    let status = found.read(root, STATUS);
    let journal = found.names(root, JOURNAL).unwrap_or_default();
    let parts = found.names(root, PARTS);
    if status.is_none() && parts.is_none() {
        if found.warnings.is_empty() {
            return Found::absent();
        }
        return Found::unreadable(found.warnings.join("; "));
    }
    let mut records = Records::default();
    let status = status.unwrap_or_default();
    if !status.is_empty() && !is_whole(&status) {
        found.lacks(format!("{STATUS} ends within a stanza: it was cut off"));
    }
    records.add(STATUS, &status, &mut found);
    for entry in journal {
        if entry.name.bytes().all(|byte| byte.is_ascii_digit()) {
            let path = format!("{JOURNAL}/{}", entry.name);
            let bytes = found.read(root, &path).unwrap_or_default();
            records.add(&path, &bytes, &mut found);
        }
    }
    for entry in parts.unwrap_or_default() {
        if !entry.name.ends_with(".md5sums") {
            let path = format!("{PARTS}/{}", entry.name);
            let bytes = found.read(root, &path).unwrap_or_default();
            records.add(&path, &bytes, &mut found);
        }
    }
    if records.0.is_empty() {
        // No machine that has this database has no package: power was lost, or somebody writes.
        found.lacks("the database of dpkg names no package: it is empty or was cut off");
    }
    let native = native(root, &mut found, &records);
    records.settle(native.as_deref(), &mut found);
    if let Some(native) = native {
        found.fact("native_arch", native);
    }
    found
}

/// Returns the architecture of the system: what dpkg was told, or that of dpkg itself.
fn native(root: &Root, found: &mut Found, records: &Records) -> Option<String> {
    let told = found.text(root, "var/lib/dpkg/arch");
    let told = told.and_then(|text| text.lines().next().map(|line| line.trim().to_owned()));
    told.filter(|arch| !arch.is_empty()).or_else(|| {
        let records = records.0.values();
        let mut dpkg = records.filter(|it| it.name == "dpkg" && it.status.is_installed());
        dpkg.find_map(|it| it.arch.clone())
    })
}

/// What is known of each package, by name and architecture. The later of two stanzas counts.
/// Fields by which dpkg, and before it apt, keep a package from being removed in passing.
///
/// # Source
/// `deb-control(5)` of dpkg 1.21 (`Protected`); `apt-get(8)` of apt 2.0 (`Important`).
const PROTECTING: [&[u8]; 2] = [b"Protected", b"Important"];

#[derive(Debug, Default)]
struct Records(BTreeMap<(String, Option<String>), Record>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Record {
    name: String,
    version: Option<String>,
    arch: Option<String>,
    status: Status,
    is_essential: bool,
    is_protected: bool,
    priority: Option<String>,
}

/// What is wanted, whether it must be installed again, and what is.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Status {
    want: String,
    flag: String,
    state: String,
}

impl Records {
    fn add(&mut self, path: &str, bytes: &[u8], found: &mut Found) {
        for (position, stanza) in stanzas(bytes).enumerate() {
            match Record::of(stanza) {
                Ok(record) => {
                    let key = (record.name.clone(), record.arch.clone());
                    self.0.insert(key, record);
                }
                Err(problem) => {
                    found.lacks(format!("stanza {} of {path}: {problem}", position + 1));
                }
            }
        }
    }

    fn settle(self, native: Option<&str>, found: &mut Found) {
        let mut other_states = Vec::new();
        for record in self.0.into_values() {
            let arch = record.arch.clone().or(native.map(ToOwned::to_owned));
            if record.status.is_installed() {
                let Some(version) = record.version.clone() else {
                    found.lacks(format!("{} is installed without a version", record.name));
                    continue;
                };
                found.package(Package {
                    facts: record.facts(),
                    name: record.name,
                    version,
                    arch,
                });
            } else if record.status.state != "not-installed" {
                other_states.push(json!({
                    "name": record.name,
                    "version": record.version,
                    "arch": arch,
                    "state": record.status.state,
                    "want": record.status.want,
                }));
            }
        }
        found.list("other_states", other_states);
    }
}

impl Record {
    fn of(stanza: Stanza<'_>) -> Result<Self, String> {
        let mut name = None;
        let mut record = Self {
            name: String::new(),
            version: None,
            arch: None,
            status: Status::default(),
            is_essential: false,
            is_protected: false,
            priority: None,
        };
        for line in stanza.lines() {
            let Line::Field(field, value) = line else {
                return Err("a line is no field".to_owned());
            };
            let text = || {
                str::from_utf8(value)
                    .map(ToOwned::to_owned)
                    .map_err(|_error| {
                        let field = String::from_utf8_lossy(field);
                        format!("`{field}` is not UTF-8")
                    })
            };
            if field.eq_ignore_ascii_case(b"Package") {
                name = Some(text()?);
            } else if field.eq_ignore_ascii_case(b"Version") {
                record.version = Some(text()?).filter(|it| !it.is_empty());
            } else if field.eq_ignore_ascii_case(b"Architecture") {
                record.arch = Some(text()?).filter(|it| !it.is_empty());
            } else if field.eq_ignore_ascii_case(b"Status") {
                record.status = Status::of(&text()?)?;
            } else if field.eq_ignore_ascii_case(b"Essential") {
                record.is_essential = value.eq_ignore_ascii_case(b"yes");
            } else if PROTECTING.iter().any(|it| field.eq_ignore_ascii_case(it)) {
                record.is_protected |= value.eq_ignore_ascii_case(b"yes");
            } else if field.eq_ignore_ascii_case(b"Priority") {
                record.priority = Some(text()?);
            }
        }
        record.name = name
            .filter(|name| !name.is_empty())
            .ok_or("there is no `Package`")?;
        Ok(record)
    }

    /// Returns what is out of the ordinary.
    fn facts(&self) -> Map<String, Value> {
        let mut facts = Map::new();
        if self.status.want != "install" {
            facts.insert("want".to_owned(), self.status.want.clone().into());
        }
        if self.status.flag != "ok" {
            facts.insert("flag".to_owned(), self.status.flag.clone().into());
        }
        if self.is_essential {
            facts.insert("essential".to_owned(), true.into());
        }
        if self.is_protected {
            facts.insert("protected".to_owned(), true.into());
        }
        if self.priority.as_deref() == Some("required") {
            facts.insert("priority".to_owned(), "required".into());
        }
        facts
    }
}

impl Default for Status {
    /// Of a stanza that does not say: images without dpkg hold what is installed.
    fn default() -> Self {
        Self {
            want: "install".to_owned(),
            flag: "ok".to_owned(),
            state: "installed".to_owned(),
        }
    }
}

impl Status {
    fn of(text: &str) -> Result<Self, String> {
        let mut words = text.split_ascii_whitespace().map(ToOwned::to_owned);
        let mut next = || words.next();
        match (next(), next(), next(), next()) {
            (Some(want), Some(flag), Some(state), None) => Ok(Self { want, flag, state }),
            _ => Err(format!("`Status: {text}` is not three words")),
        }
    }

    fn is_installed(&self) -> bool {
        // What waits for a trigger is configured; dpkg counts it so.
        matches!(
            self.state.as_str(),
            "installed" | "triggers-awaited" | "triggers-pending"
        )
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a fixture needs no flush")]
    fn status_that_is_written_into_is_seen_to_have_changed() {
        let folder = TempDir::new().unwrap();
        std::fs::create_dir_all(folder.path().join("var/lib/dpkg")).unwrap();
        let status = folder.path().join(STATUS);
        std::fs::write(&status, "").unwrap();
        let root = Root::at(folder.path()).unwrap();
        let found = read(&root);
        assert!(found.is_settled(&root));
        // The folder stays as it is: its names are the same.
        std::fs::write(&status, "Package: a\n").unwrap();
        assert!(!found.is_settled(&root));
    }
}
