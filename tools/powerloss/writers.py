"""Who records while the power goes: processes of the command line, and what each was told, and when.

An acknowledgement bears a stamp of `clock`, read after its line arrived: what is owed at a cut was told at a
stamp not above it. All documents that were handed in are kept, so that they can be handed in again.
"""

import ctypes
import json
import os
import subprocess
import threading
import time
from typing import NamedTuple


class Told(NamedTuple):
    """An acknowledgement: when, and the answer."""

    stamp: int
    answer: dict


class Writers:
    """Several writers of one store, until each has done its work or the store fails under it."""

    def __init__(self, runstone, store, clock, chance, before=()):
        self.plainly = [runstone, "--store", store]
        self.runstone = [*before, *self.plainly]
        self.store, self.clock = store, clock
        self.chance = chance
        self.told, self.documents, self.runs = [], [], []
        self.made = None
        self.lock = threading.Lock()
        self.attachment, self.last_flush = None, None

    def init(self):
        """Makes the store."""
        made = subprocess.run([*self.plainly, "init", "--primary", "auc:higher", "--json"], stdout=subprocess.PIPE)
        if made.returncode == 0 and made.stdout:
            self.made = self.clock()

    def document(self, run, large=False, data=None):
        """Makes a document of one of three cohorts, or of one of its own; large ones name an object."""
        chance = self.chance
        with self.lock:
            data = data or chance.choice(["a", "a", "b", "c", run])
            factors = {"learning_rate": chance.choice([0.1, 0.01]), "seed": chance.randrange(1000)}
            if large:
                factors |= {f"f{n:05}": f"{chance.getrandbits(256):064x}" for n in range(900)}
            document = {"run_id": run, "stage": "train", "identity": {"data": data}, "factors": factors,
                        "metrics": {"auc": chance.random()}}
            self.documents.append(document)
        return document

    def listen(self, stream):
        """Keeps the answers of a process as they come."""
        for line in stream:
            stamp = self.clock()
            if not line.endswith(b"}\n"):
                continue
            answer = json.loads(line)
            if answer.get("recorded") in ("new", "already") or answer.get("noted") in ("new", "already"):
                with self.lock:
                    self.told.append(Told(stamp, answer))
            yield answer

    def process(self, *arguments, **options):
        return subprocess.Popen(
            [*self.runstone, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            **options,
        )

    def hand_in(self, document):
        """Records one document with a process of its own; says whether that went well."""
        process = self.process("record", "-", "--json")
        hand_over(process, json.dumps(document).encode())
        for _ in self.listen(process.stdout):
            pass
        return process.wait() == 0

    def alone(self, name, many):
        """One process a document, every fifth with a large section."""
        for n in range(many):
            if not self.hand_in(self.document(f"{name}-{n}", large=n % 5 == 4)):
                return

    def plain(self, name, many):
        """One process a document, all of one cohort."""
        for n in range(many):
            if not self.hand_in(self.document(f"{name}-{n}", data="a")):
                return

    def stream(self, name, many):
        """One process for all, which gets one to twelve documents at a time and is waited for."""
        process = self.process("record", "-", "--json")
        answers = self.listen(process.stdout)
        n = 0
        try:
            while n < many:
                chunk = min(self.chance.choice([1, 2, 12]), many - n)
                lines = [json.dumps(self.document(f"{name}-{n + k}")) + "\n" for k in range(chunk)]
                n += chunk
                process.stdin.write("".join(lines).encode())
                process.stdin.flush()
                answered = [next(answers, {}).get("recorded") for _ in range(chunk)]
                if not set(answered) <= {"new", "already"}:
                    break
        except BrokenPipeError:
            pass
        hand_over(process, b"")
        process.wait()

    def ran(self, name, many):
        """Commands that are run, with an attachment each, and a tag for every other one."""
        for n in range(many):
            run = f"{name}-{n}"
            attachment = f"{self.attachment}-{run}"
            with open(attachment, "wb") as file:
                file.write(run.encode() * 50)
            with self.lock:
                self.runs.append(run)
            process = self.process("run", "--run-id", run, "--stage", "run", "--identity", "data=r", "--attach",
                                   attachment, "--json", "--", "true")
            process.stdin.close()
            for _ in self.listen(process.stdout):
                pass
            if process.wait() != 0:
                return
            if n % 2 == 0:
                process = self.process("tag", run, f"good-{run}", "--json")
                process.stdin.close()
                for _ in self.listen(process.stdout):
                    pass
                if process.wait() != 0:
                    return

    def overtaken(self, name, many):
        """Two writers of one cohort whose places are named, and not flushed, when somebody flushes a third file.

        The file of the first is of an older transaction than that of the second: it waits before it takes its
        place, while the file system is told to end one. Each waits before its last flush.
        """
        self.plain(f"{name}-before", 2)
        first = self.slow(f"{name}-first", "linkat:delay_enter=1500000:when=2", "fsync:delay_enter=4000000:when=LAST")
        time.sleep(0.8)
        folder = os.open(self.store, os.O_RDONLY)
        ctypes.CDLL(None).syncfs(folder)
        time.sleep(1.2)
        second = self.slow(f"{name}-second", "fsync:delay_enter=3000000:when=LAST")
        time.sleep(1.0)
        third = os.open(f"{self.store}-third", os.O_WRONLY | os.O_CREAT)
        os.write(third, b"third" * 500)
        os.fsync(third)
        for file in (folder, third):
            os.close(file)
        for process in (first, second):
            for _ in self.listen(process.stdout):
                pass
            process.wait()

    def slow(self, run, *delays):
        """Records one document, with some of its calls delayed."""
        strace = ["strace", "-qq", "-f", "-o", "/dev/null", "-e", "trace=fsync,linkat"]
        for delay in delays:
            strace += ["-e", f"inject={delay.replace('LAST', str(self.last_flush))}"]
        process = subprocess.Popen(
            [*strace, *self.plainly, "record", "-", "--json"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )
        hand_over(process, json.dumps(self.document(run, data="a")).encode())
        return process

    def together(self, name, many):
        """Three processes with one key."""
        for n in range(many):
            document = self.document(f"{name}-{n}")
            going = []
            threads = [threading.Thread(target=lambda: going.append(self.hand_in(document))) for _ in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            if not all(going):
                return

    def work(self, *parts):
        """Does parts, each `(how, name, many)`, at once, and waits for all."""
        threads = [threading.Thread(target=getattr(self, how), args=(name, many)) for how, name, many in parts]
        for thread in threads:
            thread.start()
        return threads


def hand_over(process, data):
    try:
        process.stdin.write(data)
        process.stdin.close()
    except BrokenPipeError:
        pass
