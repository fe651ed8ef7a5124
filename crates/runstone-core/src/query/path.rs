//! What a path of a filter may begin with.
//!
//! A misspelled first part would silently match nothing, so it is refused with the nearest name.
//! Below the first part any name is legal: not every run has every metric.

use super::parse::QueryError;

/// First parts that are a value themselves.
const VALUES: [&str; 16] = [
    "attempt",
    "candidate",
    "cohort",
    "experiment",
    "finished_at",
    "profile",
    "recorded_at",
    "run_id",
    "seq",
    "sha256",
    "snapshot_seq",
    "stage",
    "started_at",
    "status",
    "sweep",
    "verdict",
];
/// First parts below which the values stand.
const SECTIONS: [&str; 8] = [
    "document", "factors", "identity", "labels", "metrics", "seeds", "settings", "versions",
];
/// Most edits at which another name is still proposed.
const EDITS_MAX: usize = 2;

/// Checks that a path begins with a known part, and that a compared path names a value.
pub(super) fn check(parts: &[String], column: usize, compared: bool) -> Result<(), QueryError> {
    let (root, below) = parts.split_first().expect("a path has a first part");
    if SECTIONS.contains(&root.as_str()) {
        return if below.is_empty() && compared {
            let after = column + root.chars().count();
            Err(
                QueryError::new(after, "`.` and a name", &format!("`{root}` alone"))
                    .hint(&format!("name one of its values: `{root}.NAME`")),
            )
        } else {
            Ok(())
        };
    }
    if VALUES.contains(&root.as_str()) {
        return Ok(());
    }
    let hint = match nearest(root) {
        Some(near) => {
            let meant: Vec<&str> = std::iter::once(near)
                .chain(below.iter().map(String::as_str))
                .collect();
            format!("did you mean `{}`?", meant.join("."))
        }
        None => format!(
            "values stand below {}: a metric is `metrics.{root}`, a factor `factors.{root}`; or use \
             one of {}",
            SECTIONS.join(", "),
            VALUES.join(", ")
        ),
    };
    let found = format!("`{}`", root.escape_debug());
    Err(QueryError::new(column, "a known first part", &found).hint(&hint))
}

fn nearest(word: &str) -> Option<&'static str> {
    let word = word.to_lowercase();
    VALUES
        .into_iter()
        .chain(SECTIONS)
        .map(|name| (edits(&word, name), name))
        .filter(|(edits, name)| *edits <= EDITS_MAX && *edits < name.len() / 2)
        .min()
        .map(|(_, name)| name)
}

/// Insertions, deletions and replacements between two words.
///
/// # Source
/// Wagner & Fischer, Journal of the ACM 21, 168 (1974).
fn edits(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (above, letter) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = above + 1;
        for (at, against) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *against);
            diagonal = row[at + 1];
            row[at + 1] = replaced.min(row[at] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_between_words_are_counted() {
        assert_eq!(edits("kitten", "sitting"), 3);
        assert_eq!(edits("", "abc"), 3);
        assert_eq!(edits("metric", "metrics"), 1);
    }

    #[test]
    fn only_near_names_are_proposed() {
        assert_eq!(nearest("metric"), Some("metrics"));
        assert_eq!(nearest("Stage"), Some("stage"));
        assert_eq!(nearest("auc"), None);
        assert_eq!(nearest("learning_rate"), None);
    }
}
