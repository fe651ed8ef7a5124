//! The nearest known word to one that is not known, for hints.
//!
//! One rule for every "did you mean": at most two edits, and at most one in three characters, so
//! that a short name is not taken for another short name.

/// Most edits between a word and the one it was meant to be.
const EDITS_MAX: usize = 2;

/// Returns the known word nearest to `word`, if one is near enough.
pub(crate) fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    known
        .into_iter()
        .filter_map(|candidate| Some((near(word, candidate)?, candidate)))
        .min()
        .map(|(_, candidate)| candidate)
}

/// Returns how many edits lie between two words that are near each other and not equal.
pub(crate) fn near(a: &str, b: &str) -> Option<usize> {
    let limit = EDITS_MAX.min(a.chars().count().max(b.chars().count()) / 3);
    let edits = edits(a, b);
    (1..=limit).contains(&edits).then_some(edits)
}

/// Returns the Levenshtein distance, letter case counted.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (line, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_found_and_a_far_one_is_not() {
        let known = ["stage", "status", "sweep"];
        assert_eq!(nearest("stge", known), Some("stage"));
        assert_eq!(nearest("metrics", known), None);
        assert_eq!(
            nearest("stage", known),
            None,
            "an equal word is no misspelling"
        );
    }

    #[test]
    fn short_words_are_not_taken_for_each_other() {
        assert_eq!(near("lr", "n"), None);
        assert_eq!(near("view", "seed"), None);
    }
}
