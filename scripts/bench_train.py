#!/usr/bin/env python3
"""How fast a config trains here, where the time goes, and how far it is from what the machine can do.

    scripts/bench_train.py experiment=multi30k data=files data.dir=FOLDER data.src=de data.tgt=en
    scripts/bench_train.py --peer opennmt --peer joeynmt experiment=bench_equal data=files ...
    scripts/bench_train.py --by-hand --cells lstm,lstm_ln,gru experiment=multi30k data=files ...

The arguments without a dash are those of nmt-train. Printed are

- real target tokens a second (padding does not count): the median of windows of 10 updates, after a warm-up of as
  many as --warm-up says (on a GPU three epochs at least: in the first two a shape of batches is new);
- MFU, the model's useful products a second over what one large product reaches in the same run and precision. Useful
  are 6 FLOPs (2 forward, 4 backward) for each entry of a weight matrix and each real token that it meets: encoder and
  attention keys meet the source tokens, the bridge a sentence, all else the target tokens. Attention adds 12 M for
  each pair of a source and a target token of a sentence, M the width of the memory: scores and context;
- the share of a step's time by part, forward and backward, in a window of its own;
- what a step starts, in another: on a CPU torch's operations; on a GPU the kernels that it computes by, the launches
  by the process (of a graph of kernels one), and the share of time that the GPU is busy;
- peak memory of the process (and of the GPU).

`--cells` measures one after the other and prints a table. `--by-hand` trains, in the same run and on the same
batches, what one writes in an evening with torch's own layers at the same sizes (by_hand.py), and prints the ratio.
`--peer` also measures another toolkit, installed by this script in an environment of its own under --peer-dir, on
the same text and pieces with the same number of threads, at the sizes of experiment=bench_equal in float32.
`--peer-trial MINUTES SRC REF` trains it for that long and prints the BLEU that it then has (beam 5), to be held
beside the wall time that nmt-train takes to as much.
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
    """Raises ValueError for what cannot be measured, before anything is."""
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
    """FLOPs a second of one large product: the median of 20."""
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
    """In Markdown, a row a cell."""
    known = ("tgt_tokens_per_s", "over_by_hand", "step_ms", "mfu", *COUNTS, "peak_gpu_bytes")
    columns = [column for column in known if column in next(iter(results.values()))]
    rows = [[name, *(f"{result[column]:,}" for column in columns)] for name, result in results.items()]
    lines = [["cell", *columns], ["---"] * (len(columns) + 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main()
