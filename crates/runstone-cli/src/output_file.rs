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
use tempfile::NamedTempFile;

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
        temporary: BufWriter<NamedTempFile>,
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
        Ok(Self::File {
            path,
            replace,
            mode,
            temporary: BufWriter::new(temporary),
        })
    }

    /// Opens an output that does not lie in the store, wherever links lead.
    ///
    /// # Errors
    /// As [`open`](Self::open), and [`CliError::Usage`] for a place in the store.
    pub(crate) fn outside(store: &Path, path: &Path, replace: bool) -> Result<Self, CliError> {
        let whole = path
            .canonicalize()
            .or_else(|_no_such_file| folder_of(path).canonicalize());
        if path != Path::new("-")
            && let (Ok(whole), Ok(store)) = (whole, store.canonicalize())
            && whole.starts_with(&store)
        {
            return Err(CliError::usage(
                format!(
                    "`{}` lies in the store, where nothing else belongs",
                    path.display()
                ),
                "name a file outside of it, such as `runstone export --csv runs.csv`",
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
            } => give_name(&path, replace, mode, temporary)
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
    written: BufWriter<NamedTempFile>,
) -> io::Result<()> {
    let temporary = written
        .into_inner()
        .map_err(io::IntoInnerError::into_error)?;
    if let Some(mode) = mode {
        // The umask may have taken some of them.
        let file = temporary.as_file();
        file.set_permissions(Permissions::from_mode(mode))?;
    }
    temporary.as_file().sync_all()?;
    if replace {
        temporary.persist(path)?;
    } else {
        temporary.persist_noclobber(path)?;
    }
    File::open(folder_of(path))?.sync_all()
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
