//! What `npm install --dry-run --json` says.
//!
//! A document on standard output, with lines for people before it. What changes below a package's
//! own folder is that package's; what counts are the folders of global packages themselves.

use serde_json::Value;

use super::super::manager::Manager;
use super::{Announced, Effect, Unclear};

pub(super) fn announced(stdout: &str, folder: Option<&str>) -> Result<Vec<Announced>, Unclear> {
    let unclear = |line: &str| Unclear {
        manager: Manager::Npm,
        line: line.chars().take(80).collect(),
    };
    let folder = folder.ok_or_else(|| unclear("packages of no folder"))?;
    let mut announced = Vec::new();
    for document in documents(stdout).map_err(|line| unclear(&line))? {
        for (member, is_removed) in [("add", false), ("change", false), ("remove", true)] {
            let items = document.get(member).and_then(Value::as_array);
            let items = items.ok_or_else(|| unclear(&format!("no list `{member}`")))?;
            for item in items {
                let item = item.get("to").unwrap_or(item);
                let text = |member: &str| item.get(member).and_then(Value::as_str);
                let (Some(path), Some(version)) = (text("path"), text("version")) else {
                    return Err(unclear("a package without path or version"));
                };
                let below = path
                    .strip_prefix(folder)
                    .and_then(|it| it.strip_prefix('/'));
                // Elsewhere is nothing that was planned: it shows under its whole path.
                let name = below.unwrap_or(path);
                if below.is_some() && name.contains("/node_modules/") {
                    continue;
                }
                announced.push(Announced {
                    name: name.to_owned(),
                    arch: None,
                    effect: if is_removed {
                        Effect::Remove
                    } else {
                        Effect::Put {
                            version: version.to_owned(),
                        }
                    },
                });
            }
        }
    }
    Ok(announced)
}

/// Returns the documents of an output in which each begins and ends with a line of its own.
fn documents(stdout: &str) -> Result<Vec<Value>, String> {
    let mut documents = Vec::new();
    let mut lines = stdout.lines();
    while let Some(line) = lines.next() {
        if line != "{" {
            continue;
        }
        let mut text = String::from("{\n");
        for line in lines.by_ref() {
            text.push_str(line);
            text.push('\n');
            if line == "}" {
                break;
            }
        }
        documents.push(serde_json::from_str(&text).map_err(|error| error.to_string())?);
    }
    if documents.is_empty() {
        return Err("no document".to_owned());
    }
    Ok(documents)
}
