"""Callbacks around the steps: throughput, sample translations, model directories."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Callback, Checkpoint
from lightning.pytorch.utilities import rank_zero_only

from nmt.bundle import save_bundle
from nmt.data.datamodule import datamodule_of
from nmt.metrics.config import Name
from nmt.metrics.measure import Score, shown
from nmt.training.card import model_card
from nmt.training.folder import BEST, MODEL
from nmt.training.module import TrainingModule
from nmt.training.outlook import TimeLeft
from nmt.training.validation import Validation

log = logging.getLogger(__name__)

# (epochs finished, validation score in the selection metric, whether training is over anyway) -> whether it ends.
Watch = Callable[[int, float, bool], bool]
BLIND_TO = 30.0  # chrF; a text with this score is translated too well for a BLEU of 0.00


def epochs_done(trainer: pl.Trainer) -> int:
    """The epochs at the end of a validation, counting one that has begun."""
    datamodule = datamodule_of(trainer)
    return datamodule.epoch + bool(datamodule.batches_done)


class Throughput(Callback):
    """Logs target tokens per second without padding, over all ranks (train/tokens_per_s), and the learning rate.

    With `announce` it also writes log lines, for use without a progress bar.
    """

    def __init__(self, announce: bool, left: TimeLeft) -> None:
        self.announce, self.left = announce, left
        self.tokens: torch.Tensor | int = 0
        self.since = 0.0
        self.logged_step = 0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        # A run that resumes inside an epoch does not start that epoch.
        self.tokens, self.since, self.logged_step = 0, time.perf_counter(), trainer.global_step

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.tokens, self.since = 0, time.perf_counter()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self.tokens = self.tokens + batch.tgt_len.sum()
        step = trainer.global_step
        # Replaces Lightning's step, which is one too low. Lightning would copy a plain number to the GPU at once.
        pl_module.log("step", torch.tensor(float(step)))
        if step % trainer.log_every_n_steps == 0 and step != self.logged_step:  # type: ignore[attr-defined]
            self.logged_step = step
            now = time.perf_counter()
            rate = float(self.tokens) * trainer.world_size / (now - self.since)
            pl_module.log("train/tokens_per_s", rate, rank_zero_only=True)
            pl_module.log("train/lr", trainer.optimizers[0].param_groups[0]["lr"], rank_zero_only=True)
            self.tokens, self.since = 0, now
            if self.announce and trainer.is_global_zero:
                loss = float(trainer.callback_metrics["train/loss"])
                log.info("step %d: loss %.3f  %.0f tokens/s%s", step, loss, rate, self.left.words(trainer))
        elif self.announce and trainer.is_global_zero and step == 1 != self.logged_step:  # shows that it runs
            self.logged_step = 1
            log.info("step 1: loss %.3f", float(trainer.callback_metrics["train/loss"]))


class ValidationReport(Callback):
    """After each validation, logs the scores and sample translations."""

    def __init__(self, num_samples: int, left: TimeLeft) -> None:
        self.num_samples, self.left = num_samples, left
        self.has_warned = False

    @rank_zero_only
    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, TrainingModule)
        validation, measure = pl_module.validation, pl_module.measure
        log.info(
            "epoch %d, step %d: %s  (best %s)%s",
            epochs_done(trainer),
            trainer.global_step,
            "  ".join([shown("nll", validation.nll), *(_of_all(validation, name) for name in measure.names)]),
            pl_module.best,
            self.left.words(trainer),
        )
        if not self.has_warned and measure.name == "bleu":
            self._warn_if_blind(pl_module)
        pairs, of_directions = pl_module.valid.pairs, list(pl_module.valid.rows.values())
        for i in range(min(self.num_samples, len(pairs))):  # from each direction in turn, the same each time
            rows = of_directions[i % len(of_directions)]
            sample = rows[i * len(rows) // self.num_samples]
            pair = pairs[sample]
            log.info("  src %s", pair.src)
            log.info("  ref %s", pair.tgt)
            log.info("  hyp %s", validation.translations[sample])

    def _warn_if_blind(self, module: TrainingModule) -> None:
        """Warns when BLEU cannot tell different models apart."""
        for direction, measure in module.valid.measures.items():
            scores = module.validation.by_direction.get(str(direction), module.validation.scores)
            if scores["bleu"].score < 0.005 and scores["chrf"].score >= BLIND_TO:
                self.has_warned = True
                log.warning(
                    "BLEU%s is 0.00 where chrF is %.2f: nowhere do four tokens in a row agree (metric.tokenize=%s), "
                    "and chrF chooses meanwhile; metric=chrf chooses by it always, and metric.tokenize= divides text "
                    "otherwise",
                    f" of {direction}" if module.validation.by_direction else "",
                    scores["chrf"].score,
                    measure.tokenize,
                )
                return


def _of_all(validation: Validation, name: Name) -> str:
    """A score, followed by those of the directions that it averages."""
    of_each = [f"{direction} {scores[name].score:.2f}" for direction, scores in validation.by_direction.items()]
    return shown(name, validation.scores[name].score) + (f" ({', '.join(of_each)})" if of_each else "")


class Watched(Callback):
    """Ends training after an epoch when `watch` asks for it."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, TrainingModule)
        epochs = epochs_done(trainer)
        score = pl_module.measure.figure(pl_module.validation.key)
        is_over = trainer.state.fn != "fit" or trainer.should_stop or epochs >= (trainer.max_epochs or epochs)
        is_over = is_over or 0 <= trainer.max_steps <= trainer.global_step
        ends = trainer.is_global_zero and self.watch(epochs, score, is_over)
        if trainer.strategy.reduce_boolean_decision(ends, all=False):
            trainer.should_stop = True


class ModelDirectories(Checkpoint):
    """Keeps the best weights in model/ and, with `number` > 1, the best few in best/step-N/.

    A model that drops out of the best is removed only after the next checkpoint, as a run that resumes
    from an earlier one may need it.
    """

    def __init__(self, run_dir: Path, number: int) -> None:
        self.run_dir, self.number = run_dir, number

    @rank_zero_only
    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, TrainingModule)
        step, best = trainer.global_step, pl_module.progress.best_steps
        if step == best[0]:
            save_model(self.run_dir / MODEL, pl_module)
        if step in best and self.number > 1:
            save_model(self.run_dir / BEST / f"step-{step}", pl_module)
        if trainer.state.fn == "validate":  # before or after training: no checkpoint follows
            self._prune(pl_module)

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._prune(pl_module)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Runs after Checkpoints, which come earlier in the Trainer's list."""
        self._prune(pl_module)

    @rank_zero_only
    def _prune(self, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, TrainingModule)
        kept = {f"step-{step}" for step in pl_module.progress.best_steps}
        for folder in (self.run_dir / BEST).glob("*step-*"):
            if folder.name not in kept:
                hidden = folder.rename(folder.with_name(f".{folder.name}"))  # never leave half a model under its name
                shutil.rmtree(hidden)


def save_model(folder: Path, module: TrainingModule) -> None:
    """Save the weights, or their average, whichever the last validation found better."""
    validation = module.validation
    found = {
        "valid": _plain(validation.scores),
        "nll": validation.nll,
        "step": module.global_step,
        "average": validation.average,
    }
    if validation.by_direction:
        found["directions"] = {str(one): _plain(scores) for one, scores in validation.by_direction.items()}
    with module.averages.applied(validation.average, module.model):
        save_bundle(folder, module.bundle(), model_card(module), found)


def _plain(scores: Mapping[str, Score]) -> dict[str, Any]:
    return {name: asdict(score) for name, score in scores.items()}
