//! rpm: one header a package, in the SQLite database of Fedora and Red Hat.
//!
//! ```text
//! sqlite   one table of a file, row by row       header   a package's tags
//! ```
//!
//! Other databases (`ndb` of SUSE, Berkeley of old releases) are `unreadable`: a machine with rpm
//! packages must not look like one without. Several versions of one name are ordinary: kernels and
//! keys are kept beside each other.

mod header;
mod sqlite;

use serde_json::Map;

use self::header::{Header, Tag};
use self::sqlite::{Database, Field, Row};
use super::found::Found;
use crate::document::Package;
use crate::root::Root;

/// The databases that are read.
const DATABASES: [&str; 2] = [
    "usr/lib/sysimage/rpm/rpmdb.sqlite",
    "var/lib/rpm/rpmdb.sqlite",
];
/// Those that are not: ndb and Berkeley.
const OTHERS: [&str; 4] = [
    "usr/lib/sysimage/rpm/Packages.db",
    "var/lib/rpm/Packages.db",
    "usr/lib/sysimage/rpm/Packages",
    "var/lib/rpm/Packages",
];
/// How much of a row is read at first, in bytes. Chosen: the signatures and the tags that are
/// wanted stand in the first four.
const ROW_BYTES: u64 = 16 * 1024;
/// Largest row that is read, in bytes: 256 MiB is the largest header rpm takes
/// (`HEADER_DATA_MAX`); chosen, a quarter of it.
const ROW_BYTES_MAX: u64 = 64 * 1024 * 1024;

pub(super) fn read(root: &Root) -> Found {
    let Some(path) = DATABASES.into_iter().find(|path| root.has(path)) else {
        let other = OTHERS.into_iter().find(|path| root.has(path));
        return other.map_or_else(Found::absent, |path| {
            Found::unreadable(format!(
                "{path} is a database that this release does not read"
            ))
        });
    };
    let mut found = Found::captured();
    let log = format!("{path}-wal");
    found.watch(root, path);
    found.watch(root, &log);
    if root.beginning(&log, 1).is_some_and(|it| !it.is_empty()) {
        found.lacks(format!(
            "{log} holds changes that are not in the database yet, and is not read"
        ));
    }
    let file = match root.file(path) {
        Ok(Some(file)) => file,
        Ok(None) => return Found::absent(),
        Err(error) => return Found::unreadable(super::found::explained(&error)),
    };
    let rows = Database::of(file).and_then(|database| {
        let mut number = 0;
        database.rows("Packages", ROW_BYTES, |row| {
            number += 1;
            match package(row) {
                Some(package) => found.package(package),
                None => found.lacks(format!("package {number} of {path} cannot be read")),
            }
        })
    });
    if let Err(damage) = rows {
        if found.source.packages.is_empty() {
            return Found::unreadable(format!("{path}: {damage}"));
        }
        found.lacks(format!("{path}: {damage}"));
    }
    found
}

fn package(row: &Row<'_>) -> Option<Package> {
    let Field::Bytes(beginning) = row.field(1)? else {
        return None;
    };
    let header = Header::of(&beginning);
    let is_enough = header.is_some_and(|header| {
        let tags = [Tag::Sha256, Tag::Name, Tag::Version, Tag::Release];
        let more = [Tag::Epoch, Tag::Arch, Tag::ModularityLabel];
        !tags.into_iter().chain(more).any(|tag| header.lacks(tag))
    });
    if is_enough {
        return of_header(&header?);
    }
    let Field::Bytes(whole) = row.whole_field(1, ROW_BYTES_MAX)? else {
        return None;
    };
    of_header(&Header::of(&whole)?)
}

fn of_header(header: &Header<'_>) -> Option<Package> {
    let (version, release) = (header.text(Tag::Version)?, header.text(Tag::Release)?);
    let version = match header.number(Tag::Epoch) {
        Some(epoch) => format!("{epoch}:{version}-{release}"),
        None => format!("{version}-{release}"),
    };
    let mut facts = Map::new();
    let texts = [("build", Tag::Sha256), ("module", Tag::ModularityLabel)];
    for (name, tag) in texts {
        if let Some(text) = header.text(tag) {
            facts.insert(name.to_owned(), text.into());
        }
    }
    Some(Package {
        name: header.text(Tag::Name)?,
        version,
        // Keys have none.
        arch: header.text(Tag::Arch).filter(|arch| arch != "(none)"),
        facts,
    })
}
