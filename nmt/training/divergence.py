"""Keeps a loss or gradient that is not finite from reaching the weights."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Callback
from torch import Tensor

from nmt.data.datamodule import datamodule_of

MIN_SCALE = 1.0  # of float16's gradients; the scale is not to blame for an overflow at this value
SHOWN = 20  # lines
ROLLBACK_RATE = 0.5  # each rollback to a checkpoint multiplies the learning rate by this

log = logging.getLogger(__name__)


class DivergenceError(RuntimeError):
    """Too many updates in a row were not finite."""


def nan_if_not_finite(loss: Tensor) -> Tensor:
    """The same loss, but if it is not finite, every gradient becomes NaN on every process."""
    return loss * (1 + 0 * loss.detach())


def is_finite_update(norm: Tensor, loss: Tensor, scale: float | None) -> bool:
    """Whether an update is finite. `scale` is float16's, None in other precisions. An overflow of the gradient counts
    as finite while the scale can be lowered: the scaler then lowers it and skips the update itself."""
    if bool(norm.isfinite()):
        return True
    return scale is not None and scale > MIN_SCALE and bool(loss.isfinite())


def is_known_at_once(norm: Tensor, scale: float | None) -> bool:
    """Whether the gradient's norm can be read at no cost. On a GPU it means waiting, which float16's scaler does
    anyway."""
    return norm.device.type == "cpu" or scale is not None


def described(lines: Sequence[tuple[str, int]], parts: Sequence[str]) -> str:
    """The numbers of lines of the training text (DataModule.lines), in words. Several parts are numbered
    separately."""
    by_part: dict[str, list[str]] = {}
    for part, line in lines[:SHOWN]:
        by_part.setdefault(part if parts[1:] else "the training text", []).append(str(line))
    shown = "; ".join(f"of {part} the lines {', '.join(numbers)}" for part, numbers in by_part.items())
    return shown + (f" and {len(lines) - SHOWN} more" if lines[SHOWN:] else "")


class Update(NamedTuple):
    """An update of the weights that is not yet known to be finite."""

    step: int  # updates before it
    batches: range  # in the epoch
    is_left_out: Tensor  # 1 or 0, on the device


class Updates(Callback):
    """Before each update, clips the gradient to the norm `clip_norm` (0: no clipping) and skips an update that is not
    finite. Raises DivergenceError when more than `max_skipped` in a row are not finite.

    It does not wait for a GPU. The GPU skips the updates itself, and its decisions are read whenever something is
    logged, saved or validated. The decisions are the same; only the report comes later.

    Lightning's own clipping refuses every fused optimiser in mixed precision.
    """

    def __init__(self, clip_norm: float, max_skipped: int) -> None:
        self.clip_norm, self.max_skipped = clip_norm or math.inf, max_skipped
        self.skipped = 0  # in a row
        self.loss: Tensor | float = 0.0  # of the batches since the last update
        self.unread: list[Update] = []
        self.trainer: pl.Trainer | None = None

    def state_dict(self) -> dict[str, Any]:
        self._read()
        return {"skipped": self.skipped}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.skipped = state_dict["skipped"]

    def on_before_backward(self, trainer: pl.Trainer, pl_module: pl.LightningModule, loss: Tensor) -> None:
        self.loss = self.loss + loss.detach()

    def on_before_optimizer_step(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: torch.optim.Optimizer
    ) -> None:
        self.trainer = trainer
        parameters = list(pl_module.parameters())
        norm = torch.nn.utils.clip_grad_norm_(parameters, self.clip_norm)
        loss, self.loss = torch.as_tensor(self.loss), 0.0
        scaler = getattr(trainer.precision_plugin, "scaler", None)
        scale = scaler and scaler.get_scale()
        if not is_known_at_once(norm, scale):
            # A fused optimiser skips the update when this is 1. The attribute was made for float16's scaler.
            optimizer.found_inf = is_left_out = 1 - norm.isfinite().float()  # type: ignore[attr-defined]
            self.unread.append(Update(trainer.global_step, self._batches(trainer), is_left_out))
            return
        is_skipped = not is_finite_update(norm, loss, scale)
        if is_skipped:
            for parameter in parameters:
                parameter.grad = None  # makes every optimiser skip it
        self._count(trainer.global_step, self._batches(trainer), is_skipped)

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if trainer.global_step % trainer.log_every_n_steps == 0:  # type: ignore[attr-defined]
            self._read()

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._read()

    def _batches(self, trainer: pl.Trainer) -> range:
        """The batches of the current update."""
        datamodule = datamodule_of(trainer)
        done = datamodule.batches_done
        return range(done - done % trainer.accumulate_grad_batches, done + 1)

    def _read(self) -> None:
        if not self.unread:
            return
        unread, self.unread = self.unread, []
        for update, is_left_out in zip(
            unread, torch.stack([one.is_left_out for one in unread]).tolist(), strict=True
        ):
            self._count(update.step, update.batches, bool(is_left_out))

    def _count(self, step: int, batches: range, is_left_out: bool) -> None:
        self.skipped = self.skipped + 1 if is_left_out else 0
        if not is_left_out:
            return
        datamodule = datamodule_of(self.trainer)
        where = f"the one after step {step} ({described(datamodule.lines(batches), datamodule.prepared.parts)})"
        log.warning("an update is not finite and is left out: %s", where)
        if self.skipped > self.max_skipped:
            raise DivergenceError(f"{self.skipped} updates in a row were not finite; the last is {where}")
