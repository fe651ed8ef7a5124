//! What `uv pip install --dry-run` says.
//!
//! It has no form for programs; its lines are ` + name==version`, ` - name==version` and, for what
//! is put in place again, ` ~ name==version`, each with an origin in round brackets where it comes
//! from no index. uv says so on standard error, in colours unless told otherwise.
//!
//! # Source
//! `crates/uv/src/commands/pip/operations.rs` of uv (`report_modifications`, `DryRunEvent`).

use super::super::manager::Manager;
use super::{Announced, Effect, Unclear};
use crate::grammar;

pub(super) fn announced(stderr: &str) -> Result<Vec<Announced>, Unclear> {
    let mut announced = Vec::new();
    for line in stderr.lines() {
        let Some((mark, item)) = marked(line) else {
            continue;
        };
        let item = item.split_once(" (").map_or(item, |(item, _)| item);
        let Some((name, version)) = item.trim_end().split_once("==") else {
            return Err(Unclear {
                manager: Manager::Pip,
                line: line.to_owned(),
            });
        };
        let effect = match mark {
            '-' => Effect::Remove,
            _ => Effect::Put {
                version: version.to_owned(),
            },
        };
        announced.push(Announced {
            name: grammar::python_name(name),
            arch: None,
            effect,
        });
    }
    Ok(announced)
}

/// Returns the mark a line begins with, and what is behind it.
fn marked(line: &str) -> Option<(char, &str)> {
    let rest = line.strip_prefix(' ')?;
    let mark = rest
        .chars()
        .next()
        .filter(|it| matches!(it, '+' | '-' | '~'))?;
    Some((mark, rest[1..].strip_prefix(' ')?))
}
