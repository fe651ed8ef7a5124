//! Which machine `current` is: the options of every command that may capture it.

use std::path::PathBuf;

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
        settings.capture_request(self.root.clone(), self.python.clone())
    }
}
