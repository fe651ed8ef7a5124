//! Where a store was made: the numbers of its directory, so that one that was moved or copied is
//! told.
//!
//! A small file in the root, a hint: it may be missing, old or garbled, and nothing depends on it.
//! The invariant guarded here: that a directory is another one is said only where a whole file of
//! this store names another device or inode; it is never a reason to refuse. Which of two copies is
//! to live on by itself is left to whoever declares it.

use serde::{Deserialize, Serialize};

use super::DirStore;
use super::fs::FileSystem;
use super::layout::ORIGIN;
use super::mend::left;
use super::tree::at;
use crate::damage::Mended;
use crate::descriptor::FORMAT;
use crate::error::StoreError;
use crate::key::StoreId;
use crate::store::{Moved, Whereabouts};

/// Bytes of the file that are read at most.
const ORIGIN_BYTES_MAX: usize = 4 * 1024;

/// The content of the file, under a checksum of its own. Numbers are text of one length, for
/// readers that know no whole numbers of 64 bits.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Written {
    format: u64,
    store: StoreId,
    device: String,
    inode: String,
    crc32c: String,
}

impl Written {
    fn new(store: StoreId, at: Whereabouts) -> Self {
        let (device, inode) = (hex(at.device), hex(at.inode));
        let covered = format!("{FORMAT}\n{store}\n{device}\n{inode}\n");
        let crc32c = hex(u64::from(crc32c::crc32c(covered.as_bytes())));
        Self {
            format: FORMAT,
            store,
            device,
            inode,
            crc32c: crc32c[8..].to_owned(),
        }
    }
}

fn hex(number: u64) -> String {
    format!("{number:016x}")
}

/// What the file says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// There is none.
    None,
    /// The store was made here.
    Made(Whereabouts),
    /// It cannot be understood, or is of another store.
    Garbled,
}

fn decode(bytes: &[u8], store: StoreId) -> Origin {
    let read = || {
        let written: Written = serde_json::from_slice(bytes).ok()?;
        let number = |text: &str| u64::from_str_radix(text, 16).ok();
        let at = Whereabouts {
            device: number(&written.device)?,
            inode: number(&written.inode)?,
        };
        (written == Written::new(store, at)).then_some(at)
    };
    read().map_or(Origin::Garbled, Origin::Made)
}

impl<F: FileSystem> DirStore<F> {
    /// Leaves word of where the store is, whatever was said before.
    pub(super) fn leave_origin(&self) {
        // Without it nobody is told of a move.
        drop(self.write_origin());
    }

    fn write_origin(&self) -> Result<(), StoreError> {
        let root = self.tree.root();
        let at_root = self.tree.fs.whereabouts(&root.dir);
        let Some(here) = at_root.map_err(at(root.path()))? else {
            return Ok(());
        };
        let written = Written::new(self.descriptor.store, here);
        let bytes = serde_json::to_vec(&written).expect("it has only text for keys");
        self.tree.replace(&root, self.nonce(), ORIGIN, &bytes)
    }

    /// Leaves word of where the store is in place of one that cannot be understood, which is kept
    /// in quarantine: where the store was made before is not known any more.
    pub(super) fn mend_origin(&self, mended: &mut Mended) {
        let root = self.tree.root();
        let done = self
            .quarantine("~", &root, ORIGIN)
            .and_then(|()| self.write_origin());
        match done {
            Ok(()) => mended.restored.push(ORIGIN.to_owned()),
            Err(failure) => mended.left.push(left(ORIGIN, &failure)),
        }
    }

    pub(super) fn read_origin(&self) -> Result<Origin, StoreError> {
        let bytes = self
            .tree
            .read(&self.tree.root(), ORIGIN, ORIGIN_BYTES_MAX)?;
        Ok(bytes.map_or(Origin::None, |bytes| decode(&bytes, self.descriptor.store)))
    }

    /// Returns how the directory is another one than the store was made in, if that is known.
    pub(super) fn moved_since(&self) -> Option<Moved> {
        let Ok(Origin::Made(made)) = self.read_origin() else {
            return None;
        };
        let here = self.tree.fs.whereabouts(&self.tree.root().dir).ok()??;
        (made != here).then_some(Moved { made, here })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Whereabouts = Whereabouts {
        device: 0xfe00,
        inode: 4711,
    };

    #[test]
    fn file_has_the_shape_of_version_one_and_reads_back() {
        let store = StoreId::from_random([9; 16]);
        let bytes = serde_json::to_vec(&Written::new(store, HERE)).unwrap();
        assert_eq!(
            String::from_utf8_lossy(&bytes),
            concat!(
                r#"{"format":1,"store":"09090909-0909-4909-8909-090909090909","#,
                r#""device":"000000000000fe00","inode":"0000000000001267","crc32c":"77a8b16b"}"#
            )
        );
        assert_eq!(decode(&bytes, store), Origin::Made(HERE));
    }

    #[test]
    fn nothing_is_made_of_other_bytes_or_another_store() {
        let store = StoreId::from_random([9; 16]);
        let bytes = serde_json::to_vec(&Written::new(store, HERE)).unwrap();
        let other = StoreId::from_random([8; 16]);
        assert_eq!(decode(&bytes, other), Origin::Garbled);
        assert_eq!(decode(b"", store), Origin::Garbled);
        for hit in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[hit] ^= 1;
            assert_eq!(decode(&flipped, store), Origin::Garbled, "{hit}");
        }
    }
}
