//! Every file of a store comes to harm in turn, in every way: it is named, costs itself, is mended
//! where it is derived, and nothing true is lost by that.

use std::collections::BTreeSet;
use std::sync::Arc;

use runstone::list::LogRequest;
use runstone::profiles::ProfileChoice;
use runstone::store::dir::OsFileSystem;
use runstone::store::dir::faults::FaultyFileSystem;
use runstone::store::{DirStore, SystemEntropy};
use runstone::verify::Verified;
use runstone::{Ledger, RecordRequest};
use runstone_testkit::{Files, Harm, TickingClock, run};

use super::everything::{Copy, EVERYTHING, OTHERS, RUNS, open, other, request};

/// What a file of a store is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Descriptor,
    Entry,
    Note,
    StoreNote,
    Document,
    Claim,
    Mark,
    Object,
    Profile,
    Secret,
    SecretId,
    Started,
    Refused,
    Hint,
    Origin,
    View,
}

impl Kind {
    fn of(path: &str) -> Self {
        let name = path.rsplit('/').next().unwrap();
        match path.split('/').next().unwrap() {
            "cohorts" if path.contains("/log/") => Self::Entry,
            "cohorts" if path.contains("/notes/") => Self::Note,
            "cohorts" if name == "cohort.json" => Self::Document,
            "cohorts" if name == "head.json" => Self::Hint,
            "cohorts" | "runs" => Self::View,
            "keys" if name.ends_with(".adopted") => Self::Mark,
            "keys" => Self::Claim,
            "notes" => Self::StoreNote,
            "objects" => Self::Object,
            "profiles" => Self::Profile,
            "refused" => Self::Refused,
            "started" => Self::Started,
            "secret" => Self::Secret,
            "secret.json" => Self::SecretId,
            "runstone.json" => Self::Descriptor,
            "origin.json" => Self::Origin,
            _ => unreachable!("no kind of file is at {path}"),
        }
    }

    /// Whether it may go and come again without a loss.
    fn is_derived(self) -> bool {
        matches!(self, Self::View | Self::Hint | Self::Origin)
    }
}

/// What verify has to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owed {
    /// The store cannot be opened, and it is said why.
    Closed,
    /// Truth is damaged, and the file is named.
    Damage,
    /// Truth is damaged, and what knew the file is named.
    Missed,
    /// Nothing true is damaged, and the file is named.
    Stale,
    /// Nothing true is damaged. The file may be as it is by right, or has no checksum.
    Whole,
}

fn owed(kind: Kind, harm: Harm<'_>) -> Owed {
    use Harm::{CopyTo, Delete, Flip, SwapWith, Truncate, Zero};
    match (kind, harm) {
        (Kind::Descriptor, Truncate | Zero | Delete) => Owed::Closed,
        (Kind::Descriptor, Flip) => Owed::Missed,
        // What was the last is known by what was written after it, and by its views.
        (Kind::Entry | Kind::Note | Kind::StoreNote | Kind::Object, Delete) => Owed::Missed,
        (
            Kind::Entry
            | Kind::Note
            | Kind::StoreNote
            | Kind::Object
            | Kind::Document
            | Kind::Profile,
            _,
        )
        | (Kind::Claim, SwapWith(_) | CopyTo(_) | Delete)
        | (Kind::Secret, Flip | Truncate | Zero | SwapWith(_) | Delete)
        | (Kind::SecretId, Flip | Truncate | Zero | SwapWith(_)) => Owed::Damage,
        // The log says what the claim said.
        (Kind::Claim, Flip | Truncate | Zero)
        | (Kind::Descriptor | Kind::Secret | Kind::SecretId | Kind::Mark, CopyTo(_))
        | (Kind::Started, Truncate | Zero | SwapWith(_) | CopyTo(_))
        | (Kind::Refused, Truncate | Zero)
        | (Kind::Hint | Kind::Origin, Flip | Truncate | Zero | SwapWith(_) | CopyTo(_))
        | (Kind::View, _) => Owed::Stale,
        (Kind::Descriptor, SwapWith(_)) => unreachable!("a store has one"),
        // A mark is empty, and for writers at work alone. A secret without its id is what a writer
        // leaves that dies in between. The others may be removed, renamed and copied at any time,
        // and nothing covers their bytes.
        (Kind::Mark, _)
        | (Kind::Started, Flip | Delete)
        | (Kind::Refused, Flip | SwapWith(_) | CopyTo(_) | Delete)
        | (Kind::SecretId | Kind::Hint | Kind::Origin, Delete) => Owed::Whole,
    }
}

/// A place where no file is, and one of this kind could be.
fn free(path: &str) -> String {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let other = "0".repeat(62);
    match Kind::of(path) {
        Kind::Entry | Kind::Note | Kind::StoreNote => {
            let taken = EVERYTHING.paths().filter(|path| path.starts_with(folder));
            format!("{folder}/{:020}", taken.count() + 1)
        }
        Kind::Document => format!("{folder}x/cohort.json"),
        Kind::Claim | Kind::Object => format!("{folder}/{}{other}", &name[..2]),
        Kind::Mark => format!("{folder}/{}{other}.adopted", &name[..2]),
        Kind::Profile => format!("{folder}/00{other}.toml"),
        _ => format!("{folder}/copy.json")
            .trim_start_matches('/')
            .to_owned(),
    }
}

/// Another file of the same kind, with other bytes.
fn other_of_its_kind(path: &str) -> Option<&'static str> {
    let (kind, length) = (Kind::of(path), path.len());
    let name = |path: &str| path.rsplit('/').next().unwrap().to_owned();
    EVERYTHING.paths().find(|other| {
        Kind::of(other) == kind
            && EVERYTHING.get(other) != EVERYTHING.get(path)
            && (kind != Kind::View || name(other) == name(path))
            && (kind != Kind::Claim || other.len() == length)
    })
}

fn harms(path: &str, free: &'static str) -> Vec<Harm<'static>> {
    let swap = other_of_its_kind(path).map(Harm::SwapWith);
    let harms = [Harm::Flip, Harm::Truncate, Harm::Zero];
    harms
        .into_iter()
        .chain(swap)
        .chain([Harm::CopyTo(free), Harm::Delete])
        .collect()
}

/// A run, and the place of its entry.
fn entry_of(ledger: &Ledger, run_id: &str) -> String {
    let place = ledger.find(run_id).unwrap().place;
    format!(
        "cohorts/{}/log/0000000000/{:020}",
        place.cohort, place.seq.0
    )
}

/// Lets every file of these kinds come to harm in turn.
fn walk(kinds: &[Kind]) {
    let copy = Copy::new();
    let entries: Vec<(&str, String)> = {
        let ledger = copy.ledger();
        let runs = RUNS.into_iter().chain(OTHERS).chain(["secret"]);
        runs.map(|run_id| (run_id, entry_of(&ledger, run_id)))
            .collect()
    };
    let mut seen = BTreeSet::new();
    for path in EVERYTHING.paths() {
        let kind = Kind::of(path);
        let name = path.rsplit('/').next().unwrap();
        // Of views one of each name in turn; all of them at once by themselves.
        if !kinds.contains(&kind) || (kind == Kind::View && !seen.insert(name)) {
            continue;
        }
        let free: &'static str = free(path).leak();
        for harm in harms(path, free) {
            let step = Step {
                copy: &copy,
                path,
                kind,
                harm,
            };
            match step.walk(&entries) {
                Some(after) => EVERYTHING.restore_from(&after, &copy.root()),
                None => EVERYTHING.restore(&copy.root()),
            }
        }
    }
}

/// One file, one harm.
struct Step<'a> {
    copy: &'a Copy,
    path: &'a str,
    kind: Kind,
    harm: Harm<'a>,
}

impl Step<'_> {
    /// Returns what is there afterwards, as far as it was looked at.
    fn walk(&self, entries: &[(&str, String)]) -> Option<Files> {
        self.harm.strike(&self.copy.root(), self.path);
        let at = format!("{:?} {}", self.harm, self.path);
        let ledger = match open(&self.copy.root()) {
            Ok(ledger) => ledger,
            Err(closed) => {
                assert_eq!(owed(self.kind, self.harm), Owed::Closed, "{at}: {closed}");
                assert!(closed.to_string().contains("runstone.json"), "{closed}");
                assert!(closed.hint().is_some(), "{at}: {closed}");
                return None;
            }
        };
        self.is_named(&ledger.verify().unwrap(), &at);
        self.rest_is_readable(&ledger, entries, &at);
        if !self.kind.is_derived() && matches!(self.harm, Harm::Flip | Harm::Delete) {
            self.recording_goes_on(&at);
        }
        // A repair meets it as it meets what was flipped.
        let is_alike = self.harm == Harm::Truncate && !self.kind.is_derived();
        (!is_alike).then(|| self.repair_loses_nothing(&at))
    }

    /// The files that were touched.
    fn touched(&self) -> Vec<&str> {
        match self.harm {
            Harm::CopyTo(free) => vec![free],
            Harm::SwapWith(other) => vec![self.path, other],
            _ => vec![self.path],
        }
    }

    fn is_named(&self, verified: &Verified, at: &str) {
        let touched = self.touched();
        let is_touched = |path: &str| touched.iter().any(|it| it.starts_with(path));
        let is_damaged = verified.damage.iter().any(|it| is_touched(&it.path));
        let is_stale = verified.stale.iter().any(|it| is_touched(&it.path));
        let owed = owed(self.kind, self.harm);
        let is_met = match owed {
            Owed::Closed => false,
            // Of a copy of what was never whole, nobody can say whose it is.
            Owed::Damage if self.was_torn() => is_damaged || is_stale,
            Owed::Damage => is_damaged,
            Owed::Missed => !verified.is_ok(),
            Owed::Stale => is_stale && verified.is_ok(),
            Owed::Whole => verified.is_ok(),
        };
        let found = (&verified.damage, &verified.stale);
        assert!(is_met, "{at}: {owed:?} is owed: {found:#?}");
    }

    /// Whether a generation that was torn before took part, which is no claim of anything.
    fn was_torn(&self) -> bool {
        let torn = |path: &str| EVERYTHING.get(path).is_some_and(|bytes| bytes.len() < 100);
        let below = self.path.trim_end_matches(".1");
        self.kind == Kind::Claim && (torn(below) || self.touched().into_iter().any(torn))
    }

    /// What is damaged costs itself: everything else is listed, shown and compared.
    fn rest_is_readable(&self, ledger: &Ledger, entries: &[(&str, String)], at: &str) {
        let is_hit = |run_id: &str, entry: &String| {
            let touched = self.touched();
            let own = touched.contains(&entry.as_str());
            own || (self.kind == Kind::Object && run_id == "large")
        };
        let page = ledger.log(&LogRequest::default()).unwrap();
        let listed: BTreeSet<&str> = page
            .rows
            .iter()
            .map(|row| row.stored.snapshot.run_id.as_str())
            .collect();
        for (run_id, entry) in entries.iter().filter(|(id, entry)| !is_hit(id, entry)) {
            assert!(listed.contains(run_id), "{at}: {run_id} is not listed");
            let stored = ledger.find(run_id);
            let stored = stored.unwrap_or_else(|error| panic!("{at}: {run_id} {entry}: {error}"));
            // Without the rule by which it was read nobody can compare it.
            if !matches!(self.kind, Kind::Profile | Kind::Descriptor) {
                let compared = ledger.compared(&stored);
                compared.unwrap_or_else(|error| panic!("{at}: {run_id}: {error}"));
            }
        }
    }

    /// The next run gets a place of its own, in this cohort or, where that is not known any more,
    /// in another.
    fn recording_goes_on(&self, at: &str) {
        let fs = FaultyFileSystem::new(OsFileSystem).without_flushes();
        let store = DirStore::open_on(fs, &self.copy.root(), SystemEntropy).unwrap();
        let ledger = Ledger::over(Arc::new(store), Arc::new(TickingClock::default())).unwrap();
        let next = match self.kind {
            // Its rule, or what it stands for, is not known: it is refused, and nothing is written.
            Kind::Profile | Kind::Descriptor => return,
            Kind::Document => other("next").with("identity.dataset.sha256", "d9"),
            _ => run("next"),
        };
        let recorded = ledger.record(RecordRequest {
            profile: ProfileChoice::Named("generic".to_owned()),
            ..request(&next)
        });
        let recorded = recorded.unwrap_or_else(|error| panic!("{at}: {error}"));
        let expected = if self.kind == Kind::Document { 1 } else { 7 };
        assert_eq!(recorded.place.seq.0, expected, "{at}");
    }

    /// A repair makes again what is derived, and takes nothing away that is true.
    fn repair_loses_nothing(&self, at: &str) -> Files {
        let root = self.copy.root();
        let harmed = Files::below(&root);
        let repaired = open(&root).unwrap().verify_and_repair().unwrap();
        assert_eq!(repaired.repaired.unwrap().left, [""; 0], "{at}");
        let after = Files::below(&root);
        let kept: Vec<&[u8]> = after
            .paths()
            .filter(|path| path.starts_with("quarantine/"))
            .filter_map(|path| after.get(path))
            .collect();
        for path in harmed.differing(&after) {
            if path.starts_with("quarantine/") || Kind::of(&path).is_derived() {
                continue;
            }
            let now = after.get(&path);
            assert!(now.is_some(), "{at}: {path} is gone");
            // The claim of an adopted run was another file than its entry, which is its twin.
            let is_true = now == EVERYTHING.get(&path) || Kind::of(&path) == Kind::Claim;
            assert!(is_true, "{at}: {path} is not what it was");
            let stood = harmed.get(&path);
            let is_kept = stood.is_none_or(|stood| kept.contains(&stood));
            assert!(is_kept, "{at}: what stood at {path} is gone");
        }
        match (self.kind, self.harm) {
            (Kind::View, Harm::CopyTo(_)) => assert_eq!(harmed, after, "{at}"),
            (Kind::View, _) => assert_eq!(EVERYTHING.differing(&after), [""; 0], "{at}"),
            (Kind::Hint, Harm::CopyTo(_) | Harm::Delete) => assert_eq!(harmed, after, "{at}"),
            (Kind::Hint, _) => {
                let gone: Vec<&str> = self.touched();
                assert!(gone.iter().all(|path| after.get(path).is_none()), "{at}");
            }
            (Kind::Claim, Harm::CopyTo(_)) => {}
            (Kind::Claim, Harm::SwapWith(_)) if self.was_torn() => {}
            (Kind::Claim, _) | (Kind::Profile, Harm::Delete) => {
                let verified = open(&root).unwrap().verify().unwrap();
                assert!(verified.is_ok(), "{at}: {:?}", verified.damage);
                let touched = self.touched();
                let is_left = |path: &String| touched.contains(&path.as_str());
                let stale = verified.stale.into_iter().map(|it| it.path);
                let stale: Vec<String> = stale.filter(is_left).collect();
                assert!(stale.is_empty() || self.was_torn(), "{at}: {stale:?}");
            }
            _ => {}
        }
        after
    }
}

#[test]
fn entries_that_come_to_harm_are_named_and_cost_themselves() {
    walk(&[Kind::Entry]);
}

#[test]
fn claims_that_come_to_harm_are_named_and_come_back_from_their_entries() {
    walk(&[Kind::Claim, Kind::Mark]);
}

#[test]
fn notes_that_come_to_harm_are_named_and_cost_themselves() {
    walk(&[Kind::Note, Kind::StoreNote]);
}

#[test]
fn what_entries_name_is_named_when_it_comes_to_harm() {
    walk(&[
        Kind::Document,
        Kind::Object,
        Kind::Profile,
        Kind::Descriptor,
        Kind::Secret,
        Kind::SecretId,
    ]);
}

#[test]
fn what_is_derived_comes_back_byte_for_byte() {
    walk(&[
        Kind::View,
        Kind::Hint,
        Kind::Origin,
        Kind::Started,
        Kind::Refused,
    ]);
}

#[test]
fn all_views_that_come_to_harm_at_once_come_back_byte_for_byte() {
    let copy = Copy::new();
    for harm in [Harm::Flip, Harm::Truncate, Harm::Zero, Harm::Delete] {
        let views: Vec<&str> = EVERYTHING
            .paths()
            .filter(|path| Kind::of(path) == Kind::View)
            .collect();
        for path in &views {
            harm.strike(&copy.root(), path);
        }
        let verified = copy.ledger().verify().unwrap();
        assert!(verified.is_ok(), "{harm:?}: {:?}", verified.damage);
        for path in &views {
            let is_named = |named: &str| path.starts_with(named);
            let is_named = verified.stale.iter().any(|it| is_named(&it.path));
            assert!(is_named, "{harm:?} {path}");
        }
        copy.ledger().verify_and_repair().unwrap();
        let after = Files::below(&copy.root());
        assert_eq!(EVERYTHING.differing(&after), [""; 0], "{harm:?}");
    }
}
