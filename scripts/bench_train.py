#!/usr/bin/env python3
"""Training speed of a config on this machine, where the time goes, and how close it is to the machine's limit.

    scripts/bench_train.py experiment=multi30k data=files data.dir=FOLDER data.src=de data.tgt=en
    scripts/bench_train.py --peer opennmt --peer joeynmt experiment=bench_equal data=files ...
    scripts/bench_train.py --by-hand --cells lstm,lstm_ln,gru experiment=multi30k data=files ...

The arguments without a dash are those of nmt-train. Prints

- real target tokens per second (without padding): the median of windows of 10 updates, after --warm-up updates (on a
  GPU at least three epochs: the first two contain new batch shapes);
- MFU: the FLOP/s of the model's useful products, divided by those of one large product in the same run and precision.
  Useful are 6 FLOPs (2 forward, 4 backward) for each weight matrix entry and each real token that uses it: encoder
  and attention keys count per source token, the bridge per sentence, all else per target token. Attention adds 12 M
  for each pair of a source and a target token of a sentence (scores and context), M being the width of the memory;
- the share of a step's time by part, forward and backward, in a separate window;
- the work that a step starts, in another window: on a CPU torch's operations; on a GPU the kernels, the launches by
  the process (one for a CUDA graph), and the share of time that the GPU is busy;
- peak memory of the process (and of the GPU).

`--cells` measures several cells in turn and prints a table. `--by-hand` also trains a plain torch model of the same
sizes (bench/by_hand.py) in the same run on the same batches, and prints the ratio. `--peer` also measures another
toolkit, on the same text and pieces with the same number of threads, at the sizes of experiment=bench_equal in
float32. This script installs it in its own environment under --peer-dir. `--peer-trial MINUTES SRC REF` trains it for
MINUTES and prints the resulting BLEU (beam 5), to compare with the wall time that nmt-train needs for the same BLEU.
`--json` prints one object as the last line.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from bench.by_hand import ByHand
from bench.config import load_config
from bench.peers import PEERS, TRAINERS, Trial, measure
from bench.training import DTYPES, WINDOW, Bench
from torch import nn

from nmt.bundle import build_model
from nmt.cli.errors import Parser, one_line_errors
from nmt.common.process import IN_TRAINING, tune_process
from nmt.config import RunConfig
from nmt.data.preparation import Prepared
from nmt.training.auto_settings import decided, prepared_by_text
from nmt.training.machine import choose_hardware

COUNTS = ("operations", "kernels", "launches", "busy")


def main() -> None:
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("overrides", nargs="*", help="as for nmt-train")
    parser.add_argument("--updates", type=int, default=200, help="measured after the warm-up (default: %(default)s)")
    parser.add_argument("--warm-up", type=int, default=300, help="updates before (default: %(default)s)")
    parser.add_argument("--cells", help="comma-separated, instead of the one of the config")
    parser.add_argument("--by-hand", action="store_true")
    parser.add_argument("--peer", action="append", default=[], choices=sorted(TRAINERS))
    parser.add_argument("--peer-dir", type=Path, default=Path("runs/.peers"))
    parser.add_argument("--peer-trial", nargs=3, metavar=("MINUTES", "SRC", "REF"))
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with one_line_errors(parser.prog):
        run(arguments)


def run(arguments: argparse.Namespace) -> None:
    """Raises ValueError, before any measurement, for arguments that cannot be measured."""
    if arguments.updates < WINDOW or arguments.warm_up < 0:
        raise ValueError(f"--updates must be at least {WINDOW}, and --warm-up no less than 0")
    if arguments.cells and arguments.peer:
        raise ValueError("--cells are not measured beside a --peer; choose one of them")
    trial = trial_of(arguments) if arguments.peer_trial else None
    cells = arguments.cells.split(",") if arguments.cells else [""]
    configs = [load_config([*arguments.overrides, *([f"cell={cell}"] if cell else [])]) for cell in cells]
    config, prepared = prepared_by_text(configs[0])
    configs = [config, *(decided(one, prepared)[0] for one in configs[1:])]
    accelerator, precision = choose_hardware(config.trainer)
    tune_process(IN_TRAINING)
    if config.trainer.threads:
        torch.set_num_threads(config.trainer.threads)
    device = "cuda" if accelerator == "gpu" else "cpu"
    peak = product_rate(DTYPES[precision], device, lambda: now(device))

    def measured(config: RunConfig, model: nn.Module) -> dict[str, Any]:
        return Bench(config, prepared, device, precision, model).run(arguments.warm_up, arguments.updates, peak)

    results: dict[str, dict[str, Any]] = {}
    for cell, one in zip(cells, configs, strict=True):
        torch.manual_seed(one.seed)
        name = cell or "the config"
        results[name] = measured(one, build_model(one.model, prepared.tokenizer))
        report(name, results[name])
    result: dict[str, Any] = {"cells": results} if arguments.cells else next(iter(results.values()))
    if arguments.by_hand:
        torch.manual_seed(config.seed)
        sizes = prepared.tokenizer.src_vocab_size, prepared.tokenizer.tgt_vocab_size
        result["by_hand"] = measured(config, ByHand(config.model, *sizes))
        report("by hand", result["by_hand"])
        for row in results.values():
            row["over_by_hand"] = round(row["tgt_tokens_per_s"] / result["by_hand"]["tgt_tokens_per_s"], 3)
    if arguments.cells or arguments.by_hand:
        print(table(results))
    if not arguments.cells:
        result["peers"] = [of_peer(name, arguments, config, prepared, trial, result) for name in arguments.peer]
    if arguments.json:
        print(json.dumps(result))


def of_peer(
    name: str,
    arguments: argparse.Namespace,
    config: RunConfig,
    prepared: Prepared,
    trial: Trial | None,
    result: dict[str, Any],
) -> dict[str, Any]:
    folder = arguments.peer_dir.absolute()
    peer = measure(name, folder, config.data, prepared, torch.get_num_threads(), trial)
    peer["ratio"] = round(result["tgt_tokens_per_s"] / peer["tgt_tokens_per_s"], 2)
    print(f"{name} {peer['version']}: {peer['tgt_tokens_per_s']:,.0f} target tokens/s; ratio {peer['ratio']}")
    if trial:
        print(f"  after {trial.minutes:g} minutes: BLEU {peer['bleu']:.2f}")
    return peer


def trial_of(arguments: argparse.Namespace) -> Trial:
    able = [name for name in TRAINERS if PEERS[name].translate]
    if not arguments.peer or not set(arguments.peer) <= set(able):
        raise ValueError(f"--peer-trial needs --peer, of: {', '.join(able)}")
    minutes, src, ref = arguments.peer_trial
    return Trial(float(minutes), Path(src), Path(ref))


def now(device: str) -> float:
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def product_rate(dtype: torch.dtype, device: str, now: Callable[[], float], size: int = 2048) -> float:
    """FLOP/s of one large matrix product: the median of 20."""
    size *= 4 if device == "cuda" else 1
    a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    seconds = []
    for _ in range(25):
        began = now()
        a @ b
        seconds.append(now() - began)
    return 2 * size**3 / statistics.median(seconds[5:])


def report(name: str, result: dict[str, Any]) -> None:
    print(f"{name}: {result['parameters']:,} parameters, {result['precision']} on {result['device']}")
    print(f"{result['tgt_tokens_per_s']:,} target tokens/s; {result['step_ms']} ms a step", end="")
    if "mfu" in result:
        print(f"; {result['useful_gflops_per_s']:,} useful GFLOP/s; MFU {100 * result['mfu']:.1f} %", end="")
    print(f"; peak memory {result['peak_rss_bytes'] / 1e9:.2f} GB", end="")
    print(f", of the GPU {result['peak_gpu_bytes'] / 1e9:.2f} GB" if "peak_gpu_bytes" in result else "")
    print("a step: " + ", ".join(f"{what} {result[what]:g}" for what in COUNTS if what in result))
    if "parts" in result:
        print("  ".join(f"{part} {100 * share:.0f} %" for part, share in result["parts"].items()))


def table(results: dict[str, dict[str, Any]]) -> str:
    """A Markdown table, one row per cell."""
    known = ("tgt_tokens_per_s", "over_by_hand", "step_ms", "mfu", *COUNTS, "peak_gpu_bytes")
    columns = [column for column in known if column in next(iter(results.values()))]
    rows = [[name, *(f"{result[column]:,}" for column in columns)] for name, result in results.items()]
    lines = [["cell", *columns], ["---"] * (len(columns) + 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main()
