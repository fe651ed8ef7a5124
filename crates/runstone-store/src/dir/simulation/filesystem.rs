//! The file system of a simulation: each call on the disk of a world, at the actor's turn.
//!
//! [`SimulatedFileSystem`] is what an engine is opened on. The invariant guarded here: every call
//! of the engine passes through [`World::call`] once, so that there is none at which the seed could
//! not act. What is on the disk afterwards is left to the disk.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{fmt, io};

use rustix::io::Errno;

use super::disk::{Deed, Node, ROOT};
use super::world::{Call, Touch, World};
use crate::dir::layout::TEMPORARY;
use crate::dir::{FileSystem, Kind};
use crate::weight::Weight;

/// Seconds of a day.
const DAY_SECONDS: i64 = 24 * 60 * 60;

/// A file system in a world, as one actor sees it.
#[derive(Clone)]
pub(super) struct SimulatedFileSystem {
    world: Arc<World>,
    actor: Option<usize>,
}

impl fmt::Debug for SimulatedFileSystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatedFileSystem")
            .field("actor", &self.actor)
            .finish_non_exhaustive()
    }
}

/// An open directory.
#[derive(Debug, Clone)]
pub(super) struct SimulatedDir {
    node: Node,
    mount: u64,
}

/// An open file, or a lock.
#[derive(Debug)]
pub(super) struct SimulatedFile {
    node: Node,
    mount: u64,
    read: AtomicUsize,
    #[expect(dead_code, reason = "it is held, and let go when this is dropped")]
    lock: Option<Lock>,
}

/// A lock that is held until this is dropped.
#[derive(Debug)]
struct Lock {
    fs: SimulatedFileSystem,
    of: (usize, Node),
}

impl Drop for Lock {
    fn drop(&mut self) {
        let of = self.of;
        drop(
            self.fs
                .world
                .call(None, Call::Writes, String::new, |touch| {
                    touch.unlock(of);
                    Ok(())
                }),
        );
    }
}

impl SimulatedFileSystem {
    pub(super) fn of(world: &Arc<World>, actor: usize) -> Self {
        Self {
            world: Arc::clone(world),
            actor: Some(actor),
        }
    }

    /// The file system as nobody of this world sees it, for looking at what is there.
    pub(super) fn from_outside(world: &Arc<World>) -> Self {
        Self {
            world: Arc::clone(world),
            actor: None,
        }
    }

    fn call<T>(
        &self,
        call: Call<'_>,
        what: impl FnOnce() -> String,
        act: impl FnOnce(&mut Touch<'_>) -> io::Result<T>,
    ) -> io::Result<T> {
        self.world.call(self.actor, call, what, act)
    }

    /// The same for a call on an open directory.
    fn in_dir<T>(
        &self,
        call: Call<'_>,
        dir: &SimulatedDir,
        what: impl FnOnce() -> String,
        act: impl FnOnce(&mut Touch<'_>, Node) -> io::Result<T>,
    ) -> io::Result<T> {
        let what = || format!("{} in {}", what(), dir.node);
        self.call(call, what, |touch| {
            if touch.disk.mount != dir.mount {
                return Err(Errno::STALE.into());
            }
            act(touch, dir.node)
        })
    }

    /// Changes names of an open directory.
    fn change(&self, dir: &SimulatedDir, deed: &Deed) -> io::Result<()> {
        let what = || format!("{deed}");
        self.in_dir(Call::Changes(deed), dir, what, |touch, _| {
            touch.perform(deed)
        })
    }
}

impl FileSystem for SimulatedFileSystem {
    type Dir = SimulatedDir;
    type File = SimulatedFile;

    fn open_root(&self, _: &Path) -> io::Result<SimulatedDir> {
        self.call(
            Call::Reads,
            || "open the root".to_owned(),
            |touch| {
                Ok(SimulatedDir {
                    node: ROOT,
                    mount: touch.disk.mount,
                })
            },
        )
    }

    fn make_root(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn open_dir(&self, dir: &SimulatedDir, name: &str) -> io::Result<SimulatedDir> {
        let what = || format!("open directory {name}");
        self.in_dir(Call::Reads, dir, what, |touch, parent| {
            let node = touch.find_to_open(parent, name).ok_or(Errno::NOENT)?;
            if !touch.disk.is_dir(node) {
                return Err(Errno::NOTDIR.into());
            }
            let mount = touch.disk.mount;
            Ok(SimulatedDir { node, mount })
        })
    }

    fn make_dir(&self, dir: &SimulatedDir, name: &str, _: u32) -> io::Result<()> {
        let name = name.to_owned();
        let deed = Deed::MakeDir {
            dir: dir.node,
            name,
        };
        self.change(dir, &deed)
    }

    fn set_dir_mode(&self, dir: &SimulatedDir, _: u32) -> io::Result<()> {
        self.in_dir(Call::Writes, dir, || "set mode".to_owned(), |_, _| Ok(()))
    }

    fn create_new(&self, dir: &SimulatedDir, name: &str, _: u32) -> io::Result<SimulatedFile> {
        let what = || format!("create {name}");
        self.in_dir(Call::Creates, dir, what, |touch, dir| {
            let node = touch.disk.create(dir, name, touch.host)?;
            touch.learn(dir, name);
            if dir == ROOT && name.starts_with(TEMPORARY) {
                // Who asks for the time by a file of the root may have slept before.
                touch.sleep();
            }
            touch.disk.date(node, *touch.day);
            Ok(SimulatedFile {
                node,
                mount: touch.disk.mount,
                read: AtomicUsize::new(0),
                lock: None,
            })
        })
    }

    fn create_unnamed(&self, dir: &SimulatedDir, _: u32) -> io::Result<SimulatedFile> {
        let what = || "create a file without a name".to_owned();
        self.in_dir(Call::Writes, dir, what, |touch, _| {
            Ok(SimulatedFile {
                node: touch.disk.create_unnamed(touch.host)?,
                mount: touch.disk.mount,
                read: AtomicUsize::new(0),
                lock: None,
            })
        })
    }

    fn name_file(&self, file: &SimulatedFile, to: &SimulatedDir, new: &str) -> io::Result<()> {
        let deed = Deed::LinkNode {
            node: file.node,
            to: to.node,
            new: new.to_owned(),
        };
        self.change(to, &deed)
    }

    fn open_read(&self, dir: &SimulatedDir, name: &str) -> io::Result<SimulatedFile> {
        let what = || format!("open {name}");
        self.in_dir(Call::Reads, dir, what, |touch, dir| {
            let node = touch.find_to_open(dir, name).ok_or(Errno::NOENT)?;
            if touch.disk.is_dir(node) {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a directory"));
            }
            Ok(SimulatedFile {
                node,
                mount: touch.disk.mount,
                read: AtomicUsize::new(0),
                lock: None,
            })
        })
    }

    fn write_all(&self, file: &SimulatedFile, bytes: &[u8]) -> io::Result<()> {
        let what = || format!("write {} bytes to {}", bytes.len(), file.node);
        self.call(Call::Writes, what, |touch| {
            touch.disk.write(file.node, bytes);
            Ok(())
        })
    }

    fn read(&self, file: &SimulatedFile, at_most: usize) -> io::Result<Vec<u8>> {
        let what = || format!("read {}", file.node);
        self.call(Call::Reads, what, |touch| {
            if touch.disk.mount != file.mount {
                return Err(Errno::STALE.into());
            }
            let rest = &touch.disk.read(file.node)[file.read.load(Ordering::Relaxed)..];
            let bytes = rest[..rest.len().min(at_most)].to_vec();
            file.read.fetch_add(bytes.len(), Ordering::Relaxed);
            Ok(bytes)
        })
    }

    fn sync_file(&self, file: &SimulatedFile) -> io::Result<()> {
        let what = || format!("flush {}", file.node);
        self.call(Call::Flushes(file.node), what, |touch| {
            touch.disk.sync_file(file.node);
            Ok(())
        })
    }

    fn sync_dir(&self, dir: &SimulatedDir) -> io::Result<()> {
        let what = || "flush names".to_owned();
        self.in_dir(Call::Flushes(dir.node), dir, what, |touch, dir| {
            touch.disk.sync_dir(dir);
            Ok(())
        })
    }

    fn link(&self, from: &SimulatedDir, old: &str, to: &SimulatedDir, new: &str) -> io::Result<()> {
        let deed = Deed::Link {
            from: from.node,
            old: old.to_owned(),
            to: to.node,
            new: new.to_owned(),
        };
        self.change(to, &deed)
    }

    fn rename_noreplace(
        &self,
        from: &SimulatedDir,
        old: &str,
        to: &SimulatedDir,
        new: &str,
    ) -> io::Result<()> {
        let deed = Deed::Move {
            from: from.node,
            old: old.to_owned(),
            to: to.node,
            new: new.to_owned(),
        };
        self.change(to, &deed)
    }

    fn rename(&self, dir: &SimulatedDir, old: &str, new: &str) -> io::Result<()> {
        let deed = Deed::Rename {
            dir: dir.node,
            old: old.to_owned(),
            new: new.to_owned(),
        };
        self.change(dir, &deed)
    }

    fn exchange(&self, dir: &SimulatedDir, one: &str, other: &str) -> io::Result<()> {
        let deed = Deed::Exchange {
            dir: dir.node,
            one: one.to_owned(),
            other: other.to_owned(),
        };
        self.change(dir, &deed)
    }

    fn unlink(&self, dir: &SimulatedDir, name: &str) -> io::Result<()> {
        let deed = Deed::Remove {
            dir: dir.node,
            name: name.to_owned(),
            is_dir: false,
        };
        self.change(dir, &deed)
    }

    fn remove_dir(&self, dir: &SimulatedDir, name: &str) -> io::Result<()> {
        let deed = Deed::Remove {
            dir: dir.node,
            name: name.to_owned(),
            is_dir: true,
        };
        self.change(dir, &deed)
    }

    fn exists(&self, dir: &SimulatedDir, name: &str) -> io::Result<bool> {
        let what = || format!("look for {name}");
        self.in_dir(Call::Reads, dir, what, |touch, dir| {
            Ok(touch.find(dir, name).is_some())
        })
    }

    fn modified(&self, dir: &SimulatedDir, name: &str) -> io::Result<i64> {
        let what = || format!("look how old {name} is");
        self.in_dir(Call::Reads, dir, what, |touch, dir| {
            let node = touch.find(dir, name).ok_or(Errno::NOENT)?;
            Ok(touch.disk.born(node) * DAY_SECONDS)
        })
    }

    fn second(&self) -> i64 {
        let today = self.call(
            Call::Reads,
            || "ask for the day".to_owned(),
            |touch| Ok(*touch.day),
        );
        // A clock does not fail; where the call does, everything is young.
        today.unwrap_or(0) * DAY_SECONDS
    }

    fn is_dir(&self, dir: &SimulatedDir, name: &str) -> io::Result<bool> {
        let what = || format!("look what {name} is");
        self.in_dir(Call::Reads, dir, what, |touch, dir| {
            let node = touch.find(dir, name).ok_or(Errno::NOENT)?;
            Ok(touch.disk.is_dir(node))
        })
    }

    fn try_lock(&self, dir: &SimulatedDir) -> io::Result<Option<SimulatedFile>> {
        let what = || "lock".to_owned();
        let locked = self.in_dir(
            Call::Writes,
            dir,
            what,
            |touch, dir| Ok(touch.try_lock(dir)),
        )?;
        Ok(locked.map(|of| SimulatedFile {
            node: dir.node,
            mount: dir.mount,
            read: AtomicUsize::new(0),
            lock: Some(Lock {
                fs: self.clone(),
                of,
            }),
        }))
    }

    fn list(&self, dir: &SimulatedDir, at_most: usize) -> io::Result<Vec<String>> {
        let what = || "list".to_owned();
        self.in_dir(Call::Reads, dir, what, |touch, dir| {
            let mut names = touch.list(dir);
            names.truncate(at_most);
            Ok(names)
        })
    }

    fn list_typed(&self, dir: &SimulatedDir) -> io::Result<Vec<(String, Option<bool>)>> {
        let what = || "list with types".to_owned();
        self.in_dir(Call::Reads, dir, what, |touch, dir| {
            let names = touch.list(dir);
            let typed = |name: String| {
                let is_dir = touch
                    .disk
                    .find(dir, &name)
                    .map(|node| touch.disk.is_dir(node));
                (name, is_dir)
            };
            Ok(names.into_iter().map(typed).collect())
        })
    }

    fn weigh(&self, dir: &SimulatedDir, name: &str) -> io::Result<Weight> {
        let what = || format!("weigh {name}");
        self.in_dir(Call::Reads, dir, what, |touch, dir| {
            let node = match name {
                "." => dir,
                name => touch.find(dir, name).ok_or(Errno::NOENT)?,
            };
            let bytes = if touch.disk.is_dir(node) {
                0
            } else {
                touch.disk.read(node).len() as u64
            };
            // Its blocks are bytes, and a directory takes none.
            Ok(Weight {
                bytes,
                disk: bytes,
                names: touch.disk.names(node),
            })
        })
    }

    fn kind(&self, _: &SimulatedDir) -> io::Result<Kind> {
        self.call(
            Call::Reads,
            || "ask for the kind".to_owned(),
            |touch| Ok(touch.disk.kind),
        )
    }
}
