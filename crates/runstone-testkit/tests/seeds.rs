//! Every promise about arbitrary bytes holds for the seeds, for what was found once, and for what
//! lies near them.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a failed step should stop the test, and the last seed it names is the one"
)]

use std::path::{Path, PathBuf};

use runstone_testkit::fuzz::{TARGETS, Target};

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

fn seeds(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = std::fs::read_dir(fuzz().join("seeds").join(name)).unwrap();
    let mut paths: Vec<PathBuf> = folder.map(|seed| seed.unwrap().path()).collect();
    paths.sort();
    let read = |path: PathBuf| {
        let bytes = std::fs::read(&path).unwrap();
        (path, bytes)
    };
    paths.into_iter().map(read).collect()
}

fn each(mut run: impl FnMut(Target, &[u8])) {
    for (name, target) in TARGETS {
        let seeds = seeds(name);
        assert!(!seeds.is_empty(), "{name}");
        for (path, bytes) in seeds {
            eprintln!("{}", path.display());
            run(target, &bytes);
        }
    }
}

#[test]
fn seeds_and_what_was_found_keep_every_promise() {
    each(|target, bytes| target(bytes));
}

#[test]
fn cut_and_changed_seeds_keep_every_promise() {
    each(|target, bytes| {
        let step = bytes.len() / 24 + 1;
        for place in (0..bytes.len()).step_by(step) {
            target(&bytes[..place]);
            for flip in [0x01, 0x20, 0x80] {
                let mut changed = bytes.to_vec();
                changed[place] ^= flip;
                target(&changed);
            }
        }
    });
}

#[test]
fn every_promise_has_a_target_that_looks_for_what_breaks_it() {
    let manifest = std::fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    for (name, _) in TARGETS {
        let target = fuzz().join(format!("fuzz_targets/{name}.rs"));
        let target = std::fs::read_to_string(target).unwrap();
        assert!(
            target.contains(&format!("runstone_testkit::fuzz::{name}(bytes)")),
            "{name}"
        );
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
    }
    assert_eq!(manifest.matches("[[bin]]").count(), TARGETS.len());
}
