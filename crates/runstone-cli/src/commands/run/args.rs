//! What can be said to `runstone run`; its doc comment is the help.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::commands::record::{AttemptArg, FailOn};
use crate::settings::Asked;

/// Run a command, record what it leaves behind, and say what changed
///
/// The command finds `RUNSTONE_RUN_ID`, `RUNSTONE_STAGE` and `RUNSTONE_RUN_DIR`, a
/// fresh folder: the JSON objects it writes there as `metrics.json`,
/// `identity.json` and `factors.json` join the run document. Its streams, signals
/// and exit code are its own; the answer goes to stderr. What can be checked is
/// checked before it starts.
#[derive(Debug, clap::Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  runstone run -- python train.py
  runstone run --stage train --factor lr=0.1 -- ./train --lr 0.1
  runstone run --metrics out/metrics.json -- make bench
  runstone run --data train=data/train.csv --attach model.bin -- ./fit

The exit code is the command's: 128 and the signal that killed it, 127 if it is
not found, 126 if it cannot be executed; 125 if runstone failed and the command
did not, 4 by `--fail-on` if it exited with 0."
)]
pub(crate) struct RunArgs {
    /// The run [default: `RUNSTONE_RUN_ID`, else the scheduler's job, else a new one]
    #[arg(long, value_name = "ID")]
    pub(super) run_id: Option<String>,
    /// The stage [default: `RUNSTONE_STAGE`, else the name of the script or program]
    #[arg(long)]
    pub(super) stage: Option<String>,
    /// Which retry this is: a number, or `next`
    #[arg(long, value_name = "N|next", allow_negative_numbers = true)]
    pub(super) attempt: Option<AttemptArg>,
    /// The experiment
    #[arg(long, value_name = "NAME", value_parser = crate::values::name)]
    pub(super) experiment: Option<String>,
    /// The search over settings this run is a point of [default: the job array]
    #[arg(long, value_name = "NAME", value_parser = crate::values::name)]
    pub(super) sweep: Option<String>,
    /// Judge this run, but let it be no yardstick for others
    #[arg(long)]
    pub(super) candidate: bool,
    /// A field that must be equal for runs to be comparable; `@FILE` reads a JSON object
    #[arg(long, value_name = "NAME=VALUE|@FILE")]
    pub(super) identity: Vec<String>,
    /// A field that may differ and is shown when it does; `@FILE` reads a JSON object
    #[arg(long, value_name = "NAME=VALUE|@FILE")]
    pub(super) factor: Vec<String>,
    /// A file or folder the command reads: its digest joins the identity
    #[arg(long, value_name = "NAME=PATH")]
    pub(super) data: Vec<String>,
    /// A file or folder the command makes, stored whole with the run
    #[arg(long, value_name = "PATH")]
    pub(super) attach: Vec<PathBuf>,
    /// Set any field of the document; `@FILE` reads JSON from a file
    #[arg(long, value_name = "PATH=VALUE")]
    pub(super) set: Vec<String>,
    /// A JSON object of metrics that the command writes, laid over those of its run directory
    #[arg(long, value_name = "FILE")]
    pub(super) metrics: Option<PathBuf>,
    /// The environment it runs in: `current` (this machine), `none`, or one that is kept, such as
    /// `env#12` or a digest [default: current]
    #[arg(long, value_name = "REF")]
    pub(super) environment: Option<Asked>,
    /// The rule by which the run is read: a name or a TOML file [default: the store's]
    #[arg(long, value_name = "PROFILE")]
    pub(in crate::commands) profile: Option<String>,
    /// Exit with 4 on these: a verdict (`regression`, `undecided` …) or at least this severity
    #[arg(long, value_name = "WORD", value_delimiter = ',')]
    pub(super) fail_on: Vec<FailOn>,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    pub(super) command: Vec<OsString>,
}
