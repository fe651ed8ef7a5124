//! What the comparison is asked for.

use std::path::PathBuf;

use crate::Failure;

/// How to call it.
const USAGE: &str = "usage: [DIR] [--seconds=5] [--turns=1] [--processes=1,8,32,100] \
                     [--only=NAME,NAME] [--python=PROGRAM] [--runstone=PROGRAM]";

/// The arguments of the comparison.
#[derive(Debug)]
pub(crate) struct Arguments {
    /// The folder on whose disk everything is kept.
    pub(crate) place: PathBuf,
    /// How long each crowd records.
    pub(crate) seconds: u64,
    /// How often each cell is measured.
    pub(crate) turns: usize,
    /// The sizes of crowds.
    pub(crate) processes: Vec<usize>,
    /// The names of the peers; all of them if empty.
    pub(crate) only: Vec<String>,
    /// A Python in which the peers of `python/requirements.txt` are installed.
    pub(crate) python: Option<PathBuf>,
    /// The command of Runstone.
    pub(crate) runstone: Option<PathBuf>,
}

impl Arguments {
    /// # Errors
    /// The usage, beside the word that was not understood.
    pub(crate) fn parse(words: &[String]) -> Result<Self, Failure> {
        let mut parsed = Self {
            place: std::env::temp_dir(),
            seconds: 5,
            turns: 1,
            processes: vec![1, 8, 32, 100],
            only: Vec::new(),
            python: None,
            runstone: None,
        };
        for word in words {
            let wrong = || format!("`{word}` is not understood; {USAGE}");
            match word.split_once('=') {
                Some(("--seconds", value)) => {
                    parsed.seconds = value.parse().map_err(|_| wrong())?;
                }
                Some(("--turns", value)) => parsed.turns = value.parse().map_err(|_| wrong())?,
                Some(("--processes", value)) => {
                    let counts = value.split(',').map(str::parse);
                    parsed.processes = counts.collect::<Result<_, _>>().map_err(|_| wrong())?;
                }
                Some(("--only", value)) => {
                    parsed.only = value.split(',').map(str::to_owned).collect();
                }
                Some(("--python", value)) => parsed.python = Some(value.into()),
                Some(("--runstone", value)) => parsed.runstone = Some(value.into()),
                None if !word.starts_with('-') => parsed.place = word.into(),
                _ => return Err(wrong().into()),
            }
        }
        if parsed.seconds == 0 || parsed.turns == 0 || parsed.processes.contains(&0) {
            return Err(format!("nothing is measured in no time or by no process; {USAGE}").into());
        }
        Ok(parsed)
    }
}
