#!/usr/bin/env python3
"""How fast a config trains here, where the time goes, and how far it is from what the machine can do.

    scripts/bench_train.py experiment=multi30k data=files data.dir=FOLDER data.src=de data.tgt=en
    scripts/bench_train.py --peer opennmt --peer joeynmt experiment=bench_equal data=files ...

The arguments without a dash are those of nmt-train. Printed are

- real target tokens a second (padding does not count): the median of windows of 10 updates, in the epoch after a
  warm-up (an epoch, or as many updates as --warm-up says);
- MFU, the model's useful products a second over what one large product reaches in the same run and precision. Useful
  are 6 FLOPs (2 forward, 4 backward) for each entry of a weight matrix and each real token that it meets: encoder and
  attention keys meet the source tokens, the bridge a sentence, all else the target tokens. Attention adds 12 M for
  each pair of a source and a target token of a sentence, M the width of the memory: scores and context;
- the share of a step's time by part, forward and backward;
- peak memory of the process (and of the GPU).

`--peer` also measures another toolkit, installed by this script in an environment of its own under --peer-dir, on
the same text and pieces with the same number of threads, at the sizes of experiment=bench_equal in float32.
`--peer-trial MINUTES SRC REF` trains it for that long and prints the BLEU that it then has (beam 5), to be held
beside the wall time that nmt-train takes to as much.
`--json` prints one object as the last line.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from peers import PEERS, TRAINERS, Trial, measure
from torch import nn

from nmt.bundle import build_model
from nmt.cli.errors import Parser, one_line_errors
from nmt.cli.schema import register, to_run_config
from nmt.config import RunConfig
from nmt.data.batching import Batch, token_batches
from nmt.data.preparation import prepare
from nmt.model.seq2seq import Seq2Seq
from nmt.process import TRIM_EVERY, trim_memory, tune_process
from nmt.resources import resource as resource_path
from nmt.training.machine import choose_hardware
from nmt.training.optim import build_optimizer

WINDOW = 10  # updates
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
PARTS = ("data", "encoder", "decoder", "attention", "output", "optimiser", "other")


def main() -> None:
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("overrides", nargs="*", help="as for nmt-train")
    parser.add_argument("--updates", type=int, default=200, help="measured after the warm-up (default: %(default)s)")
    parser.add_argument("--warm-up", type=int, default=300, help="updates before (default: %(default)s)")
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
    trial = trial_of(arguments) if arguments.peer_trial else None
    config = load_config(arguments.overrides)
    accelerator, precision = choose_hardware(config.trainer)
    tune_process()
    if config.trainer.threads:
        torch.set_num_threads(config.trainer.threads)
    prepared = prepare(config.data, config.tokenizer, Path(config.cache_dir))
    bench = Bench(config, prepared, "cuda" if accelerator == "gpu" else "cpu", precision)
    result = bench.run(arguments.warm_up, arguments.updates)
    report(result)
    result["peers"] = []
    for name in arguments.peer:
        folder = arguments.peer_dir.absolute()
        peer = measure(name, folder, config.data, prepared, torch.get_num_threads(), trial)
        peer["ratio"] = round(result["tgt_tokens_per_s"] / peer["tgt_tokens_per_s"], 2)
        print(f"{name} {peer['version']}: {peer['tgt_tokens_per_s']:,.0f} target tokens/s; ratio {peer['ratio']}")
        if trial:
            print(f"  after {trial.minutes:g} minutes: BLEU {peer['bleu']:.2f}")
        result["peers"].append(peer)
    if arguments.json:
        print(json.dumps(result))


def trial_of(arguments: argparse.Namespace) -> Trial:
    able = [name for name in TRAINERS if PEERS[name].translate]
    if not arguments.peer or not set(arguments.peer) <= set(able):
        raise ValueError(f"--peer-trial needs --peer, of: {', '.join(able)}")
    minutes, src, ref = arguments.peer_trial
    return Trial(float(minutes), Path(src), Path(ref))


def load_config(overrides: list[str]) -> RunConfig:
    register()
    with initialize_config_dir(version_base="1.3", config_dir=str(resource_path("conf"))):
        try:
            return to_run_config(compose("train", overrides=[*overrides, "run=bench"]))
        except HydraException as error:
            raise ValueError(str(error)) from None


class Bench:
    def __init__(self, config: RunConfig, prepared: Any, device: str, precision: str) -> None:
        self.config, self.prepared, self.device, self.precision = config, prepared, device, precision
        torch.manual_seed(config.seed)
        self.model = build_model(config.model, prepared.tokenizer).train().to(device)
        self.optimizer = build_optimizer(config.optim, self.model.named_parameters())
        self.seconds: dict[str, float] = defaultdict(float)
        self.updates = 0
        watch(self.model.encoder, "encoder", self.now, self.seconds)
        watch(self.model.decoder, "decoder", self.now, self.seconds)
        watch(self.model.decoder.attention, "attention", self.now, self.seconds)

    def now(self) -> float:
        if self.device == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()

    def run(self, warm_up: int, updates: int) -> dict[str, Any]:
        train = self.prepared.train
        max_tokens = self.config.trainer.max_tokens
        epochs = (token_batches(train.src_len, train.tgt_len, max_tokens, (self.config.seed, i)) for i in range(2))
        first, measured = next(epochs)[:warm_up], next(epochs)[:updates]
        for rows in first:
            self.step(rows)
        self.seconds.clear()
        rates, flops, began = [], 0.0, self.now()
        for start in range(0, len(measured) - WINDOW + 1, WINDOW):
            since, tokens = self.now(), 0
            for rows in measured[start : start + WINDOW]:
                batch = self.step(rows)
                tokens += int(batch.tgt_len.sum())
                flops += useful_flops(self.model, batch)
            rates.append(tokens / (self.now() - since))
        elapsed = self.now() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        result = {
            "tgt_tokens_per_s": round(statistics.median(rates)),
            "mfu": round(flops / elapsed / product_rate(DTYPES[self.precision], self.device, self.now), 4),
            "useful_gflops_per_s": round(flops / elapsed / 1e9, 1),
            "precision": self.precision,
            "device": self.device,
            "threads": torch.get_num_threads(),
            "parameters": sum(p.numel() for p in self.model.parameters()),
            "peak_rss_bytes": peak,
            "parts": {name: round(seconds / elapsed, 3) for name, seconds in self.shares(elapsed).items()},
        }
        if self.device == "cuda":
            result["peak_gpu_bytes"] = torch.cuda.max_memory_allocated()
        return result

    def shares(self, elapsed: float) -> dict[str, float]:
        """Seconds of each part; the attention runs inside the decoder, and what no part claims is "other"."""
        seconds = defaultdict(float, self.seconds)
        seconds["decoder"] -= seconds["attention"]
        seconds["other"] = elapsed - sum(seconds.values())
        return {name: seconds[name] for name in PARTS}

    def step(self, rows: Any) -> Batch:
        began = self.now()
        batch = Batch(*(part.to(self.device) for part in self.prepared.train.batch(rows)))
        loaded = self.now()
        inside = self.seconds["encoder"] + self.seconds["decoder"]
        narrow = self.precision != "float32"
        with torch.autocast(self.device, DTYPES[self.precision]) if narrow else nullcontext():
            loss, _ = self.model.loss(*batch, smoothing=self.config.optim.label_smoothing)
        forward = self.now()
        self.seconds["output"] += forward - loaded - (self.seconds["encoder"] + self.seconds["decoder"] - inside)
        (loss / batch.tgt_len.sum()).backward()  # type: ignore[no-untyped-call]
        backward = self.now()
        if self.config.optim.clip_norm:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.config.optim.clip_norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.seconds["data"] += loaded - began
        self.seconds["optimiser"] += self.now() - backward
        self.updates += 1
        if self.updates % TRIM_EVERY == 0:
            trim_memory()
        return batch


def watch(module: nn.Module, name: str, now: Callable[[], float], seconds: dict[str, float]) -> None:
    """Add the seconds of the module's forward and backward pass to `seconds[name]`."""

    def begin(*_: Any) -> None:
        seconds[name] -= now()

    def end(*_: Any) -> None:
        seconds[name] += now()

    module.register_forward_pre_hook(begin)
    module.register_forward_hook(end)
    module.register_full_backward_pre_hook(begin)
    module.register_full_backward_hook(end)


def useful_flops(model: Seq2Seq, batch: Batch) -> float:
    src, tgt, pairs = (
        int(n) for n in (batch.src_len.sum(), batch.tgt_len.sum(), (batch.src_len * batch.tgt_len).sum())
    )

    def entries(module: nn.Module) -> int:
        return sum(p.numel() for p in module.parameters() if p.ndim > 1)

    key = getattr(model.decoder.attention, "key", None)
    keys = 0 if key is None else entries(key)
    bridge = entries(model.decoder.bridge)
    met_by_src = entries(model.encoder) + keys
    met_by_tgt = entries(model.decoder) - keys - bridge + model.output_table.numel()
    attended = 2 * pairs * model.decoder.attention.context_size
    return 6.0 * (met_by_src * src + met_by_tgt * tgt + bridge * len(batch.src_len) + attended)


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


def report(result: dict[str, Any]) -> None:
    print(f"{result['parameters']:,} parameters, {result['precision']} on {result['device']}")
    print(f"{result['tgt_tokens_per_s']:,} target tokens/s; {result['useful_gflops_per_s']:,} useful GFLOP/s", end="")
    print(f"; MFU {100 * result['mfu']:.1f} %; peak memory {result['peak_rss_bytes'] / 1e9:.2f} GB")
    print("  ".join(f"{name} {100 * share:.0f} %" for name, share in result["parts"].items()))


if __name__ == "__main__":
    main()
