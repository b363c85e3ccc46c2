"""Training from a config to a model directory: ordinary Python, no command line.

    runs/<run>/  config.yaml  checkpoints/last.ckpt  metrics.csv  curves.png  train.log  tensorboard/  model/

The same config continues where it stopped.
"""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import lightning.pytorch as pl
import torch
import yaml
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from lightning.pytorch.loggers import Logger, TensorBoardLogger
from lightning.pytorch.utilities import rank_zero_only
from tqdm.contrib.logging import logging_redirect_tqdm

from nmt.bundle import write_atomically
from nmt.config import RunConfig, to_dict
from nmt.data.datamodule import DataModule
from nmt.data.preparation import prepare
from nmt.process import tune_process
from nmt.training.callbacks import MetricsFile, ModelDirectory, ProgressBar, Throughput, ValidationReport
from nmt.training.machine import choose_hardware
from nmt.training.module import TrainingModule

log = logging.getLogger(__name__)

# What may change between two starts of one run: how long, where and how loudly it trains, not what.
CHANGEABLE = frozenset(
    ["runs_dir", "cache_dir"]
    + [f"trainer.{field}" for field in ("max_epochs", "max_steps", "max_minutes", "patience", "num_samples")]
    + [f"trainer.{field}" for field in ("accelerator", "devices", "num_nodes", "strategy", "threads")]
    + [f"trainer.{field}" for field in ("num_workers", "log_every_steps", "tensorboard", "progress")]
)
PRECISIONS: dict[str, Literal["32-true", "bf16-mixed", "16-mixed"]] = {
    "float32": "32-true",
    "bfloat16": "bf16-mixed",
    "float16": "16-mixed",
}


# Warnings of Lightning's about what is meant to be so.
NOT_FOR_USERS = (
    "does not have many workers",
    "The dirpath has changed",  # a runs folder may be moved
    "Checkpoint directory .* exists and is not empty",
    "isinstance.treespec, LeafSpec.* is deprecated",
)


@dataclass(frozen=True)
class Trained:
    model_dir: Path
    bleu: float  # of the best validation


def train(config: RunConfig) -> Trained:
    """Prepare the data, train, and keep the best model in its directory.

    Raises ValueError for what the config or the data make impossible, before anything is written to the run's
    folder; OSError when that folder cannot be written.
    """
    trainer_config = config.trainer
    run_dir = Path(config.runs_dir) / config.run
    check_run_dir(run_dir, config)
    accelerator, precision = choose_hardware(trainer_config)
    tune_process()
    if trainer_config.threads:
        torch.set_num_threads(trainer_config.threads)
    prepared = prepare(config.data, config.tokenizer, Path(config.cache_dir))
    pl.seed_everything(config.seed, verbose=False)
    module = TrainingModule(config, prepared)
    datamodule = DataModule(
        prepared, trainer_config.max_tokens, config.seed, trainer_config.num_workers, config.tokenizer.sampling
    )
    run_dir.mkdir(parents=True, exist_ok=True)
    if is_first_process():  # before all else: it makes the folder this run's
        write_atomically(run_dir / "config.yaml", yaml.safe_dump(to_dict(config), sort_keys=False).encode())
    with open_log(run_dir / "train.log"):
        log.info("training pairs: %d; left out: %s", len(prepared.train), prepared.dropped or "none")
        size = sum(parameter.numel() for parameter in module.model.parameters())
        log.info(
            "%s parameters, %s on %s, %d thread(s)", f"{size:,}", precision, accelerator, torch.get_num_threads()
        )
        trainer = build_trainer(config, run_dir, accelerator, precision)
        last = run_dir / "checkpoints" / "last.ckpt"
        resumed = last if last.exists() else None
        if resumed:
            log.info("continuing from %s", last)
        trainer.fit(module, datamodule, ckpt_path=resumed, weights_only=True)
        if module.progress.validated_step != trainer.global_step:  # it ended inside an epoch
            trainer.validate(module, datamodule, verbose=False)
        log.info("best validation BLEU %.2f; model: %s", module.progress.best_bleu, run_dir / "model")
    return Trained(run_dir / "model", module.progress.best_bleu)


def check_run_dir(run_dir: Path, config: RunConfig) -> None:
    """Raises ValueError when the folder belongs to another configuration, naming the first key that differs."""
    known = run_dir / "config.yaml"
    if not known.exists():
        if run_dir.exists() and any(not path.name.startswith(".") for path in run_dir.iterdir()):
            raise ValueError(f"{run_dir} is not empty and no run's folder; choose another run=")
        return
    try:
        before = _flat(yaml.safe_load(known.read_text()))
    except (yaml.YAMLError, AttributeError):
        raise ValueError(f"{known} is damaged; choose another run=") from None
    now = _flat(to_dict(config))
    for key in sorted(before.keys() | now.keys()):
        if key not in CHANGEABLE and before.get(key) != now.get(key):
            raise ValueError(
                f"{run_dir} belongs to a run with {key}={before.get(key)}, not {now.get(key)}; "
                "choose another run=, or delete the folder"
            )


def _flat(data: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in data.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return flat


def build_trainer(config: RunConfig, run_dir: Path, accelerator: str, precision: str) -> pl.Trainer:
    trainer = config.trainer
    time_limit = None if trainer.max_minutes is None else timedelta(minutes=trainer.max_minutes)
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    for chatter in NOT_FOR_USERS:
        warnings.filterwarnings("ignore", message=f".*{chatter}")
    loggers: list[Logger] = [MetricsFile(run_dir / "metrics.csv")]
    if trainer.tensorboard:
        loggers.append(TensorBoardLogger(run_dir, name="", version="tensorboard"))
    has_bar = trainer.progress and sys.stderr.isatty()
    callbacks: list[Callback] = [
        Throughput(announce=not has_bar),
        ValidationReport(run_dir, trainer.num_samples),
        ModelDirectory(run_dir / "model"),
        ModelCheckpoint(run_dir / "checkpoints", save_last=True, save_top_k=0, save_on_train_epoch_end=True),
    ]
    if has_bar:
        callbacks.append(ProgressBar())
    return pl.Trainer(
        accelerator=accelerator,
        devices=trainer.devices or ("auto" if accelerator == "gpu" else 1),
        num_nodes=trainer.num_nodes,
        strategy=trainer.strategy,
        precision=PRECISIONS[precision],
        max_epochs=trainer.max_epochs,
        max_steps=trainer.max_steps or -1,
        max_time=time_limit,
        accumulate_grad_batches=trainer.accumulate,
        check_val_every_n_epoch=trainer.val_every_epochs,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        log_every_n_steps=trainer.log_every_steps,
        deterministic=trainer.deterministic,
        enable_progress_bar=has_bar,
        enable_model_summary=False,
        logger=loggers,
        callbacks=callbacks,
    )


def is_first_process() -> bool:
    """Whether this is the process that writes, of several that train one model."""
    return int(getattr(rank_zero_only, "rank", 0)) == 0


@contextmanager
def open_log(path: Path) -> Iterator[None]:
    """Write what nmt logs to `path` too, and around a progress bar, not through it. A resumed run appends."""
    if not is_first_process():
        yield
        return
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logger = logging.getLogger("nmt")
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        with logging_redirect_tqdm([logger]):
            yield
    finally:
        logger.removeHandler(handler)
        handler.close()
