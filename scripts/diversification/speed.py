"""Prints the estimated minutes of the stages as a JSON object, for report.py, which passes the overrides as a JSON
object. Runs in a separate process, so that its GPU memory is freed."""

from __future__ import annotations

import itertools
import json
import os
import sys

import torch
from bench.config import load_config
from bench.training import WINDOW, Bench

from nmt.bundle import build_model
from nmt.config import RunConfig
from nmt.data.preparation import Prepared
from nmt.training.auto_settings import epochs_for, estimated_updates, prepared_by_text
from nmt.training.machine import choose_hardware

WARM_UP = 5  # updates


def main() -> None:
    told = json.loads(sys.argv[1])
    cores = torch.get_num_threads()
    base = [one for one in told["base"] if not one.startswith(("run=", "init="))]
    first = load_config(base)
    torch.set_num_threads(max(1, int(os.environ.get("OMP_NUM_THREADS", (cores + 1) // 2))))
    config, prepared = prepared_by_text(first)
    forward = minutes(config, prepared, estimated_updates(config.trainer, prepared.train))
    plan = {"forward": forward, "translation": forward / config.trainer.max_epochs}
    torch.set_num_threads(cores)
    first = load_config([*base, *told["last"]])
    config, prepared = prepared_by_text(first)
    tripled = 3.0  # the text has three times as many pairs
    if "trainer.max_epochs" in first.auto:
        tokens = prepared.train.counts.tokens
        tripled *= epochs_for(3 * tokens) / epochs_for(tokens)
    number = estimated_updates(config.trainer, prepared.train)
    plan["last"] = minutes(config, prepared, number if config.trainer.max_steps else round(number * tripled))
    if told["risk"]:
        config, prepared = prepared_by_text(load_config([*base, *told["last"], *told["risk"]]))
        # Each batch is also translated, and each candidate costs as much as a reference.
        costs = 1 + (config.optim.candidates if config.optim.risk else 0)
        plan["risk"] = costs * minutes(config, prepared, estimated_updates(config.trainer, prepared.train))
    print(json.dumps(plan))


def minutes(config: RunConfig, prepared: Prepared, number: int) -> float:
    """The minutes of `number` updates, estimated from a few."""
    accelerator, precision = choose_hardware(config.trainer)
    device = "cuda" if accelerator == "gpu" else "cpu"
    bench = Bench(config, prepared, device, precision, build_model(config.model, prepared.tokenizer))
    plan = list(itertools.islice(bench.plan(), WARM_UP + WINDOW))
    bench.train(plan[:WARM_UP])
    found = number * bench.timeline.seconds(*bench.train(plan[WARM_UP:])) / WINDOW / 60
    return min(found, config.trainer.max_minutes or found)
