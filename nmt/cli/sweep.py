"""A sweep of nmt-train (-m): its folder, the names of its runs, and the table of their results."""

from __future__ import annotations

import math
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nmt.cli.errors import said_of, warn
from nmt.cli.schema import run_name
from nmt.common.bars import seen
from nmt.common.extras import explained
from nmt.common.files import from_home, locked
from nmt.common.shown import shown
from nmt.config import check_run
from nmt.sweep import outcomes as table
from nmt.sweep.outcomes import Outcome, finished, keep_finished, read_records, shared, write_record
from nmt.sweep.overrides import overridden, quoted
from nmt.training.divergence import DivergenceError
from nmt.training.folder import CONFIG, PLACES
from nmt.training.run import Trained

FAILED = 1  # the exit code when a run failed


@dataclass(frozen=True)
class Sweep:
    """Sent with every run to the process in which a launcher starts it."""

    command: str
    own: str  # the sweep's run=
    folder: Path
    fixed: frozenset[str]  # keys with one value for all runs, left out of names
    process: int = 0  # the id of the command's process

    def run(self, overrides: list[str], work: Callable[[str], Trained]) -> float:
        """Call `work` with the value of the run's run=, and save the outcome. Returns the score, or NaN if the run
        failed: the other runs continue, and the result of an earlier start stays. A signal ends all runs."""
        given = overridden(overrides).items()
        name = run_name([one for one in overrides if not self.fixed.issuperset(overridden([one]))])
        own = {key: value for key, value in given if key not in self.fixed}
        fixed = {key: value for key, value in given if key in self.fixed and key not in PLACES}
        begun = Outcome(name, own, failed=True, end="ended without a word", fixed=fixed)
        write_record(self.folder, begun)
        outcome, score = begun, math.nan
        try:
            with seen(os.getpid() == self.process):  # elsewhere several bars would share one terminal
                found = work(f"{self.own}/{name}")
            score = found.score
            outcome = replace(finished(name, own, found), fixed=fixed)
        except BrokenPipeError:
            raise
        except Exception as error:
            said = str(error) if isinstance(error, DivergenceError) else said_of(error)
            if isinstance(error, ModuleNotFoundError):
                said = explained(error, self.command)
            if said is None:
                traceback.print_exc()
                said = f"{type(error).__name__}: {error}"
            warn(self.command, f"{name}: {said}")
            outcome = replace(begun, end=shown(" ".join(said.split())))
        write_record(self.folder, outcome)
        return score


@contextmanager
def sweeping(command: str, composed: Any, overrides: list[Any]) -> Iterator[Sweep]:
    """The sweep described by nmt-train's overrides (Hydra's objects); `composed` is their config without the swept
    settings. When all runs are over, prints and writes the table, including runs of earlier starts. Exits with FAILED
    if a run failed."""
    own = [one for one in overrides if not one.key_or_group.startswith("hydra")]
    swept = overridden(one.input_line for one in own if one.is_sweep_override())
    if name := next((key for key in swept if key in PLACES), None):
        raise ValueError(f"{name} says where the sweep's runs lie, each in a folder of its own; give it one value")
    is_named = "run_name" not in str(composed._get_node("run")._value())
    run = str(composed.run) if is_named else run_name([one.input_line for one in own])
    check_run(run)
    folder = from_home(composed.runs_dir) / run
    if (folder / CONFIG).exists():
        raise ValueError(f"{folder} belongs to a run; give the sweep another run=")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with locked(folder, wait=False):
            fixed = shared(overridden(one.input_line for one in own), swept, keep_finished(folder))
            if not any(one.key_or_group == "hydra.sweep.dir" for one in overrides):
                sys.argv.append(f"hydra.sweep.dir={quoted(str(folder))}")
            try:
                yield Sweep(command, run, folder, fixed, os.getpid())
            except Exception as error:
                _tell(folder)
                if said_of(error) is not None:
                    raise
                raise ChildProcessError(f"the sweep ended: {type(error).__name__}: {error}") from error
            outcomes = _tell(folder)
    except BlockingIOError:
        raise ValueError(f"{folder} is in use: the same sweep is going on already") from None
    if any(one.failed for one in outcomes):
        raise SystemExit(FAILED)


def _tell(folder: Path) -> list[Outcome]:
    """Show all runs in the folder -> their outcomes."""
    if outcomes := read_records(folder):
        show(folder, outcomes)
    return outcomes


def show(folder: Path, outcomes: list[Outcome]) -> None:
    """Print and write the table of the runs and, if some differ in their seed alone, that of their means."""
    of_runs, of_seeds = folder / table.TABLE, folder / table.SEEDS
    table.write_table(of_runs, outcomes)
    said = [table.text_table(outcomes), str(of_runs)]
    of_seeds.unlink(missing_ok=True)
    if means := table.seeds_table(outcomes):
        table.write_rows(of_seeds, means)
        said += ["", table.lined_up(means), str(of_seeds)]
    print(shown("\n".join(said), None, lines=True))
