"""Records what writers make a disk write, and looks into states that a power cut could have left.

A mutant, a store whose flushes do nothing, goes the same way: if none of its states is found broken, this
sees no loss, and what it says of the real store is worth nothing.
"""

import os
import random
import sys
import tempfile
from typing import NamedTuple

import blocks
import disks
import promises
from writers import Writers

WORK = [("alone", "alone", 6), ("alone", "other", 4), ("stream", "stream", 24), ("ran", "ran", 4), ("together", "together", 4)]
"""Writers of the real store."""


OVERTAKEN = [("overtaken", "race", 1)]
"""Two writers, one of whose places could survive without the one below it where names have no order."""


class Recording(NamedTuple):
    """A disk before, the log of what came, what was told, and where in the log the work stands."""

    kind: str
    image: str
    log: str
    writers: Writers
    begun: int
    done: int


def record(kind, runstone, folder, seed, work, before=()):
    """Lets writers work on a recorded disk."""
    os.makedirs(folder)
    image, live, log = (os.path.join(folder, name) for name in ("before", "live", "log"))
    disks.make(kind, image)
    blocks.copy(image, live)
    with disks.recorded(kind, live, log, os.path.join(folder, "mount"), os.path.join(folder, "below")) as mount:
        writers = Writers(runstone, os.path.join(mount, "store"), lambda: os.stat(log).st_size, random.Random(seed), before)
        writers.last_flush = disks.KINDS[kind].last_flush
        writers.attachment = os.path.join(folder, "attached")
        begun = os.stat(log).st_size
        writers.init()
        for thread in writers.work(*work):
            thread.join()
    done = os.stat(log).st_size
    if len(writers.told) < 3:
        sys.exit(f"error: {kind}: the writers recorded nothing to lose")
    os.remove(live)
    return Recording(kind, image, log, writers, begun, done)


class State(NamedTuple):
    """What a cut left: the image, the cut, what survived of what was pending, and how that was drawn."""

    image: str
    cut: blocks.Cut
    left: list
    drawn: str


def states(recording, chance, many):
    """Makes states of the disk, one after another."""
    image = os.path.join(os.path.dirname(recording.log), "state")
    for cut in blocks.cuts(recording.log, chance, many, recording.begun, recording.done):
        blocks.apply(recording.image, cut.flushed)
        way, left = blocks.survivors(cut.pending, chance, disks.SECTOR)
        state = State(image, cut, left, f"cut at {cut.at} of {recording.done}, of {len(cut.pending)} pending writes: {way}")
        build(recording, state)
        yield state
    os.remove(image)


def build(recording, state):
    blocks.copy(recording.image, state.image)
    blocks.apply(state.image, state.left)


def explore(kind, runstone, folder, seed, many, work=None, before=(), first=False):
    """Looks into states of one recording; returns how many, how much was owed in them, and what is broken.

    `first`: leaves `init` out, and goes no further than the first broken state. Without it the images of the
    first three broken ones are kept.
    """
    recording = record(kind, runstone, folder, seed, work or WORK, before)
    writers = recording.writers
    if first:
        recording = recording._replace(begun=writers.made)
    seen, owed_in_all, found, kept = 0, 0, [], 0
    for state in states(recording, random.Random(seed), many):
        owed = [told.answer for told in writers.told if told.stamp <= state.cut.at]
        made = writers.made is not None and writers.made <= state.cut.at
        try:
            with disks.mounted(kind, state.image, os.path.join(folder, "mount")) as mount:
                lost = promises.broken(runstone, os.path.join(mount, "store"), made, owed, writers.documents)
        except disks.Unmountable as error:
            lost = [f"the file system is lost: {error}"]
        seen += 1
        owed_in_all += len(owed)
        found += [f"{kind}, {state.drawn}: {what}" for what in lost]
        if first and found:
            break
        if lost and kept < 3:
            kept += 1
            build(recording, state)
            found.append(f"the disk of that state is kept: {keep(kind, state.image)}")
    return seen, owed_in_all, found


def keep(kind, image):
    """Copies an image out of the folder that goes with the recipe."""
    kept = os.path.join(tempfile.mkdtemp(prefix="runstone-powerloss-"), kind)
    blocks.copy(image, kept)
    return kept
