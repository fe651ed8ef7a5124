//! The simulation run on engines that are wrong: each of them has to be noticed.
//!
//! The invariant guarded here: what is blamed on a mutant is its own doing, since the engine as it
//! is keeps its promises under the same seeds on the same kinds of file system; those are lived by
//! `seeds`. How a mutant is wrong is left to `crate::mutants`.

use super::actors::Command;
use super::history::Run;
use super::life::{Birth, Scene, live, play};
use super::seeds::SEEDS;
use super::walks::{cut_while_sealing, scene, sealing_stream};
use crate::dir::Kind;
use crate::mutants::Mutant;

/// Lives a mutant until it breaks a promise: on file systems of this kind, under so many seeds at
/// most.
fn is_caught(mutant: Mutant, kind: Kind, seeds: u64) {
    assert!(seeds <= SEEDS, "the same seeds are lived without a mutant");
    for seed in 1..=seeds {
        let mutant = Some(mutant);
        if let Err(violation) = live(Birth { kind, seed, mutant }, false) {
            println!("{mutant:?} on {kind:?}: seed {seed}: {}", violation.broken);
            return;
        }
    }
    panic!("{mutant:?} is not noticed on {kind:?} by {seeds} seeds");
}

/// Cuts two writers at every one of their calls, under so many seeds at most, until a mutant breaks
/// a promise; the engine as it is breaks none.
fn is_caught_at_a_cut(mutant: Mutant, kind: Kind, seeds: u64) {
    let record = |number| vec![Command::Record(Run { number, content: 0 })];
    for seed in 1..=seeds {
        let uncut = |mutant| Scene {
            seed,
            scripts: vec![record(0), record(1)],
            mutant,
            ..scene(kind)
        };
        let Ok(whole) = play(&uncut(Some(mutant)), false) else {
            continue;
        };
        for cut_at in 1..=whole.calls_before_cut {
            let cut = |mutant| Scene {
                cut_at: Some(cut_at),
                ..uncut(mutant)
            };
            play(&cut(None), false).unwrap();
            if let Err(violation) = play(&cut(Some(mutant)), false) {
                let broken = violation.broken;
                println!("{mutant:?} on {kind:?}: seed {seed} cut at {cut_at}: {broken}");
                return;
            }
        }
    }
    panic!("{mutant:?} is not noticed on {kind:?} at the cuts of {seeds} seeds");
}

/// Cuts a stream at the calls by which it seals, under so many seeds at most, until a mutant breaks
/// a promise; the engine as it is breaks none.
fn is_caught_while_sealing(mutant: Mutant, kind: Kind, seeds: u64) {
    for seed in 1..=seeds {
        let uncut = Scene {
            seed,
            ..sealing_stream(kind)
        };
        let whole = play(&uncut, false).unwrap();
        let cuts = cut_while_sealing(uncut.clone(), &whole);
        for scene in std::iter::once(uncut).chain(cuts) {
            play(&scene, false).unwrap();
            let cut_at = scene.cut_at;
            let of_mutant = Scene {
                mutant: Some(mutant),
                ..scene
            };
            if let Err(violation) = play(&of_mutant, false) {
                let broken = violation.broken;
                println!("{mutant:?} on {kind:?}: seed {seed} cut at {cut_at:?}: {broken}");
                return;
            }
        }
    }
    panic!("{mutant:?} is not noticed on {kind:?} by {seeds} seeds");
}

#[test]
fn engine_that_flushes_no_directory_is_noticed() {
    is_caught(Mutant::NoDirectorySync, Kind::Journal, 50);
    is_caught(Mutant::NoDirectorySync, Kind::CopyOnWrite, 50);
}

#[test]
fn engine_that_flushes_no_file_is_noticed() {
    is_caught(Mutant::NoFileSync, Kind::Journal, 50);
    is_caught(Mutant::NoFileSync, Kind::Network, 50);
}

#[test]
fn engine_that_flushes_after_publishing_is_noticed() {
    is_caught(Mutant::SyncAfterPublish, Kind::Journal, 200);
    is_caught(Mutant::SyncAfterPublish, Kind::CopyOnWrite, 200);
}

#[test]
fn engine_that_takes_a_slot_before_its_claim_is_durable_is_noticed() {
    for kind in [Kind::CopyOnWrite, Kind::Network, Kind::Other] {
        is_caught_at_a_cut(Mutant::SlotBeforeKeySync, kind, 20);
    }
}

#[test]
fn engine_that_does_not_flush_what_an_entry_names_is_noticed() {
    is_caught(Mutant::ObjectNotSynced, Kind::CopyOnWrite, 200);
    is_caught(Mutant::ObjectNotSynced, Kind::Network, 200);
}

#[test]
fn writer_that_does_not_look_again_at_its_objects_is_noticed() {
    let collect = vec![Command::Collect; 2];
    let run = Run {
        number: 0,
        content: 0,
    };
    for kind in [Kind::Journal, Kind::Network] {
        let is_caught = (1..=200).find_map(|seed| {
            let scene = |mutant| Scene {
                seed,
                scripts: vec![collect.clone(), vec![Command::Record(run)]],
                objects_before: true,
                days_pass: true,
                // The writer sleeps while collections come and go.
                switch_one_in: 80,
                mutant,
                ..scene(kind)
            };
            play(&scene(None), false).unwrap();
            let lived = play(&scene(Some(Mutant::ObjectNotLookedAtAgain)), false);
            lived.err().map(|violation| (seed, violation.broken))
        });
        let (seed, broken) = is_caught.expect("it is noticed");
        println!("ObjectNotLookedAtAgain on {kind:?}: seed {seed}: {broken}");
    }
}

#[test]
fn collection_that_takes_a_copy_in_doubt_is_noticed() {
    let run = Run {
        number: 0,
        content: 0,
    };
    let is_caught = (1..=200).find_map(|seed| {
        let scene = |mutant| Scene {
            seed,
            scripts: vec![vec![Command::Collect; 2], vec![Command::Record(run)]],
            objects_before: true,
            late_one_in: Some(6),
            switch_one_in: 1,
            mutant,
            ..scene(Kind::Network)
        };
        play(&scene(None), false).unwrap();
        let lived = play(&scene(Some(Mutant::CopyTakenInDoubt)), false);
        lived.err().map(|violation| (seed, violation.broken))
    });
    let (seed, broken) = is_caught.expect("it is noticed");
    println!("CopyTakenInDoubt on a network: seed {seed}: {broken}");
}

#[test]
fn writer_that_does_not_doubt_a_rename_is_noticed() {
    // A reply that is lost, a stale look and a failure right after have to meet.
    let is_caught = (1..=3000).find_map(|seed| {
        let scene = |mutant| Scene {
            seed,
            has_links: false,
            scripts: vec![vec![Command::Note(0)], vec![Command::Note(3)]],
            fault_one_in: Some(15),
            late_one_in: Some(3),
            switch_one_in: 1,
            mutant,
            ..scene(Kind::Network)
        };
        play(&scene(None), false).unwrap();
        let lived = play(&scene(Some(Mutant::MissingIsNoDoubt)), false);
        lived.err().map(|violation| (seed, violation.broken))
    });
    let (seed, broken) = is_caught.expect("it is noticed");
    println!("MissingIsNoDoubt on a network: seed {seed}: {broken}");
}

#[test]
fn engine_that_renames_is_noticed() {
    is_caught(Mutant::PlainRename, Kind::Journal, 200);
    is_caught(Mutant::PlainRename, Kind::Network, 200);
}

#[test]
fn engine_that_takes_the_next_number_without_creating_it_is_noticed() {
    is_caught(Mutant::MaxPlusOneWithoutCreate, Kind::Journal, 200);
}

#[test]
fn engine_that_trusts_a_lock_is_noticed_where_hosts_are_several() {
    is_caught(Mutant::FlockOnly, Kind::Network, 200);
}

#[test]
fn engine_that_gives_out_a_freed_slot_is_noticed() {
    is_caught(Mutant::SlotReuseAfterDelete, Kind::Journal, 200);
}

#[test]
fn engine_that_takes_exists_for_a_loss_is_noticed() {
    is_caught(Mutant::ExistsIsALoss, Kind::Network, 200);
}

#[test]
fn engine_that_names_a_segment_before_it_is_flushed_is_noticed() {
    for kind in [Kind::Journal, Kind::CopyOnWrite, Kind::Network] {
        is_caught_while_sealing(Mutant::SegmentNotSynced, kind, 20);
    }
}

#[test]
fn engine_that_seals_other_bytes_than_it_wrote_is_noticed() {
    for kind in [Kind::Journal, Kind::CopyOnWrite] {
        is_caught_while_sealing(Mutant::OtherBytesSealed, kind, 1);
    }
}
