//! Which versions a manager says it cannot find any more.
//!
//! Each says so in its own words, on its way out. Where none are known here the answer is empty,
//! and what the manager said is shown as it is.

use super::super::manager::Manager;
use super::conda;

/// What stands before and behind the name of what is gone, by manager.
const WORDS: [(Manager, &str, &str); 9] = [
    (Manager::Apt, "E: Version '", "' was not found"),
    (Manager::Apt, "E: Unable to locate package ", ""),
    (
        Manager::Apt,
        "E: Package '",
        "' has no installation candidate",
    ),
    (Manager::Apt, "E: Couldn't find any package by glob '", "'"),
    (Manager::Pip, "No matching distribution found for ", ""),
    (Manager::Pip, "Because there is no version of ", " and "),
    (
        Manager::Pip,
        "Because ",
        " was not found in the package registry",
    ),
    (Manager::Pip, "Because ", " has no "),
    (Manager::Npm, "No matching version found for ", ""),
];

/// Returns what a manager that failed said it could not find.
pub fn gone(manager: Manager, output: &str) -> Vec<String> {
    if manager == Manager::Conda {
        return conda::gone(output);
    }
    let words = || WORDS.iter().filter(|(whose, ..)| *whose == manager);
    let mut gone: Vec<String> = Vec::new();
    for line in output.lines() {
        let found = words().find_map(|(_, before, behind)| between(line, before, behind));
        if let Some(found) = found
            && !gone.contains(&found)
        {
            gone.push(found);
        }
    }
    gone
}

fn between(line: &str, before: &str, behind: &str) -> Option<String> {
    let at = line.find(before)?;
    let rest = &line[at + before.len()..];
    let end = if behind.is_empty() {
        rest.len()
    } else {
        rest.find(behind)?
    };
    // apt writes `'VERSION' for 'NAME'`.
    let words = rest[..end].trim().trim_end_matches(['.', ',', '"']);
    let words = words.split_once("' for '").map_or_else(
        || words.to_owned(),
        |(version, name)| format!("{name}={version}"),
    );
    (!words.is_empty()).then_some(words)
}
