#!/usr/bin/env python3
"""Several processes train one model: batches and weights must be the same for any number of them, and after kills.

    scripts/kill_processes.py --kills 10

A tiny model is trained by one, two and four processes, which share the same four shards; then by a run that is killed
at random moments and continues with another number of processes each time; then by torchrun, simulating two machines
on this one, one of which is killed and may come back. Each update must always use the same lines with the same
dropout, each epoch every line once, and the final weights must be the same to 1e-6. Prints the tests, and ends with 1
at the first difference.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch

import torch
from hunts.lines import fail
from hunts.model import run_config
from lightning.pytorch.utilities import rank_zero_only
from processes import family

from nmt.config import RunConfig
from nmt.training.module import TrainingModule
from nmt.training.resumption import find_checkpoint
from nmt.training.run import train

SHARDS, TOLERANCE = 4, 1e-6
Strategy = Literal["ddp", "torchrun"]


def config_of(folder: Path, epochs: int, processes: int, strategy: Strategy = "ddp") -> RunConfig:
    config = run_config(folder, epochs)
    optim = replace(config.optim, learning_rate=0.001)
    trainer = replace(
        config.trainer,
        shards=SHARDS,
        devices=processes,
        strategy="auto" if processes == 1 and strategy == "ddp" else strategy,
        checkpoint_every_steps=1,
        num_samples=0,
    )
    return replace(config, optim=optim, trainer=trainer)


def record(folder: Path) -> None:
    """Record for each batch from now on: its epoch, its number in its shard, the shard, its seed and its lines."""
    done = TrainingModule.on_train_batch_end

    def recorded(module: TrainingModule, outputs: Any, batch: Any, number: int) -> None:
        data = module.trainer.datamodule  # type: ignore[attr-defined]
        lines = [line for _, line in data.lines(range(number, number + 1))]
        found = [module.current_epoch, *data.place(number), torch.initial_seed(), lines]
        descriptor = os.open(folder / "batches", os.O_WRONLY | os.O_CREAT | os.O_APPEND)  # one atomic write
        os.write(descriptor, f"{json.dumps(found)}\n".encode())
        os.close(descriptor)
        done(module, outputs, batch, number)

    TrainingModule.on_train_batch_end = recorded  # type: ignore[method-assign, assignment]


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class Processes:
    """A training in `number` forks of this process, to save the import of torch."""

    def __init__(self, folder: Path, epochs: int, number: int) -> None:
        self.pids, port = [], free_port()
        for rank in range(number):
            pid = os.fork()
            if pid == 0:
                self._train(folder, epochs, number, rank, port)
            self.pids.append(pid)

    def _train(self, folder: Path, epochs: int, number: int, rank: int, port: int) -> None:
        code = 1
        try:
            os.dup2(os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
            if number > 1:
                names = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": number, "RANK": rank}
                names |= {"LOCAL_RANK": rank, "NODE_RANK": 0}
                os.environ.update({name: str(value) for name, value in names.items()})
            rank_zero_only.rank = rank  # type: ignore[attr-defined]
            record(folder)
            train(config_of(folder, epochs, number))
            code = 0
        finally:
            os._exit(code)

    def wait(self) -> int:
        codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in self.pids]
        return next(filter(None, codes), 0)

    def kill_after(self, seconds: float, rng: random.Random) -> bool:
        """Kill one of them, which ends the others -> whether it was still running."""
        time.sleep(seconds)
        os.kill(rng.choice(self.pids), signal.SIGKILL)
        return self.wait() != 0


class Node:
    """torchrun in the role of one of two machines."""

    def __init__(self, folder: Path, epochs: int, port: int, nodes: str, is_first: bool) -> None:
        self.folder = folder
        command = [sys.executable, "-m", "torch.distributed.run", f"--nnodes={nodes}", "--nproc-per-node=1"]
        command += ["--max-restarts=3", "--rdzv-backend=c10d", f"--rdzv-endpoint=127.0.0.1:{port}", "--rdzv-id=hunt"]
        command += [f"--rdzv-conf=is_host={is_first},last_call_timeout=3,join_timeout=200", "--local-addr=127.0.0.1"]
        command += [__file__, "--train", str(folder), "--epochs", str(epochs)]
        with (folder / "log").open("a") as log:
            # Without the second one a replacement machine waits for information that torch 2.13 never sends.
            settings = {"GLOO_SOCKET_IFNAME": "lo", "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"}
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env=os.environ | settings, start_new_session=True
            )

    def kill(self) -> None:
        """Kill it and all its children, as when a machine is switched off."""
        for pid in [*family(self.process.pid)]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()


def updates(folder: Path) -> int:
    """The number of updates made, including repeated ones."""
    try:
        return len((folder / "batches").read_text().splitlines()) // (SHARDS * 2)
    except OSError:
        return 0


def made(folder: Path) -> tuple[set[str], dict[str, Any]]:
    _, checkpoint = find_checkpoint(folder / "runs" / "killed")
    return set((folder / "batches").read_text().splitlines()), checkpoint["state_dict"]


def compare(what: str, whole: Path, folder: Path, epochs: int) -> None:
    (batches, weights), (others, after) = made(whole), made(folder)
    if batches != others:
        fail(f"{what}: {len(batches ^ others)} of {len(batches)} batches differ")
    found = [json.loads(batch) for batch in others]
    every = [sorted(line for of, *_, lines in found if of == epoch for line in lines) for epoch in range(epochs)]
    if any(lines != sorted(set(lines)) or lines != every[0] for lines in every):
        fail(f"{what}: an epoch has not every line once")
    worst = max(float((after[name].double() - weight.double()).abs().max()) for name, weight in weights.items())
    if not worst <= TOLERANCE:
        fail(f"{what}: a weight differs by {worst:.2g}")
    again = len((folder / "batches").read_text().splitlines()) - len(others)
    print(f"{what}: the same {len(others)} batches, {again} made again; weights differ by {worst:.1g}", flush=True)


def fresh(root: Path, name: str) -> Path:
    folder = root / name
    folder.mkdir()
    return folder


def kill_and_go_on(root: Path, whole: Path, epochs: int, kills: int, duration: float, rng: random.Random) -> None:
    """Continue with 1 -> 2 -> 4 -> 1 -> ... processes, until all kills are done."""
    numbers, folder, used, done, ends = [1, 2, 4], fresh(root, "killed 0"), list[int](), 0, 0
    while done < kills:
        used.append(numbers[len(used) % len(numbers)])
        if Processes(folder, epochs, used[-1]).kill_after(rng.uniform(0.2, 0.8) * duration, rng):
            done += 1
            continue
        compare(f"end {ends} after {' -> '.join(map(str, used))} processes", whole, folder, epochs)
        ends, used, folder = ends + 1, [], fresh(root, f"killed {ends + 1}")
    used.append(1)
    if code := Processes(folder, epochs, 1).wait():
        fail(f"exit code {code} at the end; see {folder / 'log'}")
    compare(f"{kills} kills, at last {' -> '.join(map(str, used))} processes", whole, folder, epochs)


def kill_node(root: Path, whole: Path, epochs: int, comes_back: bool) -> None:
    what = "comes back" if comes_back else "is gone"
    folder, port = fresh(root, f"node {what}"), free_port()
    nodes = [Node(folder, epochs, port, "2" if comes_back else "1:2", is_first) for is_first in (True, False)]
    deadline = time.monotonic() + 300
    while updates(folder) < 2 and time.monotonic() < deadline and nodes[0].process.poll() is None:
        time.sleep(0.05)
    nodes[1].kill()
    killed_after = updates(folder)
    if comes_back:
        nodes[1] = Node(folder, epochs, port, "2", False)
    try:
        if code := nodes[0].process.wait(timeout=300):
            log = (folder / "log").read_text()[-3000:]
            fail(f"torchrun, a machine {what}: exit code {code}\n{log}")
    finally:
        for node in nodes:
            node.kill()
    compare(f"torchrun, two machines, one is killed after {killed_after} updates and {what}", whole, folder, epochs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--without-torchrun", action="store_true", help="processes of this machine alone")
    parser.add_argument("--train", type=Path, help=argparse.SUPPRESS)  # used by torchrun
    options = parser.parse_args()
    if options.train:
        record(options.train)
        train(config_of(options.train, options.epochs, 1, "torchrun"))
        return
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        whole, begun = fresh(root, "whole"), time.monotonic()
        if code := Processes(whole, options.epochs, 1).wait():
            fail(f"the run that nobody killed: exit code {code}\n{(whole / 'log').read_text()[-3000:]}")
        duration = time.monotonic() - begun
        for number in (2, 4):
            folder = fresh(root, f"by {number}")
            if code := Processes(folder, options.epochs, number).wait():
                fail(f"{number} processes: exit code {code}\n{(folder / 'log').read_text()[-3000:]}")
            compare(f"{number} processes instead of one, {updates(folder)} updates", whole, folder, options.epochs)
        kill_and_go_on(root, whole, options.epochs, options.kills, duration, random.Random(options.seed))
        if not options.without_torchrun:
            for comes_back in (True, False):
                kill_node(root, whole, options.epochs, comes_back)


if __name__ == "__main__":
    main()
