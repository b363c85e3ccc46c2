"""Measure a model in training: its speed, where the time goes, and what a step starts."""

from __future__ import annotations

import itertools
import resource
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import nn

from bench.timeline import Timeline, started, void
from nmt.common.process import MemoryTrimmer
from nmt.config import RunConfig
from nmt.data.ahead import CopiedAhead
from nmt.data.batching import Batch, in_few_shapes, token_batches
from nmt.data.preparation import Prepared
from nmt.model.seq2seq import Seq2Seq
from nmt.training.graphed import GraphedLoss
from nmt.training.optim import build_optimizer

WINDOW = 10  # updates
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
PARTS = ("data", "encoder", "decoder", "attention", "output", "optimiser", "other")


class Planned:
    """The batches of these rows of the training text."""

    def __init__(self, prepared: Prepared, plan: Sequence[Any]) -> None:
        self.prepared, self.plan = prepared, plan

    def __len__(self) -> int:
        return len(self.plan)

    def __iter__(self) -> Iterator[Batch]:
        return (self.prepared.train.batch(rows) for rows in self.plan)


class Bench:
    """Trains a model: Seq2Seq, or ByHand, whose loss has the same signature."""

    def __init__(self, config: RunConfig, prepared: Prepared, device: str, precision: str, model: nn.Module) -> None:
        self.config, self.prepared, self.device, self.precision = config, prepared, device, precision
        self.model: Any = model.train().to(device)
        self.is_ours = isinstance(model, Seq2Seq)
        self.loss: Any = GraphedLoss(model) if self.is_ours else self.plain_loss
        self.optimizer = build_optimizer(config.optim, self.model)
        self.src_len, self.tgt_len = prepared.train.lengths(np.arange(len(prepared.train)))
        self.timeline = Timeline(device)
        self.trimmer = MemoryTrimmer()

    def plain_loss(self, batch: Batch, **settings: float) -> Any:
        return self.model.loss(*batch, **settings)

    def run(self, warm_up: int, updates: int, peak: float) -> dict[str, Any]:
        """Measure `updates` updates. `peak` is the machine's rate in FLOP/s."""
        updates = updates // WINDOW * WINDOW
        plan = list(itertools.islice(self.plan(), warm_up + updates))
        if self.device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        self.train(plan[:warm_up])
        windows = [plan[i : i + WINDOW] for i in range(warm_up, len(plan), WINDOW)]
        marks = self.train(list(itertools.chain.from_iterable(windows)))
        seconds = [self.timeline.seconds(*pair) for pair in itertools.pairwise(marks)]
        tokens = [sum(int(self.tgt_len[rows].sum()) for rows in window) for window in windows]
        result = {
            "tgt_tokens_per_s": round(statistics.median(n / s for n, s in zip(tokens, seconds, strict=True))),
            "precision": self.precision,
            "device": torch.cuda.get_device_name() if self.device == "cuda" else self.device,
            "threads": torch.get_num_threads(),
            "parameters": sum(p.numel() for p in self.model.parameters()),
            "step_ms": round(1000 * statistics.median(seconds) / WINDOW, 3),
        }
        if isinstance(self.model, Seq2Seq):
            done = 0.0
            for rows in itertools.chain.from_iterable(windows):
                lengths = SimpleNamespace(src_len=self.src_len[rows], tgt_len=self.tgt_len[rows])
                done += useful_flops(self.model, lengths)
            result |= {"mfu": round(done / sum(seconds) / peak, 4)}
            result |= {"useful_gflops_per_s": round(done / sum(seconds) / 1e9, 1), "parts": self.parts(windows[0])}
        result |= started(self.device, lambda: void(self.train(windows[0])), WINDOW, seconds[0] / WINDOW)
        scale = 1 if sys.platform == "darwin" else 1024
        result["peak_rss_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale
        if self.device == "cuda":
            result["peak_gpu_bytes"] = torch.cuda.max_memory_allocated()
        return result

    def plan(self) -> Iterator[Any]:
        """The rows of each batch, epoch after epoch."""
        for epoch in itertools.count():
            seed = self.config.seed, epoch
            yield from token_batches(self.src_len, self.tgt_len, self.config.trainer.max_tokens, seed)

    def parts(self, plan: Sequence[Any]) -> dict[str, float]:
        """Each part's share of the time. "decoder" excludes attention, and "other" is the rest. On a GPU everything
        in a CUDA graph counts as "loss and gradient"."""
        if self.device == "cuda":
            return self.parts_around_graphs(plan)
        model, timeline = self.model, self.timeline
        watched = {"encoder": model.encoder, "decoder": model.decoder, "attention": model.decoder.attention}
        unwatch = [timeline.watch(module, name) for name, module in watched.items()]
        timeline.spans.clear()
        marks = self.train(plan)
        for stop in unwatch:
            stop()
        elapsed, of = timeline.seconds(marks[0], marks[-1]), defaultdict(float, timeline.totals())
        seconds = {name: of[f"{name} forward"] + of[f"{name} backward"] for name in watched}
        seconds["decoder"] -= seconds["attention"]
        seconds["output"] = of["forward"] - of["encoder forward"] - of["decoder forward"]
        seconds |= {name: of[name] for name in ("data", "optimiser")}
        seconds["other"] = elapsed - sum(seconds.values())
        return {name: round(seconds[name] / elapsed, 3) for name in PARTS}

    def parts_around_graphs(self, plan: Sequence[Any]) -> dict[str, float]:
        self.timeline.spans.clear()
        marks = self.train(plan)
        elapsed, of = self.timeline.seconds(marks[0], marks[-1]), self.timeline.totals()
        shares = {name: of[name] / elapsed for name in ("data", "optimiser")}
        shares["loss and gradient"] = 1 - sum(shares.values())
        return {name: round(share, 3) for name, share in shares.items()}

    def train(self, plan: Sequence[Any]) -> list[Any]:
        """One update per batch -> timeline marks before the first one, and after each WINDOW."""
        batches: Any = Planned(self.prepared, plan)
        if self.device == "cuda":
            batches = CopiedAhead(
                batches, torch.device("cuda"), in_few_shapes if self.is_ours else lambda batch: batch
            )
        batches = iter(batches)
        marks = [self.timeline.mark()]
        for number in range(1, len(plan) + 1):
            self.step(batches)
            if number % WINDOW == 0:
                marks.append(self.timeline.mark())
        return marks

    def step(self, batches: Iterator[Batch]) -> None:
        began = self.timeline.mark()
        batch = next(batches)
        loaded = self.timeline.add("data", began)
        narrow, optim = self.precision != "float32", self.config.optim
        with torch.autocast(self.device, DTYPES[self.precision]) if narrow else nullcontext():
            loss, _ = self.loss(batch, smoothing=optim.label_smoothing, r_drop=0.0)
        self.timeline.add("forward", loaded)
        (loss / batch.tgt_len.sum()).backward()
        backward = self.timeline.mark()
        if optim.clip_norm:
            nn.utils.clip_grad_norm_(self.model.parameters(), optim.clip_norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.timeline.add("optimiser", backward)
        self.trimmer.after_batch()


def useful_flops(model: Seq2Seq, batch: Any) -> float:
    """The useful FLOPs of a batch. Only its lengths are used."""
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
