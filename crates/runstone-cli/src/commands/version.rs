//! `runstone version`.

use serde_json::json;

use crate::error::CliError;
use crate::exit::Exit;
use crate::ui::{Face, Ui};

/// Print the version of Runstone and of the formats it writes
#[derive(Debug, clap::Args)]
pub(crate) struct VersionArgs {}

pub(crate) fn run(_args: &VersionArgs, ui: &Ui) -> Result<Exit, CliError> {
    let version = env!("CARGO_PKG_VERSION");
    let store = runstone::store::FORMAT;
    let snapshot = runstone::core::snapshot::SNAPSHOT_SCHEMA_VERSION;
    match ui.face {
        Face::Json => ui.json(&json!({
            "schema": "runstone.version/1",
            "version": version,
            "store_format": store,
            "snapshot_schema_version": snapshot,
        }))?,
        Face::Text => ui.data(&format!(
            "runstone {version}\nstore format {store}, snapshot schema {snapshot}\n"
        ))?,
    }
    Ok(Exit::Done)
}
