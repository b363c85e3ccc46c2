"""Checkpoints: when they are written, how they stay whole, and how Lightning resumes from one.

A checkpoint is written only between two updates of the weights or at the end of an epoch. A resumed run repeats what
followed it bit for bit, because every random number depends only on its place in the run. Checkpoints count the
batches of a shard (datamodule.py), so a different number of processes can resume from them.
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
from nmt.training.logs import log_sizes
from nmt.training.module import TrainingModule
from nmt.training.ranks import from_first

log = logging.getLogger(__name__)

FOLDER, LAST, PREVIOUS = "checkpoints", "last.ckpt", "previous.ckpt"
PIECES = "pieces_sha256"  # the key of the pieces' hash in a checkpoint
SPANS = "total", "current"  # keys of Lightning's counts


class CheckpointFiles(TorchCheckpointIO):
    """Replaces Lightning's, which writes to the temporary folder, moves the file from there and never syncs it."""

    def __init__(self, start: Path | None = None) -> None:
        """`start` is the checkpoint that the run resumes from, if any."""
        super().__init__()
        self.last_is_sound = start is None or start.name == LAST

    def load_checkpoint(self, path: Any, *_: Any, **__: Any) -> dict[str, Any]:
        """Read in the first process and sent to all."""
        return from_first(lambda: read_checkpoint(path))

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Keeps the checkpoint before it as PREVIOUS, if that is sound. Raises OSError, which leaves both as they
        were."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as file:
            try:
                torch.save(checkpoint, file)
            except RuntimeError as error:  # in which torch wraps the file's error, but not everywhere
                if isinstance(error.__context__, OSError):
                    raise error.__context__ from None
                raise OSError(f"{target} cannot be written: {error}") from None
            file.flush()
            if not is_whole(file):
                raise OSError(f"{target} cannot be written: what was read back is not what was written")
            if target.exists() and self.last_is_sound:
                target.replace(target.with_name(PREVIOUS))
        self.last_is_sound = True


def read_checkpoint(path: Path) -> dict[str, Any]:
    return TorchCheckpointIO().load_checkpoint(path, weights_only=True)


def is_whole(file: Any) -> bool:
    """Whether every part of a checkpoint matches its checksum. A damaged directory of parts may raise anything."""
    try:
        with zipfile.ZipFile(file) as archive:
            return archive.testzip() is None
    except (OSError, MemoryError):
        raise
    except Exception:
        return False


def pieces_hash(tokenizer: Tokenizer) -> str:
    """A hash of the pieces that the rows of the embeddings stand for."""
    digest = hashlib.sha256()
    for name, model in sorted(tokenizer.models.items()):
        digest.update(name.encode() + hashlib.sha256(model).digest())
    return digest.hexdigest()


class Checkpoints(Checkpoint):
    """Writes checkpoints, and ends training when a signal asks for it.

    It writes one every `every_steps` updates and every `every_minutes` inside an epoch, and one after each epoch. It
    also writes one before the last update of an epoch that is validated, so an interrupted validation costs only
    itself.
    """

    def __init__(self, run_dir: Path, every_steps: int | None, every_minutes: float | None, signals: Signals) -> None:
        self.run_dir = run_dir
        self.every_steps, self.every_minutes, self.signals = every_steps, every_minutes, signals
        self.saved_step, self.saved_at = 0, 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.signals.install()  # Lightning has installed its own by now
        self.saved_step, self.saved_at = trainer.global_step, time.monotonic()
        if not datamodule_of(trainer).batches_done:
            # Lightning takes the batch before the first one for the epoch's last, so an epoch restarted before its
            # first batch may count one update too many.
            trainer.fit_loop.epoch_loop.restarting = False

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """By now the previous batch is finished and logged."""
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
        """Stops all processes, whichever of them received the signal."""
        raise Stopped(self.signals.received or signal.SIGTERM)

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """Kills the processes that this one started, which would wait for it; a divergence ends them anyway."""
        if isinstance(exception, DivergenceError):
            return
        started = getattr(trainer.strategy.launcher, "procs", [])
        for process in started:
            process.kill()
        started.clear()  # Lightning kills this process too when it sees one killed

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.signals.install()
        self.signals.release()

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.signals.hold()  # files are being written

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
        """Make Lightning resume inside an epoch (or before its first batch), where the DataModule says.

        Lightning's own counts are those of one process, taken in the middle of a batch or of the end of an epoch. It
        takes an epoch for finished when training ends inside it; with max_steps it resumes inside a finished one.
        """
        loop, datamodule = checkpoint["loops"]["fit_loop"], datamodule_of(trainer)
        epochs, batches = loop["epoch_progress"], loop["epoch_loop.batch_progress"]
        for span in SPANS:
            epochs[span] = _counts(datamodule.epoch) | dict.fromkeys(("ready", "started"), datamodule.epoch + 1)
            batches[span] = _counts(datamodule.batches_done)
        # Lightning refuses a run with more epochs behind it than max_epochs; here that run is finished.
        trainer.fit_loop.max_epochs = max(trainer.fit_loop.max_epochs or 0, datamodule.epoch)


def _counts(done: int) -> dict[str, int]:
    """Lightning's counts when everything begun is done."""
    return dict.fromkeys(("ready", "started", "processed", "completed"), done)
