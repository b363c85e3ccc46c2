#!/usr/bin/env python3
"""SIGKILL at random moments of a training: a killed and resumed run must end exactly like an uninterrupted one.

    scripts/kill_training.py --kills 50

A tiny model is trained once without interruption, and once with the same config, killed and restarted until all kills
are done. Weights, metrics, log and model directory must be the same to the last bit, and no checkpoint or model may
be unreadable at any time. Prints the counts, and ends with 1 at the first difference.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import tempfile
import time
from collections import Counter
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch

from hunts.forks import Fork
from hunts.model import run_config

from nmt.bundle import load_bundle
from nmt.training.checkpoint import FOLDER
from nmt.training.resumption import find_checkpoint
from nmt.training.run import train


def started(folder: Path, epochs: int) -> Fork:
    return Fork(lambda: train(run_config(folder, epochs)))


def result(folder: Path) -> dict[str, object]:
    """All results of a run, except the time of day, the speed, and where it was stopped."""
    run_dir = folder / "runs" / "killed"
    models = [
        path for folder in ("model", "best") for path in sorted((run_dir / folder).rglob("*")) if path.is_file()
    ]
    found: dict[str, object] = {str(path.relative_to(run_dir)): path.read_bytes() for path in models}
    rows = [row.split(",") for row in (run_dir / "metrics.csv").read_text().splitlines()]
    speed = rows[0].index("train/tokens_per_s")
    found["metrics.csv"] = [row[:speed] + row[speed + 1 :] for row in rows]
    log = (run_dir / "train.log").read_text().splitlines()
    found["train.log"] = [
        re.sub(r"^\S+ \S+ |\d+ tokens/s|, [\d:]+ left$", "", line) for line in log if "step" in line
    ]
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=4)
    options = parser.parse_args()
    rng, counts = random.Random(options.seed), Counter[str]()
    with tempfile.TemporaryDirectory() as root:
        whole, killed = Path(root) / "whole", Path(root) / "killed"
        whole.mkdir()
        killed.mkdir()
        begun = time.monotonic()
        if started(whole, options.epochs).wait():
            print("LOST: the run that nobody killed failed")
            raise SystemExit(1)
        duration, expected, done = time.monotonic() - begun, result(whole), 0
        while done < options.kills:
            if started(killed, options.epochs).kill_after(rng.uniform(0.0, 0.8) * duration):
                done += 1
                counts[where(killed)] += 1
                check(killed)
                continue
            compare(expected, result(killed))
            counts["ends that were the same"] += 1
            killed.rename(Path(root) / f"whole {counts.total()}")  # a new number each time
            killed.mkdir()
        if code := started(killed, options.epochs).wait():
            print(f"LOST: exit code {code} at the end")
            raise SystemExit(1)
        compare(expected, result(killed))
        counts["ends that were the same"] += 1
    print(f"{options.kills} kills: {dict(counts)}; no unreadable checkpoint or model")


def compare(expected: dict[str, object], found: dict[str, object]) -> None:
    names = sorted(expected.keys() | found.keys())
    if different := [name for name in names if expected.get(name) != found.get(name)]:
        print(f"LOST: not what it is without a kill: {', '.join(different)}")
        for name in different:
            print(f"{name}: {expected.get(name)!r:.3000}\n{found.get(name)!r:.3000}")
        raise SystemExit(1)


if __name__ == "__main__":
    main()
