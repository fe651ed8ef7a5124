//! `runstone record --refused`: what `run` could not record, recorded after all.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use runstone::core::input::Overrides;
use runstone::profiles::ProfileChoice;
use runstone::refused::{RefusedRun, Unread};
use runstone::{AttemptChoice, Ledger, RecordRequest};
use serde_json::Value;

use crate::error::CliError;
use crate::execution::JsonFile;
use crate::output_file::Output;
use crate::values::{called, read_beyond};

/// The name of the file in a run directory that holds what the store could not take.
const FILE: &str = "refused.json";

/// Bytes of such a file at most; chosen: four times what a recording has room for, so that whatever
/// was kept is read, and what is something else is not read for ever.
const SIZE_BYTES_MAX: usize = 256 * 1024 * 1024;

/// A refused run that is being finished.
#[derive(Debug)]
pub(super) struct Refused {
    run: RefusedRun,
    from: From,
}

/// Where a refused run was found.
#[derive(Debug)]
enum From {
    /// In the store, by this whole name.
    Store(String),
    /// In a file elsewhere.
    File(PathBuf),
    /// On standard input, which holds what was printed because no file could.
    Input,
}

impl Refused {
    /// Finds the refused run that `name` names: the beginning of its nonce, a file, or standard
    /// input.
    pub(super) fn find(ledger: &Ledger, name: &OsStr) -> Result<Self, CliError> {
        let path = Path::new(name);
        let has_slash = name.as_bytes().contains(&b'/');
        if name == "-" || has_slash || path.is_file() {
            let bytes = read_beyond(path, SIZE_BYTES_MAX)?;
            if bytes.len() > SIZE_BYTES_MAX || is_something_else(&bytes) {
                return Err(CliError::usage(
                    format!("{} is no refused run", called(path)),
                    "name one that `runstone log` lists; a run document is recorded without \
                     `--refused`",
                ));
            }
            return Ok(Self {
                run: RefusedRun::from_bytes(&bytes, &called(path))?,
                from: if name == "-" {
                    From::Input
                } else {
                    From::File(path.to_path_buf())
                },
            });
        }
        let (whole, run) = ledger.refused(&name.to_string_lossy())?;
        Ok(Self {
            run,
            from: From::Store(whole),
        })
    }

    /// Returns the request that records it, as the attempt that is `asked` for if one is, with what
    /// is mended in the files its command left, and
    /// a warning for each of them that is not taken: it is gone, or what is `said` now stands in
    /// its place.
    pub(super) fn request(
        &self,
        named: Option<ProfileChoice>,
        otherwise: ProfileChoice,
        asked: AttemptChoice,
        said: &Overrides,
    ) -> Result<(RecordRequest, Vec<String>), CliError> {
        let mut warnings = Vec::new();
        let mut run = self.run.clone();
        let text = |member: &str| {
            let value = run.document.get(member).and_then(Value::as_str);
            value.unwrap_or_default().to_owned()
        };
        let (run_id, stage) = (text("run_id"), text("stage"));
        for unread in &self.run.unread {
            let path = unread.path.display();
            if let Some(option) = replacing(said, unread) {
                warnings.push(format!(
                    "`{path}` is not read: `{option}` stands in its place"
                ));
                continue;
            }
            let file = JsonFile::at(unread.path.clone());
            // Whoever removed the file wants the run without it; whose temporary folder was swept
            // does not know yet.
            match file.read_as(&run_id, &stage)? {
                Some(found) => run.join(unread, found),
                None => warnings.push(format!(
                    "recorded without `{path}`, which could not be read and is gone"
                )),
            }
        }
        // What the document says of the attempt is what was said when the run was started.
        if asked != AttemptChoice::Found {
            run.document.remove("attempt");
            run.attempt = asked;
        }
        Ok((run.request(named, otherwise), warnings))
    }

    /// Removes it, now that it is recorded. One that stays costs room: recorded again it is the
    /// same snapshot.
    pub(super) fn forget(self, ledger: &Ledger) -> Result<(), String> {
        let stays = |what: String, why: String| format!("{what} stays, and may be removed: {why}");
        match self.from {
            From::Store(name) => ledger
                .forget_refused(&name)
                .map_err(|error| stays(format!("what was refused as `{name}`"), error.to_string())),
            From::Input => Ok(()),
            From::File(path) => match std::fs::remove_file(&path) {
                Ok(()) => Ok(()),
                // Whoever finished it at the same time removed it.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
                Err(error) => Err(stays(format!("`{}`", path.display()), error.to_string())),
            },
        }
    }
}

/// Returns the option that stands in the place of a file, if one does: it names all that the file
/// was to bring.
fn replacing(said: &Overrides, unread: &Unread) -> Option<String> {
    if said.metrics.is_some() && unread.joins == "metrics" {
        return Some("--metrics".to_owned());
    }
    let mut paths = said.set.iter().map(|(path, _)| path);
    let set = paths.find(|path| **path == unread.joins);
    set.map(|path| format!("--set {path}=…"))
}

/// Tells whether a file holds JSON of another kind, and so is no refused run that was damaged.
fn is_something_else(bytes: &[u8]) -> bool {
    let schema = |value: &Value| value.get("schema")?.as_str().map(str::to_owned);
    serde_json::from_slice(bytes).is_ok_and(|value| {
        schema(&value).is_none_or(|schema| !schema.starts_with("runstone.refused/"))
    })
}

/// Keeps a refused run in a run directory, where the store could not take it, and returns its path.
///
/// # Durability
/// On `Ok` the file is whole and survives power loss.
pub(super) fn keep_in(folder: &Path, refused: &RefusedRun) -> Result<PathBuf, CliError> {
    let mut path = folder.join(FILE);
    // What the command itself left by that name stays.
    if path.symlink_metadata().is_ok() {
        path = folder.join(format!("refused-{}.json", refused.nonce));
    }
    let kept = Output::open(&path, false).and_then(|mut file| {
        file.write(&String::from_utf8_lossy(&refused.to_bytes()))?;
        file.finish()
    });
    match kept {
        Ok(()) => Ok(path),
        Err(CliError::Unwritable { path, source }) => Err(CliError::Unkept { path, source }),
        Err(other) => Err(other),
    }
}
