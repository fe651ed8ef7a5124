"""What a disk may hold after its power was cut: states made from a log of writes and flushes.

What was written before a flush survives. Of what was written after the last flush before the cut any part
may: each write whole, not at all, or torn between two sectors. A later write to a sector is not undone by
an earlier one. The log is `recorder`'s; which promises hold in a state is left to `promises`.
"""

import os
import subprocess
from typing import NamedTuple

from recorder import EVENT


class Write(NamedTuple):
    """Bytes that were written, `end` of their event in the log."""

    end: int
    offset: int
    data: bytes


class Cut(NamedTuple):
    """A moment: everything below `at` in the log had been asked for, `pending` was not flushed."""

    at: int
    flushed: list
    pending: list


def epochs(log):
    """Reads a log: the writes between flushes, each epoch with the place of the flush that ends it."""
    found, writes, at = [], [], 0
    with open(log, "rb") as events:
        while len(head := events.read(EVENT.size)) == EVENT.size:
            kind, offset, length = EVENT.unpack(head)
            data = events.read(length)
            at += EVENT.size + length
            if kind == b"w":
                writes.append(Write(at, offset, data))
            else:
                found.append((writes, at - EVENT.size))
                writes = []
    found.append((writes, at))
    return found


def cuts(log, chance, states, start, end):
    """Draws cuts between two places of a log, in its order.

    Half of them are made right before a flush, where most is pending; the others after any write.
    """
    all_epochs = epochs(log)
    places = []
    for number, (writes, flush) in enumerate(all_epochs):
        for done, write in enumerate(writes, 1):
            if start <= write.end <= end:
                places.append((number, done))
    # One place for each epoch too, weighted as much as all the others together.
    lasts = [(number, len(writes)) for number, (writes, flush) in enumerate(all_epochs)
             if writes and start <= flush <= end]
    drawn = [chance.choice(lasts if lasts and chance.random() < 0.5 else places) for _ in range(states)]
    before = 0
    for number, done in sorted(drawn):
        flushed = [write for writes, _ in all_epochs[before:number] for write in writes]
        before = number
        pending = all_epochs[number][0][:done]
        yield Cut(pending[-1].end, flushed, pending)


def survivors(pending, chance, sector):
    """Draws what is left of writes that were not flushed, and how it was drawn."""
    way = chance.choice(["all", "torn", "none", "one lost", "one left", "newest", "writes", "writes", "sectors"])
    if way == "all":
        left = pending
    elif way == "torn":
        left = pending[:-1] + torn(pending[-1], chance, sector)
    elif way == "none":
        left = []
    elif way == "one lost":
        lost = chance.randrange(len(pending))
        left = pending[:lost] + pending[lost + 1 :]
    elif way == "one left":
        left = [chance.choice(pending)]
    elif way == "newest":
        left = pending[chance.randrange(len(pending)) :]
    elif way == "writes":
        share = chance.random()
        left = [write for write in pending if chance.random() < share]
    else:
        share = chance.random()
        left = [piece for write in pending for piece in sectors(write, sector) if chance.random() < share]
    return way, left


def torn(write, chance, sector):
    """Cuts a write off between two of its sectors."""
    pieces = sectors(write, sector)
    return pieces[: chance.randrange(len(pieces))]


def sectors(write, sector):
    return [Write(write.end, write.offset + at, write.data[at : at + sector])
            for at in range(0, len(write.data), sector)]


def apply(image, writes):
    """Writes to an image."""
    disk = os.open(image, os.O_WRONLY)
    try:
        for write in writes:
            os.pwrite(disk, write.data, write.offset)
    finally:
        os.close(disk)


def copy(image, to):
    """Copies an image, holes as holes."""
    subprocess.run(["cp", "--sparse=always", image, to], check=True)
