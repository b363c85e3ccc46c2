"""How far training is and how much time is left, for the progress bar and the log."""

from __future__ import annotations

import math
import time
from contextlib import ExitStack
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Callback

from nmt.common.bars import INTERVAL_S, clock, gauge, is_seen
from nmt.training.module import TrainingModule, timer_of


class TimeLeft(Callback):
    """Estimates the time left until training ends: after the last epoch, trainer.max_steps or trainer.max_minutes,
    whichever comes first. It uses the time of a step and of a validation in this process. Patience may end training
    sooner.

    Checkpoints keep the time that training has taken, so `spent` counts all starts of a run.
    """

    def __init__(self) -> None:
        self.final_step = 0
        self.first_step = 0  # in this process
        self.began = self.paused = 0.0  # s; when training began, and the time of validations since
        self.before = 0.0  # s; training time at the checkpoint that it resumed from
        self.validations = 0
        self.pause_began = 0.0

    @property
    def spent(self) -> float:
        """Seconds of training and validation in all starts."""
        return self.before + (time.monotonic() - self.began if self.began else 0.0)

    def state_dict(self) -> dict[str, Any]:
        return {"spent": self.spent}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.before = state_dict["spent"]

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.final_step, self.first_step = int(trainer.estimated_stepping_batches), trainer.global_step
        self.began, self.paused, self.validations = time.monotonic(), 0.0, 0

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.pause_began = time.monotonic()

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.paused += time.monotonic() - self.pause_began
        self.validations += 1

    def seconds(self, trainer: pl.Trainer) -> float | None:
        """Seconds left; None while nothing is known."""
        limits = []
        if made := trainer.global_step - self.first_step:
            steps = max(0, self.final_step - trainer.global_step)
            a_step = (time.monotonic() - self.began - self.paused) / made
            a_validation = self.paused / self.validations if self.validations else 0.0
            limits.append(steps * a_step + self._validations_left(trainer, steps) * a_validation)
        if (timer := timer_of(trainer)) and (remaining := timer.time_remaining()) is not None:
            limits.append(max(0.0, remaining))
        return min(limits) if limits else None

    def _validations_left(self, trainer: pl.Trainer, steps: int) -> int:
        batches = float(trainer.num_training_batches) / trainer.accumulate_grad_batches
        epochs = steps / math.ceil(batches)
        return math.ceil(epochs / (trainer.check_val_every_n_epoch or 1))

    def words(self, trainer: pl.Trainer) -> str:
        """For example ", 2:03 left"; empty while nothing is known."""
        seconds = self.seconds(trainer)
        return f", {clock(seconds)} left" if seconds else ""


class TrainingBar(Callback):
    """One progress bar for the whole training, where bars are shown."""

    def __init__(self, left: TimeLeft) -> None:
        self.left = left
        self.opened = ExitStack()
        self.picture: Any = None
        self.last = 0.0  # when it was last drawn

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if is_seen() and trainer.is_global_zero:
            self.picture = self.opened.enter_context(gauge())

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        if self.picture and time.monotonic() - self.last >= INTERVAL_S:
            self._draw(trainer, pl_module)

    def _draw(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, TrainingModule)
        seconds = self.left.seconds(trainer)
        figures = [f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}"]
        figures += [f"{clock(seconds)} left"] if seconds is not None else []
        figures.append(f"step {trainer.global_step}")
        found = trainer.callback_metrics
        for name, unit in (("train/loss", "loss {:.3f}"), ("train/tokens_per_s", "{:,.0f} tokens/s")):
            if name in found:
                figures.append(unit.format(float(found[name])))
        if pl_module.progress.best:
            figures.append(f"best {pl_module.best}")
        spent = time.monotonic() - self.left.began
        share = trainer.global_step / self.left.final_step if seconds is None else spent / max(spent + seconds, 1e-9)
        self.picture(share, ", ".join(figures))
        self.last = time.monotonic()

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        self._close()

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._close()

    def _close(self) -> None:
        self.picture = None
        self.opened.close()
