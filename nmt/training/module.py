"""One training step and one validation, for Lightning.

Logged: train/loss (the whole loss, per target token), train/nll (nats per target token) and train/risk (0 to 1, mean
over sentences). Validation logs val/nll, val/ppl, val/bleu, val/chrf and the selection metric's score, all for the
weights, or the average of them, that are kept.
"""

from __future__ import annotations

import logging
import math
from dataclasses import asdict, replace
from typing import Any, cast

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Callback, Timer
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR

from nmt.bundle import Bundle, BundleConfig, build_model, load_bundle
from nmt.common.process import MemoryTrimmer, trim_memory
from nmt.config import RunConfig
from nmt.data.batching import Batch
from nmt.data.datamodule import datamodule_of
from nmt.data.preparation import Prepared
from nmt.metrics.measure import Measure, shown
from nmt.training.average import Averages
from nmt.training.divergence import ROLLBACK_RATE, nan_if_not_finite
from nmt.training.objective import Objective
from nmt.training.optim import build_optimizer, learning_rate_factor, rise
from nmt.training.progress import TrainingProgress
from nmt.training.validation import Validation, ValidText, nll_of, translated
from nmt.training.warm_start import frozen_parameters, initialise_from
from nmt.translation.translator import Translator
from nmt.translation.values import copies_letterless_text

log = logging.getLogger(__name__)


def timer_of(trainer: pl.Trainer) -> Timer | None:
    """The timer for trainer.max_minutes, if that is set."""
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
    return next((callback for callback in callbacks if isinstance(callback, Timer)), None)


class TrainingModule(pl.LightningModule):
    def __init__(self, config: RunConfig, prepared: Prepared, rollbacks: int | None = None) -> None:
        """`rollbacks` is the number of rollbacks after divergence; None means as many as the checkpoint says."""
        super().__init__()
        self.config = config
        self.rollbacks = rollbacks
        self.prepared = prepared
        self.valid = ValidText.of(prepared, config.metric)
        self.copy_letterless = copies_letterless_text((pair.src, pair.tgt) for pair in prepared.valid)
        self.model = build_model(config.model, prepared.tokenizer)
        if config.init:
            initialise_from(load_bundle(config.init), self.model, prepared.tokenizer)
        self.frozen = frozen_parameters(self.model, config.optim.freeze)
        self.objective = Objective(config.optim, self.model, prepared)
        self.averages = Averages(self.model, config.optim)
        self.averaged_step = 0  # the update after which they were last averaged
        self.progress = TrainingProgress(rollbacks=rollbacks or 0)
        self.validation = Validation(None, nll=math.nan, translations=[], scores={}, key=())  # the last one
        self.val_batches: list[Batch] = []  # of the current validation
        self.trimmer = MemoryTrimmer()

    @property
    def measure(self) -> Measure:
        """The measure of the first direction; the selection metric is the same for all."""
        return next(iter(self.valid.measures.values()))

    def configure_optimizers(self) -> Any:
        optim = self.config.optim
        # A fused step would unscale float16's gradients itself, too late for clipping.
        fused = self.trainer.precision != "16-mixed"
        optimizer = build_optimizer(optim, self.model, fused)

        def factor(step: int) -> float:
            return self.progress.rate_factor * learning_rate_factor(optim, step, self.schedule_end(step))

        schedule = LambdaLR(optimizer, factor)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def total_steps(self) -> int:
        """The updates of all epochs, or trainer.max_steps; the same wherever the run resumes."""
        datamodule = datamodule_of(self.trainer)
        settings = self.config.trainer
        total = settings.max_epochs * datamodule.updates(settings.accumulate)
        return min(total, settings.max_steps or total)

    def schedule_end(self, step: int) -> int:
        """The update at which the learning rate is to reach its end, as estimated at `step`: the last one of the
        epochs and trainer.max_steps, or the last that trainer.max_minutes allow at the speed so far."""
        total, timer = self.total_steps(), timer_of(self.trainer)
        if timer is None or step < max(1, self.config.optim.warmup_steps):
            return total
        # Processes that share the gradients need the same rate.
        elapsed, left = self.trainer.strategy.broadcast((timer.time_elapsed(), timer.time_remaining() or 0.0))
        return min(total, round(step * (1 + max(left, 0.0) / max(elapsed, 1e-3))))

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        # Dropout depends only on the place in the run, so a resumed run draws the same as an uninterrupted one, and
        # any number of processes the same as one.
        datamodule = datamodule_of(self.trainer)
        seed = hash((self.config.seed, self.current_epoch, *datamodule.place(batch_idx))) % 2**63
        torch.default_generator.manual_seed(seed)  # torch.manual_seed spends a millisecond looking for other devices
        if self.device.type == "cuda":
            torch.cuda.manual_seed(seed)
        self.model.dropout.rise(1 - self.remaining())

    def loss(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss in nats, summed over the batch, and the values to log."""
        return self.objective(batch, self.remaining(), self.valid.measures)

    def remaining(self) -> float:
        """The share of the run's updates still to come, including this one: 1 at first, then falling."""
        return max(0.0, 1 - self.global_step / max(1, self.schedule_end(self.global_step)))

    def on_after_backward(self) -> None:
        until = self.config.optim.freeze_steps
        if until is None or self.global_step < until:
            for parameter in self.frozen:
                parameter.grad = None  # makes every optimiser skip it

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        loss, logged = self.loss(batch)
        mean = loss / batch.tgt_len.sum()
        self.log("train/loss", mean.detach())
        self.log_dict(logged)
        # Lightning divides by the batches of a whole update, which the last one of an epoch may lack.
        accumulate = self.trainer.accumulate_grad_batches
        own = min(accumulate, int(self.trainer.num_training_batches) - batch_idx // accumulate * accumulate)
        return nan_if_not_finite(mean if own == accumulate else mean * (accumulate / own))

    def on_train_batch_end(self, outputs: Any, batch: Batch, batch_idx: int) -> None:
        datamodule = datamodule_of(self.trainer)
        datamodule.batches_done = batch_idx + 1
        if self.global_step != self.averaged_step:  # not in the middle of accumulated batches
            self.averaged_step = self.global_step
            self.zero_grad(set_to_none=True)  # the next loss does not need the gradients
            self.averages.after_update(self.model, self.global_step)
        self.trimmer.after_batch()

    def on_train_epoch_start(self) -> None:
        """Lightning takes the first epoch's number of batches for every epoch's, and validates after as many; correct
        both."""
        loop, loader = self.trainer.fit_loop, self.trainer.train_dataloader
        assert loader is not None
        assert loop._combined_loader is not None
        loop.max_batches = self.trainer.val_check_batch = len(loader)
        loop._combined_loader.limits = [loop.max_batches]

    def on_train_epoch_end(self) -> None:
        datamodule = datamodule_of(self.trainer)
        if self.trainer.is_last_batch:  # else training ends inside the epoch
            datamodule.epoch, datamodule.batches_done = self.current_epoch + 1, 0

    def on_validation_start(self) -> None:
        trim_memory()  # a search needs other memory than training's batches

    def on_validation_end(self) -> None:
        self.val_batches = []
        trim_memory()

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        self.val_batches.append(batch)  # for the weights and each average

    def on_validation_epoch_end(self) -> None:
        """Validate the weights and their averages, and keep the best."""
        validations = [self._validate(name) for name in (None, *self.averages.before_validation(self.model))]
        self.validation = max(validations, key=lambda validation: validation.key)
        self.progress = self.progress.after(self.validation.key, self.global_step, self.config.trainer.keep_best)
        self._act_on_progress()
        nll, logged = self.validation.nll, {"step": float(self.global_step)}  # the loggers' step
        logged |= {f"val/{name}": score.score for name, score in self.validation.scores.items()}
        logged |= {"val/nll": nll, "val/ppl": float(torch.tensor(nll).exp())}
        for direction, scores in self.validation.by_direction.items():
            logged |= {f"val/{name}/{direction}": score.score for name, score in scores.items()}
        if of_averages := validations[1:]:
            best = max(of_averages, key=lambda validation: validation.key)
            logged["val/bleu_of_average"] = best.scores["bleu"].score
        self.log_dict(logged, rank_zero_only=True)  # every rank has the same, so there is nothing to synchronise

    def _validate(self, average: str | None) -> Validation:
        trainer, processes = self.trainer, (self.global_rank, self.trainer.world_size)
        with self.averages.applied(average, self.model):
            with trainer.precision_plugin.val_step_context():
                nll = nll_of(self.model, self.val_batches)
            translator = self.translator()
            found = {
                direction: translated(translator.toward(direction), self.valid.sources(direction), *processes)
                for direction in self.valid.rows
            }
        return self.valid.scored(average, nll, found)

    def bundle(self) -> Bundle:
        """The model to save, with the current weights."""
        prepared = self.prepared
        config = BundleConfig.of(
            self.config.model,
            self.config.search,
            prepared.tokenizer,
            prepared.directions,
            metric=self.config.metric,
            copy_letterless=self.copy_letterless,
            src_pieces=prepared.train.long_src(),
            scripts=self.valid.scripts,
        )
        return Bundle(config, self.model, prepared.tokenizer, prepared.lexicon)

    def translator(self) -> Translator:
        """The translator that nmt-translate uses by default."""
        return Translator(self.bundle(), self.device)

    def _act_on_progress(self) -> None:
        optim = self.config.optim
        if optim.schedule == "plateau" and self.progress.since_cut >= max(optim.plateau_patience, 1):
            self.progress = self.progress.cut(optim.plateau_factor)
        self.stop_without_gain()

    def stop_without_gain(self) -> None:
        patience = self.config.trainer.patience
        if patience is not None and self.progress.without_gain >= patience:
            self.trainer.should_stop = True

    def on_fit_start(self) -> None:
        self.stop_without_gain()  # a run that had stopped stays stopped when started again

    def on_train_start(self) -> None:
        trim_memory()  # frees the probe's batches
        self.trimmer = MemoryTrimmer()
        if rates := rise(cast(LambdaLR, self.trainer.lr_scheduler_configs[0].scheduler)):
            schedule, total = self.config.optim.schedule, self.schedule_end(self.trainer.global_step)
            guided = ", and so does the weight of optim.guided_alignment" * (self.config.optim.guided_alignment > 0)
            where = f"optim.schedule={schedule} now falls until update {total}, which is later than before{guided}"
            log.warning("the learning rate goes up from %.3g to %.3g: %s", *rates, where)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["progress"] = asdict(self.progress)
        checkpoint["tokenize"] = {direction.tgt: one.tokenize for direction, one in self.valid.measures.items()}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        before = TrainingProgress(**checkpoint["progress"])
        self.progress = before if self.rollbacks is None else replace(before, rollbacks=self.rollbacks)
        self.averaged_step = checkpoint["global_step"]
        # The schedule sees new rollbacks only after the next update.
        for optimizer in checkpoint["optimizer_states"]:
            for group in optimizer["param_groups"]:
                group["lr"] *= ROLLBACK_RATE ** (self.progress.rollbacks - before.rollbacks)

    @property
    def best_score(self) -> float:
        """The score of the best validation, in the selection metric."""
        return self.measure.figure(self.progress.best[0][0])

    @property
    def best(self) -> str:
        """The best score in words, such as "BLEU 38.12"."""
        return shown(self.measure.name, self.best_score)
