"""Stores that do not flush, to see that a loss is seen.

A flush that a mutant leaves out is reported as done: strace skips the call. One writer records into one
cohort, one process a document, so that the flushes of a process, from the second on, are those of a commit in
their order, and nobody else's flush mends the loss. A mutant that is not found out makes the recipe fail.
"""

import os

import cuts
import disks
import shutdowns

def skipping(which):
    """Puts a program under strace that skips its flush of that number, from 1, or every one."""
    only = f":when={which}" if which else ""
    return ["strace", "-qq", "-f", "-o", "/dev/null", "-e", "trace=fsync", "-e", f"inject=fsync:retval=0{only}"]


def of(kind):
    """Lists the mutants of a file system, each with the flush that it leaves out."""
    return [
        ("every flush", skipping(None)),
        ("the file", skipping(disks.KINDS[kind].file_flush)),
        ("the names", skipping(disks.KINDS[kind].last_flush)),
    ]


def cut(kind, runstone, folder, seed):
    """Looks for a broken state of each mutant; returns for each how many states that took, nothing if none was."""
    results = {}
    for number, (name, before) in enumerate(of(kind)):
        seen, _, found = cuts.explore(kind, runstone, os.path.join(folder, str(number)), seed, 40,
                                      [("plain", "plain", 10)], before, first=True)
        results[name] = (seen, found[0]) if found else None
    return results


def shut_down(kind, runstone, folder, seed):
    """The same by shutting the file system down, up to six times."""
    results = {}
    for number, (name, before) in enumerate(of(kind)):
        results[name] = None
        for again in range(6):
            _, found = shutdowns.round_of(kind, runstone, os.path.join(folder, f"{number}-{again}"), seed + again, 1.0,
                                          [("plain", "plain", shutdowns.ENDLESS)], before)
            if found:
                results[name] = (again + 1, found[0])
                break
    return results
