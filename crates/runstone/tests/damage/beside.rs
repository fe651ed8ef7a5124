//! What an entry of a later release, a damaged one and something in the way of a log cost: their
//! own place, and nothing beside it.

use runstone::Ledger;
use runstone_testkit::{Files, Harm, Lab, replace, run};

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

fn second_slot(lab: &Lab) -> String {
    let files = Files::below(&lab.root());
    let mut slots = files.paths().filter(|path| path.contains("/log/"));
    slots.nth(1).unwrap().to_owned()
}

#[test]
fn recording_goes_on_beside_a_damaged_entry() {
    for way in [Harm::Flip, Harm::Truncate, Harm::Zero, Harm::Delete] {
        let lab = lab();
        way.strike(&lab.root(), &second_slot(&lab));
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
        assert_eq!(is_told, matches!(way, Harm::Zero | Harm::Delete), "{way:?}");
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
    let slot = lab.root().join(second_slot(&lab));
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
    replace(&slot, &bytes);

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
            replace(&place, b"");
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
