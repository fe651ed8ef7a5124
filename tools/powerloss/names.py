"""What a file system promises about names: asked of it, not believed.

Does flushing a file make its names durable? And do two names in a directory, neither flushed, survive in the
order in which they were made?

Each way gives files a name in another directory, flushes what it flushes, and notes the place in the log at
which the flush returned. In the states of every cut at or after that place the name has to be there. One
way flushes nothing after the name: if nothing is lost of it, this sees no loss. For the order two names
are made, and a state that has the later without the earlier counts. What the engine makes
of the answer is `Kind` in `crates/runstone-store/src/dir/fs.rs`.
"""

import ctypes
import os
import random
from types import SimpleNamespace

import cuts
import blocks
import disks

NAMES = 10
"""How many names are made by each way: chosen, so that a recording stays below a second."""


def fresh(disk):
    """A new file is named, then flushed: a claim."""
    disk.create()
    disk.link()
    os.fsync(disk.file)


def flushed(disk):
    """A file that was flushed already is named, then flushed again."""
    disk.create()
    os.fsync(disk.file)
    disk.link()
    os.fsync(disk.file)


def settled(disk):
    """A file of an earlier transaction is named, then flushed."""
    disk.create()
    ctypes.CDLL(None).syncfs(disk.file)
    disk.link()
    os.fsync(disk.file)


def unnamed(disk):
    """A new file is named, loses its first name, then is flushed."""
    disk.create()
    disk.link()
    os.unlink(disk.path)
    os.fsync(disk.file)


def adopted(disk):
    """A file is named by one, and flushed by another who opened it by that name."""
    disk.create()
    disk.link()
    other = os.open(disk.name, os.O_RDONLY)
    os.fsync(other)
    os.close(other)


def directory(disk):
    """A file is flushed and named, then the directory of the name is flushed."""
    disk.create()
    os.fsync(disk.file)
    disk.link()
    disk.directory()


def nothing(disk):
    """A file is flushed, then named, and no flush follows."""
    disk.create()
    os.fsync(disk.file)
    disk.link()


def plain_order(disk, later):
    """Two files are flushed, then named one after the other; somebody flushes a third."""
    disk.create(), later.create()
    os.fsync(disk.file), os.fsync(later.file)
    disk.link(), later.link()
    disk.another()


def later_flushed(disk, later):
    """Two files are flushed, then named one after the other; the later is flushed again."""
    disk.create(), later.create()
    os.fsync(disk.file), os.fsync(later.file)
    disk.link(), later.link()
    os.fsync(later.file)


def linked_across_transactions(disk, later):
    """Two flushed files, the later of a younger transaction, are named one after the other."""
    disk.create()
    os.fsync(disk.file)
    ctypes.CDLL(None).syncfs(disk.file)
    later.create()
    os.fsync(later.file)
    disk.link(), later.link()


def later_younger(disk, later):
    """The later file is of a younger transaction than the earlier; somebody flushes a third."""
    linked_across_transactions(disk, later)
    disk.another()


def directory_younger(disk, later):
    """The same, and instead of a third file the directory is flushed."""
    linked_across_transactions(disk, later)
    disk.directory()


def entries(disk, later):
    """Two entries as the engine commits them where names are flushed by their directory, up to the slots; the
    later is of a younger transaction; somebody flushes a third file."""
    for one in (disk, later):
        one.create()
        os.fsync(one.file)
        one.link()
        one.directory()
        if one is disk:
            ctypes.CDLL(None).syncfs(one.file)
    disk.take(), later.take()
    disk.another()


def entries_of_one_flush(disk, later):
    """The same as the engine commits them on one journal."""
    for one in (disk, later):
        one.create()
        one.link()
        os.fsync(one.file)
        if one is disk:
            ctypes.CDLL(None).syncfs(one.file)
    disk.take(), later.take()
    disk.another()


WAYS = [fresh, flushed, settled, unnamed, adopted, directory, nothing]

ORDERS = [plain_order, later_flushed, later_younger, directory_younger, entries, entries_of_one_flush]

LOSSES = {"btrfs": {"nothing", "later_younger", "entries", "entries_of_one_flush"}, "ext4": {"nothing"}, "xfs": {"nothing"}}
"""What is lost or out of order on which file system; everything else never is."""


class Disk:
    """One file, on its way to a second name."""

    def __init__(self, mount, number):
        self.path = os.path.join(mount, "log", f"t-{number}")
        self.name = os.path.join(mount, "keys", f"k-{number}")
        self.number = number
        self.file, self.bytes = None, f"{number} ".encode() * 700

    def create(self):
        self.file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
        os.write(self.file, self.bytes)

    def link(self):
        os.link(self.path, self.name)

    def take(self):
        self.name = os.path.join(os.path.dirname(self.path), f"slot-{self.number}")
        os.link(self.path, self.name)

    def directory(self):
        folder = os.open(os.path.dirname(self.name), os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)

    def another(self):
        file = os.open(self.path + "-third", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
        os.write(file, self.bytes)
        os.fsync(file)
        os.close(file)


def ask(kind, folder, seed, many):
    """Tries every way; for each how many states, how many names were owed, how many of them lost; then for
    each order how many states, how many pairs could be out of order, and how many were."""
    answers = {}
    for way in WAYS:
        owed, lost = 0, 0
        for cut, made in tried(kind, os.path.join(folder, way.__name__), way, seed, many):
            names = [disk for stamp, disk in made if stamp <= cut.at]
            owed += len(names)
            lost += sum(not whole(disk) for disk in names)
        answers[way.__name__] = (many, owed, lost)
    for way in ORDERS:
        pairs, gaps = 0, 0
        for _, made in tried(kind, os.path.join(folder, way.__name__), way, seed, many):
            names = [whole(disk) for _, disk in made]
            pairs += sum(names[1::2])
            gaps += sum(later and not earlier for earlier, later in zip(names[::2], names[1::2]))
        answers[way.__name__] = (many, pairs, gaps)
    return answers


def unexpected(kind, answers):
    """Says which answers are not those that are relied on."""
    return [f"{kind}: `{way}` loses {bad} of {all_of} names in {seen} states, and was known "
            + ("to lose some" if way in LOSSES[kind] else "to lose none")
            for way, (seen, all_of, bad) in answers.items() if (bad > 0) != (way in LOSSES[kind]) or all_of == 0]


def tried(kind, folder, way, seed, many):
    """Records one way; mounts states of it, each with its cut and what was made when."""
    os.makedirs(folder)
    image, live, log = (os.path.join(folder, name) for name in ("before", "live", "log"))
    disks.make(kind, image)
    with disks.mounted(kind, image, os.path.join(folder, "mount")) as mount:
        os.mkdir(os.path.join(mount, "log"))
        os.mkdir(os.path.join(mount, "keys"))
    blocks.copy(image, live)
    made = []
    with disks.recorded(kind, live, log, os.path.join(folder, "mount"), os.path.join(folder, "below")) as mount:
        begun = os.stat(log).st_size
        each = 2 if way in ORDERS else 1
        for number in range(0, NAMES, each):
            some = [Disk(mount, number + k) for k in range(each)]
            way(*some)
            made += [(os.stat(log).st_size, disk) for disk in some]
        for _, disk in made:
            os.close(disk.file)
    done = os.stat(log).st_size
    os.remove(live)
    recording = SimpleNamespace(kind=kind, image=image, log=log, begun=begun, done=done)
    for state in cuts.states(recording, random.Random(seed), many):
        with disks.mounted(kind, state.image, os.path.join(folder, "mount")):
            yield state.cut, made


def whole(disk):
    try:
        with open(disk.name, "rb") as file:
            return file.read() == disk.bytes
    except OSError:
        return False
