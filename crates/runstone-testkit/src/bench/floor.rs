//! The floor: the two flushes any durable commit of a new file needs, and nothing else.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// A directory that is committed to by the bare protocol.
#[derive(Debug)]
pub struct Floor {
    folder: PathBuf,
    handle: File,
    next: u64,
}

impl Floor {
    /// Opens `folder`, making it if there is none.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn in_directory(folder: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        Ok(Self {
            folder: folder.to_path_buf(),
            handle: File::open(folder)?,
            next: 1,
        })
    }

    /// Writes one file under the next free number, and returns that number: temporary file, flush,
    /// link, flush of the directory, unlink. Other processes may do the same; a taken number costs
    /// another link.
    ///
    /// # Durability
    /// On `Ok` the file survives power loss under its number.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn commit(&mut self, bytes: &[u8]) -> io::Result<u64> {
        let temporary = self
            .folder
            .join(format!(".t-{}-{}", std::process::id(), self.next));
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        // Others took some numbers meanwhile: look for the first free one.
        while self.slot(self.next).exists() {
            self.next += 1;
        }
        while let Err(error) = std::fs::hard_link(&temporary, self.slot(self.next)) {
            if error.kind() != io::ErrorKind::AlreadyExists {
                return Err(error);
            }
            self.next += 1;
        }
        self.handle.sync_all()?;
        std::fs::remove_file(&temporary)?;
        Ok(self.next)
    }

    fn slot(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number:020}"))
    }
}

/// Returns as many bytes as an entry of the bench's document has: with what the log says of it.
pub fn entry_bytes() -> Vec<u8> {
    vec![b'x'; 4600]
}
