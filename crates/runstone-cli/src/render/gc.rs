//! What a collection removed, as text.

use runstone::gc::Collected;

use crate::render::lines::wrapped;
use crate::render::words::count;
use crate::ui::{DONE, FAINT, WARNING, plain};

/// Returns every leftover and object that goes or comes, then the sums.
pub(crate) fn text(collected: &Collected) -> String {
    let mut text = String::new();
    let swept = &collected.swept;
    let mut line = |word: &str, what: &str| {
        text.push_str(&wrapped(&format!("{FAINT}{word}{FAINT:#} {}", plain(what))));
    };
    for path in &swept.leftovers {
        line("leftover", path);
    }
    let discarded = &collected.discarded;
    for (word, objects) in [
        ("trashed", &discarded.trashed),
        ("emptied", &discarded.emptied),
        ("put back", &discarded.put_back),
    ] {
        for object in objects {
            line(word, &format!("object {object}"));
        }
    }
    let leftovers = count(swept.leftovers.len() as u64, "leftover");
    let what = if collected.dry_run {
        format!("{DONE}looked{DONE:#} {leftovers} would be removed")
    } else {
        format!("{DONE}removed{DONE:#} {leftovers}")
    };
    text.push_str(&wrapped(&format!(
        "{what}; {} not a day old stay",
        count(swept.young, "temporary file")
    )));
    text.push_str(&of_objects(collected));
    let left = swept.left + discarded.left;
    if left > 0 {
        text.push_str(&wrapped(&format!(
            "{WARNING}left{WARNING:#} {} that could not be looked at or removed",
            count(left, "place")
        )));
    }
    if let Some(why) = &collected.undecided {
        text.push_str(&wrapped(&format!(
            "{WARNING}left{WARNING:#} every object: what cannot be read may name any of them ({}); \
             see all damage with `runstone verify`",
            plain(why)
        )));
    }
    text
}

/// Returns the sums of objects, where there is any that nothing names.
fn of_objects(collected: &Collected) -> String {
    let discarded = &collected.discarded;
    let would = if collected.dry_run { "would be " } else { "" };
    let parts: Vec<String> = [
        (
            discarded.trashed.len() as u64,
            format!("{would}moved to the trash"),
        ),
        (
            discarded.emptied.len() as u64,
            format!("{would}removed for good"),
        ),
        (discarded.put_back.len() as u64, format!("{would}put back")),
        (
            discarded.waiting,
            "in the trash for less than a day".to_owned(),
        ),
        (
            discarded.young,
            "not a day old that nothing names".to_owned(),
        ),
    ]
    .into_iter()
    .filter(|(objects, _)| *objects > 0)
    .map(|(objects, what)| format!("{objects} {what}"))
    .collect();
    if parts.is_empty() {
        return String::new();
    }
    wrapped(&format!("{DONE}objects{DONE:#} {}", parts.join("; ")))
}
