//! Objects that nobody names go in two steps, a day apart, and come back if somebody names them.

#![expect(clippy::unwrap_used, reason = "a failed step should stop the test")]

mod support;

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use runstone_store::dir::faults::{Fault, FaultyFileSystem, Moment};
use runstone_store::dir::{Kind, OsFileSystem};
use runstone_store::{
    DirStore, Discarded, Finding, Hash256, Slot, StaleKind, Standing, Store, Sweep, SystemEntropy,
};
use support::Place;

const DAY: Duration = Duration::from_hours(24);

fn put(store: &dyn Store, bytes: &[u8]) -> Hash256 {
    store.put_object(bytes, Standing::Unproven).unwrap()
}

fn in_place(place: &Place, digest: Hash256) -> PathBuf {
    let name = digest.to_string();
    place.path().join("objects").join(&name[..2]).join(name)
}

fn write(path: &Path, text: &str) {
    let made = OpenOptions::new().write(true).create_new(true).open(path);
    made.unwrap().write_all(text.as_bytes()).unwrap();
}

/// Makes an object a day old.
fn age(place: &Place, digest: Hash256) {
    let file = File::open(in_place(place, digest)).unwrap();
    let modified = file.metadata().unwrap().modified().unwrap();
    file.set_modified(modified - DAY).unwrap();
}

/// Returns what lies in the trash.
fn trash(place: &Place) -> Vec<String> {
    let listed = std::fs::read_dir(place.path().join("trash")).unwrap();
    let mut names: Vec<String> = listed
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Lets a day pass for all that lies in the trash.
fn age_trash(place: &Place) {
    for name in trash(place) {
        let (digest, since) = name.split_once('.').unwrap();
        let since: u64 = since.parse().unwrap();
        let older = format!("{digest}.{}", since - DAY.as_secs());
        let dir = place.path().join("trash");
        std::fs::hard_link(dir.join(&name), dir.join(older)).unwrap();
        std::fs::remove_file(dir.join(name)).unwrap();
    }
}

fn discard(store: &dyn Store, named: &[Hash256]) -> Discarded {
    let named: BTreeSet<Hash256> = named.iter().copied().collect();
    store
        .discard(Sweep::Remove, &mut || Some(named.clone()))
        .unwrap()
}

fn whole(store: &dyn Store, digest: Hash256) -> bool {
    matches!(store.object(&digest).unwrap(), Slot::Whole(_))
}

#[test]
fn object_that_nobody_names_waits_a_day_in_the_trash_and_is_gone() {
    let place = Place::new();
    let store = place.init();
    let (named, unnamed) = (put(&store, b"named"), put(&store, b"unnamed"));
    let young = discard(&store, &[named]);
    assert_eq!((young.young, young.trashed.len()), (1, 0), "{young:?}");
    age(&place, named);
    age(&place, unnamed);
    let looked = store
        .discard(Sweep::Look, &mut || Some(BTreeSet::from([named])))
        .unwrap();
    assert_eq!(looked.trashed, [unnamed]);
    assert!(trash(&place).is_empty(), "a look moves nothing");

    assert_eq!(discard(&store, &[named]).trashed, [unnamed]);
    assert!(!in_place(&place, unnamed).exists());
    assert!(whole(&store, unnamed), "readers look into the trash");
    assert_eq!(discard(&store, &[named]).waiting, 1);
    age_trash(&place);
    let looked = store
        .discard(Sweep::Look, &mut || Some(BTreeSet::from([named])))
        .unwrap();
    assert_eq!(looked.emptied, [unnamed]);
    assert!(whole(&store, unnamed), "a look removes nothing");
    assert_eq!(discard(&store, &[named]).emptied, [unnamed]);
    assert_eq!(store.object(&unnamed).unwrap(), Slot::Absent);
    assert!(whole(&store, named) && in_place(&place, named).exists());
    assert_eq!(discard(&store, &[named]), Discarded::default());
}

#[test]
fn object_that_is_named_after_it_went_comes_back_at_once() {
    let place = Place::new();
    let store = place.init();
    let object = put(&store, b"object");
    age(&place, object);
    let mut asked = 0;
    let found = store
        .discard(Sweep::Remove, &mut || {
            asked += 1;
            // Somebody names it between the two questions.
            Some((asked == 2).then_some(object).into_iter().collect())
        })
        .unwrap();
    assert_eq!(asked, 2);
    assert_eq!((found.trashed.len(), found.put_back), (0, vec![object]));
    assert!(in_place(&place, object).exists() && trash(&place).is_empty());
}

/// Lets the unlink of an object's place fail, in a collection that is told the second time whether
/// the object is named; returns what it told.
fn discard_failing(
    place: &Place,
    object: Hash256,
    (errno, moment): (i32, Moment),
    is_named_by_now: bool,
) -> Discarded {
    age(place, object);
    let fs = FaultyFileSystem::new(OsFileSystem);
    let store = DirStore::open_on(fs.clone(), &place.path(), SystemEntropy).unwrap();
    fs.fail(Fault {
        call: Some("unlink"),
        // Twice it makes a file to tell the time by.
        after_calls: 2,
        errno,
        moment,
    });
    let mut asked = 0;
    let discarded = store.discard(Sweep::Remove, &mut || {
        asked += 1;
        let is_named = is_named_by_now && asked == 2;
        Some(is_named.then_some(object).into_iter().collect())
    });
    assert_eq!((asked, fs.heal()), (2, Some("unlink")));
    assert!(whole(&store, object));
    discarded.unwrap()
}

#[test]
fn object_keeps_its_copy_where_it_may_have_lost_its_place() {
    for moment in [Moment::Before, Moment::After] {
        for is_named_by_now in [false, true] {
            let place = Place::new();
            let object = put(&place.init(), b"object");
            let told = discard_failing(&place, object, (5, moment), is_named_by_now);
            assert_eq!(trash(&place).len(), 1, "{moment:?} {is_named_by_now}");
            let is_in_place = is_named_by_now || matches!(moment, Moment::Before);
            assert_eq!(in_place(&place, object).exists(), is_in_place);
            let (trashed, left) = (told.trashed.len(), told.left);
            let expected = match (moment, is_named_by_now) {
                (Moment::After, false) => (1, 0),
                (Moment::Before, false) => (0, 1),
                (_, true) => (0, 0),
            };
            assert_eq!((trashed, left), expected, "{told:?}");
        }
    }
}

#[test]
fn object_of_another_user_keeps_its_place_alone() {
    let place = Place::new();
    let object = put(&place.init(), b"object");
    let told = discard_failing(&place, object, (1, Moment::Before), false);
    assert_eq!((told.trashed.len(), told.left), (0, 1), "{told:?}");
    assert!(in_place(&place, object).exists() && trash(&place).is_empty());
}

#[test]
fn object_of_an_acknowledged_entry_outlasts_two_collections_at_once() {
    let place = Place::new();
    drop(place.init());
    let fs = FaultyFileSystem::new(OsFileSystem);
    let first = DirStore::open_on(fs.clone(), &place.path(), SystemEntropy).unwrap();
    let object = put(&first, b"object");
    age(&place, object);
    let root = place.path();
    // It has its name in the trash, and is about to lose the one in its place.
    fs.before_unlinking(&object.to_string(), move || {
        // The writer has its slot, looks again, finds the object in its place, and is told.
        let other = support::open(&root);
        assert!(other.hold_object(&object, None).unwrap());
        // Another collection reads what is named, and finds the object there as well.
        let found = discard(&other, &[object]);
        assert_eq!((found.waiting, found.put_back.len()), (1, 0), "{found:?}");
    });
    let mut asked = 0;
    let found = first.discard(Sweep::Remove, &mut || {
        asked += 1;
        // The slot is linked after the first question.
        Some((asked == 2).then_some(object).into_iter().collect())
    });
    assert!(!fs.is_still_to_come());
    assert!(whole(&first, object), "{found:?}");
    assert_eq!(found.unwrap().put_back, [object]);
    assert!(in_place(&place, object).exists() && trash(&place).is_empty());
}

#[test]
fn name_in_the_trash_that_is_not_a_day_old_is_left_to_who_gave_it() {
    let place = Place::new();
    let store = place.init();
    let object = put(&store, b"object");
    age(&place, object);
    assert_eq!(discard(&store, &[]).trashed, [object]);
    let found = discard(&store, &[object]);
    assert_eq!((found.put_back, found.waiting), (vec![object], 1));
    assert_eq!(trash(&place).len(), 1);
    // It is where it belongs, and nothing is left to be put back.
    let found = discard(&store, &[object]);
    assert_eq!((found.put_back.len(), found.waiting), (0, 1));
    age_trash(&place);
    assert_eq!(discard(&store, &[object]).waiting, 0);
    assert!(in_place(&place, object).exists() && trash(&place).is_empty());
}

#[test]
fn object_in_the_trash_that_is_named_comes_back_whatever_its_age() {
    let place = Place::new();
    let store = place.init();
    let object = put(&store, b"object");
    age(&place, object);
    assert_eq!(discard(&store, &[]).trashed, [object]);
    age_trash(&place);
    assert_eq!(discard(&store, &[object]).put_back, [object]);
    assert!(in_place(&place, object).exists() && trash(&place).is_empty());
}

#[test]
fn what_cannot_be_told_keeps_everything() {
    let place = Place::new();
    let store = place.init();
    let (waiting, object) = (put(&store, b"waiting"), put(&store, b"object"));
    age(&place, waiting);
    age(&place, object);
    assert_eq!(discard(&store, &[object]).trashed, [waiting]);
    age_trash(&place);
    let undecided = store.discard(Sweep::Remove, &mut || None).unwrap();
    assert!(undecided.is_undecided, "{undecided:?}");
    assert!(whole(&store, waiting) && in_place(&place, object).exists());

    // It could be told before, and cannot after: what went comes back.
    let mut asked = 0;
    let undecided = store
        .discard(Sweep::Remove, &mut || {
            asked += 1;
            (asked == 1).then(|| BTreeSet::from([waiting]))
        })
        .unwrap();
    assert!(undecided.is_undecided && undecided.trashed.is_empty());
    assert!(in_place(&place, object).exists());
}

#[test]
fn writer_who_looks_again_finds_its_object_back_in_its_place() {
    for kind in [Kind::Journal, Kind::CopyOnWrite, Kind::Network] {
        let place = Place::new();
        let fs = FaultyFileSystem::new(OsFileSystem).posing_as(kind);
        let store = place.init_on(fs.clone());
        let object = put(&store, b"object");
        age(&place, object);
        assert_eq!(discard(&store, &[]).trashed, [object], "{kind:?}");
        assert!(store.hold_object(&object, None).unwrap());
        assert!(in_place(&place, object).exists());
        fs.take_calls();
        assert!(store.hold_object(&object, None).unwrap());
        let flushes = (fs.calls_of("sync_file"), fs.calls_of("sync_dir"));
        let of_names = usize::from(kind != Kind::Journal);
        assert_eq!(flushes, (1, of_names), "{kind:?}");
        let another = Hash256::of(b"another");
        assert!(!store.hold_object(&another, None).unwrap());
        assert!(store.hold_object(&another, Some(b"another")).unwrap());
        assert!(whole(&store, another));
    }
}

#[test]
fn object_in_the_trash_that_may_not_be_linked_comes_back_as_a_copy() {
    for bytes in [None, Some(b"object".as_slice())] {
        let place = Place::new();
        drop(place.init());
        let fs = FaultyFileSystem::new(OsFileSystem);
        let store = DirStore::open_on(fs.clone(), &place.path(), SystemEntropy).unwrap();
        let object = put(&store, b"object");
        age(&place, object);
        assert_eq!(discard(&store, &[]).trashed, [object]);
        // As of what belongs to another user, where links to that are protected.
        let (call, errno) = (Some("link"), 1);
        fs.fail(Fault {
            call,
            after_calls: 0,
            errno,
            moment: Moment::Before,
        });
        assert!(store.hold_object(&object, bytes).unwrap());
        assert_eq!(fs.heal(), Some("link"));
        assert!(in_place(&place, object).exists());
    }
}

#[test]
fn reader_on_a_network_finds_an_object_that_another_host_put_back() {
    let place = Place::new();
    drop(place.init());
    let host = || {
        let fs = FaultyFileSystem::new(OsFileSystem).posing_as(Kind::Network);
        DirStore::open_on(fs.remembering_absence(), &place.path(), SystemEntropy).unwrap()
    };
    let (here, there) = (host(), host());
    let object = put(&there, b"object");
    age(&place, object);
    assert_eq!(discard(&there, &[]).trashed, [object]);
    age_trash(&place);
    assert!(whole(&here, object), "it is read from the trash");
    assert_eq!(discard(&there, &[object]).put_back, [object]);
    assert!(trash(&place).is_empty());
    assert!(whole(&here, object));
}

#[test]
fn writer_who_puts_an_object_that_is_in_the_trash_has_one_of_its_own() {
    let place = Place::new();
    let store = place.init();
    let object = put(&store, b"object");
    age(&place, object);
    assert_eq!(discard(&store, &[]).trashed, [object]);
    assert_eq!(put(&store, b"object"), object);
    age_trash(&place);
    // It is young, and what lies in the trash is not.
    let found = discard(&store, &[]);
    assert_eq!((found.emptied, found.young), (vec![object], 1));
    assert!(in_place(&place, object).exists());
}

#[test]
fn whole_object_in_the_trash_is_kept_beside_a_damaged_one_in_its_place() {
    let place = Place::new();
    let store = place.init();
    let object = put(&store, b"object");
    age(&place, object);
    assert_eq!(discard(&store, &[]).trashed, [object]);
    write(&in_place(&place, object), "other bytes");
    let found = discard(&store, &[object]);
    assert_eq!((found.left, found.put_back.len()), (1, 0));
    assert_eq!(trash(&place).len(), 1);
}

/// Makes a store whose files have one name each.
fn of_renames() -> Place {
    let place = Place::new();
    drop(place.init());
    let descriptor = place.path().join("runstone.json");
    let text = std::fs::read_to_string(&descriptor).unwrap();
    let renames = text.replace("\"link\"", "\"rename_noreplace\"");
    assert_ne!(text, renames);
    std::fs::remove_file(&descriptor).unwrap();
    write(&descriptor, &renames);
    place
}

#[test]
fn objects_come_and_go_by_renames_where_files_have_one_name() {
    let place = of_renames();
    let fs = FaultyFileSystem::new(OsFileSystem);
    let store = DirStore::open_on(fs.clone(), &place.path(), SystemEntropy).unwrap();
    let object = put(&store, b"object");
    age(&place, object);
    fs.take_calls();
    assert_eq!(discard(&store, &[]).trashed, [object]);
    // Those of the files to tell the time by: what has the old name by now is somebody else's.
    assert_eq!(fs.calls_of("unlink"), 2);
    assert!(!in_place(&place, object).exists() && whole(&store, object));
    assert_eq!(discard(&store, &[object]).put_back, [object]);
    assert!(in_place(&place, object).exists() && trash(&place).is_empty());
}

#[test]
fn trash_is_listed_and_strangers_in_it_are_named() {
    let place = Place::new();
    let store = place.init();
    let object = put(&store, b"object");
    age(&place, object);
    assert_eq!(discard(&store, &[]).trashed, [object]);
    write(&place.path().join("trash/mine"), "");
    let trashed = store.trashed().unwrap();
    assert_eq!(trashed.len(), 1, "{trashed:?}");
    assert!(trashed[0].digest == object && !trashed[0].is_in_place);
    assert_eq!(trashed[0].path, format!("trash/{}", trash(&place)[0]));
    let mut stale = Vec::new();
    let audited = store.audit(&mut |finding| match finding {
        Finding::Stale(it) => stale.push((it.path, it.kind)),
        Finding::Damage(damage) => panic!("{damage}"),
    });
    audited.unwrap();
    assert_eq!(stale, [("trash/mine".to_owned(), StaleKind::Unknown)]);
    discard(&store, &[]);
    assert!(place.path().join("trash/mine").exists());
}

#[test]
fn store_that_may_only_be_read_shows_what_is_in_the_trash() {
    let place = Place::new();
    let store = place.init();
    let object = put(&store, b"object");
    age(&place, object);
    assert_eq!(discard(&store, &[]).trashed, [object]);
    let fs = FaultyFileSystem::new(OsFileSystem);
    let reader = DirStore::open_on(fs.clone(), &place.path(), SystemEntropy).unwrap();
    fs.take_calls();
    assert!(whole(&reader, object));
    for call in ["link", "create_new", "unlink", "sync_dir", "rename"] {
        assert_eq!(fs.calls_of(call), 0, "{call}");
    }
}

#[test]
fn object_that_was_renamed_without_a_reply_is_asked_about_and_comes_back() {
    let place = of_renames();
    let fs = FaultyFileSystem::new(OsFileSystem);
    let store = DirStore::open_on(fs.clone(), &place.path(), SystemEntropy).unwrap();
    let object = put(&store, b"object");
    age(&place, object);
    fs.fail(Fault {
        call: Some("rename_noreplace"),
        after_calls: 0,
        errno: 5,
        moment: Moment::After,
    });
    let mut asked = 0;
    let told = store.discard(Sweep::Remove, &mut || {
        asked += 1;
        Some((asked == 2).then_some(object).into_iter().collect())
    });
    assert_eq!((asked, fs.heal()), (2, Some("rename_noreplace")));
    assert_eq!(told.unwrap().put_back, [object]);
    assert!(in_place(&place, object).exists() && whole(&store, object));
}
