//! Commands in words, as whoever reads them can type them: with the store that was named.
//!
//! Hints and warnings name commands between backticks and know no store, since most of them are
//! written below the faces. Where `--store` was said, the same command without it would ask another
//! store. The invariant: nothing but commands that ask a store is changed, and what was said is
//! quoted for a shell. A store found by the environment or by the folder is found again.

use std::borrow::Cow;
use std::path::Path;

use crate::render::command_line::command_line;

/// Verbs that ask no store, or make one.
const WITHOUT_STORE: [&str; 7] = [
    "completions",
    "config",
    "demo",
    "help",
    "init",
    "man",
    "version",
];

/// What begins a command in words.
const COMMAND: &str = "`runstone ";

/// The store that was named, as it is typed again.
#[derive(Debug)]
pub(crate) struct NamedStore(String);

impl NamedStore {
    pub(crate) fn new(path: &Path) -> Self {
        Self(command_line(&["--store".into(), path.into()]))
    }

    /// Returns words whose commands name this store.
    pub(crate) fn in_commands<'w>(&self, words: &'w str) -> Cow<'w, str> {
        let mut parts = words.split(COMMAND);
        let mut named = Cow::Borrowed(parts.next().unwrap_or_default());
        if named.len() == words.len() {
            return Cow::Borrowed(words);
        }
        for part in parts {
            let text = named.to_mut();
            text.push_str(COMMAND);
            if asks_a_store(part.split('`').next().unwrap_or_default()) {
                text.push_str(&self.0);
                text.push(' ');
            }
            text.push_str(part);
        }
        named
    }
}

/// Returns words in which the command that adopts a store names this one: it says so to none but
/// the store of its folder.
pub(crate) fn adopting(words: &str, store: &Path) -> String {
    let named = command_line(&[
        "runstone".into(),
        "init".into(),
        store.into(),
        "--adopt".into(),
    ]);
    words.replace("runstone init --adopt", &named)
}

fn asks_a_store(command: &str) -> bool {
    let mut words = command.split_whitespace();
    words
        .next()
        .is_some_and(|verb| !verb.starts_with('-') && !WITHOUT_STORE.contains(&verb))
        && !words
            .take_while(|word| *word != "--")
            .any(|word| matches!(word, "--store" | "--help"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_commands_that_ask_a_store_name_it() {
        let store = NamedStore::new(Path::new("my runs"));
        for (words, named) in [
            (
                "see all with `runstone verify`, or `runstone log --help`",
                "see all with `runstone --store 'my runs' verify`, or `runstone log --help`",
            ),
            (
                "`runstone run -- ./go --store x`; then `runstone init d`",
                "`runstone --store 'my runs' run -- ./go --store x`; then `runstone init d`",
            ),
            ("`runstone --store a log`", "`runstone --store a log`"),
            ("the file `runstone.json`", "the file `runstone.json`"),
        ] {
            assert_eq!(store.in_commands(words), named);
        }
    }
}
