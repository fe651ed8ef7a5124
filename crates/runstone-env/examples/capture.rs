//! Captures this machine, or the root given as the argument, and writes the document to standard
//! output. How the capture went goes to standard error.
//!
//! ```sh
//! cargo run -p runstone-env --example capture -- /srv/image | jq .sources.dpkg.state
//! ```

use std::error::Error;
use std::io::Write as _;

use runstone_env::{Options, Root, capture};

fn main() -> Result<(), Box<dyn Error>> {
    let root = match std::env::args_os().nth(1) {
        Some(path) => Root::at(path)?,
        None => Root::host()?,
    };
    let variables = std::env::vars_os();
    let variables = variables
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let options = Options {
        folder: std::env::current_dir().ok(),
        variables: variables.collect(),
        ..Options::default()
    };
    let capture = capture(&root, &options);
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, &capture.environment.to_json())?;
    writeln!(out)?;
    let mut talk = std::io::stderr().lock();
    writeln!(talk, "environment {}", capture.digests.environment)?;
    for warning in &capture.record.warnings {
        writeln!(talk, "{}: {}", warning.source.as_str(), warning.text)?;
    }
    writeln!(talk, "took {} µs", capture.record.took_us)?;
    Ok(())
}
