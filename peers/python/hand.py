"""A crowd of processes that record with a peer written in Python, and the questions around it.

    hand.py make|work|runs PEER FOLDER [PROCESSES]

The words are those of src/hand.rs. `work` imports the peer once and forks the crowd, so that the import
is in no figure and a hundred processes fit into memory; each opens its own handle before it says that it
is ready. A peer is given what it needs to be durable where it can be, and spared what it does for itself
(telemetry, monitors).
"""

import gc
import json
import logging
import multiprocessing
import os
import signal
import sys
import time
import warnings
from pathlib import Path

# A process that is not done so long after time is up ends without a word.
PATIENCE_S = 90

PARAMETERS = {f"parameter_{at}": at / 8.0 for at in range(20)}


def metrics(number):
    return {f"metric_{at}": (number * 37 + at) % 1000 for at in range(20)}


class MLflow:
    """MLflow on a SQLite database, through its client: the fewest calls that record a run."""

    def __init__(self, folder):
        os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
        import mlflow
        from mlflow.entities import Metric, Param

        self.mlflow, self.Metric, self.Param = mlflow, Metric, Param
        self.uri = f"sqlite:///{folder}/mlflow.db"
        self.artifacts = f"{folder}/artifacts"

    def make(self):
        client = self.mlflow.MlflowClient(tracking_uri=self.uri)
        client.create_experiment("bench", artifact_location=self.artifacts)

    def open(self):
        self.client = self.mlflow.MlflowClient(tracking_uri=self.uri)
        self.experiment = self.client.get_experiment_by_name("bench").experiment_id

    def record(self, run_id, number):
        run = self.client.create_run(self.experiment, run_name=run_id).info.run_id
        now_ms = int(time.time() * 1000)
        self.client.log_batch(
            run,
            metrics=[self.Metric(name, value, now_ms, 0) for name, value in metrics(number).items()],
            params=[self.Param(name, str(value)) for name, value in PARAMETERS.items()],
        )
        self.client.set_terminated(run)

    def runs(self):
        self.open()
        token = None
        while True:
            page = self.client.search_runs([self.experiment], max_results=1000, page_token=token)
            for run in page:
                whole = len(run.data.params) == 20 and len(run.data.metrics) == 20
                if whole and run.info.status == "FINISHED":
                    yield run.info.run_name
            token = page.token
            if not token:
                return


class Sacred:
    """Sacred with its observer of files, which has no reader but the files themselves."""

    is_lean = False

    def __init__(self, folder):
        from sacred import SETTINGS, Experiment
        from sacred.observers import FileStorageObserver

        if self.is_lean:
            SETTINGS.CAPTURE_MODE = "no"
            SETTINGS.HOST_INFO.INCLUDE_CPU_INFO = False
            SETTINGS.HOST_INFO.INCLUDE_GPU_INFO = False
        self.Experiment, self.Observer = Experiment, FileStorageObserver
        self.folder = Path(folder) / "runs"

    def make(self):
        self.folder.mkdir()

    def open(self):
        def main(_run, number):
            for name, value in metrics(number).items():
                _run.log_scalar(name, value)

        self.experiment = self.Experiment("bench", save_git_info=not self.is_lean)
        self.experiment.add_config(run_id="", number=0, **PARAMETERS)
        self.experiment.observers.append(self.Observer(self.folder, copy_sources=not self.is_lean))
        self.experiment.main(main)

    def record(self, run_id, number):
        self.experiment.run(config_updates={"run_id": run_id, "number": number})

    def runs(self):
        for folder in self.folder.iterdir():
            try:
                run, config, found = (
                    json.loads((folder / f"{name}.json").read_text())
                    for name in ("run", "config", "metrics")
                )
            except (OSError, ValueError):
                continue
            whole = len(found) == 20 and PARAMETERS.items() <= config.items()
            if whole and run["status"] == "COMPLETED":
                yield config["run_id"]


class LeanSacred(Sacred):
    """Sacred without what it finds out beside the run: git, sources, output, processor, GPU."""

    is_lean = True


class Trackio:
    """trackio without a dashboard; its SQLite is told to flush."""

    def __init__(self, folder):
        os.environ["TRACKIO_DIR"] = str(folder)
        os.environ["TRACKIO_SQLITE_SYNCHRONOUS"] = "full"
        import trackio
        from trackio.sqlite_storage import SQLiteStorage

        self.trackio, self.storage = trackio, SQLiteStorage

    def make(self):
        self.storage.init_db("bench")

    def open(self):
        pass

    def record(self, run_id, number):
        self.trackio.init(
            "bench", name=run_id, config=PARAMETERS, embed=False, auto_log_gpu=False, auto_log_cpu=False
        )
        self.trackio.log(metrics(number))
        self.trackio.finish()

    def runs(self):
        return (run.name for run in self.trackio.Api().runs("bench"))


PEERS = {"mlflow": MLflow, "sacred": Sacred, "sacred-lean": LeanSacred, "trackio": Trackio}


def record_for(keeper, seconds):
    report = {"runs": [], "took_ms": [], "in_time": 0, "refused": 0, "refusal": None}
    began = time.monotonic()
    number = 0
    while time.monotonic() - began < seconds:
        run_id = f"run-{os.getpid()}-{number:08}"
        begins = time.monotonic()
        try:
            keeper.record(run_id, number)
            report["runs"].append(run_id)
            report["took_ms"].append((time.monotonic() - begins) * 1e3)
            report["in_time"] += time.monotonic() - began < seconds
        except Exception as failure:
            report["refused"] += 1
            report["refusal"] = report["refusal"] or f"{type(failure).__name__}: {failure}"
        number += 1
    return report


def process(keeper, channel):
    keeper.open()
    channel.send("ready")
    seconds = channel.recv()
    signal.alarm(seconds + PATIENCE_S)
    channel.send(record_for(keeper, seconds))


def work(keeper, processes, output):
    fork = multiprocessing.get_context("fork")
    gc.freeze()
    channels = []
    for _ in range(processes):
        ours, theirs = fork.Pipe()
        # Daemons: whatever ends this process ends them.
        fork.Process(target=process, args=(keeper, theirs), daemon=True).start()
        # With the last copy of its end a process that died is noticed.
        theirs.close()
        channels.append(ours)
    for channel in channels:
        channel.recv()
    print("ready", file=output, flush=True)
    seconds = int(sys.stdin.readline().removeprefix("go "))
    for channel in channels:
        channel.send(seconds)
    for channel in channels:
        try:
            print(json.dumps(channel.recv()), file=output, flush=True)
        except EOFError:
            continue


def main():
    word, name, folder, *processes = sys.argv[1:]
    # Peers print what they do; the answers have an output of their own.
    output = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    keeper = PEERS[name](Path(folder).resolve())
    if word == "make":
        keeper.make()
    elif word == "runs":
        for run in keeper.runs():
            print(run, file=output)
        output.flush()
    else:
        work(keeper, int(processes[0]), output)


if __name__ == "__main__":
    main()
