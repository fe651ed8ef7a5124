//! Databases of rpm: whole ones are read as SQLite reads them, damaged ones are told.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a failed step should stop the test, fixtures need no flush, and here SQLite is asked"
)]

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use proptest::prelude::*;
use runstone_env::{Capture, Options, Root, Source, SourceName, State, capture};
use tempfile::TempDir;

const DATABASE: &str = "usr/lib/sysimage/rpm/rpmdb.sqlite";

/// Makes a database with many packages. Headers are made here, the file by SQLite itself.
const MAKE: &str = r"
import sqlite3, struct, sys
path, page_bytes, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
def header(number):
    texts = [(1000, f'package-{number}'), (1001, f'{number}.0'), (1002, '1'), (1022, 'x86_64')]
    # What stands between is longer with each: files, for one.
    texts.insert(3, (1010, 'x' * (number * 37 % 60000)))
    entries, values = b'', b''
    for tag, text in texts:
        entries += struct.pack('>IIII', tag, 6, len(values), 1)
        values += text.encode() + b'\0'
    return struct.pack('>II', len(texts), len(values)) + entries + values
database = sqlite3.connect(path)
database.execute(f'PRAGMA page_size = {page_bytes}')
database.execute('CREATE TABLE Other (key TEXT)')
database.execute('CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)')
for number in range(count):
    database.execute('INSERT INTO Packages (blob) VALUES (?)', (header(number),))
database.execute('DELETE FROM Packages WHERE hnum % 7 = 3')
database.commit()
";

fn skipped(why: &str) {
    let text = format!("SKIPPED: {why}\n");
    std::io::stderr().write_all(text.as_bytes()).unwrap();
    let required = std::env::var("RUNSTONE_TEST_REQUIRE").unwrap_or_default();
    let is_required = required.split(',').any(|it| it == "managers");
    assert!(!is_required, "RUNSTONE_TEST_REQUIRE names `managers`");
}

/// A root with nothing but room for a database.
fn root() -> TempDir {
    let folder = TempDir::new().unwrap();
    let above = Path::new(DATABASE).parent().unwrap();
    std::fs::create_dir_all(folder.path().join(above)).unwrap();
    folder
}

fn captured(folder: &TempDir) -> Capture {
    capture(&Root::at(folder.path()).unwrap(), &Options::default())
}

fn rpm(capture: &Capture) -> &Source {
    &capture.environment.sources[&SourceName::Rpm]
}

fn fixture() -> Vec<u8> {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/fedora");
    std::fs::read(fixture.join(DATABASE)).unwrap()
}

#[test]
fn large_database_is_read_whatever_its_pages() {
    for page_bytes in ["512", "4096", "65536"] {
        let folder = root();
        let path = folder.path().join(DATABASE);
        let made = Command::new("python3")
            .args(["-c", MAKE, path.to_str().unwrap(), page_bytes, "2000"])
            .status();
        if !made.is_ok_and(|it| it.success()) {
            return skipped("there is no Python with SQLite");
        }
        let capture = captured(&folder);
        let source = rpm(&capture);
        assert_eq!(source.state, State::Captured, "{:?}", capture.record);
        let packages = source.packages.iter();
        let ours: BTreeSet<(String, String)> = packages
            .map(|it| (it.name.clone(), it.version.clone()))
            .collect();
        let left = (0..2000).filter(|number| (number + 1) % 7 != 3);
        let theirs: BTreeSet<(String, String)> = left
            .map(|number| (format!("package-{number}"), format!("{number}.0-1")))
            .collect();
        assert_eq!(ours, theirs, "pages of {page_bytes} bytes");
    }
}

#[test]
fn changes_that_are_not_in_the_database_yet_are_said() {
    let folder = root();
    std::fs::write(folder.path().join(DATABASE), fixture()).unwrap();
    let log = folder.path().join(format!("{DATABASE}-wal"));
    std::fs::write(&log, "").unwrap();
    assert_eq!(rpm(&captured(&folder)).state, State::Captured);
    std::fs::write(&log, "frames").unwrap();
    let capture = captured(&folder);
    assert_eq!(rpm(&capture).state, State::Partial);
    assert_eq!(rpm(&capture).packages.len(), 4);
}

#[test]
fn what_is_no_database_is_unreadable_and_not_without_packages() {
    for bytes in [b"".as_slice(), b"SQLite format 3\0", &[0; 4096]] {
        let folder = root();
        std::fs::write(folder.path().join(DATABASE), bytes).unwrap();
        let capture = captured(&folder);
        assert_eq!(rpm(&capture).state, State::Unreadable);
    }
    let folder = root();
    std::fs::write(folder.path().join("usr/lib/sysimage/rpm/Packages.db"), "").unwrap();
    assert_eq!(rpm(&captured(&folder)).state, State::Unreadable);
}

#[test]
fn every_beginning_of_a_database_is_told_from_the_whole() {
    let whole = fixture();
    for part in 0..20 {
        let folder = root();
        let beginning = &whole[..whole.len() * part / 20];
        std::fs::write(folder.path().join(DATABASE), beginning).unwrap();
        let capture = captured(&folder);
        let source = rpm(&capture);
        let is_whole = source.packages.len() == 4;
        assert!(is_whole || source.state != State::Captured, "{part}/20");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_bytes_in_a_database_come_to_an_end(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
        near in any::<bool>(),
    ) {
        let mut bytes = fixture();
        let end = if near { 600 } else { bytes.len() };
        for (at, byte) in changes {
            let at = at.index(end);
            bytes[at] = byte;
        }
        let folder = root();
        std::fs::write(folder.path().join(DATABASE), bytes).unwrap();
        let capture = captured(&folder);
        prop_assert!(rpm(&capture).packages.len() < 1000);
    }
}
