"""nmt-train: a Hydra app. `nmt-train --help` lists the choices, `nmt-train --cfg job` what they come to."""

from __future__ import annotations

import logging
import shutil
import sys
import textwrap
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nmt.bars import seen
from nmt.cli.errors import fail, one_line_errors
from nmt.cli.streams import prepare_streams
from nmt.log_lines import ShownLines, Terminal
from nmt.shown import shown
from nmt.suggestions import did_you_mean

if TYPE_CHECKING:
    from nmt.config import RunConfig

COMMAND = "nmt-train"
DIVERGED = 3  # the exit code


def main() -> None:
    """Entry point."""
    prepare_streams()
    from nmt.cli.app import run_app

    run_app(COMMAND, "train", run, explain)


def run(composed: Any, quiet: bool = False) -> float:
    """One training; returns what its best validation scored, for sweepers: to be maximised, but TER and nll, with
    metric=ter and metric=nll, to be minimised."""
    with one_line_errors(COMMAND):  # here, before Hydra adds a line of its own
        return train_one(composed, quiet)


def train_one(composed: Any, quiet: bool) -> float:
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    from nmt.cli.schema import run_name
    from nmt.training.divergence import DivergenceError
    from nmt.training.folder import is_first_process
    from nmt.training.run import train  # torch and lightning: not for --help

    hydra_config = HydraConfig.get()
    config = run_config(composed, list(hydra_config.overrides.task))
    if hydra_config.mode == RunMode.MULTIRUN:
        if config.trainer.strategy == "ddp":
            raise ValueError("trainer.strategy=ddp does not go with a sweep (-m); start its runs one by one")
        overrides = list(hydra_config.overrides.task)
        if any(override.startswith("run=") for override in overrides):  # else the name tells the jobs apart already
            typed = {argument.lower() for argument in sys.argv}  # Hydra writes false as False
            swept = [override for override in overrides if override.lower() not in typed]
            config = replace(config, run=f"{config.run}/{run_name(swept)}")
    if is_first_process():
        show_log(quiet)
    try:
        with seen(not quiet):
            result = train(config)
    except DivergenceError as error:
        fail(COMMAND, str(error), DIVERGED)
    if is_first_process() and not quiet:
        print(shown(f"{result.model_dir}  validation {result.best}"), file=sys.stderr)
    return result.score


def run_config(composed: Any, overrides: list[str]) -> RunConfig:
    """The config of one run; with init=, the model's own where it has settings: those of an experiment, or of data,
    yield, and what is typed must be the same. Raises ValueError."""
    from nmt.cli.schema import compose_on, of_model, to_plain
    from nmt.config import RunConfig, from_dict

    if not composed.init:
        return from_dict(RunConfig, to_plain(composed))
    from nmt.bundle import load_bundle
    from nmt.training.start import check_start, own_settings, with_own

    own = own_settings(load_bundle(composed.init), composed.init_vocabulary)
    plain = to_plain(compose_on(own, overrides))
    typed = to_plain(compose_on(own, ["~data", *(one for one in overrides if of_model(one, own))])) | {
        "data": plain["data"]
    }
    check_start(composed.init, own, typed)
    from_dict(RunConfig, typed)  # what is unknown to the model is not its own
    return from_dict(RunConfig, plain | with_own(own, plain))


def explain(data: dict[str, Any], word: str) -> str:
    """Each setting with its value and its words, of those whose key has the word. Raises ValueError for none."""
    from nmt.config import RunConfig
    from nmt.settings import explained, shown_value

    data["init"] = data.get("init")
    every = list(explained(data, RunConfig))
    found = [one for one in every if word in one[0]]
    if not found:
        known = {part for key, _, _ in every for part in (key, *key.split("."))}
        raise ValueError(f"no setting has {word!r} in its name{did_you_mean(word, known)}")
    width = max(40, min(shutil.get_terminal_size().columns, 110))
    lines = []
    for key, value, words in found:
        said = textwrap.fill(words, width, initial_indent="    ", subsequent_indent="    ")
        lines.append(f"{key}={shown_value(value)}\n{said}")
    return "\n".join(lines)


def show_log(quiet: bool = False) -> None:
    """What nmt logs, on stderr; `quiet` leaves warnings."""
    logger = logging.getLogger("nmt")
    logger.setLevel(logging.INFO)
    if not logger.handlers:  # a sweep comes here once a job
        handler = Terminal(sys.stderr)
        handler.setLevel(logging.WARNING if quiet else logging.INFO)
        handler.setFormatter(ShownLines())
        logger.addHandler(handler)
