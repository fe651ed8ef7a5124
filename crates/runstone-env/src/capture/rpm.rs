//! rpm: whether there is a database. Its packages are not read.
//!
//! Saying so is the point: a machine with rpm packages must not look like one without.

use super::found::Found;
use crate::root::Root;

/// The databases of rpm, by kind: SQLite, ndb, Berkeley.
const DATABASES: [&str; 6] = [
    "usr/lib/sysimage/rpm/rpmdb.sqlite",
    "var/lib/rpm/rpmdb.sqlite",
    "usr/lib/sysimage/rpm/Packages.db",
    "var/lib/rpm/Packages.db",
    "usr/lib/sysimage/rpm/Packages",
    "var/lib/rpm/Packages",
];

pub(super) fn read(root: &Root) -> Found {
    let database = DATABASES.into_iter().find(|path| root.has(path));
    database.map_or_else(Found::absent, |path| {
        Found::unreadable(format!(
            "{path} is a database that this release does not read"
        ))
    })
}
