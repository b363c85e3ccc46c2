"""nmt-train: a Hydra app. `nmt-train --help` lists the choices, `nmt-train --cfg job` prints the resulting config."""

from __future__ import annotations

import re
import shutil
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from nmt.cli.errors import fail, one_line_errors, warn
from nmt.cli.streams import prepare_streams
from nmt.common.bars import seen
from nmt.common.log_lines import show_log
from nmt.common.shown import shown
from nmt.common.signals import Stopped
from nmt.common.suggestions import did_you_mean

if TYPE_CHECKING:
    from nmt.cli.sweep import Sweep
    from nmt.config import RunConfig
    from nmt.training.run import Trained

COMMAND = "nmt-train"
DIVERGED = 3  # the exit code


def main() -> None:
    """Entry point."""
    prepare_streams()
    with one_line_errors(COMMAND):
        from nmt.cli.app import run_app

        run_app(COMMAND, "train", run, settled, explain, sweeps=True)


def run(composed: Any, quiet: bool = False, sweep: Sweep | None = None) -> float:
    """One training. Returns its best validation score for sweepers: to maximise, or with metric=ter or metric=nll to
    minimise. NaN for a failed run of a sweep."""
    with one_line_errors(COMMAND):  # here, before Hydra adds a line of its own
        from hydra.core.hydra_config import HydraConfig

        asked = HydraConfig.get().overrides
        overrides = [*asked.task, *(one for one in asked.hydra if one.startswith("hydra.searchpath="))]
        if sweep is None:
            return train_one(composed, overrides, quiet)
        return sweep.run(list(asked.task), partial(one_of_several, composed, overrides, quiet))


@contextmanager
def told(config: RunConfig, quiet: bool, before: str = "") -> Iterator[bool]:
    """Show the log of the training, with `before` as a prefix, and a line if a signal ends it; `quiet` leaves only
    warnings. Yields whether this process does so, which only the first one does. Raises ValueError."""
    from nmt.training.ranks import is_first_process, ranked

    try:
        with ranked(config.trainer), seen(not quiet):
            if is_first := is_first_process():
                show_log(quiet, before)
            yield is_first
    except Stopped as stopped:
        if is_first and not quiet:
            where = f"after update {stopped.step}" if stopped.step else "before the first update"
            warn(COMMAND, f"stopped {where}; the same command goes on")
        raise


def train_one(composed: Any, overrides: list[str], quiet: bool) -> float:
    from nmt.training.divergence import DivergenceError
    from nmt.training.run import train  # imports Lightning: not for --help

    config = run_config(composed, overrides)
    try:
        with told(config, quiet) as is_first:
            result = train(config)
    except DivergenceError as error:
        fail(COMMAND, str(error), DIVERGED)
    if is_first and not quiet:
        print(shown(f"{result.model_dir}  validation {result.best}"), file=sys.stderr)
    return result.score


def one_of_several(composed: Any, overrides: list[str], quiet: bool, run: str) -> Trained:
    """The run `run` of a sweep."""
    from nmt.training.machine import on_one_device
    from nmt.training.run import train

    prepare_streams()  # this may be another process
    config = on_one_device(replace(run_config(composed, overrides), run=run))
    with told(config, quiet, f"{run.rpartition('/')[2]}: "):
        return train(config)


def run_config(composed: Any, overrides: list[str]) -> RunConfig:
    """The config of one run. Raises ValueError."""
    from nmt.cli.schema import to_plain
    from nmt.config import RunConfig
    from nmt.plain_data import from_dict

    return from_dict(RunConfig, settled(to_plain(composed), overrides))


def settled(plain: dict[str, Any], overrides: list[str]) -> dict[str, Any]:
    """The plain data of a run's config, with the own settings of the model of init=. Raises ValueError."""
    if not plain["init"]:
        return plain
    from nmt.cli.schema import compose_on, of_model
    from nmt.training.warm_start import with_start

    return with_start(plain, lambda own, typed: compose_on(own, of_model(overrides, own) if typed else overrides))


def explain(data: dict[str, Any], word: str) -> str:
    """The settings whose keys contain the word, or else whose descriptions do, with values and descriptions. Raises
    ValueError if there are none."""
    from nmt.cli.suggestions import ELSEWHERE
    from nmt.config import RunConfig
    from nmt.settings import explained, shown_value

    every = list(explained(data, RunConfig))
    name = word.lstrip("-").replace("-", "_")  # an option of another toolkit
    word = ELSEWHERE.get(name, name if any(name in one[0] for one in every) else word)
    described = re.compile(rf"\b{re.escape(word)}")
    found = [one for one in every if word in one[0]] or [one for one in every if described.search(one[2])]
    if not found:
        known = {part for key, _, _ in every for part in (key, *key.split("."))}
        raise ValueError(f"no setting has {word!r} in its name or its description{did_you_mean(word, known)}")
    width = max(40, min(shutil.get_terminal_size().columns, 110))
    lines = []
    for key, value, words in found:
        said = textwrap.fill(words, width, initial_indent="    ", subsequent_indent="    ")
        lines.append(f"{key}={shown_value(value)}\n{said}")
    return "\n".join(lines)
