//! The environment variables Runstone reads, all of them, in one place.
//!
//! No other file of the workspace may ask the environment (`clippy.toml` says so). A variable that
//! is set but empty counts as not set. What schedulers say about a job is read through this file,
//! and listed in `execution/scheduler.rs`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use runstone::clock::{Clock, FixedClock, SystemClock};
use runstone::core::redact::Names;

/// Where the store is, when `--store` does not say so.
pub(crate) const STORE: &str = "RUNSTONE_STORE";
/// The run id for documents that have none.
pub(crate) const RUN_ID: &str = "RUNSTONE_RUN_ID";
/// The stage for documents that have none.
pub(crate) const STAGE: &str = "RUNSTONE_STAGE";
/// The experiment of documents that name none.
pub(crate) const EXPERIMENT: &str = "RUNSTONE_EXPERIMENT";
/// Which environment runs are recorded with, when `--environment` does not say so.
pub(crate) const ENVIRONMENT: &str = "RUNSTONE_ENVIRONMENT";
/// What is captured as if it were the root of a machine.
pub(crate) const ENVIRONMENT_ROOT: &str = "RUNSTONE_ENVIRONMENT_ROOT";
/// The profile, when `--profile` does not say so.
pub(crate) const PROFILE: &str = "RUNSTONE_PROFILE";
/// How many rows `log` shows, when `-n` does not say so.
pub(crate) const LOG_LINES: &str = "RUNSTONE_LOG_LINES";
/// The project's settings file, or `none`.
pub(crate) const PROJECT_FILE: &str = "RUNSTONE_PROJECT_FILE";
/// The home directory of the caller.
pub(crate) const HOME: &str = "HOME";
/// Where settings of the caller are.
pub(crate) const XDG_CONFIG_HOME: &str = "XDG_CONFIG_HOME";
/// Where data of the caller is, a store of environments among it.
pub(crate) const XDG_DATA_HOME: &str = "XDG_DATA_HOME";
/// Who makes a note, when `--by` does not say so.
pub(crate) const LOGNAME: &str = "LOGNAME";
/// The same, where `LOGNAME` is unset.
pub(crate) const USER: &str = "USER";
/// No colour.
pub(crate) const NO_COLOR: &str = "NO_COLOR";
/// No colour, with the value 0.
pub(crate) const CLICOLOR: &str = "CLICOLOR";
/// Colour everywhere, unless the value is 0.
pub(crate) const CLICOLOR_FORCE: &str = "CLICOLOR_FORCE";
/// The terminal; `dumb` shows no colour.
pub(crate) const TERM: &str = "TERM";

/// Where commands are looked for.
pub(crate) const PATH: &str = "PATH";

/// The time, standing still, for tests and for output that must not change.
pub(crate) const CLOCK: &str = "RUNSTONE_CLOCK";

/// The folder for what a command leaves behind; set for commands, never read.
pub(crate) const RUN_DIR: &str = "RUNSTONE_RUN_DIR";

/// The stage that [`STAGE`] was set to for a command, so that a run within it can tell what it
/// inherits from what somebody said.
pub(crate) const RUN_STAGE: &str = "RUNSTONE_RUN_STAGE";

/// Returns the clock of this process.
pub(crate) fn clock() -> Arc<dyn Clock> {
    match read(CLOCK) {
        Some(instant) => Arc::new(FixedClock(instant)),
        None => Arc::new(SystemClock),
    }
}

/// Returns what is personal about this place, for rules that redact it.
pub(crate) fn names() -> Names {
    Names {
        home: read("HOME"),
        user: read("USER").or_else(|| read("LOGNAME")),
        host: rustix::system::uname()
            .nodename()
            .to_str()
            .ok()
            .map(str::to_owned),
    }
}

/// Returns every variable that is text, for a capture, which takes few of them by name.
pub(crate) fn all() -> BTreeMap<String, String> {
    let text = |(name, value): (OsString, OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(text).collect()
}

/// Returns the value of a variable, `None` if it is unset, empty or not UTF-8.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that may ask"
)]
pub(crate) fn read(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Returns a path a variable holds, `None` if it is unset or empty. A path need not be UTF-8.
pub(crate) fn read_path(name: &str) -> Option<PathBuf> {
    std::env::var_os(name)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}
