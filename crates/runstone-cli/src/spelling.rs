//! The word that a misspelt one was probably meant to be.
//!
//! One rule for commands and stages: one slip of the finger, or two in a longer word, two letters
//! in the wrong order counting as one. Names of settings, which are longer, have a rule of their
//! own.

use strsim::osa_distance;

/// From this many characters on, a word may have two slips.
const LONG: usize = 6;

/// Returns the known word nearest to `word`, if one is near enough.
pub(crate) fn nearest<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let slips_max = if word.chars().count() < LONG { 1 } else { 2 };
    let typed = word.to_lowercase();
    known
        .map(|candidate| (osa_distance(&typed, &candidate.to_lowercase()), candidate))
        .filter(|(slips, _)| *slips <= slips_max)
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        let known = || ["log", "tag", "run", "record", "config"].into_iter();
        assert_eq!(nearest("lgo", known()), Some("log"));
        assert_eq!(nearest("Recrod", known()), Some("record"));
        assert_eq!(nearest("reocrs", known()), Some("record"));
        assert_eq!(nearest("bug", known()), None);
    }
}
