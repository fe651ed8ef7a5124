"""What was told, and whether it holds: the acknowledgements of `.ci/nfs`, held against what a reader sees.

An acknowledgement counts once a whole line of it has left the guest. How it came about is left to others.
"""

import json
import threading


class Failed(Exception):
    """What was promised and not kept."""


def demand(true, *words):
    if not true:
        raise Failed(" ".join(str(word) for word in words))


class Acks:
    """What was acknowledged, by the run."""

    def __init__(self):
        self.runs, self.told, self.again, self.lock = {}, 0, [], threading.Lock()

    def follow(self, writer, lines):
        """Notes each line of a writer; its new places have to rise, since it waits for each answer."""
        highest = 0
        for _, line in lines:
            if line is None or line.startswith("@done"):
                return
            if line.startswith("@again"):
                with self.lock:
                    self.again.append(f"{writer}: {line[7:]}")
                continue
            if not line.startswith("{"):
                raise Failed(f"{writer} printed {line}")
            ack = json.loads(line)
            if ack["recorded"] == "new":
                demand(
                    ack["snapshot_seq"] > highest, writer, "was given", ack["snapshot_seq"], "after", highest
                )
                highest = ack["snapshot_seq"]
            with self.lock:
                self.told += 1
                place = (ack["snapshot_seq"], ack["sha256"])
                self.runs.setdefault(ack["run_id"], []).append((place, ack["recorded"]))


def check(runs, rows, where, all_told):
    """Holds the rows of the log, as one reader saw them, against what was acknowledged."""
    places = [int(row["snapshot_seq"]) for row in rows]
    demand(
        sorted(places) == list(range(1, len(places) + 1)),
        f"{where}: places with a gap or twice:",
        sorted(places),
    )
    found = {}
    for row in rows:
        demand(row["run_id"] not in found, f"{where}: {row['run_id']} has two places")
        found[row["run_id"]] = (int(row["snapshot_seq"]), row["sha256"])
    for run, answers in runs.items():
        for place, _ in answers:
            demand(
                found.get(run) == place,
                f"{where}: {run} was acknowledged at {place} and is at {found.get(run)}",
            )
        new = sum(recorded == "new" for _, recorded in answers)
        demand(new <= 1, f"{where}: {new} writers were told that {run} is new")
    if all_told:
        unknown = sorted(set(found) - set(runs))
        demand(not unknown, f"{where}: nobody was told of", *unknown)


def check_can_fail():
    """Shows that the check sees each kind of loss: one that sees nothing would always pass."""
    rows = [{"run_id": f"r{seq}", "snapshot_seq": str(seq), "sha256": f"{seq}"} for seq in (1, 2, 3)]
    runs = {row["run_id"]: [((int(row["snapshot_seq"]), row["sha256"]), "new")] for row in rows}
    check(runs, rows, "as it should be", True)
    spoilt = {
        "a lost end": (runs, rows[:2]),
        "a gap": (runs, [rows[0], rows[2]]),
        "one run twice": (runs, [*rows, {**rows[0], "snapshot_seq": "4"}]),
        "one place twice": (runs, [*rows, {**rows[0], "run_id": "other"}]),
        "other content": (runs, [*rows[:2], {**rows[2], "sha256": "9"}]),
        "two winners": ({**runs, "r1": runs["r1"] * 2}, rows),
        "a run of nobody": ({}, rows),
    }
    for what, (runs_then, rows_then) in spoilt.items():
        try:
            check(runs_then, rows_then, what, True)
        except Failed:
            continue
        raise Failed(f"the check passes {what}")
