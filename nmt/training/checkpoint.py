"""Checkpoints: when they are written, how none is ever torn, and where a run goes on.

A checkpoint stands between two updates of the weights, or at the end of an epoch, and nowhere else. What happened
after it is done again, to the bit: every random number depends on its place in the run alone.
"""

from __future__ import annotations

import logging
import signal
import time
import zipfile
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.plugins.io import TorchCheckpointIO

from nmt.files import replacing
from nmt.signals import Signals, Stopped
from nmt.training.divergence import DivergenceError
from nmt.training.folder import log_sizes

log = logging.getLogger(__name__)

FOLDER, LAST, PREVIOUS = "checkpoints", "last.ckpt", "previous.ckpt"


class CheckpointFiles(TorchCheckpointIO):
    """Instead of Lightning's, which writes to the temporary folder, moves from there and syncs nothing."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """The one before is kept as PREVIOUS. Raises OSError, with both as they were."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as file:
            try:
                torch.save(checkpoint, file)
            except RuntimeError as error:  # torch's word for what the file said
                raise OSError(f"{target} cannot be written: {error.__context__ or error}") from None
            file.flush()
            if not _is_whole(file):
                raise OSError(f"{target} cannot be written: what was read back is not what was written")
            if target.exists():
                target.replace(target.with_name(PREVIOUS))


def _is_whole(file: Any) -> bool:
    """Whether every part of a checkpoint has its checksum."""
    try:
        with zipfile.ZipFile(file) as archive:
            return archive.testzip() is None
    except (zipfile.BadZipFile, EOFError, NotImplementedError):
        return False


def find_checkpoint(run_dir: Path) -> tuple[Path | None, dict[str, Any]]:
    """The newest sound checkpoint of a run and its content, or None and {}.

    Raises ValueError when there is one, but none is sound.
    """
    paths = [path for name in (LAST, PREVIOUS) if (path := run_dir / FOLDER / name).exists()]
    for path in paths:
        if _is_whole(path):
            return path, CheckpointFiles().load_checkpoint(path, weights_only=True)
        log.warning("%s is damaged", path)
    if paths:
        raise ValueError(f"{paths[0]} is damaged; delete {paths[0].parent} to begin anew, or choose another run=")
    return None, {}


class Checkpoints(Checkpoint):
    """Writes them, and ends the training when a signal asks for it.

    Every `every_steps` updates and every `every_minutes` inside an epoch; before an epoch's last update, if
    validation follows, so that a validation that is cut short costs no more than itself; and after each epoch.
    """

    def __init__(self, run_dir: Path, every_steps: int | None, every_minutes: float | None, signals: Signals) -> None:
        self.run_dir = run_dir
        self.every_steps, self.every_minutes, self.signals = every_steps, every_minutes, signals
        self.saved_step, self.saved_at = 0, 0.0
        self.epoch_is_over = False  # where the checkpoint that is being written stands

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.signals.install()  # Lightning has its own by now
        self.saved_step, self.saved_at = trainer.global_step, time.monotonic()

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """The batch before is over, and logged, by now."""
        if batch_idx % trainer.accumulate_grad_batches:
            return
        stop, save = (
            trainer.strategy.reduce_boolean_decision(mine, all=False)
            for mine in (self.signals.received is not None, self._is_due(trainer, batch_idx))
        )
        if (stop or save) and trainer.global_step > self.saved_step:
            self._save(trainer, epoch_is_over=False)
        if stop:
            self._stop()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._save(trainer, epoch_is_over=trainer.is_last_batch)  # else training ends inside it
        if trainer.strategy.reduce_boolean_decision(self.signals.received is not None, all=False):
            self._stop()

    def _stop(self) -> None:
        """Of several processes all stop, whichever of them the signal came to."""
        raise Stopped(self.signals.received or signal.SIGTERM)

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """The processes that this one started would wait for it. But a divergence is theirs too."""
        if isinstance(exception, DivergenceError):
            return
        started = getattr(trainer.strategy.launcher, "procs", [])
        for process in started:
            process.kill()
        started.clear()  # Lightning kills this process too when it sees one of them end like that

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.signals.install()
        self.signals.release()

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.signals.hold()  # files are written now

    def _is_due(self, trainer: pl.Trainer, batch_idx: int) -> bool:
        steps, minutes = trainer.global_step - self.saved_step, (time.monotonic() - self.saved_at) / 60
        return (
            (self.every_steps is not None and steps >= self.every_steps)
            or (self.every_minutes is not None and minutes >= self.every_minutes)
            or (
                batch_idx + trainer.accumulate_grad_batches >= trainer.num_training_batches
                and (trainer.current_epoch + 1) % (trainer.check_val_every_n_epoch or 1) == 0
            )
        )

    def _save(self, trainer: pl.Trainer, epoch_is_over: bool) -> None:
        self.epoch_is_over = epoch_is_over
        trainer.save_checkpoint(self.run_dir / FOLDER / LAST, weights_only=False)
        self.saved_step, self.saved_at = trainer.global_step, time.monotonic()

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        checkpoint["logs"] = log_sizes(self.run_dir) if trainer.is_global_zero else {}
        if self.epoch_is_over:
            return
        # Inside an epoch Lightning is asked amid a batch, or when it takes the epoch for over because training ends.
        # What is true is: so many batches are done, and the epoch is not.
        loop = checkpoint["loops"]["fit_loop"]
        batches = loop["epoch_loop.batch_progress"]
        batches["is_last_batch"] = False
        for counts in (batches[span] for span in ("total", "current")):
            counts["ready"] = counts["started"] = counts["processed"] = counts["completed"]
        for counts in (loop["epoch_progress"][span] for span in ("total", "current")):
            counts["ready"] = counts["started"] = counts["completed"] + 1
            counts["processed"] = counts["completed"]
