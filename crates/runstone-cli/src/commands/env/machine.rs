//! Which machine `current` is: the options of every command that may capture it.

use std::path::{Path, PathBuf};

use runstone::environments::CaptureRequest;

use crate::settings::Settings;

/// What is captured.
#[derive(Debug, clap::Args)]
pub(crate) struct MachineArgs {
    /// The interpreter, or the folder of its virtual environment [default: what `python3` is]
    #[arg(long, value_name = "PATH")]
    python: Option<PathBuf>,
    /// A folder to capture as if it were the root of a machine [default: this machine]
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
}

impl MachineArgs {
    /// Returns what a capture has to know.
    pub(super) fn request(&self, settings: &Settings) -> CaptureRequest {
        // Below another root a path begins there; on this machine it begins where somebody stands.
        let python = match self.root {
            Some(_) => self.python.clone(),
            None => self.python.as_deref().map(absolute),
        };
        settings.capture_request(self.root.clone(), python)
    }
}

/// Returns a path from the root on; relative ones begin in the working directory.
pub(super) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_no_directory| path.to_owned())
}
