"""Training from a config to a model directory: ordinary Python, no command line.

    runs/<run>/  config.yaml  origin.json  checkpoints/  metrics.csv  curves.png  train.log  tensorboard/
                 model/  best/

The same config continues where it stopped, and ends as if it had never stopped.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import lightning.pytorch as pl
import torch
import yaml

from nmt.bundle import load_bundle
from nmt.common.bars import seen
from nmt.common.files import write_atomically
from nmt.common.json_text import to_json
from nmt.common.process import IN_TRAINING, trim_memory, tune_process
from nmt.common.signals import Signals, Stopped, handlers_kept
from nmt.config import RunConfig
from nmt.data.corpora import FileCorpus
from nmt.data.datamodule import DataModule
from nmt.data.preparation import Prepared, prepare
from nmt.metrics.config import Name
from nmt.model.seq2seq import num_parameters
from nmt.plain_data import to_dict
from nmt.training.announcement import announce
from nmt.training.auto_settings import decided
from nmt.training.callbacks import Watch
from nmt.training.divergence import DivergenceError
from nmt.training.early_check import check_machine, check_settings
from nmt.training.folder import (
    CONFIG,
    LOG,
    MODEL,
    ORIGIN,
    check_free,
    check_run_dir,
    check_text,
    resumed_config,
    taken,
    write_validation,
)
from nmt.training.loggers import end_services
from nmt.training.logs import cut_logs, open_log
from nmt.training.memory import explained_shortage
from nmt.training.module import TrainingModule
from nmt.training.origin import origin
from nmt.training.outlook import TimeLeft
from nmt.training.ranks import check_pairs, from_first, is_first_process, joined, ranked, with_shards, world
from nmt.training.resumption import ResumePoint, find_resume_point
from nmt.training.surroundings import process_left_as_found, quiet_lightning
from nmt.training.trainer import Run, build_trainer
from nmt.training.warm_start import check_start, check_tags, own_settings
from nmt.translation.translator import Translator

log = logging.getLogger(__name__)

MAX_ROLLBACKS = 5  # from divergence
REQUEUE_SIGNALS = (signal.SIGUSR1,) if "SLURM_JOB_ID" in os.environ else ()  # SLURM: the time is nearly over


@dataclass(frozen=True)
class Trained:
    model_dir: Path
    score: float  # of the best validation, in the selection metric: less is better of TER and nll
    best: str  # the same in words, such as "BLEU 38.12"
    metric: Name  # the selection metric
    selection_key: tuple[float, ...]  # of the best validation: greater is better
    parameters: int
    seconds: float  # of training and validation, of all processes that trained it

    def load(self, device: str = "auto", compute: str = "auto", shortlist: bool | None = None) -> Translator:
        """The best model, ready to translate; as nmt.load."""
        return Translator.load(self.model_dir, device, compute, shortlist)


def train(config: RunConfig, watch: Watch | None = None, is_command: bool = True) -> Trained:
    """Prepare the data, train, and keep the best model in its directory. `watch` is told of every validation, and
    whether it says that the training shall end is heeded after an epoch. A second signal ends the process where it
    `is_command` (see Signals).

    Raises ValueError for what the config or the data make impossible, before anything is written to the run's
    folder; OSError when that folder cannot be written; DivergenceError when training came to nothing; Stopped when a
    signal ended it.
    """
    with (
        ranked(config.trainer),
        handlers_kept(),
        Signals(*REQUEUE_SIGNALS, is_command=is_command) as signals,
    ):
        shown = config.trainer.progress and is_first_process()
        try:
            with seen(shown), quiet_lightning(), process_left_as_found():
                return _train(config, signals, watch)
        except Stopped as stopped:
            if stopped.number in REQUEUE_SIGNALS and is_first_process():
                requeue()
            raise


def _train(config: RunConfig, signals: Signals, watch: Watch | None) -> Trained:
    if (default := torch.get_default_dtype()) != torch.float32:
        raise ValueError(f"training needs torch.set_default_dtype(torch.float32), and the default is {default}")
    hardware = check_machine(config)
    processes = world(config.trainer, hardware.accelerator).size  # what is wrong is said before they wait for others
    with joined(config.trainer, hardware.accelerator):
        run_dir = Path(config.runs_dir) / config.run
        config = _begun(run_dir, config, processes)
        check_settings(config, processes)
        tune_process(IN_TRAINING)
        if config.trainer.threads:
            torch.set_num_threads(config.trainer.threads)
        # The first process checks the text, and all have the same (SameText).
        prepared = _prepared(config, partial(check_text, run_dir, config.data) if is_first_process() else None)
        trim_memory()  # learning pieces and lexicon needs as much as a training step, and leaves it with malloc
        config, prepared = decided(config, prepared)
        check_pairs(len(prepared.valid), processes)
        return _train_prepared(prepared, Run(config, run_dir, hardware, signals, watch))


def _train_prepared(prepared: Prepared, run: Run) -> Trained:
    config, run_dir = run.config, run.folder
    pl.seed_everything(config.seed, verbose=False)
    module, datamodule = _modules(config, prepared)
    with taken(run_dir), explained_shortage(config.trainer):
        start = find_resume_point(run_dir, module)
        if is_first_process():  # before all else: it makes the folder this run's
            write_atomically(run_dir / CONFIG, yaml.safe_dump(to_dict(config), sort_keys=False).encode())
            if config.data.splits["valid"] is None:
                write_validation(run_dir, prepared.valid)
            made_of = origin(config, module.valid.measures.values(), prepared.fingerprints)
            write_atomically(run_dir / ORIGIN, (to_json(made_of, 2) + "\n").encode())
        with open_log(run_dir / LOG):
            module, seconds = _fit_with_rollbacks(run, module, datamodule, start)
            log.info("best validation %s; model: %s", module.best, run_dir / MODEL)
    size = num_parameters(module.model)
    score, key, name = module.best_score, module.progress.best[0][0], module.measure.name
    return Trained(run_dir / MODEL, score, module.best, name, key, size, seconds)


def _begun(run_dir: Path, config: RunConfig, processes: int) -> RunConfig:
    """The config with what the run began with, by the first process' folder. The text and the cache may lie elsewhere
    in each."""

    def begun() -> RunConfig:
        found = resumed_config(run_dir, config)
        check_run_dir(run_dir, found)
        check_free(run_dir)
        return replace(found, trainer=with_shards(found.trainer, processes))

    found, own = from_first(begun), config.data
    if isinstance(own, FileCorpus) and isinstance(found.data, FileCorpus):
        found = replace(found, data=replace(found.data, dir=own.dir))
    return replace(found, cache_dir=config.cache_dir)


def _prepared(config: RunConfig, check: Callable[[dict[str, str]], None] | None) -> Prepared:
    kept = None  # the model whose pieces are those of this one
    if config.init:
        start = load_bundle(config.init)
        check_start(config.init, own_settings(start, config.init_vocabulary), to_dict(config))
        if config.init_vocabulary == "keep":
            check_tags(config.init, start, config.data)
            kept = start
    pieces, cache_dir = kept.tokenizer if kept else None, Path(config.cache_dir)
    prepared = prepare(config.data, config.tokenizer, cache_dir, pieces, check, config.auto)
    if kept and kept.lexicon:  # the new text alone may be too little to learn it from
        return replace(prepared, lexicon=prepared.lexicon.joined(kept.lexicon))
    return prepared


def _fit_with_rollbacks(
    run: Run, module: TrainingModule, datamodule: DataModule, start: ResumePoint
) -> tuple[TrainingModule, float]:
    """Train to the end, in so many seconds; where training diverges, from the last checkpoint again, slower."""
    config, failure = run.config, ""
    for times in range(MAX_ROLLBACKS + 1):
        start = find_resume_point(run.folder, module) if times else start
        if is_first_process():
            cut_logs(run.folder, start.logs)
        announce(module, datamodule, run.hardware, start, failure)
        left = TimeLeft()
        trainer = build_trainer(run, start.checkpoint, left)
        try:
            _fit_once(trainer, module, datamodule, start.checkpoint, run.signals)
            break
        except DivergenceError as error:
            if config.trainer.on_divergence == "stop" or times == MAX_ROLLBACKS:
                raise DivergenceError(f"{error}; try a lower optim.learning_rate") from None
            failure = f"{error}; gone back, with a lower learning rate"
            if trainer.world_size > 1:
                os.environ.setdefault("LOCAL_RANK", "0")  # the other processes are there, and come along
        pl.seed_everything(config.seed, verbose=False)
        module, datamodule = _modules(config, module.prepared, module.progress.rollbacks + 1)
    return module, left.spent


def _modules(
    config: RunConfig, prepared: Prepared, rollbacks: int | None = None
) -> tuple[TrainingModule, DataModule]:
    trainer = config.trainer
    assert trainer.shards is not None
    return TrainingModule(config, prepared, rollbacks), DataModule(
        prepared, trainer.max_tokens, config.seed, trainer.num_workers, config.tokenizer.sampling, trainer.shards
    )


def _fit_once(
    trainer: pl.Trainer, module: TrainingModule, datamodule: DataModule, checkpoint: Path | None, signals: Signals
) -> None:
    try:
        with signals.held():
            # So that what is kept is never worse than the start; but with other pieces that is no translator yet.
            if module.config.init and module.config.init_vocabulary == "keep" and not checkpoint:
                trainer.validate(module, datamodule, verbose=False)
            trainer.fit(module, datamodule, ckpt_path=checkpoint, weights_only=True)
            if module.progress.validated_step != trainer.global_step:  # it ended inside an epoch
                trainer.validate(module, datamodule, verbose=False)
    except Stopped as stopped:
        stopped.step = trainer.global_step
        raise
    finally:
        end_services(trainer.loggers)


def requeue() -> None:
    """Have SLURM start this job again."""
    task = os.environ.get("SLURM_ARRAY_TASK_ID")
    job = f"{os.environ['SLURM_ARRAY_JOB_ID']}_{task}" if task else os.environ["SLURM_JOB_ID"]
    subprocess.run(["scontrol", "requeue", job], check=False)
