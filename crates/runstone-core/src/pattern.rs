//! Patterns of names: whole, without case, `*` is any text.
//!
//! One meaning of `*` for every place where a person writes one for a flat name: the metric lists
//! of a profile and the `~` of a filter. Matching takes at most the product of both lengths and
//! never recurses. Patterns of document paths, where `*` stops at a dot, belong to the profile's
//! reader.

/// Tells whether `pattern` matches the whole of `name`.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    // Every metric of every run is matched against every pattern, and nearly all are ASCII.
    if pattern.is_ascii() && name.is_ascii() {
        return is_match(
            pattern.as_bytes(),
            name.as_bytes(),
            b'*',
            u8::eq_ignore_ascii_case,
        );
    }
    let pattern: Vec<char> = folded(pattern).collect();
    let name: Vec<char> = folded(name).collect();
    is_match(&pattern, &name, '*', char::eq)
}

fn is_match<C: PartialEq + Copy>(
    pattern: &[C],
    name: &[C],
    any_text: C,
    is_same: impl Fn(&C, &C) -> bool,
) -> bool {
    let (mut at, mut on) = (0, 0);
    // Where the last `*` stood, and how much of the name it has taken so far.
    let mut star: Option<(usize, usize)> = None;
    while on < name.len() {
        match pattern.get(at) {
            Some(wanted) if *wanted == any_text => {
                star = Some((at, on));
                at += 1;
            }
            Some(wanted) if is_same(wanted, &name[on]) => {
                at += 1;
                on += 1;
            }
            _ => match &mut star {
                Some((star_at, taken)) => {
                    *taken += 1;
                    (at, on) = (*star_at + 1, *taken);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|rest| *rest == any_text)
}

/// Tells whether two names are equal without case.
pub(crate) fn same_name(one: &str, other: &str) -> bool {
    if one.is_ascii() && other.is_ascii() {
        return one.eq_ignore_ascii_case(other);
    }
    folded(one).eq(folded(other))
}

fn folded(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().flat_map(char::to_lowercase)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn star_is_any_text_and_the_rest_is_the_whole_name() {
        assert!(matches("*auc*", "val_AUC.mean"));
        assert!(matches("*_seconds", "fit_seconds"));
        assert!(!matches("*_seconds", "fit_seconds.std"));
        assert!(matches("a*b*c", "a-b-b-c"));
        assert!(matches("*", "") && matches("", "") && !matches("", "a"));
        assert!(!matches("auc", "auc.mean"));
    }

    proptest! {
        #[test]
        fn a_name_matches_itself_and_itself_with_any_part_starred(
            before in "[a-zA-Z._]{0,8}", inside in "[a-zA-Z._]{0,8}", after in "[a-zA-Z._]{0,8}",
        ) {
            let name = format!("{before}{inside}{after}");
            prop_assert!(matches(&name, &name));
            let starred = format!("{before}*{after}");
            prop_assert!(matches(&starred, &name));
        }
    }
}
