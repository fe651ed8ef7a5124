//! The trash: where objects that nobody names wait for a day before they are gone.
//!
//! ```text
//!  objects/aa/D ──link──▶ trash/D.T ─▶ flush trash ─▶ unlink objects/aa/D     nobody named D
//!  trash/D.T ──link──▶ objects/aa/D ─▶ flush both ─▶ unlink trash/D.T         somebody does, after all
//!  trash/D.T ─▶ unlink                                                        a day after T, still nobody
//! ```
//!
//! T is the second of the file system's clock at which the object went. The invariants guarded
//! here: an object that goes or comes has one of its two names at every moment, on the disk too, so
//! that readers who look into the trash and then once more into `objects/` always find it; what is
//! named is asked again after objects went; and a name in the trash is taken by whoever gave it, or
//! a day later, since until then a collection may count on it that is about to take the other one.
//! Who takes the last name read what is named after seeing it. Why that is enough for writers and
//! collections that work meanwhile stands in `docs/concurrency.md`. What is named is left to the
//! caller.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use rustix::io::Errno;

use super::DirStore;
use super::fs::{FileSystem, best_effort, if_found};
use super::keep::digest_damage;
use super::layout::{Holds, TRASH, fan_name, trash_name, trash_number};
use super::sweep::DEAD_SECONDS;
use super::tree::{At, at};
use crate::descriptor::Primitive;
use crate::discard::{Discarded, Trashed, WhoNames};
use crate::error::StoreError;
use crate::hash::Hash256;
#[cfg(test)]
use crate::mutants::{self, Mutant};
use crate::store::{Standing, Sweep};

/// How often an object is looked for in its place and in the trash: it may move from one to the
/// other meanwhile, but not again and again.
const LOOKS: usize = 3;

/// How many objects go at a time: so few that no more than moments lie between the second in the
/// name that they get in the trash and the end of the one they had. Chosen.
const GOING_AT_A_TIME: usize = 1024;

/// A collection of objects under way.
struct Collection<'a, F: FileSystem> {
    store: &'a DirStore<F>,
    now: i64,
    how: Sweep,
    found: Discarded,
}

/// An object in its place.
struct Object<F: FileSystem> {
    fan: At<F>,
    digest: Hash256,
}

/// An object that lost its place, or may have.
struct Gone {
    digest: Hash256,
    /// The name in the trash that may be taken once the object has its place again; nothing where
    /// it may still lose that.
    copy: Option<String>,
}

impl Gone {
    fn for_good(digest: Hash256, copy: String) -> Self {
        let copy = Some(copy);
        Self { digest, copy }
    }

    fn perhaps(digest: Hash256) -> Self {
        Self { digest, copy: None }
    }
}

impl<F: FileSystem> DirStore<F> {
    pub(super) fn discard_all(
        &self,
        how: Sweep,
        who_names: &mut WhoNames<'_>,
    ) -> Result<Discarded, StoreError> {
        let mut collection = Collection {
            store: self,
            now: self.time_for(how)?,
            how,
            found: Discarded::default(),
        };
        // Both before it is asked what is named: of what comes meanwhile nothing is known.
        let in_trash = self.in_trash()?;
        let objects = collection.objects()?;
        if !in_trash.is_empty() || !objects.is_empty() {
            match who_names() {
                Some(named) => {
                    collection.sort_trash(&in_trash, &named)?;
                    collection.trash_unnamed(objects, &named, who_names)?;
                }
                None => collection.found.is_undecided = true,
            }
        }
        let mut found = collection.found;
        for list in [&mut found.trashed, &mut found.emptied, &mut found.put_back] {
            list.sort_unstable();
            list.dedup();
        }
        Ok(found)
    }

    pub(super) fn all_trashed(&self) -> Result<Vec<Trashed>, StoreError> {
        let mut trashed = Vec::new();
        for (digest, names) in self.in_trash()? {
            let fan = self.tree.open(&["objects", fan_name(digest)])?;
            let is_in_place = match fan {
                Some(fan) => self.tree.exists(&fan, &digest.to_string())?,
                None => false,
            };
            trashed.extend(names.into_iter().map(|(name, _)| Trashed {
                digest,
                path: format!("{TRASH}/{name}"),
                is_in_place,
            }));
        }
        Ok(trashed)
    }

    /// Makes an object durable that is in its place, or puts it back there from the trash; returns
    /// whether it is there.
    pub(super) fn hold(&self, digest: Hash256) -> Result<bool, StoreError> {
        let name = digest.to_string();
        for _ in 0..LOOKS {
            let fan = self.fan("objects", fan_name(digest))?;
            if self.tree.exists(&fan, &name)? {
                match self.tree.sync_name(&fan, &name) {
                    Err(StoreError::Unreadable { source, .. })
                        if source.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                    Ok(()) => {
                        if !self.tree.kind.file_sync_covers_names() {
                            self.tree.sync(&fan)?;
                        }
                        return Ok(true);
                    }
                }
            }
            if self.tree.kind.remembers_absence() {
                self.tree.list(&fan)?;
            }
            let Some((trash, copy)) = self.copy_in_trash(digest)? else {
                continue;
            };
            match self.tree.give_another_name(&trash, &copy, &fan, &name) {
                Err(error)
                    if !matches!(
                        error.kind(),
                        io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound
                    ) =>
                {
                    return match self.read_trashed(digest)? {
                        // What is another user's may be read, and is not linked.
                        Some((_, bytes)) if Hash256::of(&bytes) == digest => {
                            self.keep_object(&bytes, Standing::Unproven).map(|_| true)
                        }
                        _ => Err(at(fan.name(&name))(error)),
                    };
                }
                _given_or_moved_by_another => {}
            }
        }
        Ok(false)
    }

    /// Returns the bytes of an object in the trash, and their path.
    pub(super) fn read_trashed(
        &self,
        digest: Hash256,
    ) -> Result<Option<(String, Vec<u8>)>, StoreError> {
        let Some((trash, copy)) = self.copy_in_trash(digest)? else {
            return Ok(None);
        };
        let bytes = self.read_kept(&trash, &copy)?;
        Ok(bytes.map(|bytes| (trash.name(&copy), bytes)))
    }

    fn copy_in_trash(&self, digest: Hash256) -> Result<Option<(At<F>, String)>, StoreError> {
        let Some(trash) = self.tree.open(&[TRASH])? else {
            return Ok(None);
        };
        let names = self.tree.list(&trash)?;
        let is_copy = |name: &String| trash_number(name).is_some_and(|(of, _)| of == digest);
        Ok(names.into_iter().find(is_copy).map(|name| (trash, name)))
    }

    /// Returns what is in the trash: of each object its files, with when they went there.
    fn in_trash(&self) -> Result<BTreeMap<Hash256, Vec<(String, i64)>>, StoreError> {
        let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
        let Some(trash) = self.tree.open(&[TRASH])? else {
            return Ok(found);
        };
        for name in self.tree.list(&trash)? {
            if let Some((digest, since)) = trash_number(&name) {
                found.entry(digest).or_default().push((name, since));
            }
        }
        Ok(found)
    }
}

impl<F: FileSystem> Collection<'_, F> {
    /// Returns the objects in their places.
    fn objects(&mut self) -> Result<Vec<Object<F>>, StoreError> {
        let tree = &self.store.tree;
        let mut objects = Vec::new();
        let Some(room) = tree.open(&["objects"])? else {
            return Ok(objects);
        };
        for fan in tree.list(&room)? {
            let Ok(Some(dir)) = tree.open_in(&room, &fan) else {
                // A stray: what it is `verify` says.
                continue;
            };
            let Ok(names) = tree.list(&dir) else {
                self.found.left += 1;
                continue;
            };
            objects.extend(names.into_iter().filter_map(|name| {
                let digest: Hash256 = name.parse().ok()?;
                (fan_name(digest) == fan).then(|| Object {
                    fan: dir.clone(),
                    digest,
                })
            }));
        }
        Ok(objects)
    }

    /// Puts back what is named of the trash, and removes what has had its day.
    fn sort_trash(
        &mut self,
        in_trash: &BTreeMap<Hash256, Vec<(String, i64)>>,
        named: &BTreeSet<Hash256>,
    ) -> Result<(), StoreError> {
        let Some(trash) = self.store.tree.open(&[TRASH])? else {
            return Ok(());
        };
        for (digest, names) in in_trash {
            let (old, young): (Vec<_>, Vec<_>) = names
                .iter()
                .partition(|(_, since)| self.now.saturating_sub(*since) >= DEAD_SECONDS);
            if named.contains(digest) {
                let old: Vec<&str> = old.iter().map(|(name, _)| name.as_str()).collect();
                self.put_back(*digest, &trash, &old)?;
                for (name, _) in young {
                    let waits = self.store.tree.exists(&trash, name)?;
                    self.found.waiting += u64::from(waits);
                }
                continue;
            }
            self.found.waiting += young.len() as u64;
            for (name, _) in old {
                if self.how == Sweep::Look
                    || if_found(self.store.tree.fs.unlink(&trash.dir, name)).is_ok()
                {
                    self.found.emptied.push(*digest);
                } else {
                    self.found.left += 1;
                }
            }
        }
        Ok(())
    }

    /// Gives an object its place back, and takes these of its names in the trash once it has it for
    /// good. One whose place holds other bytes keeps what the trash has of it.
    fn put_back(
        &mut self,
        digest: Hash256,
        trash: &At<F>,
        names: &[impl AsRef<str>],
    ) -> Result<(), StoreError> {
        let is_back = names.is_empty() && self.is_in_place(digest);
        if self.how == Sweep::Look {
            self.found.put_back.extend((!is_back).then_some(digest));
            return Ok(());
        }
        let is_whole = match self.store.hold(digest) {
            Ok(is_there) => is_there && self.is_whole(digest),
            Err(error @ StoreError::Unreadable { .. }) if self.store.tree.is_poisoned() => {
                return Err(error);
            }
            Err(_refused) => false,
        };
        if !is_whole {
            self.found.left += 1;
            return Ok(());
        }
        self.found.put_back.extend((!is_back).then_some(digest));
        for name in names {
            // One that stays is found again, and named with the object's place beside it.
            best_effort(self.store.tree.fs.unlink(&trash.dir, name.as_ref()));
        }
        Ok(())
    }

    /// Tells whether an object is seen in its place.
    fn is_in_place(&self, digest: Hash256) -> bool {
        let tree = &self.store.tree;
        let fan = tree.open(&["objects", fan_name(digest)]).ok().flatten();
        fan.is_some_and(|fan| tree.exists(&fan, &digest.to_string()).unwrap_or(false))
    }

    fn is_whole(&self, digest: Hash256) -> bool {
        let fan = self.store.fan("objects", fan_name(digest));
        let read = fan.and_then(|fan| self.store.read_kept(&fan, &digest.to_string()));
        matches!(read, Ok(Some(bytes)) if digest_damage(String::new(), digest, &bytes).is_none())
    }

    /// Moves what nobody names and what is a day old into the trash; then asks again, and puts back
    /// what is named now.
    fn trash_unnamed(
        &mut self,
        objects: Vec<Object<F>>,
        named: &BTreeSet<Hash256>,
        who_names: &mut WhoNames<'_>,
    ) -> Result<(), StoreError> {
        let mut going = Vec::new();
        for object in objects {
            if !named.contains(&object.digest) && self.is_old(&object) {
                going.push(object);
            }
        }
        if self.how == Sweep::Look {
            let digests = going.iter().map(|object| object.digest);
            self.found.trashed.extend(digests);
            return Ok(());
        }
        if going.is_empty() {
            return Ok(());
        }
        let trash = self.store.tree.make(&[TRASH], Holds::Passing)?;
        let mut gone = Vec::new();
        // What went is asked about, also if what comes after it cannot go.
        let moved = going
            .chunks(GOING_AT_A_TIME)
            .try_for_each(|objects| self.go(objects, &trash, &mut gone));
        let again = who_names();
        self.found.is_undecided = again.is_none();
        for Gone { digest, copy } in gone {
            match &again {
                Some(named) if !named.contains(&digest) => {
                    if copy.is_none() && self.is_in_place(digest) {
                        self.found.left += 1;
                    } else {
                        self.found.trashed.push(digest);
                    }
                }
                _ => self.put_back(digest, &trash, copy.as_slice())?,
            }
        }
        moved
    }

    /// Moves objects into the trash; adds those that went, or may have gone.
    fn go(
        &mut self,
        objects: &[Object<F>],
        trash: &At<F>,
        gone: &mut Vec<Gone>,
    ) -> Result<(), StoreError> {
        let tree = &self.store.tree;
        let is_moved_at_once = tree.primitive == Primitive::RenameNoreplace;
        // For a day from then on nobody else takes a name that they get now.
        let since = self.store.time_of_now()?;
        let mut linked = Vec::new();
        for Object { fan, digest } in objects {
            let copy = trash_name(*digest, since);
            match tree.give_another_name(fan, &digest.to_string(), trash, &copy) {
                // A rename took the old name already: who has it now put the object again.
                Ok(()) if is_moved_at_once => gone.push(Gone::for_good(*digest, copy)),
                Ok(()) => linked.push((fan, digest, copy)),
                // Another collection has just moved it, or is at it.
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound
                    ) => {}
                Err(error) if is_moved_at_once && !is_refusal(&error) => {
                    gone.push(Gone::perhaps(*digest));
                }
                Err(_refused) => self.found.left += 1,
            }
        }
        tree.sync(trash)?;
        for (fan, digest, copy) in linked {
            match if_found(tree.fs.unlink(&fan.dir, &digest.to_string())) {
                Ok(_) => gone.push(Gone::for_good(*digest, copy)),
                // Another's, in a store of several users: it keeps its place alone.
                Err(error) if is_refusal(&error) => {
                    best_effort(tree.fs.unlink(&trash.dir, &copy));
                    self.found.left += 1;
                }
                #[cfg(test)]
                Err(_) if mutants::is(Mutant::CopyTakenInDoubt) => {
                    gone.push(Gone::for_good(*digest, copy));
                }
                // It may have acted, or act yet: then the copy is all there is.
                Err(_unclear) => gone.push(Gone::perhaps(*digest)),
            }
        }
        Ok(())
    }

    /// Tells whether an object is a day old; one that is younger may be that of a recording at
    /// work.
    fn is_old(&mut self, object: &Object<F>) -> bool {
        let Object { fan, digest } = object;
        let modified = self.store.tree.fs.modified(&fan.dir, &digest.to_string());
        match if_found(modified) {
            Ok(Some(modified)) if self.now.saturating_sub(modified) >= DEAD_SECONDS => true,
            Ok(Some(_)) => {
                self.found.young += 1;
                false
            }
            Ok(None) => false,
            Err(_not_ours) => {
                self.found.left += 1;
                false
            }
        }
    }
}

/// Tells whether a failure means that nothing was done, and nothing will be.
fn is_refusal(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::ACCESS | Errno::PERM | Errno::ROFS)
    )
}
