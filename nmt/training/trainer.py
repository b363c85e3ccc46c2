"""Lightning's Trainer for a run: its loggers, its callbacks in order, and how processes share the work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import Logger
from lightning.pytorch.strategies import DDPStrategy

from nmt.common.bars import is_seen
from nmt.common.signals import Signals
from nmt.config import RunConfig
from nmt.training.callbacks import ModelDirectories, Throughput, ValidationReport, Watch, Watched
from nmt.training.checkpoint import CheckpointFiles, Checkpoints
from nmt.training.curves import Curves
from nmt.training.divergence import Updates
from nmt.training.folder import METRICS, TENSORBOARD
from nmt.training.loggers import TensorBoard, service_loggers
from nmt.training.machine import Hardware
from nmt.training.memory import MemoryProbe
from nmt.training.metrics_file import MetricsFile, columns
from nmt.training.module import TrainingModule
from nmt.training.outlook import TimeLeft, TrainingBar
from nmt.training.ranks import STARTERS, check_same, starter, world

PRECISIONS: dict[str, Literal["32-true", "bf16-mixed", "16-mixed"]] = {
    "float32": "32-true",
    "bfloat16": "bf16-mixed",
    "float16": "16-mixed",
}


class SameText(Callback):
    """Raises ValueError unless all processes have prepared the same text."""

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        assert isinstance(pl_module, TrainingModule)
        check_same(pl_module.prepared.sha256)


@dataclass(frozen=True)
class Run:
    """The constants of a run's training."""

    config: RunConfig
    folder: Path
    hardware: Hardware
    signals: Signals
    watch: Watch | None


def build_trainer(run: Run, start: Path | None, left: TimeLeft) -> pl.Trainer:
    """`start` is the checkpoint that the run resumes from, if any."""
    trainer, (accelerator, precision) = run.config.trainer, run.hardware
    every = world(trainer, accelerator)
    time_limit = None if trainer.max_minutes is None else timedelta(minutes=trainer.max_minutes)
    # Several devices hold equal weights and share only gradients. The only buffers are averages of the weights
    # (average.py), which are equal because the weights are.
    strategy = DDPStrategy(broadcast_buffers=False) if trainer.strategy in STARTERS or every.size > 1 else "auto"
    return pl.Trainer(
        accelerator=accelerator,
        devices=every.devices,
        num_nodes=every.nodes,
        strategy=strategy,
        precision=PRECISIONS[precision],
        max_epochs=trainer.max_epochs,
        max_steps=trainer.max_steps or -1,
        max_time=time_limit,
        accumulate_grad_batches=trainer.accumulate * (trainer.shards or every.size) // every.size,
        check_val_every_n_epoch=trainer.val_every_epochs,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        log_every_n_steps=trainer.log_every_steps,
        deterministic=trainer.deterministic,
        enable_progress_bar=False,  # TrainingBar shows all epochs
        enable_model_summary=False,
        logger=_loggers(run),
        plugins=[CheckpointFiles(start), starter(trainer)],
        callbacks=_callbacks(run, left),
    )


def _loggers(run: Run) -> list[Logger]:
    config = run.config
    metrics = MetricsFile(run.folder / METRICS, columns(config.metric.name, config.data.every_direction))
    tensorboard = [TensorBoard(run.folder, name="", version=TENSORBOARD)] if config.trainer.tensorboard else []
    return [metrics, *tensorboard, *service_loggers(config, run.folder)]


def _callbacks(run: Run, left: TimeLeft) -> list[Callback]:
    config, trainer = run.config, run.config.trainer
    return [
        SameText(),
        left,  # before the callbacks that use it
        Checkpoints(run.folder, trainer.checkpoint_every_steps, trainer.checkpoint_every_minutes, run.signals),
        MemoryProbe(),
        Updates(config.optim.clip_norm, trainer.max_skipped),
        Throughput(not is_seen(), left),
        ValidationReport(trainer.num_samples, left),
        Curves(run.folder, config.metric.name),
        ModelDirectories(run.folder, trainer.keep_best),
        TrainingBar(left),
        *([Watched(run.watch)] if run.watch else []),
    ]
