//! What `pip install --dry-run --report` says.
//!
//! # Source
//! <https://pip.pypa.io/en/stable/reference/installation-report/>, version 1.

use serde_json::Value;

use super::super::manager::Manager;
use super::{Announced, Effect, Unclear};
use crate::grammar;

pub(super) fn announced(stdout: &str) -> Result<Vec<Announced>, Unclear> {
    let unclear = |line: &str| Unclear {
        manager: Manager::Pip,
        line: line.chars().take(80).collect(),
    };
    let report: Value = serde_json::from_str(stdout).map_err(|_error| unclear(stdout))?;
    if report.get("version").and_then(Value::as_str) != Some("1") {
        return Err(unclear("a report of another version"));
    }
    let install = report.get("install").and_then(Value::as_array);
    let install = install.ok_or_else(|| unclear("a report without `install`"))?;
    let announced = install.iter().map(|item| {
        let text = |member: &str| item.get("metadata")?.get(member)?.as_str();
        let (Some(name), Some(version)) = (text("name"), text("version")) else {
            return Err(unclear("an item without name and version"));
        };
        Ok(Announced {
            name: grammar::python_name(name),
            arch: None,
            effect: Effect::Put {
                version: version.to_owned(),
            },
        })
    });
    announced.collect()
}
