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
from typing import TYPE_CHECKING, Any

from nmt.cli.errors import said_of, warn
from nmt.common.bars import seen
from nmt.common.extras import explained
from nmt.common.shown import shown

if TYPE_CHECKING:
    from nmt.sweep.outcomes import Outcome
    from nmt.training.run import Trained

FAILED = 1  # the exit code when a run failed
CONFIG = "config.yaml"  # of a run
PLACES = ("run", "runs_dir", "cache_dir")  # the paths of a sweep's runs


@dataclass(frozen=True)
class Sweep:
    """Sent with every run to the process in which a launcher starts it."""

    command: str
    own: str  # the sweep's run=
    folder: Path
    fixed: frozenset[str]  # keys with one value for all runs, left out of names
    process: int = 0  # the id of the command's process

    def name(self, overrides: list[str]) -> str:
        """The name of a run's folder in the sweep's folder: only the settings that differ."""
        from nmt.cli.schema import run_name

        return run_name([one for one in overrides if _key(one) not in self.fixed])

    def run(self, overrides: list[str], work: Callable[[str], Trained]) -> float:
        """Run `work` with the run's name and save the outcome. Returns the score, or NaN if the run failed: the other
        runs continue, and the result of an earlier start stays. A signal ends all runs."""
        from nmt.sweep.outcomes import Outcome, finished, overridden, write_record
        from nmt.training.divergence import DivergenceError

        given = overridden(overrides).items()
        own = {key: value for key, value in given if key not in self.fixed}
        fixed = {key: value for key, value in given if key in self.fixed and key not in PLACES}
        begun = Outcome(self.name(overrides), own, failed=True, end="ended without a word", fixed=fixed)
        write_record(self.folder, begun)
        outcome, score = begun, math.nan
        try:
            with seen(os.getpid() == self.process):  # elsewhere several bars would share one terminal
                found = work(begun.run)
            score = found.score
            outcome = replace(finished(begun.run, own, found), fixed=fixed)
        except BrokenPipeError:
            raise
        except Exception as error:
            said = str(error) if isinstance(error, DivergenceError) else said_of(error)
            if isinstance(error, ModuleNotFoundError):
                said = explained(error, self.command)
            if said is None:
                traceback.print_exc()
                said = f"{type(error).__name__}: {error}"
            warn(self.command, f"{begun.run}: {said}")
            outcome = replace(begun, end=shown(" ".join(said.split())))
        write_record(self.folder, outcome)
        return score


def _key(override: Any) -> str:
    return str(override).partition("=")[0].lstrip("+~")


@contextmanager
def sweeping(command: str, composed: Any, overrides: list[Any]) -> Iterator[Sweep]:
    """The sweep described by nmt-train's overrides (Hydra's objects); `composed` is their config without the swept
    settings. When all runs are over, prints and writes the table, including runs of earlier starts. Exits with FAILED
    if a run failed."""
    from nmt.cli.schema import run_name
    from nmt.common.files import from_home, locked
    from nmt.config import check_run
    from nmt.sweep.outcomes import keep_finished, overridden, shared
    from nmt.sweep.space import quoted

    own = [one for one in overrides if not one.key_or_group.startswith("hydra")]
    swept = [_key(one.input_line) for one in own if one.is_sweep_override()]
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
    from nmt.sweep.outcomes import read_records

    outcomes = read_records(folder)
    if outcomes:
        show(folder, outcomes)
    return outcomes


def show(folder: Path, outcomes: list[Outcome]) -> None:
    """Print and write the table of the runs and, if some differ in their seed alone, that of their means."""
    from nmt.sweep.outcomes import SEEDS, TABLE, lined_up, seeds_table, text_table, write_rows, write_table

    write_table(folder / TABLE, outcomes)
    said = [text_table(outcomes), str(folder / TABLE)]
    (folder / SEEDS).unlink(missing_ok=True)
    if means := seeds_table(outcomes):
        write_rows(folder / SEEDS, means)
        said += ["", lined_up(means), str(folder / SEEDS)]
    print(shown("\n".join(said), None, lines=True))
