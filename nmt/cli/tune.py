"""nmt-tune: searches for the best settings of nmt-train; several commands may share the search.

nmt-evaluate --tune is different: it finds how a finished model's beam should rank.
"""

from __future__ import annotations

import argparse
import logging
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nmt.cli.errors import Parser, command, said_of
from nmt.cli.options import add_common, positive, up_to
from nmt.common.bars import seen
from nmt.common.shown import shown

if TYPE_CHECKING:
    from nmt.config import RunConfig
    from nmt.sweep.outcomes import Outcome
    from nmt.sweep.space import Scalar, Space
    from nmt.sweep.study import Training

COMMAND = "nmt-tune"
MAX_TRIALS = 100_000
FAILED = 1  # exit code if all trials failed
OWN_NAME = "tune_"  # prefix of a study's name if no run= is given

log = logging.getLogger(__name__)


def parser() -> Parser:
    parser = Parser(
        prog=COMMAND,
        description="Search through settings of nmt-train: a training for each trial, ended early where it is worse "
        "than others were. The same command, here or on a machine that shares the folder, works at the same study; "
        "one that was killed goes on.",
        epilog="How a finished model should search is found by nmt-evaluate --tune.",
    )
    parser.add_argument(
        "overrides",
        nargs="*",
        metavar="KEY=VALUE",
        help="for all trials, as of nmt-train; run= names the study",
    )
    parser.add_argument(
        "--space",
        default="default",
        metavar="FILE",
        help="what is searched through: a YAML file, or default or architecture, which come with nmt (%(default)s); "
        "what is overridden is not",
    )
    parser.add_argument(
        "--trials", type=up_to(MAX_TRIALS), default=20, metavar="N", help="of the study in all (%(default)s)"
    )
    parser.add_argument(
        "--sampler", choices=["tpe", "random"], default="tpe", help="what is tried next (%(default)s)"
    )
    parser.add_argument(
        "--pruner",
        choices=["median", "hyperband", "none"],
        default="median",
        help="which trials are ended after a validation: those worse than the median of the others then, after five "
        "whole ones (%(default)s)",
    )
    parser.add_argument(
        "--prune-after", type=positive, default=1, metavar="N", help="epochs, at the earliest (%(default)s)"
    )
    parser.add_argument("--seed", type=positive, default=1, metavar="N", help="of the search (%(default)s)")
    parser.add_argument("--config-dir", metavar="DIR", help="a folder with choices of your own, as of nmt-train")
    add_common(parser)
    return parser


def main() -> None:
    """Entry point."""
    with command(parser()) as options:
        with seen(not options.quiet):
            outcomes, lines = searched(options)
        print(shown("\n".join(lines), None, lines=True))
        if all(one.failed for one in outcomes):
            raise SystemExit(FAILED)


def searched(options: argparse.Namespace) -> tuple[list[Outcome], list[str]]:
    """Search -> the outcomes of the trials, and the lines to print. Raises ValueError for an impossible search."""
    from nmt.cli.schema import register, run_name
    from nmt.common.log_lines import show_log
    from nmt.sweep.outcomes import sorted_outcomes, text_table
    from nmt.sweep.space import in_words, quoted
    from nmt.sweep.study import TABLE, StudyPlan, search
    from nmt.training.early_check import check_machine

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
    from nmt.cli.composing import parsed_overrides, readable

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
    from nmt.sweep.outcomes import overridden
    from nmt.sweep.space import find_space, read_space

    path = find_space(options.space)
    space = read_space(path)
    for key in space:
        if key.startswith("hydra") or key in ("run", "runs_dir", "cache_dir"):
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
    from nmt.bundle import load_bundle
    from nmt.common.resources import resource
    from nmt.sweep.space import find_space
    from nmt.training.warm_start import is_decided, own_settings

    path, own = find_space(options.space), own_settings(load_bundle(config.init), config.init_vocabulary)
    decided = [key for key in space if is_decided(key, own)]
    if decided and (path.parent != resource("conf") or len(decided) == len(space)):
        raise ValueError(f"{path} names {', '.join(decided)}, which init={config.init} decides; leave it out")
    return {key: one for key, one in space.items() if key not in decided}, decided


def check_space(space: Space, fixed: Sequence[str], options: argparse.Namespace) -> None:
    """Raises ValueError for an unknown setting or choice, and for a value of a wrong type. Combinations of values are
    not checked."""
    from nmt.cli.app import built
    from nmt.cli.schema import to_plain
    from nmt.config import RunConfig
    from nmt.plain_data import check_types
    from nmt.sweep.space import typed

    ends = {key: one.ends for key, one in space.items()}
    for i in range(max(map(len, ends.values()))):
        values = [typed(key, of_key[i % len(of_key)]) for key, of_key in ends.items()]
        plain = built([*fixed, *values, "run=x"], lambda composed, _: to_plain(composed), options.config_dir)
        check_types(RunConfig, plain)


def configured(overrides: list[str], options: argparse.Namespace) -> RunConfig:
    """The config of a run. Raises ValueError."""
    from nmt.cli.app import built
    from nmt.cli.train import run_config
    from nmt.training.machine import on_one_device

    return on_one_device(built(overrides, run_config, options.config_dir))


def settings_of(config: RunConfig) -> dict[str, Any]:
    """The settings that a study's trials share and that affect their scores, as plain data."""
    from nmt.common.json_text import finite
    from nmt.composition import flat
    from nmt.plain_data import to_dict
    from nmt.training.folder import CHANGEABLE

    lengths = {f"trainer.{name}" for name in ("max_epochs", "max_steps", "max_minutes", "patience")}
    others = CHANGEABLE - lengths | {"run", "data.dir"}
    return {key: value for key, value in flat(finite(to_dict(config))).items() if key not in others}


def training(run: str, fixed: Sequence[str], options: argparse.Namespace) -> Training:
    """A function that runs a trial. An error of the machine, such as a full disk, is not the trial's and ends the
    search."""
    from nmt.common.log_lines import show_log
    from nmt.sweep.space import quoted, typed
    from nmt.sweep.study import TrialFailedError
    from nmt.training.callbacks import Watch
    from nmt.training.divergence import DivergenceError
    from nmt.training.run import Trained, train

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
