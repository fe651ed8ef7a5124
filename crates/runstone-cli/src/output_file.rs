//! A file that a command was asked to write: whole, or not there.
//!
//! Written under a temporary name beside it, flushed, and given its name last, so that nobody ever
//! reads half of it and an interrupted command leaves what was there. A device or a pipe is written
//! as it is. What stands in the way is never replaced without being asked; what replaces it has its
//! mode bits, and a link stays a link. Nothing is ever written into a store.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, BufWriter, IsTerminal as _, Write as _};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use tempfile::TempPath;

use crate::error::CliError;
use crate::ui::for_whoever_reads;

/// Where rows go.
#[derive(Debug)]
pub(crate) enum Output {
    /// Standard output.
    Standard(BufWriter<io::Stdout>),
    /// A file that gets its name when it is whole.
    File {
        /// The name it gets: where a link leads, if it is one.
        path: PathBuf,
        /// Whether a file of that name may be replaced.
        replace: bool,
        /// The mode bits of the file that is replaced.
        mode: Option<u32>,
        /// What was written so far.
        temporary: BufWriter<File>,
        /// Its name until it is whole.
        temporary_path: TempPath,
    },
    /// A device or a pipe.
    Device {
        /// Its name.
        path: PathBuf,
        /// Itself.
        device: BufWriter<File>,
    },
}

impl Output {
    /// Opens an output: standard output for `-`.
    ///
    /// # Errors
    /// [`CliError::Unwritable`] if it cannot be written, or is there and may not be replaced.
    pub(crate) fn open(path: &Path, replace: bool) -> Result<Self, CliError> {
        if path == Path::new("-") {
            return Ok(Self::Standard(BufWriter::new(io::stdout())));
        }
        let unwritable = |source| CliError::Unwritable {
            path: path.to_owned(),
            source,
        };
        let found = path.metadata();
        match &found {
            Ok(found) if found.is_dir() => {
                return Err(unwritable(Errno::ISDIR.into()));
            }
            Ok(found) if is_device(found) => {
                let device = OpenOptions::new().write(true).open(path);
                return Ok(Self::Device {
                    path: path.to_owned(),
                    device: BufWriter::new(device.map_err(unwritable)?),
                });
            }
            Ok(_) if !replace => return Err(unwritable(Errno::EXIST.into())),
            // What cannot be looked at shows when it is written.
            Ok(_) | Err(_) => {}
        }
        let (path, mode) = match found {
            Ok(found) => (
                path.canonicalize().map_err(unwritable)?,
                Some(found.permissions().mode() & 0o777),
            ),
            Err(_) => (path.to_owned(), None),
        };
        let folder = folder_of(&path);
        folder.metadata().map_err(unwritable)?;
        let temporary = tempfile::Builder::new()
            .prefix(".runstone-")
            // What the caller's umask leaves, as for any file of theirs.
            .permissions(Permissions::from_mode(mode.unwrap_or(0o666)))
            .tempfile_in(folder)
            // Its own text names the temporary file, which nobody asked for.
            .map_err(|error| unwritable(error.kind().into()))?;
        // Taken apart, because errors of both together name the temporary file.
        let (temporary, temporary_path) = temporary.into_parts();
        Ok(Self::File {
            path,
            replace,
            mode,
            temporary: BufWriter::new(temporary),
            temporary_path,
        })
    }

    /// Opens an output that does not lie in the store, nor in another one, wherever links lead.
    ///
    /// # Errors
    /// As [`open`](Self::open), and [`CliError::Usage`] for a place in a store.
    pub(crate) fn outside(store: &Path, path: &Path, replace: bool) -> Result<Self, CliError> {
        let whole = path
            .canonicalize()
            .or_else(|_no_such_file| folder_of(path).canonicalize());
        if path != Path::new("-")
            && let Ok(whole) = whole
            && let Some(own) = store_around(&whole, store)
        {
            return Err(CliError::usage(
                format!(
                    "`{}` lies in {}, where nothing else belongs",
                    path.display(),
                    if own { "the store" } else { "another store" }
                ),
                "name a file outside of it",
            ));
        }
        Self::open(path, replace)
    }

    /// Writes text.
    ///
    /// # Errors
    /// [`CliError::Output`] for standard output, [`CliError::Unwritable`] for a file, which is then
    /// as it was before.
    pub(crate) fn write(&mut self, text: &str) -> Result<(), CliError> {
        let written = match self {
            Self::Standard(stdout) => {
                let is_terminal = stdout.get_ref().is_terminal();
                stdout.write_all(for_whoever_reads(text, is_terminal).as_bytes())
            }
            Self::File { temporary, .. } => temporary.write_all(text.as_bytes()),
            Self::Device { device, .. } => device.write_all(text.as_bytes()),
        };
        written.map_err(|source| self.failed(source))
    }

    /// Ends the output: from here on it is whole.
    ///
    /// # Durability
    /// On `Ok` a file and its name survive power loss.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub(crate) fn finish(self) -> Result<(), CliError> {
        match self {
            Self::Standard(mut stdout) => stdout.flush().map_err(CliError::output),
            Self::Device { path, mut device } => device
                .flush()
                .map_err(|source| CliError::Unwritable { path, source }),
            Self::File {
                path,
                replace,
                mode,
                temporary,
                temporary_path,
            } => give_name(&path, replace, mode, temporary, temporary_path)
                .map_err(|source| CliError::Unwritable { path, source }),
        }
    }

    fn failed(&self, source: io::Error) -> CliError {
        match self {
            Self::Standard(_) => CliError::output(source),
            Self::File { path, .. } | Self::Device { path, .. } => CliError::Unwritable {
                path: path.clone(),
                source,
            },
        }
    }
}

fn give_name(
    path: &Path,
    replace: bool,
    mode: Option<u32>,
    written: BufWriter<File>,
    temporary_path: TempPath,
) -> io::Result<()> {
    let temporary = written
        .into_inner()
        .map_err(io::IntoInnerError::into_error)?;
    if let Some(mode) = mode {
        // The umask may have taken some of them.
        temporary.set_permissions(Permissions::from_mode(mode))?;
    }
    temporary.sync_all()?;
    if replace {
        temporary_path.persist(path)?;
    } else {
        temporary_path.persist_noclobber(path)?;
    }
    File::open(folder_of(path))?.sync_all()
}

/// Returns whether a place lies in a store: `true` for the one that is meant, `false` for another.
fn store_around(place: &Path, store: &Path) -> Option<bool> {
    let is_a_store =
        |folder: &Path| folder.join("runstone.json").is_file() && folder.join("cohorts").is_dir();
    let own = store.canonicalize().ok();
    let around = |folder: &&Path| own.as_deref() == Some(*folder) || is_a_store(folder);
    let found = place.ancestors().find(around)?;
    Some(own.as_deref() == Some(found))
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn is_device(found: &std::fs::Metadata) -> bool {
    let kind = found.file_type();
    kind.is_char_device() || kind.is_block_device() || kind.is_fifo() || kind.is_socket()
}
