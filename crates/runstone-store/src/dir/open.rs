//! Opening and making a store.
//!
//! A directory is a store once it has its `runstone.json`, which is published as a slot is: whole,
//! flushed, and by a call that one of many wins. The invariant guarded here: of any number of
//! makers one wins, the others find its store, and a store is never opened under options it was not
//! made with. What the settings mean is left to the ledger.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::{Map, Value};

use super::draft::Nameless;
use super::fresh::Fresh;
use super::fs::{FileSystem, if_found};
use super::head::Heads;
use super::layout::{
    DESCRIPTOR, DIRECTORIES, Holds, LAST_DIRECTORY, ModeBits, PROBE, TEMPORARY, fan_names,
};
use super::seal::{LeftToSeal, SealedSoFar};
use super::segments::{Opened, Unsealed};
use super::tree::{Tree, at};
use super::whole::Refused;
use super::{DirStore, probe};
use crate::descriptor::{Descriptor, DescriptorError, FORMAT, Modes, Primitive};
use crate::entropy::Entropy;
use crate::error::{NotAStore, StoreError};
use crate::key::{Nonce, StoreId};
use crate::log::SHARD_SLOTS;

/// Bytes of a descriptor that are read at most.
const DESCRIPTOR_BYTES_MAX: usize = 1024 * 1024;

/// What a store is made with.
#[derive(Debug, Clone)]
pub struct InitOptions {
    /// The maker's clock.
    pub created: String,
    /// Who may read and write the store.
    pub modes: Modes,
    /// What else is fixed for good; opaque here.
    pub settings: Map<String, Value>,
}

/// What became of making a store.
#[derive(Debug)]
#[must_use]
pub enum Initialised<S> {
    /// This call made it.
    Made(S),
    /// It was there, made with the same options.
    Found(S),
}

impl<S> Initialised<S> {
    /// Returns the store, whoever made it.
    pub fn into_store(self) -> S {
        match self {
            Self::Made(store) | Self::Found(store) => store,
        }
    }
}

impl<F: FileSystem> DirStore<F> {
    /// Opens the store at `path` on a file system of the caller's choice.
    ///
    /// # Errors
    /// The same as [`DirStore::open`].
    pub fn open_on(
        fs: F,
        path: &Path,
        entropy: impl Entropy + 'static,
    ) -> Result<Self, StoreError> {
        let root = fs.open_root(path).map_err(|source| no_root(path, source))?;
        if let Some(descriptor) = read_descriptor(&fs, &root, path)? {
            return Self::assemble(fs, root, descriptor, Box::new(entropy));
        }
        let reason = if is_of_a_store(&list(&fs, &root, path)?) {
            NotAStore::Lost
        } else {
            NotAStore::Foreign
        };
        Err(not_a_store(path, reason, None))
    }

    /// Makes or finds a store at `path` on a file system of the caller's choice.
    ///
    /// # Errors
    /// The same as [`DirStore::init`].
    pub fn init_on(
        fs: F,
        path: &Path,
        options: &InitOptions,
        entropy: impl Entropy + 'static,
    ) -> Result<Initialised<Self>, StoreError> {
        Self::init_by(fs, path, options, entropy, |fs, root, nonce| {
            probe::choose_primitive(fs, root, path, nonce)
        })
    }

    /// Makes or finds a store on a file system of which `probed` says how names are given.
    pub(super) fn init_by(
        fs: F,
        path: &Path,
        options: &InitOptions,
        entropy: impl Entropy + 'static,
        probed: impl FnOnce(&F, &F::Dir, Nonce) -> Result<Primitive, StoreError>,
    ) -> Result<Initialised<Self>, StoreError> {
        let root = root_for(&fs, path)?;
        let mut made = None;
        if read_descriptor(&fs, &root, path)?.is_none() {
            refuse_foreign(&fs, &root, path)?;
            let nonce = Nonce::from_bytes(entropy.nonce());
            let descriptor = Descriptor {
                format: FORMAT,
                store: StoreId::from_random(entropy.nonce()),
                epoch: 0,
                created: options.created.clone(),
                modes: options.modes,
                primitive: probed(&fs, &root, nonce)?,
                settings: options.settings.clone(),
                other: Map::new(),
            };
            publish_descriptor(&fs, &root, nonce, &descriptor)
                .map_err(StoreError::before_publishing)?;
            made = Some(descriptor.store);
        }
        let missing = || at(DESCRIPTOR.to_owned())(io::ErrorKind::NotFound.into());
        let descriptor = read_descriptor(&fs, &root, path)?.ok_or_else(missing)?;
        let differences = descriptor.differences(options.modes, &options.settings);
        if !differences.is_empty() {
            return Err(StoreError::OtherOptions {
                path: path.to_owned(),
                differences,
            });
        }
        let is_ours = made == Some(descriptor.store);
        let store = Self::assemble(fs, root, descriptor, Box::new(entropy))?;
        store.lay_out().map_err(StoreError::before_publishing)?;
        Ok(if is_ours {
            store.leave_origin();
            Initialised::Made(store)
        } else {
            Initialised::Found(store)
        })
    }

    fn assemble(
        fs: F,
        root: F::Dir,
        descriptor: Descriptor,
        entropy: Box<dyn Entropy>,
    ) -> Result<Self, StoreError> {
        let kind = fs.kind(&root).map_err(at(".".to_owned()))?;
        let modes = ModeBits::of(descriptor.modes);
        let tree = Tree::new(fs, root, kind, modes, descriptor.primitive);
        let heads = Heads::default();
        Ok(Self {
            tree,
            epoch: AtomicU64::new(descriptor.epoch),
            descriptor,
            entropy,
            heads,
            sealed_so_far: SealedSoFar::default(),
            left_to_seal: LeftToSeal::default(),
            fresh: Fresh::default(),
            nameless: Nameless::not_refused_yet(),
            whole_refused: Refused::default(),
            opened: Opened::default(),
            unsealed: Unsealed::default(),
            shard_slots: SHARD_SLOTS,
            is_laid_out: AtomicBool::new(false),
        })
    }

    /// Makes sure that the directories of the store are durable, before anything is put into them.
    pub(super) fn demand_layout(&self) -> Result<(), StoreError> {
        if self.is_laid_out.load(Ordering::Relaxed) {
            return Ok(());
        }
        if !self.tree.exists(&self.tree.root(), LAST_DIRECTORY)? {
            self.lay_out()?;
        }
        self.is_laid_out.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Makes whatever is missing of the directories of a store, and flushes all of them.
    ///
    /// Whoever finds a store whose maker died on the way does this in its place.
    pub(super) fn lay_out(&self) -> Result<(), StoreError> {
        let tree = &self.tree;
        if !tree.exists(&tree.root(), LAST_DIRECTORY)? {
            self.admit_users()?;
        }
        for (path, holds) in DIRECTORIES {
            tree.make(path, holds)?;
        }
        let keys = tree.make(&["keys"], Holds::Truth)?;
        for name in fan_names() {
            tree.make_in(&keys, name, Holds::Truth)?;
        }
        tree.sync(&keys)?;
        tree.sync_down_to(&["environments"])?;
        tree.make(&[LAST_DIRECTORY], Holds::Passing)?;
        tree.sync(&tree.root())
    }

    /// Gives the root the mode bits of the store.
    fn admit_users(&self) -> Result<(), StoreError> {
        let root = self.tree.root();
        let mode = self.tree.modes.directory(Holds::Truth);
        match self.tree.fs.set_dir_mode(&root.dir, mode) {
            // Only its owner may; who is another and may write here has been admitted.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
            set => set.map_err(at(root.path())),
        }
    }
}

fn not_a_store(path: &Path, reason: NotAStore, source: Option<io::Error>) -> StoreError {
    StoreError::NotAStore {
        path: path.to_owned(),
        reason,
        source,
    }
}

/// Returns what it means that a directory cannot be opened. Of one that may not be looked at it is
/// not known whether a store is there.
pub(super) fn no_root(path: &Path, source: io::Error) -> StoreError {
    let reason = match source.kind() {
        io::ErrorKind::NotFound => NotAStore::Missing,
        io::ErrorKind::NotADirectory => NotAStore::File,
        _ => return unreadable(path, source),
    };
    not_a_store(path, reason, Some(source))
}

fn unreadable(path: &Path, source: io::Error) -> StoreError {
    at(path.display().to_string())(source)
}

/// Opens the directory for a store, making it if it does not exist.
fn root_for<F: FileSystem>(fs: &F, path: &Path) -> Result<F::Dir, StoreError> {
    let error = match fs.open_root(path) {
        Ok(root) => return Ok(root),
        Err(error) => error,
    };
    if error.kind() != io::ErrorKind::NotFound {
        return Err(no_root(path, error));
    }
    let failed = |source| StoreError::NotRecorded {
        path: path.display().to_string(),
        source,
    };
    fs.make_root(path).map_err(failed)?;
    fs.open_root(path).map_err(|source| match source.kind() {
        // There already, and still not there: its name is that of a link.
        io::ErrorKind::NotFound => not_a_store(path, NotAStore::Dangling, Some(source)),
        _ => failed(source),
    })
}

fn read_descriptor<F: FileSystem>(
    fs: &F,
    root: &F::Dir,
    path: &Path,
) -> Result<Option<Descriptor>, StoreError> {
    let read = || {
        let file = if_found(fs.open_read(root, DESCRIPTOR))?;
        file.map(|file| fs.read(&file, DESCRIPTOR_BYTES_MAX))
            .transpose()
    };
    let unread = |source| unreadable(&path.join(DESCRIPTOR), source);
    let Some(bytes) = read().map_err(unread)? else {
        return Ok(None);
    };
    match Descriptor::from_bytes(&bytes) {
        Ok(descriptor) => Ok(Some(descriptor)),
        Err(DescriptorError::Newer { found }) => {
            let path = path.join(DESCRIPTOR).display().to_string();
            Err(StoreError::Newer {
                path,
                found,
                known: FORMAT,
            })
        }
        Err(DescriptorError::Json(error)) => {
            Err(not_a_store(path, NotAStore::Garbled, Some(error.into())))
        }
    }
}

/// Refuses a directory that holds anything but what makers of a store leave behind.
fn refuse_foreign<F: FileSystem>(fs: &F, root: &F::Dir, path: &Path) -> Result<(), StoreError> {
    let unread = |source| unreadable(path, source);
    let names = list(fs, root, path)?;
    let ours = |name: &String| name.starts_with(TEMPORARY) || name.starts_with(PROBE);
    // Another maker may have finished since the descriptor was looked for.
    if names.iter().all(ours) || fs.exists(root, DESCRIPTOR).map_err(unread)? {
        return Ok(());
    }
    let reason = if is_of_a_store(&names) {
        NotAStore::Lost
    } else {
        NotAStore::NotEmpty
    };
    Err(not_a_store(path, reason, None))
}

/// Tells whether these are the names of a store that was laid out.
fn is_of_a_store(names: &[String]) -> bool {
    let has = |name: &str| names.iter().any(|found| found == name);
    has("keys") && has("cohorts") && has("profiles")
}

fn list<F: FileSystem>(fs: &F, root: &F::Dir, path: &Path) -> Result<Vec<String>, StoreError> {
    fs.list(root, usize::MAX)
        .map_err(|source| unreadable(path, source))
}

/// Publishes a descriptor, unless another maker has: which one is there afterwards is to be read.
fn publish_descriptor<F: FileSystem>(
    fs: &F,
    root: &F::Dir,
    nonce: Nonce,
    descriptor: &Descriptor,
) -> Result<(), StoreError> {
    let modes = ModeBits::of(descriptor.modes);
    let kind = fs.kind(root).map_err(at(".".to_owned()))?;
    let tree = Tree::new(fs.clone(), root.clone(), kind, modes, descriptor.primitive);
    let bytes = descriptor.to_bytes();
    let mut temporary = tree.write_temporary(&tree.root(), nonce, modes.truth, &bytes)?;
    tree.sync_temporary(&mut temporary)?;
    match tree.give_name(&temporary, &tree.root(), DESCRIPTOR) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(at(DESCRIPTOR.to_owned())(error))
        }
        _ => tree.sync(&tree.root()),
    }
}

#[cfg(test)]
impl<F: FileSystem> DirStore<F> {
    /// Makes the shards of this handle small, so that a test reaches their borders.
    pub(crate) fn with_shard_slots(mut self, shard_slots: u64) -> Self {
        self.shard_slots = shard_slots;
        self
    }
}
