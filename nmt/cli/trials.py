"""The search of nmt-tune: its space, the settings of its trials, and the training of each."""

from __future__ import annotations

import argparse
import logging
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nmt.bundle import load_bundle
from nmt.cli.app import built
from nmt.cli.composing import parsed_overrides, readable
from nmt.cli.errors import said_of
from nmt.cli.schema import register, run_name, to_plain
from nmt.cli.train import run_config
from nmt.common.json_text import finite
from nmt.common.log_lines import show_log
from nmt.common.resources import resource
from nmt.composition import flat
from nmt.config import RunConfig
from nmt.plain_data import check_types, to_dict
from nmt.sweep.outcomes import Outcome, sorted_outcomes, text_table
from nmt.sweep.overrides import Scalar, in_words, overridden, quoted, typed
from nmt.sweep.space import Space, find_space, read_space
from nmt.sweep.study import TABLE, StudyPlan, Training, TrialFailedError, search
from nmt.training.callbacks import Watch
from nmt.training.divergence import DivergenceError
from nmt.training.early_check import check_machine
from nmt.training.folder import CHANGEABLE, PLACES
from nmt.training.machine import on_one_device
from nmt.training.run import Trained, train
from nmt.training.warm_start import is_decided, own_settings

OWN_NAME = "tune_"  # prefix of a study's name if no run= is given

log = logging.getLogger(__name__)


def searched(options: argparse.Namespace) -> tuple[list[Outcome], list[str]]:
    """Search -> the outcomes of the trials, and the lines to print. Raises ValueError for an impossible search."""
    register()
    fixed, run = split_overrides(options.overrides)
    run = run or OWN_NAME + run_name(fixed)
    config = configured([*fixed, f"run={quoted(run)}"], options)
    space, decided = left_by_start(space_for(options, fixed), config, options)
    check_space(space, fixed, options)
    check_machine(config)
    show_log(options.quiet)
    if decided:
        log.info("init=%s decides, and the search leaves as it is: %s", config.init, ", ".join(decided))
    folder = Path(config.runs_dir) / run
    plan = StudyPlan(options.trials, options.sampler, options.pruner, options.prune_after, options.seed)
    outcomes = search(folder, space, settings_of(config), config.metric.name, plan, training(run, fixed, options))
    best = sorted_outcomes(outcomes)[0]
    lines = [text_table(outcomes), str(folder / TABLE)]
    if not best.failed:
        found = [f"{key}={value}" for key, value in best.differs.items()]
        own = ["--config-dir", options.config_dir] if options.config_dir else []
        again = shlex.join(["nmt-train", *own, *fixed, *found, f"run={in_words(f'{run}_best')}"])
        lines += ["", f"the best: {best.run}, whose model is {folder / best.run / 'model'}; again:", again]
    return outcomes, lines


def split_overrides(overrides: Sequence[str]) -> tuple[list[str], str]:
    """The overrides of all trials, and the study's own run= or "". Raises ValueError."""
    fixed, run = [], ""
    for one in parsed_overrides(list(map(readable, overrides))):
        if one.key_or_group.startswith("hydra"):
            raise ValueError(f"{one.input_line} is Hydra's own, which has no part in a search")
        if one.is_sweep_override():
            raise ValueError(f"{one.input_line} has several values; name them in a file for --space")
        if one.key_or_group == "run":
            run = str(one.value())
        else:
            fixed.append(one.input_line)
    return fixed, run


def space_for(options: argparse.Namespace, fixed: Sequence[str]) -> Space:
    """The space without the overridden settings. Raises ValueError."""
    path = find_space(options.space)
    space = read_space(path)
    for key in space:
        if key.startswith("hydra") or key in PLACES:
            raise ValueError(f"{path} is no space: {key} is nothing that a model depends on")
    left = {key: one for key, one in space.items() if key not in overridden(fixed)}
    if not left:
        raise ValueError(f"all that {path} would search through is overridden")
    return left


def left_by_start(space: Space, config: RunConfig, options: argparse.Namespace) -> tuple[Space, list[str]]:
    """The space without the keys that the model of init= decides, and these keys. Raises ValueError if the user's own
    space names such a key, or nothing is left."""
    if not config.init:
        return space, []
    path, own = find_space(options.space), own_settings(load_bundle(config.init), config.init_vocabulary)
    decided = [key for key in space if is_decided(key, own)]
    if decided and (path.parent != resource("conf") or len(decided) == len(space)):
        raise ValueError(f"{path} names {', '.join(decided)}, which init={config.init} decides; leave it out")
    return {key: one for key, one in space.items() if key not in decided}, decided


def check_space(space: Space, fixed: Sequence[str], options: argparse.Namespace) -> None:
    """Raises ValueError for an unknown setting or choice, and for a value of a wrong type. Combinations of values are
    not checked."""
    ends = {key: one.ends for key, one in space.items()}
    for i in range(max(map(len, ends.values()))):
        values = [typed(key, of_key[i % len(of_key)]) for key, of_key in ends.items()]
        plain = built([*fixed, *values, "run=x"], lambda composed, _: to_plain(composed), options.config_dir)
        check_types(RunConfig, plain)


def configured(overrides: list[str], options: argparse.Namespace) -> RunConfig:
    """The config of a run. Raises ValueError."""
    return on_one_device(built(overrides, run_config, options.config_dir))


def settings_of(config: RunConfig) -> dict[str, Any]:
    """The settings that a study's trials share and that affect their scores, as plain data."""
    lengths = {f"trainer.{name}" for name in ("max_epochs", "max_steps", "max_minutes", "patience")}
    others = CHANGEABLE - lengths | {"run", "data.dir"}
    return {key: value for key, value in flat(finite(to_dict(config))).items() if key not in others}


def training(run: str, fixed: Sequence[str], options: argparse.Namespace) -> Training:
    """A function that runs a trial. An error of the machine, such as a full disk, is not the trial's and ends the
    search."""

    def one(name: str, values: Mapping[str, Scalar], watch: Watch) -> Trained:
        own = [typed(key, value) for key, value in values.items()]
        show_log(options.quiet, f"{name}: ")
        try:
            return train(configured([*fixed, *own, f"run={quoted(f'{run}/{name}')}"], options), watch)
        except Exception as error:
            said = str(error) if isinstance(error, DivergenceError) else said_of(error)
            if said is None or isinstance(error, OSError):
                raise
            raise TrialFailedError(" ".join(said.split())) from None
        finally:
            show_log(options.quiet)

    return one
