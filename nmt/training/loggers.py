"""TensorBoard, and services that keep the metrics of many runs: Weights & Biases and MLflow.

The services' own environment variables give the server, project and credentials (WANDB_PROJECT, WANDB_MODE,
MLFLOW_TRACKING_URI and so on). `loggers.json` in the run's folder keeps the run's id at each service, so a resumed
run adds to it.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

from lightning.pytorch.loggers import Logger, MLFlowLogger, TensorBoardLogger, WandbLogger
from lightning.pytorch.utilities import rank_zero_only

from nmt.common.extras import check_installed
from nmt.common.files import naming, write_atomically
from nmt.common.json_text import to_json
from nmt.composition import flat
from nmt.config import RunConfig
from nmt.plain_data import to_dict

RUNS = "loggers.json"  # service -> the id of the run there
PROJECT = "nmt"  # the default project

log = logging.getLogger(__name__)


class Begun(NamedTuple):
    """A service's run."""

    logger: Logger
    id: str  # of the run at the service
    end: Callable[[str], object] = lambda status: None  # after the logger's finalize, with the same status


# (a run, its folder, its id at the service if it has one)
Make = Callable[[RunConfig, Path, str | None], Begun]


def check_loggers(config: RunConfig) -> None:
    """Raises ModuleNotFoundError for a library of a logger that is not installed."""
    for name in config.trainer.loggers:
        SERVICES[name]()
    if config.trainer.tensorboard:
        check_installed("tensorboard")


def service_loggers(config: RunConfig, run_dir: Path) -> list[Logger]:
    """The loggers that `trainer.loggers` names. Raises ModuleNotFoundError for a library that is not installed."""
    return [ServiceLogger(name, SERVICES[name](), config, run_dir) for name in config.trainer.loggers]


def wandb_logger() -> Make:
    import wandb

    def make(config: RunConfig, run_dir: Path, run: str | None) -> Begun:
        """Logs into the run that the program around has begun, if any. Else ends its own with the training, because
        a process has one run at a time, and the next training would log into it."""
        run, project = run or uuid4().hex, os.environ.get("WANDB_PROJECT", PROJECT)
        is_own = wandb.run is None
        logger = WandbLogger(name=config.run, save_dir=run_dir, project=project, id=run, resume="allow")
        begun = logger.experiment

        def end(status: str) -> None:
            if is_own:
                begun.finish(exit_code=int(status != "success"))

        return Begun(logger, str(begun.id), end)

    return make


def mlflow_logger() -> Make:
    import mlflow  # noqa: F401

    def make(config: RunConfig, run_dir: Path, run: str | None) -> Begun:
        """Logs all runs, including those of sweeps, into one file unless a server is named."""
        experiment = os.environ.get("MLFLOW_EXPERIMENT_NAME", PROJECT)
        store = os.environ.get("MLFLOW_TRACKING_URI", f"sqlite:///{Path(config.runs_dir).resolve() / 'mlflow.db'}")
        logger = MLflow(experiment, run_name=config.run, tracking_uri=store, run_id=run)
        return Begun(logger, str(logger.run_id))  # asking for the id begins the run

    return make


class MLflow(MLFlowLogger):
    """Lightning's logger, but a run that goes on from a checkpoint logs nothing twice that it repeats. (Weights &
    Biases takes no step before the last one.)"""

    def __init__(self, experiment: str, *, run_id: str | None, **settings: Any) -> None:
        super().__init__(experiment, run_id=run_id, **settings)
        self.known = run_id  # a run that goes on
        self.before: dict[str, set[tuple[int, float]]] = {}  # the name of a figure -> its steps and values until now

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        if new := {name: value for name, value in metrics.items() if (step, value) not in self._before(name)}:
            super().log_metrics(new, step)

    def _before(self, name: str) -> set[tuple[int, float]]:
        if self.known and name not in self.before:
            found = self.experiment.get_metric_history(self.known, re.sub("[^a-zA-Z0-9_/. -]+", "", name))
            self.before[name] = {(one.step, one.value) for one in found}
        return self.before.get(name, set())


SERVICES: dict[str, Callable[[], Make]] = {"wandb": wandb_logger, "mlflow": mlflow_logger}


class ServiceLogger(Logger):
    """A service's logger in the first process. When it fails, it warns and is left out from then on: a server's
    failure does not end training."""

    def __init__(self, service: str, make: Make, config: RunConfig, run_dir: Path) -> None:
        super().__init__()
        self.service, self.make, self.config, self.run_dir = service, make, config, run_dir
        self.begun: Begun | None = None
        self.has_failed = False
        self.status = "success"

    @property
    def name(self) -> str:
        return self.service

    @property
    def version(self) -> str:
        return self.config.run

    def log_hyperparams(self, *args: Any, **kwargs: Any) -> None:
        """Does nothing: beginning a run logs its settings."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        self._try(lambda inner: inner.log_metrics(dict(metrics), step))

    @rank_zero_only
    def finalize(self, status: str) -> None:
        self.status = status
        if self.begun is not None:
            self._try(lambda inner: inner.finalize(status))

    def end(self) -> None:
        """To be called when nothing more will be logged; finalize is called after each validation of its own, too."""
        begun, self.begun = self.begun, None
        if begun is not None:
            with self._tolerant():
                begun.end(self.status)

    def _try(self, work: Callable[[Logger], None]) -> None:
        if self.has_failed:
            return
        with self._tolerant():
            if self.begun is None:
                self.begun = self._begun()
            work(self.begun.logger)

    @contextmanager
    def _tolerant(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self.has_failed = True
            reason = (str(error) or type(error).__name__).splitlines()[0]
            log.warning("%s is not logged to any more: %s", self.service, reason)

    def _begun(self) -> Begun:
        path = self.run_dir / RUNS
        runs = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        begun = self.make(self.config, self.run_dir, runs.get(self.service))
        if self.service not in runs:
            write_atomically(path, to_json(runs | {self.service: begun.id}).encode())
            begun.logger.log_hyperparams(flat(to_dict(self.config)))
        return begun


def end_services(loggers: Iterable[Logger]) -> None:
    """End what services keep open."""
    for one in loggers:
        if isinstance(one, ServiceLogger):
            one.end()


class TensorBoard(TensorBoardLogger):
    """Lightning's logger, which mistakes a full disk for an unsupported value."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        with naming(self.log_dir):
            try:
                super().log_metrics(metrics, step)
            except ValueError as error:
                raise error.__cause__ if isinstance(error.__cause__, OSError) else error from None

    @rank_zero_only
    def finalize(self, status: str) -> None:
        with naming(self.log_dir):
            super().finalize(status)
