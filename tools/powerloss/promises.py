"""What has to hold of a store after its power was cut.

Everything that was acknowledged before is there with the digest that was told, and verifies; places are
gapless; a key has one place; and the same commands again settle everything: what was acknowledged is
"already" there, the rest is recorded once. Returns what is broken, in words, and trusts the command line
alone where the bytes do not speak for themselves.
"""

import json
import os
import re
import subprocess


def slots(store, log):
    """Lists the places of a log that have an entry, in order, each with its file."""
    found = {}
    for shard, _, files in os.walk(os.path.join(store, log)):
        for name in files:
            if re.fullmatch(r"\d{20}", name):
                found[int(name)] = os.path.join(shard, name)
    return dict(sorted(found.items()))


def cohorts(store):
    folder = os.path.join(store, "cohorts")
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []


def envelope(path):
    """Reads the first line of an entry; nothing where it is none."""
    try:
        with open(path, "rb") as file:
            return json.loads(file.readline())
    except (OSError, ValueError):
        return None


def verified(runstone, store, moment):
    """Says what `verify` finds damaged."""
    done = subprocess.run([runstone, "--store", store, "verify", "--json"], capture_output=True, text=True)
    if done.returncode == 0 and json.loads(done.stdout)["damage"] == []:
        return []
    try:
        damage = json.loads(done.stdout)["damage"][:5]
    except ValueError:
        damage = done.stderr.strip()
    return [f"{moment}, verify ends with {done.returncode}: {damage}"]


def ordered(store, moment):
    """Says which logs have a gap, and which keys two places."""
    broken = []
    keys = {}
    for cohort in cohorts(store):
        for log in ("log", "notes"):
            there = slots(store, f"cohorts/{cohort}/{log}")
            if list(there) != list(range(1, len(there) + 1)):
                broken.append(f"{moment}, {cohort}/{log} has the places {list(there)}")
            for seq, path in there.items():
                key = (envelope(path) or {}).get("key")
                if key is not None and log == "log":
                    keys.setdefault(key, []).append(f"{cohort}#{seq}")
    broken += [f"{moment}, one key has the places {places}" for places in keys.values() if len(places) > 1]
    return broken


def kept(store, answer):
    """Says what of an acknowledgement is not there."""
    note = answer.get("note")
    log, seq = ("notes", note["note_seq"]) if note else ("log", answer["snapshot_seq"])
    name = f"{answer['cohort']}/{log}/{seq}"
    path = os.path.join(store, "cohorts", answer["cohort"], log, f"{(seq - 1) // 4096:010}", f"{seq:020}")
    head = envelope(path)
    if head is None:
        there = "is torn" if os.path.exists(path) else "is lost"
        return [f"{name} ({answer['run_id']}) was acknowledged and {there}"]
    if note:
        with open(path, "rb") as file:
            if note["tag"].encode() not in file.read():
                return [f"{name} was acknowledged as the tag {note['tag']} and is another"]
    elif head["sha256"] != answer["sha256"]:
        return [f"{name} was acknowledged as {answer['sha256']} and is {head['sha256']}"]
    return []


def again(runstone, store, documents, owed):
    """Hands everything in once more; says what is answered otherwise than before."""
    made = subprocess.run([runstone, "--store", store, "init", "--primary", "auc:higher"], capture_output=True, text=True)
    if made.returncode != 0:
        return [f"the same init again ends with {made.returncode}: {made.stderr.strip()}"]
    lines = "".join(json.dumps(document) + "\n" for document in documents)
    done = subprocess.run([runstone, "--store", store, "record", "-", "--json"], input=lines, capture_output=True, text=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    broken = []
    if done.returncode != 0 or len(answers) != len(documents):
        refused = [answer for answer in answers if answer["recorded"] not in ("new", "already")][:2]
        broken.append(f"the same commands again end with {done.returncode}: {refused} {done.stderr.strip()[:300]}")
    placed = {answer["run_id"]: answer for answer in answers if "snapshot_seq" in answer}
    for answer in owed:
        now = placed.get(answer["run_id"])
        if now is None or "note" in answer:
            continue
        if now["recorded"] != "already" or any(now[name] != answer[name] for name in ("cohort", "snapshot_seq", "sha256")):
            broken.append(f"{answer['run_id']} was acknowledged as #{answer['snapshot_seq']} and is now "
                          f"{now['recorded']} #{now['snapshot_seq']}")
    return broken


def broken(runstone, store, made, owed, documents):
    """Checks everything; `made` says that `init` was acknowledged."""
    found = []
    if made:
        found += verified(runstone, store, "after the cut")
    elif owed:
        found.append("something was acknowledged of a store that was not")
    found += ordered(store, "after the cut")
    for answer in owed:
        found += kept(store, answer)
    found += again(runstone, store, documents, owed)
    found += ordered(store, "settled")
    found += verified(runstone, store, "settled")
    entries = sum(len(slots(store, f"cohorts/{cohort}/log")) for cohort in cohorts(store))
    if entries < len({document["run_id"] for document in documents}):
        found.append(f"settled, there are {entries} entries of {len(documents)} documents")
    return found
