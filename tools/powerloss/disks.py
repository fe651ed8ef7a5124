"""File systems on loop devices: made, mounted, recorded, shut down.

Everything is mounted in the mount namespace of the caller and below the folder it names, and nothing else
is unmounted. Needs root.
"""

import contextlib
import fcntl
import os
import struct
import subprocess
import sys
import time
from typing import NamedTuple


class Kind(NamedTuple):
    """A file system: what it is made with, how large, and, of the flushes of a process that records one document
    into a log of several, which is the file's and which the last, of the names."""

    make: list
    mib: int
    options: str
    file_flush: int
    last_flush: int


SECTOR = 4096
"""The smallest thing a disk writes whole, as that of today does. With 512 a super block or a directory block may be
torn within, and then all three may not mount, whatever was stored in them."""

KINDS = {
    "ext4": Kind(["mkfs.ext4", "-q", "-F", "-b", "4096", "-E", "lazy_itable_init=0,lazy_journal_init=0"], 64, "noatime", 1, 2),
    "xfs": Kind(["mkfs.xfs", "-q", "-f", "-s", "size=4096"], 300, "noatime", 1, 2),
    "btrfs": Kind(["mkfs.btrfs", "-q", "-f"], 512, "noatime,nodiscard", 2, 4),
}

class Unmountable(Exception):
    """A disk whose file system is lost."""


SHUTDOWN = 0x8004587D
"""`_IOR('X', 125, __u32)`, of ext4 and xfs."""

NO_LOG_FLUSH = struct.pack("I", 2)


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def make(kind, image):
    """Makes an empty file system in a file."""
    with open(image, "wb") as file:
        file.truncate(KINDS[kind].mib << 20)
    run(*KINDS[kind].make, image)


@contextlib.contextmanager
def mounted(kind, image, folder):
    """A file system of a file, mounted. Its loop device goes with the mount, however that ends."""
    os.makedirs(folder, exist_ok=True)
    device = subprocess.run(
        ["losetup", "--find", "--show", "--sector-size", str(SECTOR), image],
        check=True, stdout=subprocess.PIPE, text=True,
    ).stdout.strip()
    done = subprocess.run(["mount", "-t", kind, "-o", KINDS[kind].options, device, folder], capture_output=True, text=True)
    # In use, it is detached by its last user.
    run("losetup", "--detach", device)
    if done.returncode != 0:
        raise Unmountable(done.stderr.strip())
    try:
        yield folder
    finally:
        unmount(folder)


def unmount(folder):
    """Unmounts, waiting for the last process to go."""
    for _ in range(100):
        done = subprocess.run(["umount", folder], stderr=subprocess.PIPE, text=True)
        if done.returncode == 0:
            return
        time.sleep(0.05)
    sys.exit(f"error: {done.stderr.strip()}")


@contextlib.contextmanager
def recorded(kind, image, log, folder, below):
    """A file system of a file, mounted through `recorder`, whose mount is `below`."""
    os.makedirs(below, exist_ok=True)
    recorder = subprocess.Popen(
        [sys.executable, os.path.join(os.path.dirname(__file__), "recorder.py"), below, image, log]
    )
    disk = os.path.join(below, "disk")
    try:
        while not os.path.exists(disk):
            if recorder.poll() is not None:
                sys.exit("error: the recorder ended before it began")
            time.sleep(0.01)
        with mounted(kind, disk, folder):
            yield folder
    finally:
        unmount(below)
        recorder.wait()


def shut_down(folder):
    """Shuts a file system down, dropping what its journal did not have; says when that began."""
    root = os.open(folder, os.O_RDONLY)
    try:
        began = time.monotonic_ns()
        fcntl.ioctl(root, SHUTDOWN, NO_LOG_FLUSH)
    finally:
        os.close(root)
    return began
