//! Debian's order of versions: epoch, upstream version, revision.
//!
//! # Source
//! `deb-version(7)`: parts of digits compare as numbers, others by character, where a tilde sorts
//! before the end of the text, the end before letters, and letters before all else.

use std::cmp::Ordering;

/// Compares two versions. `None`: one of them is none.
pub(super) fn compare(left: &str, right: &str) -> Option<Ordering> {
    let (left, right) = (Version::of(left)?, Version::of(right)?);
    let order = left.epoch.cmp(&right.epoch);
    let order = order.then_with(|| parts(left.upstream, right.upstream));
    Some(order.then_with(|| parts(left.revision, right.revision)))
}

#[derive(Debug, Clone, Copy)]
struct Version<'t> {
    epoch: u64,
    upstream: &'t [u8],
    /// An absent revision is as `0`.
    revision: &'t [u8],
}

impl<'t> Version<'t> {
    fn of(text: &'t str) -> Option<Self> {
        let (epoch, rest) = match text.split_once(':') {
            Some((epoch, rest)) => (epoch.parse().ok()?, rest),
            None => (0, text),
        };
        let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
        let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || b".+-:~".contains(&byte);
        let is_version = !upstream.is_empty() && rest.bytes().all(is_legal);
        is_version.then_some(Self {
            epoch,
            upstream: upstream.as_bytes(),
            revision: revision.as_bytes(),
        })
    }
}

/// Compares what is not digits, then digits, and so on, until they differ.
fn parts(mut left: &[u8], mut right: &[u8]) -> Ordering {
    while !left.is_empty() || !right.is_empty() {
        let (left_words, left_rest) = split(left, |byte| !byte.is_ascii_digit());
        let (right_words, right_rest) = split(right, |byte| !byte.is_ascii_digit());
        let order = words(left_words, right_words);
        let (left_digits, left_rest) = split(left_rest, u8::is_ascii_digit);
        let (right_digits, right_rest) = split(right_rest, u8::is_ascii_digit);
        let order = order.then_with(|| digits(left_digits, right_digits));
        if order != Ordering::Equal {
            return order;
        }
        (left, right) = (left_rest, right_rest);
    }
    Ordering::Equal
}

fn split(bytes: &[u8], belongs: impl Fn(&u8) -> bool) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|byte| !belongs(byte));
    bytes.split_at(end.unwrap_or(bytes.len()))
}

fn words(left: &[u8], right: &[u8]) -> Ordering {
    let weight = |byte: Option<&u8>| match byte {
        Some(b'~') => -1,
        None => 0,
        Some(byte) if byte.is_ascii_alphabetic() => i32::from(*byte),
        Some(byte) => i32::from(*byte) + 256,
    };
    (0..left.len().max(right.len()))
        .map(|at| weight(left.get(at)).cmp(&weight(right.get(at))))
        .find(|order| *order != Ordering::Equal)
        .unwrap_or(Ordering::Equal)
}

/// Compares numbers of any length.
fn digits(left: &[u8], right: &[u8]) -> Ordering {
    let (_, left) = split(left, |byte| *byte == b'0');
    let (_, right) = split(right, |byte| *byte == b'0');
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn versions_stand_in_the_order_of_the_manual() {
        let ascending = [
            "1.0~~",
            "1.0~~a",
            "1.0~",
            "1.0~rc1-1",
            "1.0",
            "1.0-0.1",
            "1.0-1",
            "1.0-1+b1",
            "1.0a",
            "1.0+b",
            "1.0.1",
            "1.2",
            "1.10",
            "9999999999999999999999",
            "1:0.1",
        ];
        for (at, left) in ascending.iter().enumerate() {
            for (other, right) in ascending.iter().enumerate() {
                let expected = Some(at.cmp(&other));
                assert_eq!(compare(left, right), expected, "{left} and {right}");
            }
        }
    }

    #[test]
    fn absent_revision_and_leading_zeroes_change_nothing() {
        assert_eq!(compare("1.0", "1.0-0"), Some(Ordering::Equal));
        assert_eq!(compare("1.01", "1.1"), Some(Ordering::Equal));
        assert_eq!(compare("0:1.0", "1.0"), Some(Ordering::Equal));
    }

    #[test]
    fn what_is_no_version_is_not_compared() {
        for text in ["", "a:1", "1 2", "1:"] {
            assert_eq!(compare(text, "1"), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn order_mirrors(left in "[0-9]{1,2}([.+~a-b0-2-]{0,5})", right in "[0-9]{1,2}([.+~a-b0-2-]{0,5})") {
            let order = compare(&left, &right);
            prop_assert_eq!(order, compare(&right, &left).map(Ordering::reverse));
        }
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "dpkg knows best")]
    fn order_is_the_one_of_dpkg_where_dpkg_is() {
        let versions = [
            "1.0~rc1-1",
            "1:1.0~rc1-1",
            "1.0-1",
            "2.36-9+deb12u10",
            "2.36-9+deb12u9",
            "1.0+git2",
            "1.0",
            "1.0.0",
            "0.9a-1",
            "0.9-1",
            "12-0",
            "12",
            "1~~",
            "1~",
        ];
        for left in versions {
            for right in versions {
                let ours = compare(left, right).unwrap();
                let word = match ours {
                    Ordering::Less => "lt",
                    Ordering::Equal => "eq",
                    Ordering::Greater => "gt",
                };
                let dpkg = Command::new("dpkg")
                    .args(["--compare-versions", left, word, right])
                    .status();
                let Ok(status) = dpkg else {
                    // Past the harness, which keeps what a passing test prints to itself.
                    let text = b"SKIPPED: there is no dpkg to ask\n";
                    std::io::stderr().write_all(text).unwrap();
                    return;
                };
                assert!(status.success(), "{left} {word} {right}, says dpkg not");
            }
        }
    }
}
