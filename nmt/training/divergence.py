"""A loss or a gradient that is not finite never reaches the weights."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Callback
from torch import Tensor

from nmt.data.datamodule import DataModule

MIN_SCALE = 1.0  # of float16's gradients: at this one an overflow is no fault of the scale
SHOWN = 20  # lines
RETURN_RATE = 0.5  # what going back to a checkpoint multiplies the learning rate by

log = logging.getLogger(__name__)


class DivergenceError(RuntimeError):
    """So many updates in a row were not finite that training cannot go on as it is."""


def guarded(loss: Tensor) -> Tensor:
    """The same loss; but one that is not finite makes every gradient NaN, on each process, whatever it is itself."""
    return loss * (1 + 0 * loss.detach())


def makes_sense(norm: Tensor, loss: Tensor, scale: float | None) -> bool:
    """Whether an update is finite. `scale` is float16's, None in other precisions: while it can still be lowered, an
    overflow of the gradient is what lowers it, and the scaler leaves that update out by itself."""
    if bool(norm.isfinite()):
        return True
    return scale is not None and scale > MIN_SCALE and bool(loss.isfinite())


def told(lines: Sequence[tuple[str, int]], parts: Sequence[str]) -> str:
    """Lines of the training text (DataModule.lines), in words. Where it has several parts, each numbers its own."""
    by_part: dict[str, list[str]] = {}
    for part, line in lines[:SHOWN]:
        by_part.setdefault(part if parts[1:] else "the training text", []).append(str(line))
    shown = "; ".join(f"of {part} the lines {', '.join(numbers)}" for part, numbers in by_part.items())
    return shown + (f" and {len(lines) - SHOWN} more" if lines[SHOWN:] else "")


class Updates(Callback):
    """Before each update of the weights: clip the gradient to the norm `clip_norm` (0: do not), and leave the update
    out when it is not finite. Raises DivergenceError when more than `max_skipped` in a row are not.

    Not Lightning's clipping, which refuses every fused optimiser in mixed precision.
    """

    def __init__(self, clip_norm: float, max_skipped: int) -> None:
        self.clip_norm, self.max_skipped = clip_norm or math.inf, max_skipped
        self.skipped = 0  # in a row
        self.loss: Tensor | float = 0.0  # of the batches since the last update

    def state_dict(self) -> dict[str, Any]:
        return {"skipped": self.skipped}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.skipped = state_dict["skipped"]

    def on_before_backward(self, trainer: pl.Trainer, pl_module: pl.LightningModule, loss: Tensor) -> None:
        self.loss = self.loss + loss.detach()

    def on_before_optimizer_step(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: torch.optim.Optimizer
    ) -> None:
        parameters = list(pl_module.parameters())
        norm = torch.nn.utils.clip_grad_norm_(parameters, self.clip_norm)
        scaler = getattr(trainer.precision_plugin, "scaler", None)
        if makes_sense(norm, torch.as_tensor(self.loss), scaler and scaler.get_scale()):
            self.skipped = 0
        else:
            for parameter in parameters:
                parameter.grad = None  # which no optimiser acts on
            self.skipped += 1
            self._report(trainer)
        self.loss = 0.0

    def _report(self, trainer: pl.Trainer) -> None:
        datamodule: DataModule = trainer.datamodule  # type: ignore[attr-defined]
        done, accumulate = datamodule.batches_done, trainer.accumulate_grad_batches
        lines = datamodule.lines(range(done - done % accumulate, done + 1))
        where = f"the one after step {trainer.global_step} ({told(lines, datamodule.prepared.parts)})"
        log.warning("an update is not finite and is left out: %s", where)
        if self.skipped > self.max_skipped:
            raise DivergenceError(f"{self.skipped} updates in a row were not finite; the last is {where}")
