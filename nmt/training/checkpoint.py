"""Checkpoints: when they are written, how none is ever torn, and what Lightning is told when a run goes on from one.

A checkpoint stands between two updates of the weights, or at the end of an epoch, and nowhere else. What happened
after it is done again, to the bit: every random number depends on its place in the run alone. The batches that it
counts are those of a shard (datamodule.py), so that another number of processes can go on from it.
"""

from __future__ import annotations

import hashlib
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

from nmt.common.files import replacing
from nmt.common.signals import Signals, Stopped
from nmt.data.datamodule import datamodule_of
from nmt.data.tokenizer import Tokenizer
from nmt.training.divergence import DivergenceError
from nmt.training.folder import log_sizes
from nmt.training.module import TrainingModule
from nmt.training.ranks import from_first

log = logging.getLogger(__name__)

FOLDER, LAST, PREVIOUS = "checkpoints", "last.ckpt", "previous.ckpt"
PIECES = "pieces_sha256"  # the key of a hash in a checkpoint
SPANS = "total", "current"  # what Lightning counts over


class CheckpointFiles(TorchCheckpointIO):
    """Instead of Lightning's, which writes to the temporary folder, moves from there and syncs nothing."""

    def __init__(self, start: Path | None = None) -> None:
        """`start` is the checkpoint that the run goes on from, if any."""
        super().__init__()
        self.last_is_sound = start is None or start.name == LAST

    def load_checkpoint(self, path: Any, *_: Any, **__: Any) -> dict[str, Any]:
        """What the first process reads, in all."""
        return from_first(lambda: read_checkpoint(path))

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """The one before is kept as PREVIOUS, if it is sound. Raises OSError, with both as they were."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as file:
            try:
                torch.save(checkpoint, file)
            except RuntimeError as error:  # torch's word for what the file said
                raise OSError(f"{target} cannot be written: {error.__context__ or error}") from None
            file.flush()
            if not is_whole(file):
                raise OSError(f"{target} cannot be written: what was read back is not what was written")
            if target.exists() and self.last_is_sound:
                target.replace(target.with_name(PREVIOUS))
        self.last_is_sound = True


def read_checkpoint(path: Path) -> dict[str, Any]:
    return TorchCheckpointIO().load_checkpoint(path, weights_only=True)


def is_whole(file: Any) -> bool:
    """Whether every part of a checkpoint has its checksum."""
    try:
        with zipfile.ZipFile(file) as archive:
            return archive.testzip() is None
    except (zipfile.BadZipFile, EOFError, NotImplementedError):
        return False


def pieces_hash(tokenizer: Tokenizer) -> str:
    """Of which piece each row of an embedding stands for."""
    digest = hashlib.sha256()
    for name, model in sorted(tokenizer.models.items()):
        digest.update(name.encode() + hashlib.sha256(model).digest())
    return digest.hexdigest()


class Checkpoints(Checkpoint):
    """Writes them, and ends the training when a signal asks for it.

    Every `every_steps` updates and every `every_minutes` inside an epoch; before an epoch's last update, if
    validation follows, so that a validation that is cut short costs no more than itself; and after each epoch.
    """

    def __init__(self, run_dir: Path, every_steps: int | None, every_minutes: float | None, signals: Signals) -> None:
        self.run_dir = run_dir
        self.every_steps, self.every_minutes, self.signals = every_steps, every_minutes, signals
        self.saved_step, self.saved_at = 0, 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.signals.install()  # Lightning has its own by now
        self.saved_step, self.saved_at = trainer.global_step, time.monotonic()
        if not datamodule_of(trainer).batches_done:
            # An epoch that is restarted before its first batch may count an update too many: Lightning takes what is
            # before that batch for the last one.
            trainer.fit_loop.epoch_loop.restarting = False

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
            self._save(trainer)
        if stop:
            self._stop()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._save(trainer)
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

    def _save(self, trainer: pl.Trainer) -> None:
        trainer.save_checkpoint(self.run_dir / FOLDER / LAST, weights_only=False)
        self.saved_step, self.saved_at = trainer.global_step, time.monotonic()

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        assert isinstance(pl_module, TrainingModule)
        checkpoint["logs"] = log_sizes(self.run_dir) if trainer.is_global_zero else {}
        checkpoint[PIECES] = pieces_hash(pl_module.prepared.tokenizer)

    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Lightning goes on inside an epoch, be it before the first batch, where the DataModule says that the run is.

        Its own counts are those of one process, amid a batch or amid the end of an epoch; it takes an epoch for over
        when training ends inside it, and with max_steps it goes on in one that is over.
        """
        loop, datamodule = checkpoint["loops"]["fit_loop"], datamodule_of(trainer)
        epochs, batches = loop["epoch_progress"], loop["epoch_loop.batch_progress"]
        batches["is_last_batch"] = False
        for span in SPANS:
            epochs[span] = _counts(datamodule.epoch) | dict.fromkeys(("ready", "started"), datamodule.epoch + 1)
            batches[span] = _counts(datamodule.batches_done)
        # Lightning refuses a run that has more epochs behind it; here it is finished.
        trainer.fit_loop.max_epochs = max(trainer.fit_loop.max_epochs or 0, datamodule.epoch)


def _counts(done: int) -> dict[str, int]:
    """Lightning's, where as many are done as were begun."""
    return dict.fromkeys(("ready", "started", "processed", "completed"), done)
