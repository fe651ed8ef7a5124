//! What `conda install --dry-run --json` and `conda remove --dry-run --json` say: one document,
//! with what would be taken out of the prefix and what would be put there.
//!
//! # Source
//! `handle_txn` in `conda/cli/install.py` and `UnlinkLinkTransaction` in `conda/core/link.py` of
//! conda 26.7; `PackagesNotFoundError` in `conda/exceptions.py`.

use serde_json::Value;

use super::super::argv::Means;
use super::super::conda::built;
use super::super::manager::Manager;
use super::super::plan::Plan;
use super::{Announced, Effect, Unclear};

/// A package in an answer: its name, and its version with its build.
type Named = (String, String);

pub(super) fn announced(
    stdout: &str,
    plan: &Plan,
    means: &Means,
) -> Result<Vec<Announced>, Unclear> {
    let said: Value = serde_json::from_str(stdout).map_err(|_error| unclear(stdout))?;
    if said.get("success") != Some(&Value::Bool(true)) {
        return Err(unclear("no success"));
    }
    let Some(actions) = said.get("actions") else {
        // "All requested packages already installed."
        return match said.get("message") {
            Some(_) => Ok(Vec::new()),
            None => Err(unclear("neither actions nor a message")),
        };
    };
    let prefix = actions.get("PREFIX").and_then(Value::as_str);
    let asked = [&plan.places.conda, &means.without];
    if prefix.is_none() || !asked.iter().any(|it| it.as_deref() == prefix) {
        return Err(unclear(&format!(
            "packages of {}",
            prefix.unwrap_or("no prefix")
        )));
    }
    let (gone, put) = (packages(actions, "UNLINK")?, packages(actions, "LINK")?);
    // What is taken out and put back as it was, since another Python came, is no change.
    let is_planned = |name: &str| plan.steps_of(Manager::Conda).any(|step| step.name == name);
    let stays =
        |package: &Named, other: &[Named]| !is_planned(&package.0) && other.contains(package);
    let removed = gone.iter().filter(|package| !stays(package, &put));
    let removed = removed.map(|(name, _)| (name, Effect::Remove));
    let put = put.iter().filter(|package| !stays(package, &gone));
    let put = put.map(|(name, version)| {
        let version = version.clone();
        (name, Effect::Put { version })
    });
    let announced = removed.chain(put).map(|(name, effect)| Announced {
        name: name.clone(),
        arch: None,
        effect,
    });
    Ok(announced.collect())
}

/// Returns the packages of one member of the actions; where it is missing there are none.
fn packages(actions: &Value, member: &str) -> Result<Vec<Named>, Unclear> {
    let Some(items) = actions.get(member) else {
        return Ok(Vec::new());
    };
    let items = items.as_array().ok_or_else(|| unclear(member))?;
    let packages = items.iter().map(|item| {
        let text = |member: &str| item.get(member)?.as_str();
        let (Some(name), Some(version)) = (text("name"), text("version")) else {
            return Err(unclear("a package without name or version"));
        };
        Ok((name.to_owned(), built(version, text("build_string"))))
    });
    packages.collect()
}

fn unclear(line: &str) -> Unclear {
    Unclear {
        manager: Manager::Conda,
        line: line.chars().take(80).collect(),
    }
}

/// Returns what conda said it could not find. What begins with two underscores is no package but
/// something of the machine, such as a driver.
pub(super) fn gone(output: &str) -> Vec<String> {
    let Some(said) = document(output) else {
        return Vec::new();
    };
    let name = said.get("exception_name").and_then(Value::as_str);
    if !name.is_some_and(|it| it.starts_with("PackagesNotFound")) {
        return Vec::new();
    }
    let packages = said.get("packages").and_then(Value::as_array);
    let packages = packages.into_iter().flatten().filter_map(Value::as_str);
    let packages = packages.filter(|it| !it.starts_with("__"));
    packages.map(ToOwned::to_owned).collect()
}

/// Returns what conda said for people.
pub(super) fn complaint(output: &str) -> Option<String> {
    let said = document(output)?;
    let text = |member: &str| said.get(member)?.as_str().filter(|it| !it.is_empty());
    text("message")
        .or_else(|| text("error"))
        .map(ToOwned::to_owned)
}

/// Returns the document among what was said on both outputs: it begins with a line of its own.
fn document(output: &str) -> Option<Value> {
    let mut rest = output;
    loop {
        if rest.starts_with('{') {
            let mut documents = serde_json::Deserializer::from_str(rest).into_iter();
            if let Some(Ok(document)) = documents.next() {
                return Some(document);
            }
        }
        rest = rest.split_once('\n')?.1;
    }
}
