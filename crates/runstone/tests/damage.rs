//! Damage costs the damaged snapshot and nothing else, and is named.
//!
//! Every file of a small store is damaged in turn, in several ways. What was not damaged stays
//! readable, recording goes on, and `verify` names what was done, or says rightly that nothing true
//! was touched.

#![expect(clippy::unwrap_used, reason = "a failed step should stop the test")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use runstone::Ledger;
use runstone_testkit::{Lab, run};

#[derive(Debug, Clone, Copy)]
enum Harm {
    Flip,
    Truncate,
    Empty,
    Delete,
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

fn harm(file: &Path, harm: Harm) {
    let mut bytes = std::fs::read(file).unwrap();
    // A name of its own, so that the other names of the same file keep their bytes.
    std::fs::remove_file(file).unwrap();
    match harm {
        Harm::Flip => {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0x10;
        }
        Harm::Truncate => bytes.truncate(bytes.len() * 2 / 3),
        Harm::Empty => bytes.clear(),
        Harm::Delete => return,
    }
    put(file, &bytes);
}

/// Puts a file of its own where one stood or stands.
fn put(file: &Path, bytes: &[u8]) {
    if file.exists() {
        std::fs::remove_file(file).unwrap();
    }
    let mut options = std::fs::OpenOptions::new();
    let mut written = options.write(true).create_new(true).open(file).unwrap();
    std::io::Write::write_all(&mut written, bytes).unwrap();
    written
        .set_permissions(std::fs::Permissions::from_mode(0o400))
        .unwrap();
}

/// What verify has to say about a harmed file.
#[derive(Debug, PartialEq, Eq)]
enum Owed {
    /// Truth: it is named as damage.
    Damage,
    /// A claim whose slot stands: named as stale at most, and nothing true is lost.
    Nothing,
}

fn owed(relative: &str, harm: Harm) -> Owed {
    let is_log = relative.contains("/log/");
    match harm {
        // The newest entry deleted leaves a shorter log: its views tell.
        _ if is_log || relative.ends_with("cohort.json") || relative.starts_with("objects/") => {
            Owed::Damage
        }
        // Without its claim an entry could be recorded a second time.
        Harm::Delete if relative.starts_with("keys/") => Owed::Damage,
        // A default profile that is built in is known without its file.
        Harm::Delete if relative.starts_with("profiles/") => Owed::Nothing,
        _ if relative.starts_with("profiles/") => Owed::Damage,
        _ => Owed::Nothing,
    }
}

fn lab() -> Lab {
    let lab = Lab::new();
    lab.record(run("r1")).unwrap();
    let mut large = run("r2");
    for number in 0..100 {
        let text = format!("layer {number} {}", "dense ".repeat(150));
        large = large.with(&format!("factors.layer_{number}"), text);
    }
    lab.record(large).unwrap();
    lab.record(run("r3").auc(0.7)).unwrap();
    lab
}

#[test]
fn every_file_of_a_store_may_be_damaged_and_the_rest_stays_readable() {
    let lab = lab();
    assert!(
        lab.root()
            .join("objects")
            .read_dir()
            .unwrap()
            .next()
            .is_some()
    );
    for file in files_below(&lab.root()) {
        let relative = file.strip_prefix(lab.root()).unwrap();
        let relative = relative.to_str().unwrap().to_owned();
        if relative == "runstone.json" {
            continue;
        }
        let whole = std::fs::read(&file).unwrap();
        for way in [Harm::Flip, Harm::Truncate, Harm::Empty, Harm::Delete] {
            harm(&file, way);
            let at = format!("{way:?} {relative}");

            let ledger = Ledger::open(&lab.root()).unwrap();
            let verified = ledger.verify().unwrap();
            match owed(&relative, way) {
                Owed::Damage => assert!(!verified.is_ok(), "{at} was not named"),
                Owed::Nothing => assert!(verified.is_ok(), "{at}: {:?}", verified.damage),
            }
            let readable = ["r1", "r2", "r3"]
                .iter()
                .filter(|run_id| ledger.find(run_id).is_ok())
                .count();
            assert!(readable >= 2, "{at}: only {readable} of 3 can be read");
            put(&file, &whole);
        }
    }
    assert!(lab.reopened().verify().unwrap().is_ok());
}

#[test]
fn recording_goes_on_beside_a_damaged_entry() {
    for way in [Harm::Flip, Harm::Truncate, Harm::Empty, Harm::Delete] {
        let lab = lab();
        let slot = files_below(&lab.root())
            .into_iter()
            .find(|file| file.ends_with("00000000000000000002"))
            .unwrap();
        harm(&slot, way);
        let ledger = Ledger::open(&lab.root()).unwrap();
        let document = run("r4").build();
        let input = runstone::core::input::RunInput::from_document(document);
        let recorded = ledger.record(runstone::RecordRequest::of(input)).unwrap();
        assert_eq!(recorded.place.seq.0, 4, "{way:?}");
        assert_eq!(
            recorded.answer.diff.previous.unwrap().run_id.as_str(),
            "r3",
            "{way:?}"
        );
        // What of an entry cannot be looked back at is said.
        let is_told = recorded
            .warnings
            .iter()
            .any(|warning| warning.contains("#2"));
        assert_eq!(
            is_told,
            matches!(way, Harm::Empty | Harm::Delete),
            "{way:?}"
        );
        assert!(!ledger.verify().unwrap().is_ok(), "{way:?}");
    }
}

/// The checksum of an entry's trailer (CRC-32C, reflected polynomial 0x82F63B78), bit by bit.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0x82F6_3B78 & (crc & 1).wrapping_neg())
        })
    })
}

#[test]
fn an_entry_of_a_later_release_costs_its_own_place_and_recording_goes_on() {
    let lab = lab();
    let slot = files_below(&lab.root())
        .into_iter()
        .find(|file| file.ends_with("00000000000000000002"))
        .unwrap();
    let mut bytes = std::fs::read(&slot).unwrap();
    let digit = bytes
        .windows(10)
        .position(|at| at == b"\"format\":1")
        .unwrap()
        + 9;
    bytes[digit] = b'2';
    let covered = bytes.len() - 9;
    let checksum = format!("{:08x}\n", crc32c(&bytes[..covered]));
    bytes[covered..].copy_from_slice(checksum.as_bytes());
    std::fs::remove_file(&slot).unwrap();
    let mut options = std::fs::OpenOptions::new();
    let mut written = options.write(true).create_new(true).open(&slot).unwrap();
    std::io::Write::write_all(&mut written, &bytes).unwrap();

    let ledger = Ledger::open(&lab.root()).unwrap();
    let page = ledger.log(&runstone::list::LogRequest::default()).unwrap();
    assert_eq!(page.rows.len(), 2);
    assert_eq!(page.unreadable.len(), 1, "{:?}", page.unreadable);
    let input = runstone::core::input::RunInput::from_document(run("r4").build());
    let recorded = ledger.record(runstone::RecordRequest::of(input)).unwrap();
    assert_eq!(recorded.place.seq.0, 4);
    assert_eq!(recorded.answer.diff.previous.unwrap().run_id.as_str(), "r3");

    // Everything else is checked and made again, and nothing of it is called damaged.
    let place = format!("{}#2", recorded.place.cohort);
    let verified = lab.reopened().verify_and_repair().unwrap();
    assert!(verified.is_ok(), "{:?}", verified.damage);
    assert_eq!((verified.not_checked(), verified.checked.snapshots), (1, 3));
    let rebuilt = lab.reopened().rebuild_views(None, &mut |_, _| ()).unwrap();
    assert_eq!(
        (rebuilt.newer, rebuilt.unreadable.len()),
        (vec![place.clone()], 0)
    );
    let mut exported = Vec::new();
    let ledger = lab.reopened();
    let extent = ledger.extent().unwrap();
    ledger
        .export(&extent, None, &mut |found| {
            if let runstone::export::Found::Unreadable { place, .. } = found {
                exported.push(place);
            }
            Ok::<(), runstone::Error>(())
        })
        .unwrap();
    assert_eq!(exported, [place]);
}

/// What may stand in the way of a whole log, or of a part of it.
#[derive(Debug, Clone, Copy)]
enum InTheWay {
    OfTheLog,
    OfTheLogWhoseCohortLostItsDocument,
    OfTheShard,
    OfTheNotes,
    ALink,
}

#[test]
fn a_log_that_cannot_be_opened_costs_its_own_cohort_alone_and_is_named() {
    for way in [
        InTheWay::OfTheLog,
        InTheWay::OfTheLogWhoseCohortLostItsDocument,
        InTheWay::OfTheShard,
        InTheWay::OfTheNotes,
        InTheWay::ALink,
    ] {
        let lab = Lab::new();
        let hit = lab.record(run("hit")).unwrap().place.cohort;
        let other = run("whole").with("identity.dataset.sha256", "d2");
        let whole = lab.record(other).unwrap().place.cohort;
        assert_ne!(hit, whole);
        let cohort = lab.root().join(format!("cohorts/{hit}"));
        let log = cohort.join("log");
        let place = match way {
            InTheWay::OfTheShard => std::fs::read_dir(&log)
                .unwrap()
                .next()
                .unwrap()
                .unwrap()
                .path(),
            InTheWay::OfTheNotes => cohort.join("notes"),
            _ => log,
        };
        let moved = std::process::Command::new("mv")
            .arg(&place)
            .arg(lab.folder().join("elsewhere"))
            .status();
        assert!(moved.unwrap().success());
        if matches!(way, InTheWay::OfTheLogWhoseCohortLostItsDocument) {
            std::fs::remove_file(cohort.join("cohort.json")).unwrap();
        }
        if matches!(way, InTheWay::ALink) {
            std::os::unix::fs::symlink(lab.folder().join("elsewhere"), &place).unwrap();
        } else {
            let mut options = std::fs::OpenOptions::new();
            options.write(true).create_new(true).open(&place).unwrap();
        }

        let ledger = Ledger::open(&lab.root()).unwrap();
        let page = ledger.log(&runstone::list::LogRequest::default()).unwrap();
        assert_eq!(page.rows.len(), 1, "{way:?}");
        assert_eq!(page.unreadable.len(), 1, "{way:?}: {:?}", page.unreadable);
        assert!(page.unreadable[0].starts_with(hit.as_str()), "{way:?}");

        let (mut rows, mut unreadable) = (0, Vec::new());
        let extent = ledger.extent().unwrap();
        ledger
            .export(&extent, None, &mut |found| {
                match found {
                    runstone::export::Found::Snapshot(_) => rows += 1,
                    runstone::export::Found::Unreadable { place, why } => {
                        unreadable.push(format!("{place}: {why}"));
                    }
                }
                Ok::<(), runstone::Error>(())
            })
            .unwrap();
        assert_eq!(rows, 1, "{way:?}");
        assert_eq!(unreadable.len(), 1, "{way:?}: {unreadable:?}");
        assert!(
            unreadable[0].contains(hit.as_str()) && unreadable[0].contains("file type"),
            "{way:?}: {unreadable:?}"
        );

        let relative = place
            .strip_prefix(lab.root())
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        let verified = ledger.verify().unwrap();
        let named: Vec<_> = verified
            .damage
            .iter()
            .filter(|damaged| damaged.path.starts_with(&relative))
            .collect();
        assert_eq!(named.len(), 1, "{way:?}: {:?}", verified.damage);
        assert_eq!(named[0].kind, "file type", "{way:?}");
        assert!(
            verified
                .damage
                .iter()
                .all(|damaged| damaged.path.contains(hit.as_str())),
            "{way:?}: {:?}",
            verified.damage
        );
        // Whether its claims hold a place cannot be told.
        assert!(
            verified
                .stale
                .iter()
                .all(|stale| !stale.path.starts_with("keys/")),
            "{way:?}: {:?}",
            verified.stale
        );

        assert_eq!(ledger.cohorts().unwrap().len(), 2, "{way:?}");
        assert_eq!(
            ledger.find("@latest").unwrap().snapshot.run_id.as_str(),
            "whole"
        );
        assert_eq!(
            ledger.find("whole").unwrap().snapshot.run_id.as_str(),
            "whole"
        );
        let document = run("next").with("identity.dataset.sha256", "d2").build();
        let input = runstone::core::input::RunInput::from_document(document);
        let recorded = ledger.record(runstone::RecordRequest::of(input)).unwrap();
        assert_eq!(recorded.place.seq.0, 2, "{way:?}");
    }
}
