"""A disk that remembers the order of what it was told: one file in a FUSE mount, to put a loop device on.

Every write and every flush is appended to a log before it is answered, one system call an event, so that
the length of the log is a clock: what has been answered stands below it. Requests are served one at a
time. A FUA write arrives here as a write and a flush, since a loop device has no FUA of its own. What
the log is good for is left to `blocks`.

    python3 recorder.py MOUNT IMAGE LOG
"""

import errno
import os
import stat
import struct
import sys

import fusepy

EVENT = struct.Struct("<cQI")
"""What precedes the bytes of an event: `w` or `f`, where, how many."""


class Disk(fusepy.Operations):
    """The file `disk`, backed by an image."""

    def __init__(self, image, log):
        self.image = os.open(image, os.O_RDWR)
        self.log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.bytes = os.fstat(self.image).st_size

    def getattr(self, path, fh=None):
        if path == "/":
            return {"st_mode": stat.S_IFDIR | 0o700, "st_nlink": 2}
        if path == "/disk":
            return {"st_mode": stat.S_IFREG | 0o600, "st_nlink": 1, "st_size": self.bytes}
        raise fusepy.FuseOSError(errno.ENOENT)

    def readdir(self, path, fh):
        return [".", "..", "disk"]

    def open(self, path, flags):
        return 0

    def read(self, path, size, offset, fh):
        return os.pread(self.image, size, offset)

    def write(self, path, data, offset, fh):
        os.writev(self.log, [EVENT.pack(b"w", offset, len(data)), data])
        return os.pwrite(self.image, data, offset)

    def fsync(self, path, datasync, fh):
        os.write(self.log, EVENT.pack(b"f", 0, 0))
        return 0


if __name__ == "__main__":
    mount, image, log = sys.argv[1:]
    fusepy.FUSE(Disk(image, log), mount, foreground=True, nothreads=True, big_writes=True)
