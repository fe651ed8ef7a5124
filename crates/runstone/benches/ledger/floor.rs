//! The floor: the two flushes any durable commit of a new file needs, and nothing else.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// A directory that is committed to by the bare protocol.
#[derive(Debug)]
pub(crate) struct Floor {
    folder: PathBuf,
    handle: File,
    next: u64,
}

impl Floor {
    pub(crate) fn in_directory(folder: &Path) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        Self {
            folder: folder.to_path_buf(),
            handle: File::open(folder).unwrap(),
            next: 1,
        }
    }

    /// Writes one file under the next free number: temporary file, flush, link, flush of the
    /// directory, unlink. Other processes may do the same; a taken number costs another link.
    pub(crate) fn commit(&mut self, bytes: &[u8]) {
        let temporary = self
            .folder
            .join(format!(".t-{}-{}", std::process::id(), self.next));
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&temporary)
            .unwrap();
        file.write_all(bytes).unwrap();
        file.sync_all().unwrap();
        // Others took some numbers meanwhile: look for the first free one.
        while self.slot(self.next).exists() {
            self.next += 1;
        }
        while std::fs::hard_link(&temporary, self.slot(self.next)).is_err() {
            self.next += 1;
        }
        self.handle.sync_all().unwrap();
        std::fs::remove_file(&temporary).unwrap();
    }

    fn slot(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number:020}"))
    }
}

/// Returns as many bytes as an entry of the bench's document has on disk.
pub(crate) fn entry_bytes() -> Vec<u8> {
    vec![b'x'; 4096]
}
