"""Shuts real file systems down under writers: what was in memory alone is gone, as when the power goes.

The kernel's own way to lose power, for ext4 and xfs. What had been handed to the disk stays, in its order;
the states of a disk that reorders are those of `cuts`.
"""

import os
import random
import time

import disks
import promises
from writers import Writers

ENDLESS = 10**6

WORK = [("alone", "alone", ENDLESS), ("alone", "other", ENDLESS), ("stream", "stream", ENDLESS), ("ran", "ran", ENDLESS),
        ("together", "together", ENDLESS)]
"""Writers of the real store, until it is gone."""


def round_of(kind, runstone, folder, seed, seconds, work=None, before=()):
    """One round: writers, the cut, and what is broken afterwards; returns how many were owed, and that."""
    os.makedirs(folder)
    chance = random.Random(seed)
    image, mount = os.path.join(folder, "disk"), os.path.join(folder, "mount")
    disks.make(kind, image)
    with disks.mounted(kind, image, mount):
        writers = Writers(runstone, os.path.join(mount, "store"), time.monotonic_ns, chance, before)
        writers.attachment = os.path.join(folder, "attached")
        writers.init()
        threads = writers.work(*(work or WORK))
        time.sleep(seconds * (0.5 + chance.random()))
        began = disks.shut_down(mount)
        for thread in threads:
            thread.join()
    owed = [told.answer for told in writers.told if told.stamp < began]
    made = writers.made is not None and writers.made < began
    with disks.mounted(kind, image, mount):
        found = promises.broken(runstone, os.path.join(mount, "store"), made, owed, writers.documents)
    os.remove(image)
    return len(owed), [f"{kind}, shut down, seed {seed}: {what}" for what in found]
