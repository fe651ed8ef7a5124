//! Python: an interpreter, the folders it imports from, and the distributions in them.
//!
//! ```text
//! chosen       which interpreter is meant          path           the folders it imports from
//! interpreter  its prefix, version and home        distribution   one *.dist-info or *.egg-info
//! records      every file that a distribution brought, held against its hash
//! ```
//!
//! The invariant: what is captured is what an import would find. The first folder that has a
//! distribution wins, and a later one is marked as shadowed. The interpreter is never started.

mod chosen;
mod distribution;
mod interpreter;
mod path;
mod records;

use std::collections::BTreeSet;
use std::path::Path;

use self::distribution::{Distribution, Problem};
use self::interpreter::Interpreter;
pub use self::records::{FileFinding, FileState, PythonFiles, python_files};
use super::found::Found;
use super::{Options, beside};
use crate::root::{Entry, Root};

/// The name of a file by which a distribution says that its package manager is another one.
const MANAGED: &str = "EXTERNALLY-MANAGED";

pub(super) fn read(root: &Root, options: &Options) -> Found {
    let mut found = Found::captured();
    let chosen = match chosen::interpreter(root, options) {
        Ok(Some(chosen)) => chosen,
        Ok(None) => return Found::absent(),
        Err(reason) => return Found::unreadable(reason),
    };
    found.observe("chosen_by", chosen.by.as_str());
    found.observe("executable", chosen.executable.to_string_lossy());
    let interpreter = match Interpreter::of(root, &chosen.executable) {
        Ok(interpreter) => interpreter,
        Err(reason) => return Found::unreadable(reason),
    };
    describe(root, &interpreter, &mut found);
    let folders = path::folders(root, &interpreter, options, &mut found);
    let entries: Vec<(&Path, Entry)> = folders
        .iter()
        .flat_map(|folder| {
            let names = found.names(root, folder).unwrap_or_default();
            names.into_iter().map(|name| (folder.as_path(), name))
        })
        .collect();
    distributions(root, entries, &mut found);
    for folder in &folders {
        torch(root, folder, &mut found);
    }
    found
}

fn describe(root: &Root, interpreter: &Interpreter, found: &mut Found) {
    found.fact("version", interpreter.version.as_str());
    found.observe("prefix", interpreter.prefix.to_string_lossy());
    if let Some(home) = &interpreter.base {
        found.fact("virtual", true);
        found.observe("base", home.to_string_lossy());
    }
    if interpreter.has_system_packages {
        found.fact("system_site_packages", true);
    }
    if let Some(uv) = &interpreter.uv {
        found.fact("made_by_uv", uv.as_str());
    }
    let library = interpreter.library();
    if interpreter.base.is_none() && root.has(library.join(MANAGED)) {
        found.fact("externally_managed", true);
    }
}

/// Reads all distributions, of every folder at once, the first folder first.
fn distributions(root: &Root, entries: Vec<(&Path, Entry)>, found: &mut Found) {
    let read = beside::work_off(&entries, |(folder, entry)| {
        Distribution::of(root, folder, entry)
    });
    let mut seen = BTreeSet::new();
    let mut broken = Vec::new();
    for ((folder, entry), distribution) in entries.into_iter().zip(read) {
        if entry.name.starts_with('~') {
            // pip renames a folder so before it removes it; what is left was never removed.
            found.warn(format!(
                "{} is left of a removal that did not end",
                folder.join(&entry.name).display()
            ));
            broken.push(entry.name.into());
            continue;
        }
        match distribution {
            None => {}
            Some(Ok(distribution)) => {
                for problem in &distribution.problems {
                    found.lacks(problem.as_str());
                }
                let is_first = seen.insert(distribution.package.name.clone());
                let mut package = distribution.package;
                if !is_first {
                    found.warn(format!(
                        "{} {} in {} is shadowed by an earlier folder, or stands there twice",
                        package.name,
                        package.version,
                        folder.display()
                    ));
                    package.facts.insert("shadowed".to_owned(), true.into());
                }
                found.package(package);
            }
            Some(Err(Problem::Broken(text))) => {
                found.warn(text);
                broken.push(entry.name.into());
            }
            Some(Err(Problem::Unreadable(text))) => found.lacks(text),
        }
    }
    found.list("broken", broken);
}

/// Adds what torch was built for, from the file that says it: importing it would take seconds.
fn torch(root: &Root, folder: &Path, found: &mut Found) {
    let path = folder.join("torch/version.py");
    let Ok(Some(bytes)) = root.read(&path) else {
        return;
    };
    let Ok(text) = String::from_utf8(bytes) else {
        return;
    };
    for name in ["cuda", "hip", "git_version"] {
        let fact = format!("torch_{name}");
        if let Some(value) = assigned(&text, name)
            && !found.source.facts.contains_key(&fact)
        {
            found.fact(&fact, value);
        }
    }
}

/// Returns the text that is assigned to a name: `cuda: Optional[str] = '12.1'`.
fn assigned(text: &str, name: &str) -> Option<String> {
    let lines = text.lines().filter_map(|line| line.split_once('='));
    let mut values = lines.filter_map(|(left, right)| {
        let left = left.split(':').next().unwrap_or_default().trim();
        let right = right.trim();
        let quote = right.chars().next().filter(|it| matches!(it, '\'' | '"'))?;
        (left == name).then(|| right.trim_matches(quote).to_owned())
    });
    values.next().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn torch_tells_its_cuda_without_being_imported() {
        let text = "from typing import Optional\n__all__ = ['cuda']\ncuda: Optional[str] = '12.1'\nhip: Optional[str] = None\ngit_version = 'ab'\n";
        assert_eq!(assigned(text, "cuda").as_deref(), Some("12.1"));
        assert_eq!(assigned(text, "hip"), None);
        assert_eq!(assigned(text, "git_version").as_deref(), Some("ab"));
    }
}
