#!/usr/bin/env python
"""SIGKILL at random moments of a training: the run that was killed ends as the run that lived.

    scripts/kill_test.py --kills 50

A tiny model is trained once without a stop, and once by the same command, killed and started again until all kills
are spent; then weights, metrics, log and model directory must be the same to the last bit, and no checkpoint or model
may be unreadable at any time. Prints the counts, and ends with 1 at the first difference.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from nmt.bundle import load_bundle
from nmt.training.checkpoint import FOLDER, find_checkpoint

PROGRAM = Path(sys.executable).with_name("nmt-train")
COMMAND = [
    *("run=killed", "data=demo", "cell=gru", "decoder=gnmt", "model.embedding_size=8", "model.hidden_size=8"),
    *("model.dropout=0.2", "tokenizer.vocab_size=400", "tokenizer.sampling=0.1", "optim.average_decay=0.9"),
    *("search=greedy", "trainer.max_tokens=8192", "trainer.accumulate=2", "trainer.max_epochs=4"),
    *("trainer.log_every_steps=1", "trainer.checkpoint_every_steps=3", "trainer.accelerator=cpu"),
    *("trainer.precision=float32", "trainer.tensorboard=false", "trainer.progress=false"),
]


def start(folder: Path, options: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen([PROGRAM, *COMMAND, *options], cwd=folder, stderr=subprocess.DEVNULL)


def result(folder: Path) -> dict[str, object]:
    """All that a run leaves, without the time of day, the speed, and where it was stopped."""
    run_dir = folder / "runs" / "killed"
    found: dict[str, object] = {path.name: path.read_bytes() for path in sorted((run_dir / "model").iterdir())}
    rows = [row.split(",") for row in (run_dir / "metrics.csv").read_text().splitlines()]
    speed = rows[0].index("train/tokens_per_s")
    found["metrics.csv"] = [row[:speed] + row[speed + 1 :] for row in rows]
    log = (run_dir / "train.log").read_text().splitlines()
    found["train.log"] = [re.sub(r"^\S+ \S+ |\d+ tokens/s", "", line) for line in log if "step" in line]
    _, checkpoint = find_checkpoint(run_dir)
    found["weights"] = {name: tensor.tolist() for name, tensor in checkpoint["state_dict"].items()}
    found["optimizer"] = repr(checkpoint["optimizer_states"])
    return found


def where(folder: Path) -> str:
    """What the run was doing, for the counts."""
    run_dir = folder / "runs" / "killed"
    if not (run_dir / "config.yaml").exists():
        return "before or during data preparation"
    if any((run_dir / FOLDER).glob(".*")):
        return "while a checkpoint was written"
    return "training or validation"


def check(folder: Path) -> None:
    run_dir = folder / "runs" / "killed"
    if run_dir.exists():
        find_checkpoint(run_dir)
    for last in run_dir.glob(f"{FOLDER}/*.ckpt"):
        assert find_checkpoint(run_dir)[0] in (last, last.with_name("last.ckpt"))
    if (run_dir / "model" / "config.json").exists() and (run_dir / "model" / "README.md").exists():
        load_bundle(run_dir / "model")


def kill(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Whether it was still alive to be killed after so long."""
    try:
        process.wait(seconds)
        return False
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("overrides", nargs="*", help="for nmt-train, beside its own")
    options = parser.parse_args()
    rng, counts = random.Random(options.seed), Counter[str]()
    with tempfile.TemporaryDirectory() as root:
        whole, killed = Path(root) / "whole", Path(root) / "killed"
        whole.mkdir(), killed.mkdir()
        begun = time.monotonic()
        if start(whole, options.overrides).wait():
            print("LOST: the run that nobody killed failed")
            raise SystemExit(1)
        duration, expected, done = time.monotonic() - begun, result(whole), 0
        while done < options.kills:
            # From the import of torch to the end; a start is a good part of so short a run.
            if kill(start(killed, options.overrides), rng.uniform(0.2, 1.0) * duration):
                done += 1
                counts[where(killed)] += 1
                check(killed)
                continue
            compare(expected, result(killed))
            counts["ends that were the same"] += 1
            killed.rename(Path(root) / f"done {done}")
            killed.mkdir()
        process = start(killed, options.overrides)
        if process.wait():
            print(f"LOST: exit code {process.returncode} at the end")
            raise SystemExit(1)
        compare(expected, result(killed))
        counts["ends that were the same"] += 1
    print(f"{options.kills} kills: {dict(counts)}; no unreadable checkpoint or model")


def compare(expected: dict[str, object], found: dict[str, object]) -> None:
    for name in expected.keys() | found.keys():
        if expected.get(name) != found.get(name):
            print(f"LOST: {name} is not what it is without a kill")
            raise SystemExit(1)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
