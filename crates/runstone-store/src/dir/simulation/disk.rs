//! A disk under a file system: what was written, and what would survive a power cut.
//!
//! [`Disk`] holds every file twice, as it was written and as it was flushed, and every directory as
//! it is seen, with the changes of its names that nothing has made durable yet. The invariant
//! guarded here: [`Disk::survive`] takes from what was not flushed whatever it likes, and from what
//! was flushed nothing, within what each [`Kind`] is assumed to promise:
//!
//! | kind | a flush of a file | a flush of a directory | what else survives of names |
//! |---|---|---|---|
//! | journal | its bytes, its names and every change before those | its names and every change before those | any number of changes, in the order in which they were made |
//! | network | its bytes | its names | of each directory any number, in their order; or any of them |
//! | copy on write, other | its bytes | its names | any of them |
//!
//! Of bytes that were not flushed survives any beginning, or any of the sectors among zeros, or
//! nothing, of a file whose name is there. Who calls when, what fails, and what a host remembers is
//! left to the file system above.

use std::collections::BTreeMap;
use std::{fmt, io};

use rustix::io::Errno;

use super::draw::Draw;
use crate::dir::Kind;

/// Bytes that survive or vanish together: far fewer than on a real disk, as the files are smaller.
const SECTOR: usize = 128;

/// A file or a directory.
pub(super) type Node = usize;

/// The directory in which a store is made.
pub(super) const ROOT: Node = 0;

/// A disk with one file system.
#[derive(Debug, Clone)]
pub(super) struct Disk {
    pub(super) kind: Kind,
    pub(super) has_links: bool,
    /// Whether a file may be without a name.
    pub(super) has_unnamed: bool,
    /// Counts the power cuts: what was opened before one is of no use after it.
    pub(super) mount: u64,
    nodes: Vec<Body>,
    /// The changes of names that are not durable, in the order in which they were made.
    pending: Vec<Change>,
}

#[derive(Debug, Clone)]
enum Body {
    File(File),
    Dir(Dir),
}

#[derive(Debug, Clone, Default)]
struct File {
    bytes: Vec<u8>,
    flushed: Vec<u8>,
    is_dirty: bool,
    writer: usize,
    /// The day on which it was made.
    born: i64,
}

#[derive(Debug, Clone, Default)]
struct Dir {
    names: BTreeMap<String, Node>,
    durable: BTreeMap<String, Node>,
}

/// One change of names: all of it happens, or nothing.
#[derive(Debug, Clone)]
struct Change {
    /// The directory whose flush makes it durable.
    dir: Node,
    names: Vec<Name>,
}

/// A name in a directory, with what has it from now on, or what has it no longer: whatever got it
/// since keeps it, also if that is made durable first.
#[derive(Debug, Clone)]
struct Name {
    dir: Node,
    text: String,
    node: Node,
    is_taken: bool,
}

/// A change of names as it is asked for, with all that making it takes.
#[derive(Debug, Clone)]
pub(super) enum Deed {
    MakeDir {
        dir: Node,
        name: String,
    },
    Link {
        from: Node,
        old: String,
        to: Node,
        new: String,
    },
    LinkNode {
        node: Node,
        to: Node,
        new: String,
    },
    Move {
        from: Node,
        old: String,
        to: Node,
        new: String,
    },
    Rename {
        dir: Node,
        old: String,
        new: String,
    },
    Exchange {
        dir: Node,
        one: String,
        other: String,
    },
    Remove {
        dir: Node,
        name: String,
        is_dir: bool,
    },
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MakeDir { name, .. } => write!(f, "make directory {name}"),
            Self::Link { from, old, new, .. } => write!(f, "link {old} of {from} as {new}"),
            Self::LinkNode { node, new, .. } => write!(f, "link {node} as {new}"),
            Self::Move { from, old, new, .. } => write!(f, "move {old} of {from} to {new}"),
            Self::Rename { old, new, .. } => write!(f, "rename {old} to {new}"),
            Self::Exchange { one, other, .. } => write!(f, "exchange {one} and {other}"),
            Self::Remove {
                name,
                is_dir: false,
                ..
            } => write!(f, "unlink {name}"),
            Self::Remove {
                name, is_dir: true, ..
            } => write!(f, "remove directory {name}"),
        }
    }
}

impl Deed {
    /// Returns the name that it makes, which must not be there.
    pub(super) fn made(&self) -> Option<(Node, &str)> {
        match self {
            Self::MakeDir { dir, name } => Some((*dir, name)),
            Self::Link { to, new, .. }
            | Self::LinkNode { to, new, .. }
            | Self::Move { to, new, .. } => Some((*to, new)),
            Self::Rename { .. } | Self::Exchange { .. } | Self::Remove { .. } => None,
        }
    }

    /// Returns the names of what it changes.
    pub(super) fn needed(&self) -> Vec<(Node, &str)> {
        match self {
            Self::MakeDir { .. } | Self::LinkNode { .. } => Vec::new(),
            Self::Link { from, old, .. } | Self::Move { from, old, .. } => vec![(*from, old)],
            Self::Rename { dir, old, .. } => vec![(*dir, old)],
            Self::Exchange { dir, one, other } => vec![(*dir, one), (*dir, other)],
            Self::Remove { dir, name, .. } => vec![(*dir, name)],
        }
    }

    /// Returns the names that it gives or takes.
    pub(super) fn names(&self) -> Vec<(Node, &str)> {
        match self {
            Self::MakeDir { dir, name } | Self::Remove { dir, name, .. } => vec![(*dir, name)],
            Self::Link { to, new, .. } | Self::LinkNode { to, new, .. } => vec![(*to, new)],
            Self::Move { from, old, to, new } => vec![(*from, old), (*to, new)],
            Self::Rename { dir, old, new } => vec![(*dir, old), (*dir, new)],
            Self::Exchange { dir, one, other } => vec![(*dir, one), (*dir, other)],
        }
    }
}

fn given(dir: Node, name: &str, node: Node) -> Name {
    Name {
        dir,
        text: name.to_owned(),
        node,
        is_taken: false,
    }
}

fn taken(dir: Node, name: &str, node: Node) -> Name {
    Name {
        is_taken: true,
        ..given(dir, name, node)
    }
}

impl Disk {
    pub(super) fn new(kind: Kind, has_links: bool) -> Self {
        Self {
            kind,
            has_links,
            has_unnamed: true,
            mount: 0,
            nodes: vec![Body::Dir(Dir::default())],
            pending: Vec::new(),
        }
    }

    fn dir(&self, dir: Node) -> &Dir {
        match &self.nodes[dir] {
            Body::Dir(dir) => dir,
            Body::File(_) => panic!("node {dir} was opened as a directory"),
        }
    }

    fn file(&self, file: Node) -> &File {
        match &self.nodes[file] {
            Body::File(file) => file,
            Body::Dir(_) => panic!("node {file} was opened as a file"),
        }
    }

    fn file_mut(&mut self, file: Node) -> &mut File {
        match &mut self.nodes[file] {
            Body::File(file) => file,
            Body::Dir(_) => panic!("node {file} was opened as a file"),
        }
    }

    pub(super) fn find(&self, dir: Node, name: &str) -> Option<Node> {
        self.dir(dir).names.get(name).copied()
    }

    pub(super) fn is_dir(&self, node: Node) -> bool {
        matches!(self.nodes[node], Body::Dir(_))
    }

    /// Returns how many names a node has.
    pub(super) fn names(&self, node: Node) -> u64 {
        let dirs = self.nodes.iter().filter_map(|body| match body {
            Body::Dir(dir) => Some(dir),
            Body::File(_) => None,
        });
        let names = dirs.flat_map(|dir| dir.names.values());
        names.filter(|named| **named == node).count() as u64
    }

    pub(super) fn list(&self, dir: Node) -> Vec<String> {
        self.dir(dir).names.keys().cloned().collect()
    }

    fn change(&mut self, dir: Node, names: Vec<Name>) {
        for name in &names {
            let Body::Dir(seen) = &mut self.nodes[name.dir] else {
                panic!("node {} was opened as a directory", name.dir);
            };
            apply(&mut seen.names, name);
        }
        self.pending.push(Change { dir, names });
    }

    fn add(&mut self, dir: Node, name: &str, body: Body) -> io::Result<Node> {
        if self.find(dir, name).is_some() {
            return Err(Errno::EXIST.into());
        }
        self.nodes.push(body);
        let node = self.nodes.len() - 1;
        self.change(dir, vec![given(dir, name, node)]);
        Ok(node)
    }

    /// Says on which day a file was made.
    pub(super) fn date(&mut self, file: Node, day: i64) {
        self.file_mut(file).born = day;
    }

    /// Returns the day on which a file was made; a directory is of no day.
    pub(super) fn born(&self, node: Node) -> i64 {
        match &self.nodes[node] {
            Body::File(file) => file.born,
            Body::Dir(_) => 0,
        }
    }

    /// Puts a file in a place, durably, whatever was there: something from outside did it.
    pub(super) fn plant(&mut self, dir: Node, name: &str, bytes: &[u8]) {
        let file = File {
            bytes: bytes.to_vec(),
            flushed: bytes.to_vec(),
            ..File::default()
        };
        self.nodes.push(Body::File(file));
        let node = self.nodes.len() - 1;
        if let Body::Dir(dir) = &mut self.nodes[dir] {
            dir.names.insert(name.to_owned(), node);
            dir.durable.insert(name.to_owned(), node);
        }
    }

    /// Makes a change of names.
    pub(super) fn perform(&mut self, deed: &Deed) -> io::Result<()> {
        match deed {
            Deed::MakeDir { dir, name } => self.make_dir(*dir, name),
            Deed::Link { from, old, to, new } => self.link(*from, old, *to, new),
            Deed::LinkNode { node, to, new } => self.link_node(*node, *to, new),
            Deed::Move { from, old, to, new } => self.rename_noreplace(*from, old, *to, new),
            Deed::Rename { dir, old, new } => self.rename(*dir, old, new),
            Deed::Exchange { dir, one, other } => self.exchange(*dir, one, other),
            Deed::Remove { dir, name, is_dir } => self.remove(*dir, name, *is_dir),
        }
    }

    pub(super) fn make_dir(&mut self, dir: Node, name: &str) -> io::Result<()> {
        self.add(dir, name, Body::Dir(Dir::default())).map(drop)
    }

    pub(super) fn create(&mut self, dir: Node, name: &str, writer: usize) -> io::Result<Node> {
        let file = File {
            writer,
            ..File::default()
        };
        self.add(dir, name, Body::File(file))
    }

    /// Makes a file that a power cut takes, until it is given a name.
    pub(super) fn create_unnamed(&mut self, writer: usize) -> io::Result<Node> {
        if !self.has_unnamed {
            return Err(io::ErrorKind::Unsupported.into());
        }
        self.nodes.push(Body::File(File {
            writer,
            ..File::default()
        }));
        Ok(self.nodes.len() - 1)
    }

    pub(super) fn write(&mut self, file: Node, bytes: &[u8]) {
        let file = self.file_mut(file);
        file.bytes.extend_from_slice(bytes);
        file.is_dirty = true;
    }

    pub(super) fn read(&self, file: Node) -> &[u8] {
        &self.file(file).bytes
    }

    fn link(&mut self, from: Node, old: &str, to: Node, new: &str) -> io::Result<()> {
        if !self.has_links {
            return Err(Errno::PERM.into());
        }
        let node = self.find(from, old).ok_or(Errno::NOENT)?;
        self.link_node(node, to, new)
    }

    fn link_node(&mut self, node: Node, to: Node, new: &str) -> io::Result<()> {
        // A server knows no file that has lost its last name; a file without one is local.
        if self.kind == Kind::Network && self.names(node) == 0 {
            return Err(Errno::STALE.into());
        }
        if self.find(to, new).is_some() {
            return Err(Errno::EXIST.into());
        }
        self.change(to, vec![given(to, new, node)]);
        Ok(())
    }

    /// Gives a file another name in its directory, and takes it from what has it.
    fn rename(&mut self, dir: Node, old: &str, new: &str) -> io::Result<()> {
        let node = self.find(dir, old).ok_or(Errno::NOENT)?;
        if self.find(dir, new).is_some_and(|there| self.is_dir(there)) {
            return Err(Errno::ISDIR.into());
        }
        let names = vec![taken(dir, old, node), given(dir, new, node)];
        self.change(dir, names);
        Ok(())
    }

    /// Moves a file to a name that nothing has. It is the flush of the new directory that makes
    /// either name durable.
    pub(super) fn rename_noreplace(
        &mut self,
        from: Node,
        old: &str,
        to: Node,
        new: &str,
    ) -> io::Result<()> {
        let node = self.find(from, old).ok_or(Errno::NOENT)?;
        if self.find(to, new).is_some() {
            return Err(Errno::EXIST.into());
        }
        let names = vec![taken(from, old, node), given(to, new, node)];
        self.change(to, names);
        Ok(())
    }

    fn exchange(&mut self, dir: Node, one: &str, other: &str) -> io::Result<()> {
        let first = self.find(dir, one).ok_or(Errno::NOENT)?;
        let second = self.find(dir, other).ok_or(Errno::NOENT)?;
        let names = vec![given(dir, one, second), given(dir, other, first)];
        self.change(dir, names);
        Ok(())
    }

    pub(super) fn remove(&mut self, dir: Node, name: &str, is_dir: bool) -> io::Result<()> {
        let node = self.find(dir, name).ok_or(Errno::NOENT)?;
        match &self.nodes[node] {
            Body::File(_) if is_dir => return Err(Errno::NOTDIR.into()),
            Body::Dir(_) if !is_dir => return Err(Errno::ISDIR.into()),
            Body::Dir(dir) if !dir.names.is_empty() => return Err(Errno::NOTEMPTY.into()),
            Body::File(_) | Body::Dir(_) => {}
        }
        self.change(dir, vec![taken(dir, name, node)]);
        Ok(())
    }

    pub(super) fn sync_file(&mut self, node: Node) {
        let file = self.file_mut(node);
        if file.is_dirty {
            file.flushed.clone_from(&file.bytes);
            file.is_dirty = false;
        }
        if self.kind == Kind::Journal {
            let gives = |it: &Name| it.node == node && !it.is_taken;
            let names_it = |change: &Change| change.names.iter().any(gives);
            self.commit_up_to(names_it);
        }
    }

    /// Flushes a file in vain: what is on the disk now is anybody's guess, and the next flush finds
    /// nothing left to do.
    pub(super) fn lose_pages(&mut self, node: Node, draw: &mut Draw) {
        let file = self.file_mut(node);
        if file.is_dirty {
            file.flushed = torn(&file.flushed, &file.bytes, draw);
            file.is_dirty = false;
        }
    }

    pub(super) fn sync_dir(&mut self, dir: Node) {
        if self.kind == Kind::Journal {
            self.commit_up_to(|change| change.dir == dir);
            return;
        }
        let (now, later) = std::mem::take(&mut self.pending)
            .into_iter()
            .partition(|change| change.dir == dir);
        self.pending = later;
        self.commit(now);
    }

    /// Makes every change durable up to the last one of a sort.
    fn commit_up_to(&mut self, is_one: impl Fn(&Change) -> bool) {
        if let Some(last) = self.pending.iter().rposition(is_one) {
            let later = self.pending.split_off(last + 1);
            let now = std::mem::replace(&mut self.pending, later);
            self.commit(now);
        }
    }

    fn commit(&mut self, changes: Vec<Change>) {
        for name in changes.into_iter().flat_map(|change| change.names) {
            if let Body::Dir(dir) = &mut self.nodes[name.dir] {
                apply(&mut dir.durable, &name);
            }
        }
    }

    /// Makes everything durable.
    fn sync_all(&mut self) {
        let changes = std::mem::take(&mut self.pending);
        self.commit(changes);
        for body in &mut self.nodes {
            if let Body::File(file) = body {
                file.flushed.clone_from(&file.bytes);
                file.is_dirty = false;
            }
        }
    }

    /// Returns a disk with what can be reached from the root, all of it durable.
    pub(super) fn copied(&self) -> Self {
        let mut copy = Self::new(self.kind, self.has_links);
        copy.has_unnamed = self.has_unnamed;
        self.copy_into(ROOT, &mut copy, ROOT);
        copy.sync_all();
        copy
    }

    fn copy_into(&self, from: Node, copy: &mut Self, to: Node) {
        for (name, node) in &self.dir(from).names {
            if self.is_dir(*node) {
                copy.make_dir(to, name).unwrap();
                let made = copy.find(to, name).unwrap();
                self.copy_into(*node, copy, made);
            } else {
                let file = copy.create(to, name, 0).unwrap();
                copy.write(file, self.read(*node));
            }
        }
    }

    /// Loses what a host wrote and did not flush, as when it dies while the server lives on.
    pub(super) fn lose_host(&mut self, host: usize, draw: &mut Draw) {
        for body in &mut self.nodes {
            if let Body::File(file) = body
                && file.is_dirty
                && file.writer == host
            {
                file.bytes = torn(&file.flushed, &file.bytes, draw);
            }
        }
    }

    /// Returns what is there after a power cut.
    pub(super) fn survive(&self, draw: &mut Draw) -> Self {
        let mut disk = self.clone();
        let survivors = disk.surviving_changes(draw);
        disk.commit(survivors);
        disk.mount += 1;
        for body in &mut disk.nodes {
            match body {
                Body::File(file) if file.is_dirty => {
                    file.bytes = torn(&file.flushed, &file.bytes, draw);
                    file.flushed.clone_from(&file.bytes);
                    file.is_dirty = false;
                }
                Body::File(file) => file.bytes.clone_from(&file.flushed),
                Body::Dir(dir) => dir.names.clone_from(&dir.durable),
            }
        }
        disk
    }

    fn surviving_changes(&mut self, draw: &mut Draw) -> Vec<Change> {
        let mut pending = std::mem::take(&mut self.pending);
        match self.kind {
            Kind::Journal => {
                let count = some_of(pending.len(), draw);
                pending.truncate(count);
            }
            Kind::Network if !draw.one_in(3) => {
                let mut left: BTreeMap<Node, usize> = BTreeMap::new();
                for change in &pending {
                    *left.entry(change.dir).or_default() += 1;
                }
                for count in left.values_mut() {
                    *count = some_of(*count, draw);
                }
                pending.retain(|change| {
                    let count = left.get_mut(&change.dir).unwrap();
                    let survives = *count > 0;
                    *count = count.saturating_sub(1);
                    survives
                });
            }
            Kind::Network | Kind::CopyOnWrite | Kind::Other => match draw.below(4) {
                0 => pending.clear(),
                1 => {}
                _ => pending.retain(|_| draw.one_in(2)),
            },
        }
        pending
    }
}

fn apply(names: &mut BTreeMap<String, Node>, change: &Name) {
    if !change.is_taken {
        names.insert(change.text.clone(), change.node);
    } else if names.get(&change.text) == Some(&change.node) {
        names.remove(&change.text);
    }
}

/// Draws how many survive: as often none or all as anything between.
fn some_of(count: usize, draw: &mut Draw) -> usize {
    match draw.below(3) {
        0 => 0,
        1 => count,
        _ => draw.below(count + 1),
    }
}

/// Draws what is on the disk of bytes that were written and not flushed.
fn torn(flushed: &[u8], written: &[u8], draw: &mut Draw) -> Vec<u8> {
    let kept = flushed.len();
    let fresh = written.len() - kept;
    match draw.below(4) {
        0 => flushed.to_vec(),
        1 => written.to_vec(),
        2 => written[..kept + draw.below(fresh + 1)].to_vec(),
        _ => {
            let mut bytes = written.to_vec();
            for sector in bytes[kept..].chunks_mut(SECTOR) {
                if draw.one_in(2) {
                    sector.fill(0);
                }
            }
            bytes
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Returns every set of names that a cut may leave of three files, the second of them flushed.
    fn survivors(kind: Kind, flush: impl Fn(&mut Disk, Node)) -> BTreeSet<Vec<String>> {
        let mut disk = Disk::new(kind, true);
        let mut nodes = Vec::new();
        for name in ["a", "b", "c"] {
            let file = disk.create(ROOT, name, 0).unwrap();
            disk.write(file, b"bytes");
            nodes.push(file);
        }
        flush(&mut disk, nodes[1]);
        let mut draw = Draw::new(1);
        (0..500)
            .map(|_| {
                let after = disk.survive(&mut draw);
                let flushed = after.find(ROOT, "b");
                assert!(
                    flushed
                        .is_none_or(|b| !kind.keeps_names_in_order() || after.read(b) == b"bytes")
                );
                after.list(ROOT)
            })
            .collect()
    }

    /// Every set of three names.
    const ANY: [&str; 8] = ["", "a", "b", "c", "ab", "ac", "bc", "abc"];

    fn sets(names: &[&str]) -> BTreeSet<Vec<String>> {
        let set = |it: &&str| it.chars().map(String::from).collect();
        names.iter().map(set).collect()
    }

    #[test]
    fn journal_keeps_the_names_of_a_flushed_file_and_what_was_before() {
        let after = survivors(Kind::Journal, Disk::sync_file);
        assert_eq!(after, sets(&["ab", "abc"]));
    }

    #[test]
    fn elsewhere_a_flushed_file_may_lose_its_name() {
        let after = survivors(Kind::Network, Disk::sync_file);
        assert_eq!(after, sets(&ANY));
    }

    #[test]
    fn where_nothing_is_known_any_of_the_names_survive() {
        let after = survivors(Kind::Other, |_, _| {});
        assert_eq!(after, sets(&ANY));
    }

    #[test]
    fn flushed_directory_keeps_its_names_everywhere() {
        for kind in [Kind::Journal, Kind::CopyOnWrite, Kind::Network, Kind::Other] {
            let after = survivors(kind, |disk, node| {
                disk.sync_file(node);
                disk.sync_dir(ROOT);
            });
            assert_eq!(after, sets(&["abc"]), "{kind:?}");
        }
    }

    #[test]
    fn file_that_went_elsewhere_takes_no_name_that_another_got_since() {
        for kind in [Kind::Journal, Kind::CopyOnWrite, Kind::Network, Kind::Other] {
            let mut disk = Disk::new(kind, true);
            disk.make_dir(ROOT, "there").unwrap();
            let there = disk.find(ROOT, "there").unwrap();
            disk.create(ROOT, "a", 0).unwrap();
            disk.sync_dir(ROOT);
            disk.rename_noreplace(ROOT, "a", there, "a").unwrap();
            let second = disk.create(ROOT, "a", 0).unwrap();
            disk.sync_dir(ROOT);
            disk.sync_dir(there);
            let after = disk.survive(&mut Draw::new(1));
            assert_eq!(after.find(ROOT, "a"), Some(second), "{kind:?}");
        }
    }

    #[test]
    fn bytes_that_were_not_flushed_survive_torn() {
        let written: Vec<u8> = (0..1000u32).map(|it| it.to_le_bytes()[0] | 1).collect();
        let mut draw = Draw::new(1);
        let kept: BTreeSet<Vec<u8>> = (0..100).map(|_| torn(b"", &written, &mut draw)).collect();
        assert!(kept.contains(&Vec::new()) && kept.contains(&written));
        assert!(kept.iter().any(|it| it.len() == 1000 && it.contains(&0)));
        assert!(kept.iter().any(|it| (1..1000).contains(&it.len())));
    }

    #[test]
    fn flush_after_a_failed_one_brings_nothing_back() {
        let mut draw = Draw::new(1);
        let lost = (0..50).any(|_| {
            let mut disk = Disk::new(Kind::Journal, true);
            let file = disk.create(ROOT, "a", 0).unwrap();
            disk.write(file, b"bytes");
            disk.lose_pages(file, &mut draw);
            disk.sync_file(file);
            assert_eq!(disk.read(file), b"bytes");
            disk.survive(&mut draw).read(file) != b"bytes"
        });
        assert!(lost);
    }
}
