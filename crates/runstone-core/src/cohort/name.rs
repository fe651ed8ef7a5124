//! Names made safe: of cohorts, and of the directories in which people look for a run.
//!
//! Both last as long as a store, so golden vectors guard them. No text from a user becomes a path
//! without passing here. The invariant: what comes out is `[a-z0-9._~-]`, no dot file, no `..`,
//! short enough for every file system, and different for different run ids also where letter case
//! does not count.

use crate::digest::Digest;
use crate::id::{RunId, Stage};

/// Longest part of a cohort's id, in characters.
const PART_CHARACTERS_MAX: usize = 24;
/// Longest run id that is its own directory name, in characters.
const PLAIN_CHARACTERS_MAX: usize = 80;
/// Longest readable beginning of a directory that carries a digest, in characters.
const READABLE_CHARACTERS_MAX: usize = 40;
/// Hex digits of the digest in such a directory: 64 bits.
const DIGITS: usize = 16;
/// A name that lies beside the directories of stages and is none.
const BESIDE_STAGES: &str = "snapshot_index.json";

/// Returns the directory name of a run: the id itself where that is safe, else its readable
/// beginning, `~`, and a digest.
///
/// A plain id never holds a `~`, so that no id is another's escaped name.
pub fn run_directory(run_id: &RunId) -> String {
    let id = run_id.compared();
    if is_plain(&id) {
        return id;
    }
    let digits = Digest::of_named("run-directory", id.as_bytes()).prefix(DIGITS);
    format!("{}~{digits}", safe(&id, READABLE_CHARACTERS_MAX))
}

/// Returns the directory name of a stage within a run: the stage itself, in its own letter case,
/// where that is safe, else its readable beginning, `~`, and a digest.
///
/// Letter case may stay because a stage is part of its cohort: where names are folded, the folders
/// of two cohorts still differ.
pub fn stage_directory(stage: &Stage) -> String {
    let name = stage.as_str();
    let folded = name.to_ascii_lowercase();
    if is_plain(&folded) && folded != BESIDE_STAGES {
        return name.to_owned();
    }
    let digits = Digest::of_named("stage-directory", name.as_bytes()).prefix(DIGITS);
    format!("{}~{digits}", safe(name, READABLE_CHARACTERS_MAX))
}

/// Returns `text` as one part of a cohort's id: lower case, every other character a `-`, cut.
pub(crate) fn part(text: &str) -> String {
    safe(text, PART_CHARACTERS_MAX)
}

fn is_plain(id: &str) -> bool {
    let is_word = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9');
    let bytes = id.as_bytes();
    bytes.len() <= PLAIN_CHARACTERS_MAX
        && bytes.first().copied().is_some_and(is_word)
        && bytes.last().copied().is_some_and(is_word)
        && bytes
            .iter()
            .all(|byte| is_word(*byte) || matches!(byte, b'.' | b'_' | b'-'))
}

/// Returns `text` in `[a-z0-9_-]`, at most `characters_max` long, never empty and never with a `-`
/// at an end, where a command line would take it for an option.
fn safe(text: &str, characters_max: usize) -> String {
    let lower = text.to_lowercase();
    let safe: String = lower
        .chars()
        .map(|character| match character {
            'a'..='z' | '0'..='9' | '_' => character,
            _ => '-',
        })
        .collect();
    let cut: String = safe
        .trim_start_matches('-')
        .chars()
        .take(characters_max)
        .collect();
    match cut.trim_end_matches('-') {
        "" => "_".to_owned(),
        named => named.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(id: &str) -> String {
        run_directory(&RunId::new(id).unwrap())
    }

    #[test]
    fn a_plain_id_is_its_own_directory() {
        for id in ["churn-0412", "intelligent_output_20251217_093012", "v1.2"] {
            assert_eq!(directory(id), id);
        }
    }

    #[test]
    fn ids_that_differ_in_letter_case_alone_get_names_that_differ_without_it() {
        let names = ["run", "Run", "RUN"].map(|id| directory(id).to_lowercase());
        assert!(names[0] != names[1] && names[1] != names[2] && names[0] != names[2]);
    }

    #[test]
    fn an_escaped_name_is_no_other_ids_plain_name() {
        let escaped = directory("a:b");
        assert_ne!(directory(&escaped), escaped);
    }

    #[test]
    fn two_spellings_of_one_id_share_a_directory() {
        assert_eq!(directory("caf\u{e9}"), directory("cafe\u{301}"));
    }

    #[test]
    fn parts_are_cut_to_24_characters() {
        assert_eq!(part("Y_break_up 30m"), "y_break_up-30m");
        assert_eq!(part(&"x".repeat(99)).len(), 24);
        assert_eq!(part("../.."), "_");
    }
}
