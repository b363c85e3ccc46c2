"""A search over settings: Optuna's ask-and-tell, with a training for every trial.

    <study>/  study.journal  trials.csv  trial-000/ trial-001/ ...    runs, as nmt-train's; lock, state, journal.lock

Any number of commands, on any machines, share a study by sharing its folder. A process locks its trial until
the process ends. A trial that runs in the journal without a lock is therefore abandoned: another process takes it up,
resumes from its last checkpoint, and ends it as if it had never stopped. The values of a trial depend on the seed,
its number and the finished trials: one command alone makes the same trials whether it is killed or not.
"""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import optuna
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial, TrialState

from nmt.common.files import claimed
from nmt.metrics.config import METRICS, Name
from nmt.plain_data import from_dict
from nmt.sweep.outcomes import Outcome, finished, write_table
from nmt.sweep.overrides import Scalar, in_words
from nmt.sweep.space import Choice, Range, Space, WholeRange, plain
from nmt.training.callbacks import Watch
from nmt.training.folder import difference
from nmt.training.run import Trained

JOURNAL, TABLE = "study.journal", "trials.csv"
LOCK, STATE, JOURNAL_LOCK = "lock", "state", "journal.lock"
NAME = "nmt"  # the one study in a journal
IDENTITY, OUTCOME = "of", "outcome"  # attributes of a study and of a trial
PAUSE_S = 0.5  # while other commands work on the last trials
FIRST_FAILED = 3  # if so many trials fail and none succeeds, their values are not to blame

log = logging.getLogger(__name__)
optuna.logging.set_verbosity(optuna.logging.WARNING)


class TrialFailedError(Exception):
    """A trial failed with its values; others may succeed."""


Training = Callable[[str, Mapping[str, Scalar], Watch], Trained]  # run name, values, watch


@dataclass(frozen=True)
class StudyPlan:
    """The settings of a search; commands that share a study may differ in them."""

    trials: int = 20  # of the study, including those of other and earlier commands
    sampler: Literal["tpe", "random"] = "tpe"  # tree-structured Parzen estimators (Bergstra et al., 2011), or random
    pruner: Literal["median", "hyperband", "none"] = "median"  # which trials end early
    prune_after: int = 1  # epochs before pruning
    seed: int = 1


def search(
    folder: Path, space: Space, settings: Mapping[str, Any], metric: Name, plan: StudyPlan, training: Training
) -> list[Outcome]:
    """Run trials until the study in `folder` has as many as planned, and wait for those of others. Returns all
    outcomes.

    `settings` are those of all trials and identify the study. Raises ValueError when the folder holds a study with
    other settings, or when the first trials all fail, and what `training` raises, except TrialFailedError.
    """
    study = Study(folder, space, {"space": plain(space), **settings}, metric, plan)
    while study.do_next(training):
        pass
    outcomes = study.outcomes()
    write_table(folder / TABLE, outcomes)
    return outcomes


class Study:
    def __init__(
        self, folder: Path, space: Space, identity: Mapping[str, Any], metric: Name, plan: StudyPlan
    ) -> None:
        self.folder, self.space, self.metric, self.plan = folder, space, metric, plan
        folder.mkdir(parents=True, exist_ok=True)
        journal = JournalFileBackend(str(folder / JOURNAL), JournalLock(folder))
        with self._locked():
            self.study = optuna.create_study(
                study_name=NAME,
                storage=optuna.storages.JournalStorage(journal),
                pruner=_pruner(plan),
                direction="minimize" if METRICS[metric].less_is_better else "maximize",
                load_if_exists=True,
            )
            before = self.study.user_attrs.get(IDENTITY)
            if before is None:
                self.study.set_user_attr(IDENTITY, dict(identity))
        if before and (differs := difference(before, identity)):
            raise ValueError(f"{folder} is a study with {differs}; choose another run=")

    def do_next(self, training: Training) -> bool:
        """Run the next trial. Returns whether there was one."""
        with self._claimed() as trial:
            if trial is None:
                return False
            values = {key: _chosen(trial, key, one) for key, one in self.space.items()}
            self._do(trial, values, training)
        self._check_failures()
        return True

    def outcomes(self) -> list[Outcome]:
        return [
            from_dict(Outcome, trial.user_attrs[OUTCOME])
            for trial in self.study.get_trials(deepcopy=False)
            if OUTCOME in trial.user_attrs
        ]

    def _do(self, trial: optuna.Trial, values: Mapping[str, Scalar], training: Training) -> None:
        """Run a trial, or the rest of one."""
        name = f"trial-{trial.number:03}"
        words = {key: in_words(value) for key, value in values.items()}
        reported = set(self.study.get_trials(deepcopy=False)[trial.number].intermediate_values)
        pruned: list[int] = []  # the epoch at which it was pruned

        def watch(epochs: int, score: float, is_over: bool) -> bool:
            if epochs not in reported:  # else an earlier validation is repeated, with the same result
                trial.report(score, epochs)
                reported.add(epochs)
            if not is_over and trial.should_prune():
                pruned.append(epochs)
            return bool(pruned)

        if OUTCOME in trial.user_attrs:  # its process ended before it told the study
            outcome = from_dict(Outcome, trial.user_attrs[OUTCOME])
        else:
            begun = "goes on" if reported else "begins"
            log.info("%s %s: %s", name, begun, " ".join(f"{key}={value}" for key, value in words.items()))
            try:
                trained = training(name, values, watch)
                outcome = finished(name, words, trained, f"pruned after epoch {pruned[0]}" if pruned else "")
            except TrialFailedError as error:
                outcome = Outcome(name, words, failed=True, end=str(error), metric=self.metric)
                log.warning("%s failed: %s", name, error)
            trial.set_user_attr(OUTCOME, asdict(outcome))
        if outcome.failed:
            self.study.tell(trial.number, state=TrialState.FAIL)
        elif outcome.end:
            self.study.tell(trial.number, state=TrialState.PRUNED)
        else:
            self.study.tell(trial.number, outcome.score)

    def _check_failures(self) -> None:
        outcomes = self.outcomes()
        if len(outcomes) >= FIRST_FAILED and all(one.failed for one in outcomes):
            raise ValueError(f"the first {len(outcomes)} trials failed, the last one: {outcomes[-1].end}")

    @contextmanager
    def _claimed(self) -> Iterator[optuna.Trial | None]:
        """A trial claimed for this process; None when all are over."""
        with ExitStack() as held:
            waits = False
            while True:
                with self._locked():
                    trial = self._abandoned(held)
                    trial = self._new(held) if trial is None else trial
                    running = self._running()
                if trial is not None or not running:
                    yield trial
                    return
                if not waits:
                    log.info("waiting for %d trial(s) of other commands", len(running))
                    waits = True
                time.sleep(PAUSE_S)

    def _locked(self) -> Any:
        """Makes asking for a trial and claiming it atomic."""
        return claimed(self.folder / LOCK, 0, wait=True)

    def _running(self) -> list[FrozenTrial]:
        return self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))

    def _abandoned(self, held: ExitStack) -> optuna.Trial | None:
        """A trial whose process has ended."""
        for trial in self._running():
            with ExitStack() as claim:
                if claim.enter_context(claimed(self.folder / STATE, trial.number)) is not None:
                    held.enter_context(claim.pop_all())
                    self._seed(trial.number)
                    return optuna.Trial(self.study, trial._trial_id)
        return None

    def _new(self, held: ExitStack) -> optuna.Trial | None:
        number = len(self.study.get_trials(deepcopy=False))
        if number >= self.plan.trials:
            return None
        self._seed(number)
        trial = self.study.ask()
        held.enter_context(claimed(self.folder / STATE, trial.number))
        return trial

    def _seed(self, number: int) -> None:
        """Seed the sampler for this trial."""
        seed = int(np.random.SeedSequence([self.plan.seed, number]).generate_state(1)[0])
        sampler = optuna.samplers.RandomSampler if self.plan.sampler == "random" else optuna.samplers.TPESampler
        self.study.sampler = sampler(seed=seed)


def _chosen(trial: optuna.Trial, key: str, one: Choice | Range) -> Scalar:
    """The value that Optuna chooses for a setting; for a resumed trial, the value that it chose then."""
    if isinstance(one, Choice):
        value: Scalar = trial.suggest_categorical(key, one.values)
        return value
    if isinstance(one, WholeRange):
        return trial.suggest_int(key, one.low, one.high, step=one.step or 1, log=one.log)
    number = trial.suggest_float(key, one.low, one.high, step=one.step, log=one.log)
    # As people write it, yet fine enough for a short step, or for a narrow range such as 0.999 to 0.99999.
    digits = 4 + int(math.log10(max(abs(one.low), abs(one.high)) / (one.step or one.high - one.low)))
    return min(max(float(f"{number:.{digits}g}"), one.low), one.high)


def _pruner(plan: StudyPlan) -> optuna.pruners.BasePruner:
    if plan.pruner == "median":
        return optuna.pruners.MedianPruner(n_warmup_steps=plan.prune_after)
    if plan.pruner == "hyperband":
        return optuna.pruners.HyperbandPruner(min_resource=plan.prune_after)
    return optuna.pruners.NopPruner()


class JournalLock(JournalFileOpenLock):
    """The lock of Optuna's file of everything asked and told. Optuna's own lock outlives its process, and is broken
    after 30 s whoever holds it; this one ends with the process. A line torn by a full disk or a power cut is removed
    before the next is written."""

    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder / JOURNAL))
        self.folder = folder

    def acquire(self) -> bool:
        self.held = ExitStack()
        self.held.enter_context(claimed(self.folder / JOURNAL_LOCK, 0, wait=True))
        mend(self.folder / JOURNAL)
        return True

    def release(self) -> None:
        self.held.close()


def mend(path: Path) -> None:
    """Remove what follows the last whole line."""
    with path.open("rb+") as file:
        size = file.seek(0, os.SEEK_END)
        if size == 0:
            return
        file.seek(size - 1)
        if file.read(1) != b"\n":
            file.seek(0)
            file.truncate(file.read().rfind(b"\n") + 1)
