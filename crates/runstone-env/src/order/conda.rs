//! The order of versions in packages of conda.
//!
//! A version is an epoch, parts between dots or underscores, and a local part behind `+`. A part is
//! runs of digits and of letters: numbers are later than words, `post` is later than all and `dev`
//! earlier than any other word; what is missing counts as 0.
//!
//! # Source
//! `VersionOrder` in `conda/models/version.py` of conda 26.7, against whose answers it was held.

use std::cmp::Ordering;

/// One run of a part. The order of the kinds is that of the versions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Run {
    /// A word. `dev` stands here in upper case, which is before all others.
    Word(String),
    /// A number of any length: how many digits it has without leading zeroes, and the digits.
    Number(usize, String),
    /// `post`.
    Post,
}

/// What takes the place of a missing run.
const ZERO: Run = Run::Number(0, String::new());

/// A version, in parts.
struct Version {
    parts: Vec<Vec<Run>>,
    local: Vec<Vec<Run>>,
}

/// Compares two versions. `None`: one of them is none.
pub(super) fn compare(left: &str, right: &str) -> Option<Ordering> {
    let (left, right) = (Version::of(left)?, Version::of(right)?);
    let order = compare_parts(&left.parts, &right.parts);
    Some(order.then_with(|| compare_parts(&left.local, &right.local)))
}

/// Tells whether a text is a version.
pub(crate) fn is_version(text: &str) -> bool {
    Version::of(text).is_some()
}

impl Version {
    fn of(text: &str) -> Option<Self> {
        let mut text = text.to_ascii_lowercase();
        if !text.contains('_') {
            text = text.replace('-', "_");
        }
        let is_legal =
            |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || b"*.+!_".contains(&it);
        if !text.bytes().all(is_legal) {
            return None;
        }
        let (epoch, rest) = text.split_once('!').unwrap_or(("0", &text));
        let (version, local) = match rest.split_once('+') {
            Some((version, local)) => (version, Some(local)),
            None => (rest, None),
        };
        let is_number = !epoch.is_empty() && epoch.bytes().all(|it| it.is_ascii_digit());
        let is_once = !version.contains('!') && local.is_none_or(|it| !it.contains(['!', '+']));
        if !is_number || !is_once {
            return None;
        }
        let mut parts = vec![runs(epoch)?];
        // An underscore at the end belongs to the last part: `1.0.1_` is before `1.0.1a`.
        let (version, end) = match version.strip_suffix('_') {
            Some(version) => (version, "_"),
            None => (version, ""),
        };
        let mut texts: Vec<String> = version.split(['.', '_']).map(ToOwned::to_owned).collect();
        texts.last_mut()?.push_str(end);
        for text in texts {
            parts.push(runs(&text)?);
        }
        let local = local.map(|it| it.split(['.', '_']).map(runs).collect());
        Some(Self {
            parts,
            local: local.unwrap_or_else(|| Some(Vec::new()))?,
        })
    }
}

/// Returns the runs of a part, of which the first is a number. `None`: it is empty.
fn runs(part: &str) -> Option<Vec<Run>> {
    let kind = |it: char| (it.is_ascii_digit(), it == '*');
    let first = part.chars().next()?;
    let mut runs = Vec::new();
    if !first.is_ascii_digit() {
        runs.push(ZERO);
    }
    let mut rest = part;
    while let Some(first) = rest.chars().next() {
        let end = rest
            .find(|it| kind(it) != kind(first))
            .unwrap_or(rest.len());
        let (run, behind) = rest.split_at(end);
        rest = behind;
        runs.push(match run {
            "post" => Run::Post,
            "dev" => Run::Word("DEV".to_owned()),
            digits if first.is_ascii_digit() => {
                let digits = digits.trim_start_matches('0');
                Run::Number(digits.len(), digits.to_owned())
            }
            word => Run::Word(word.to_owned()),
        });
    }
    Some(runs)
}

fn compare_parts(left: &[Vec<Run>], right: &[Vec<Run>]) -> Ordering {
    let part = |parts: &[Vec<Run>], at: usize, run: usize| {
        let run = parts.get(at).and_then(|part| part.get(run));
        run.cloned().unwrap_or(ZERO)
    };
    for at in 0..left.len().max(right.len()) {
        let length = |parts: &[Vec<Run>]| parts.get(at).map_or(0, Vec::len);
        for run in 0..length(left).max(length(right)) {
            let order = part(left, at, run).cmp(&part(right, at, run));
            if order.is_ne() {
                return order;
            }
        }
    }
    Ordering::Equal
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn order_is_the_one_that_conda_documents() {
        let ascending = [
            "0.4",
            "0.4.1.rc",
            "0.4.1",
            "0.5a1",
            "0.5b3",
            "0.5c1",
            "0.5",
            "0.9.6",
            "0.960923",
            "1.0",
            "1.1dev1",
            "1.1_",
            "1.1a1",
            "1.1.0dev1",
            "1.1.0rc1",
            "1.1.0",
            "1.1.0post1",
            "1.1post1",
            "2.4.0+cpu",
            "2.4.0+cu118",
            "1996.07.12",
            "99999999999999999999999",
            "1!0.4.1",
            "1!3.1.1.6",
            "2!0.4.1",
        ];
        for (at, left) in ascending.iter().enumerate() {
            for (other, right) in ascending.iter().enumerate() {
                let expected = Some(at.cmp(&other));
                assert_eq!(compare(left, right), expected, "{left} and {right}");
            }
        }
    }

    #[test]
    fn what_is_missing_counts_as_nothing() {
        for (left, right) in [
            ("0.4", "0.4.0"),
            ("0.4.1.rc", "0.4.1.RC"),
            ("1.1.dev1", "1.1.0dev1"),
            ("1.1", "1.1.0"),
            ("1.1.0post1", "1.1.post1"),
            ("01.2", "1.02"),
            ("0!1", "1"),
            ("1-2", "1_2"),
        ] {
            assert_eq!(
                compare(left, right),
                Some(Ordering::Equal),
                "{left} and {right}"
            );
        }
    }

    #[test]
    fn what_is_no_version_is_not_compared() {
        for text in [
            "", "+1", "1..2", "a!1", "1!2!3", "1+2+3", "1 2", "1-2_3", "1/2", "!1", "1+",
        ] {
            assert_eq!(compare(text, "1"), None, "{text:?}");
            assert!(!is_version(text), "{text:?}");
        }
    }

    #[test]
    fn odd_versions_are_in_the_order_that_conda_answered() {
        for (earlier, later) in [
            ("*10", "rc.01"),
            ("a-a0-", "100._"),
            ("dev", "_"),
            ("*", "01*0"),
            ("01*", "01-"),
            ("0_", "2012"),
            ("01b-", "01"),
            ("1post", "10"),
            ("1a", "1adev"),
            ("**", "dev"),
            ("b*", "deva"),
            ("1*", "01b-"),
            ("*1_", "bb+0"),
            ("01ab", "10._"),
            ("*01", "2rc*"),
        ] {
            assert_eq!(
                compare(earlier, later),
                Some(Ordering::Less),
                "{earlier} and {later}"
            );
        }
    }

    proptest! {
        #[test]
        fn order_mirrors(left in "[0-9]([.+!a-b0-2_]{0,6})", right in "[0-9]([.+!a-b0-2_]{0,6})") {
            let order = compare(&left, &right);
            prop_assert_eq!(order, compare(&right, &left).map(Ordering::reverse));
        }
    }
}
