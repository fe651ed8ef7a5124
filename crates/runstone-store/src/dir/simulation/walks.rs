//! Fixed scenes, cut at every one of their calls; long ones at some.
//!
//! Seeds meet what is likely; here nothing is left out: each scene is played once to the end, to
//! count its calls, and then again for each of them with the power cut there, and several survivals
//! looked at. The invariant guarded here: a scene that is cut is, up to the cut, the one that was
//! counted.

use super::actors::Command;
use super::draw::Draw;
use super::history::Run;
use super::life::{Scene, Seen, Violation, others, play};
use crate::dir::Kind;

/// Survivals that are looked at after each cut.
const SURVIVALS: usize = 3;

/// Entries before a stream that comes to where the first segment is to be sealed.
const BEFORE: usize = 250;

const KINDS: [Kind; 4] = [Kind::Journal, Kind::CopyOnWrite, Kind::Network, Kind::Other];

fn run(number: usize) -> Run {
    Run { number, content: 0 }
}

/// Cuts a scene at every call, on every kind of file system.
fn walk(name: &str, scripts: &[Vec<Command>], has_links: bool) {
    walk_from(
        name,
        &Scene {
            has_links,
            scripts: scripts.to_vec(),
            ..scene(Kind::Journal)
        },
        |_, _| true,
    );
}

/// Returns a scene in which nobody does anything.
pub(super) fn scene(kind: Kind) -> Scene {
    Scene {
        kind,
        has_links: true,
        seed: 1,
        scripts: Vec::new(),
        cut_at: None,
        survivals: SURVIVALS,
        shard_slots: 2,
        entries_before: 0,
        is_unmade: false,
        objects_before: false,
        days_pass: false,
        fault_one_in: None,
        late_one_in: None,
        switch_one_in: 3,
        mutant: None,
    }
}

/// The same for any scene, at those of so many calls that are to be cut at.
fn walk_from(name: &str, scene: &Scene, is_cut: impl Fn(u64, u64) -> bool) {
    let mut cuts = 0;
    for kind in KINDS {
        for seed in 1..=1 {
            let scene = Scene {
                kind,
                seed,
                ..scene.clone()
            };
            let whole = played(name, &scene).calls_before_cut;
            for cut_at in (1..=whole).filter(|cut| is_cut(*cut, whole)) {
                let cut_at = Some(cut_at);
                let scene = Scene {
                    cut_at,
                    ..scene.clone()
                };
                played(name, &scene);
                cuts += 1;
            }
        }
    }
    println!("{name}: {cuts} cuts, {} survivals", cuts * SURVIVALS);
}

fn played(name: &str, scene: &Scene) -> Seen {
    match play(scene, false) {
        Ok(seen) => seen,
        Err(Violation { broken, .. }) => {
            let trace = play(scene, true).unwrap_err().trace.join("\n");
            let Scene {
                kind, seed, cut_at, ..
            } = scene;
            panic!("{trace}\n\n{name} on {kind:?} by seed {seed} cut at {cut_at:?}: {broken}");
        }
    }
}

/// Cuts a scene at so many of its calls, as far from each other.
fn cut_evenly(name: &str, scene: &Scene, whole: &Seen, cuts: u64) {
    for cut in 1..=cuts {
        let cut_at = Some(whole.calls_before_cut * cut / cuts);
        let scene = Scene {
            cut_at,
            ..scene.clone()
        };
        played(name, &scene);
    }
}

#[test]
fn writers_of_one_key_survive_a_cut_at_every_call() {
    let record = vec![Command::Record(run(0))];
    walk("two writers of one key", &[record.clone(), record], true);
}

#[test]
fn writers_of_one_log_survive_a_cut_at_every_call() {
    let one = vec![Command::Record(run(0))];
    let other = vec![Command::Note(2), Command::Record(run(1))];
    walk("two writers of one log", &[one, other], true);
}

#[test]
fn batch_beside_a_writer_survives_a_cut_at_every_call() {
    let batch = vec![Command::Batch(vec![run(0), run(1), run(2)])];
    let one = vec![Command::Record(run(1))];
    walk("a batch beside a writer", &[batch, one], true);
}

#[test]
fn writers_without_hard_links_survive_a_cut_at_every_call() {
    let one = vec![Command::Record(run(0))];
    let other = vec![Command::Record(run(0)), Command::Record(run(1))];
    walk("writers without hard links", &[one, other], false);
}

#[test]
fn writers_of_whom_one_seals_survive_a_cut_at_many_calls() {
    const CUTS: u64 = 8;
    // The 288th entry is the one whose writer seals the first 256.
    let name = "a writer that seals";
    let scripts = [0, 1].map(|number| vec![Command::Record(run(number))]);
    for kind in [Kind::Journal, Kind::CopyOnWrite] {
        let scene = Scene {
            scripts: scripts.to_vec(),
            survivals: 1,
            shard_slots: 4096,
            entries_before: 286,
            ..scene(kind)
        };
        let whole = played(name, &scene);
        assert_eq!(whole.segments, 1, "{kind:?}");
        cut_evenly(name, &scene, &whole, CUTS);
    }
}

/// Returns a scene in which a stream begins below the end of the first segment, and ends where that
/// is to be sealed, beside a writer. Where names are seen at once its entries are sealed from memory.
pub(super) fn sealing_stream(kind: Kind) -> Scene {
    Scene {
        scripts: vec![
            vec![Command::Batch(others(BEFORE..BEFORE + 40))],
            vec![Command::Record(run(0)), Command::Record(run(1))],
        ],
        shard_slots: 4096,
        entries_before: BEFORE,
        ..scene(kind)
    }
}

/// Returns the scene cut at each of its last calls: those that make the segment, from the look for
/// its directory on until its temporary name is gone.
pub(super) fn cut_while_sealing(scene: Scene, whole: &Seen) -> impl Iterator<Item = Scene> + use<> {
    const CALLS: u64 = 8;
    let last = whole.calls_before_cut;
    (last - CALLS + 1..=last).map(move |cut_at| Scene {
        cut_at: Some(cut_at),
        ..scene.clone()
    })
}

#[test]
fn stream_that_seals_what_it_wrote_survives_a_cut_at_every_call_of_that() {
    let name = "a stream that seals what it wrote";
    for kind in KINDS {
        let scene = sealing_stream(kind);
        let whole = played(name, &scene);
        assert_eq!(whole.segments, 1, "{kind:?}");
        for scene in cut_while_sealing(scene, &whole) {
            played(name, &scene);
        }
    }
}

#[test]
fn streams_of_whom_each_may_seal_survive_a_cut_at_many_calls() {
    const CUTS: u64 = 4;
    let name = "two streams that seal";
    for kind in [Kind::Journal, Kind::CopyOnWrite] {
        let scene = Scene {
            scripts: vec![
                vec![Command::Batch(others(BEFORE..BEFORE + 30)), Command::Mend],
                vec![Command::Batch(others(BEFORE + 30..BEFORE + 60))],
            ],
            survivals: 1,
            ..sealing_stream(kind)
        };
        let whole = played(name, &scene);
        assert_eq!(whole.segments, 1, "{kind:?}");
        cut_evenly(name, &scene, &whole, CUTS);
    }
}

#[test]
fn collections_beside_a_writer_survive_a_cut_at_every_call() {
    let collect = vec![Command::Collect, Command::Collect];
    for days_pass in [false, true] {
        let scene = Scene {
            scripts: vec![collect.clone(), vec![Command::Record(run(0))]],
            objects_before: true,
            survivals: 1,
            days_pass,
            ..scene(Kind::Journal)
        };
        walk_from("collections beside a writer", &scene, |_, _| true);
    }
}

#[test]
fn makers_of_one_store_survive_a_cut_at_many_calls() {
    let make = vec![Command::Make];
    let scene = Scene {
        scripts: vec![make, vec![Command::Make, Command::Head(run(0).log())]],
        is_unmade: true,
        survivals: 1,
        ..scene(Kind::Journal)
    };
    // Most of their calls make one of 256 directories like all others.
    let is_cut = |cut, whole| cut <= 40 || cut + 40 > whole || cut % 64 == 0;
    walk_from("makers of one store", &scene, is_cut);
}

#[test]
fn store_that_was_just_made_survives_whatever_is_lost() {
    for kind in KINDS {
        let mut draw = Draw::new(1);
        let made = super::life::made_unflushed(kind);
        for _ in 0..50 {
            let survived = made.survive(&mut draw);
            super::promises::kept(&survived, 4096, &[], false).unwrap();
        }
    }
}
