"""Finds out before the first update, not in the third hour, whether the batches fit in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Callback

from nmt.common.process import is_memory_shortage
from nmt.config import TrainerConfig
from nmt.data.datamodule import datamodule_of
from nmt.training.module import TrainingModule


class MemoryProbe(Callback):
    """One forward and backward pass over the largest batches when training starts or resumes. It changes nothing:
    gradients are dropped, and a batch's random numbers depend only on its own place."""

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, TrainingModule)
        datamodule = datamodule_of(trainer)
        for batch in datamodule.largest_batches():
            moved = pl_module.transfer_batch_to_device(batch, pl_module.device, 0)
            with getattr(trainer.strategy, "block_backward_sync", nullcontext)():
                with trainer.precision_plugin.forward_context():
                    loss, _ = pl_module.loss(moved)
                torch.autograd.backward(loss)
            pl_module.zero_grad(set_to_none=True)


@contextmanager
def explained_shortage(config: TrainerConfig) -> Iterator[None]:
    """Turns an out-of-memory error into a ValueError that says what to lower."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_memory_shortage(error):
            raise
        raise ValueError(
            f"a batch of trainer.max_tokens={config.max_tokens} does not fit the memory; lower it "
            "(with as much more trainer.accumulate the updates stay as large), or data.cleaning.max_pieces"
        ) from error
