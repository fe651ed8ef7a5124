"""Cuts the power of real file systems under a real store, and says what was lost.

    python3 tools/powerloss RUNSTONE FOLDER [SEED [STATES]]

`.ci/powerloss` calls this as root, in a mount namespace of its own, with a tmpfs for FOLDER. Ends with 0 if every
promise held and every mutant was found out, else with 1.
"""

import multiprocessing
import os
import sys
import time

import cuts
import disks
import mutants
import names
import shutdowns

ROUNDS = 10
"""How often ext4 and xfs are shut down, each."""

RECORDINGS = 3
"""How many recordings the states of a file system come from: other orders, other races."""

RACED = 30
"""States of the race that a file system without order of names would lose."""

PROBED = 24
"""States for each question about names."""


def tasks(seed, states):
    """Lists what is to be done: what to call it, how, and with what."""
    each = -(-states // (len(disks.KINDS) * RECORDINGS))
    for kind in disks.KINDS:
        yield f"names on {kind}", probe, (kind, seed, PROBED)
    for kind in ("ext4", "xfs"):
        yield f"mutants on {kind}, shut down", found_out, (mutants.shut_down, kind, seed)
    for kind in disks.KINDS:
        yield f"mutants on {kind}, cut", found_out, (mutants.cut, kind, seed)
    for kind in ("ext4", "xfs"):
        yield f"{kind}, shut down", rounds, (kind, seed)
    for recording in range(RECORDINGS):
        for kind in disks.KINDS:
            yield f"{kind}, cut", explore, (kind, seed + recording, each)
    for kind in disks.KINDS:
        yield f"{kind}, cut, two writers of one cohort", explore, (kind, seed, RACED, cuts.OVERTAKEN)


def explore(runstone, folder, kind, seed, states, work=None):
    seen, owed, found = cuts.explore(kind, runstone, folder, seed, states, work)
    return f"seed {seed}: {seen} states, {owed} acknowledgements owed in them, {len(found)} broken", found


def rounds(runstone, folder, kind, seed):
    owed, found = 0, []
    for number in range(ROUNDS):
        told, lost = shutdowns.round_of(kind, runstone, os.path.join(folder, str(number)), seed + number, 1.0)
        owed += told
        found += lost
    if owed == 0:
        found.append(f"{kind}, shut down: nothing was acknowledged, so nothing could be lost")
    return f"{ROUNDS} rounds, {owed} acknowledgements owed in them, {len(found)} broken", found


def found_out(runstone, folder, way, kind, seed):
    results = way(kind, runstone, folder, seed)
    lines = [f"without {flush}: " + (f"found after {result[0]}: {result[1][:160]}" if result else "NOT FOUND")
             for flush, result in results.items()]
    missed = [f"this harness cannot see a loss: {kind} without {flush}" for flush, result in results.items() if not result]
    return "\n  ".join([f"{len(results)} mutants", *lines]), missed


def probe(runstone, folder, kind, seed, states):
    answers = names.ask(kind, folder, seed, states)
    lines = [f"{way}: {bad} of {all_of} in {seen} states" for way, (seen, all_of, bad) in answers.items()]
    return "\n  ".join(["names lost of those owed, then pairs out of order of those there", *lines]), \
        names.unexpected(kind, answers)


def done(task):
    """Does one task in a process of its own."""
    number, name, how, runstone, folder, arguments = task
    began = time.monotonic()
    said, found = how(runstone, os.path.join(folder, str(number)), *arguments)
    return f"{name}: {said} ({time.monotonic() - began:.0f} s)", found


def main():
    runstone, folder = sys.argv[1:3]
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else int(time.time())
    states = int(sys.argv[4]) if len(sys.argv) > 4 else 510
    print(f"seed {seed}, {states} states", flush=True)
    found = []
    work = [(number, name, how, runstone, folder, arguments)
            for number, (name, how, arguments) in enumerate(tasks(seed, states))]
    with multiprocessing.Pool(os.cpu_count()) as pool:
        for said, lost in pool.imap_unordered(done, work):
            print(said, flush=True)
            found += lost
    for line in found:
        print(f"error: {line}", file=sys.stderr)
    if found:
        sys.exit(f"hint: again with just powerloss {seed} {states}")
    print("every acknowledgement survived every cut, and every mutant was found out")


if __name__ == "__main__":
    main()
