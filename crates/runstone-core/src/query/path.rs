//! What a path of a filter may begin with.
//!
//! A misspelled first part would silently match nothing, so it is refused with the nearest name,
//! and so is a part below a value, which has none. Below the other first parts any name is legal:
//! not every run has every metric.

use super::parse::QueryError;
use crate::spelling;

/// First parts that are a value themselves.
const VALUES: [&str; 17] = [
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
    "tag",
    "verdict",
];
/// First parts below which the values stand.
const SECTIONS: [&str; 8] = [
    "document", "factors", "identity", "labels", "metrics", "seeds", "settings", "versions",
];

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
        let Some(part) = below.first() else {
            return Ok(());
        };
        let after = column + root.chars().count();
        let found = format!("`.{}`", part.escape_debug());
        let expected = format!("nothing below `{root}`");
        return Err(
            QueryError::new(after, &expected, &found).hint(&format!("`{root}` is a value itself"))
        );
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
    Err(QueryError::new(
        column,
        "a path that begins with a field of a snapshot",
        &found,
    )
    .hint(&hint))
}

fn nearest(word: &str) -> Option<&'static str> {
    let word = word.to_lowercase();
    let mut names = VALUES.into_iter().chain(SECTIONS);
    let same = names.clone().find(|name| *name == word);
    same.or_else(|| spelling::nearest(&word, &mut names))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_near_names_are_proposed() {
        assert_eq!(nearest("metric"), Some("metrics"));
        assert_eq!(nearest("Stage"), Some("stage"));
        assert_eq!(nearest("auc"), None);
        assert_eq!(nearest("learning_rate"), None);
    }
}
