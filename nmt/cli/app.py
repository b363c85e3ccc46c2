"""Commands whose config Hydra composes from arguments: nmt-train and nmt-lab.

Hydra imports whatever its own settings name (callbacks, launchers, log handlers), and --experimental-rerun unpickles.
Here Hydra's settings may only choose installed plugins by name; anything else that would be imported is refused.
"""

from __future__ import annotations

import argparse
import logging
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import Any

import hydra
from hydra._internal.utils import get_args_parser
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import MISSING, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from nmt import __version__
from nmt.cli.composing import Build, Composition, Plain, Settle, T, dotted, parsed_overrides, readable
from nmt.cli.errors import fail, one_line_errors
from nmt.common.resources import resource
from nmt.common.suggestions import did_you_mean

Explain = Callable[[Plain, str], str]
IMPORTS = frozenset(["callbacks", "_target_", "class", "()", "custom_search_space"])  # keys in Hydra's own settings
MODES = ("run", "multirun", "cfg", "info", "shell_completion")  # of Hydra: what it is to do
QUIET = ("-q", "--quiet")  # no progress, and only warnings in the log
INSTALLED = ("hydra._internal.", "hydra_plugins.", "optuna.samplers.", "logging.", "colorlog.")


def run_app(
    command: str,
    config_name: str,
    task: Callable[[Any, bool, Any], Any],
    settle: Settle | None = None,
    explain: Explain | None = None,
    sweeps: bool = False,
) -> None:
    """Call `task` (in a sweep once per job) with the config composed from conf/<config_name>.yaml and sys.argv,
    whether to be quiet, and the sweep, if the command `sweeps` and this is one, or None.

    With --settings and --cfg, print the config instead, after `settle` has processed the plain data and the
    overrides; --settings prints it with `explain`. Wrong arguments end the command in one line."""
    with one_line_errors(command):
        arguments = _arguments(command, explain is not None)
        parsed = parsed_overrides(arguments.overrides)
        refuse_imports(parsed)
        hydras_own = bool(arguments.config_dir or arguments.config_path or any(map(_of_hydra, parsed)))
        composition = Composition(
            arguments.config_name or config_name,
            parsed,
            arguments.config_dir,
            arguments.config_path,
            may_sweep=hydras_own or arguments.multirun,
        )
        is_composed = hydras_own or (sweeps and arguments.multirun)
        composed = composition.built(lambda composed, _: composed) if is_composed else None
        if hydras_own:
            _refuse_composed_imports(composed)
        if explain and arguments.settings is not None:
            print(explain(composition.plain(settle), arguments.settings))
            return
        if arguments.cfg and not (arguments.help or arguments.hydra_help):
            print(_shown(composition.plain(settle), arguments), end="")
            return
        if arguments.info:  # Hydra logs it to stdout, whose errors are told once, when it is flushed
            logging.raiseExceptions = False
        around: AbstractContextManager[Any] = nullcontext()
        if sweeps and composed and (arguments.multirun or composed.hydra.mode == RunMode.MULTIRUN):
            from nmt.cli.sweep import sweeping  # imports torch and Lightning

            around = sweeping(command, composed, parsed)
        with around as sweep:
            _run_jobs(composition, config_name, lambda composed: task(composed, arguments.quiet, sweep))


def _run_jobs(composition: Composition, config_name: str, job: Callable[[Any], Any]) -> None:
    """Let Hydra process sys.argv. Raises ValueError for overrides that cannot be composed."""
    from nmt.cli.schema import register  # imports torch, which the errors above do not need

    register()
    # Otherwise Hydra prints a job's errors itself, over many lines, instead of raising them.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        hydra.main(version_base="1.3", config_path=str(resource("conf")), config_name=config_name)(job)()
    except (HydraException, OmegaConfBaseException) as error:
        raise ValueError(composition.explained(error)) from None


def _arguments(command: str, explains: bool) -> argparse.Namespace:
    """Hydra's options and the overrides, in any order. Reorders sys.argv so that Hydra can parse it again. Ends
    the command for errors that Hydra would print over many lines."""
    parser = get_args_parser()
    parser.prog, parser.error = command, lambda message: fail(command, f"{message} (see --help)")
    for action in parser._actions:
        if action.dest == "version":
            action.version = f"nmt {__version__}"
    parser.add_argument(*QUIET, action="store_true")
    if explains:
        parser.add_argument("--settings", nargs="?", const="", metavar="WORD")
    arguments: argparse.Namespace = parser.parse_intermixed_args()
    if explains and "=" in (arguments.settings or ""):  # not a word, but an override
        arguments.overrides, arguments.settings = [arguments.settings, *arguments.overrides], ""
    if arguments.quiet and not set(QUIET) & set(sys.argv):
        raise ValueError(f"give {' or '.join(QUIET)} by itself")
    # Hydra parses them again, and accepts no options between overrides.
    others = [one for one in sys.argv if one not in (*QUIET, *arguments.overrides)]
    arguments.overrides = list(map(readable, arguments.overrides))
    sys.argv = others + arguments.overrides
    if len(modes := [f"--{name.replace('_', '-')}" for name in MODES if getattr(arguments, name)]) > 1:
        raise ValueError(f"{' and '.join(modes)} exclude each other")
    if arguments.package is not None and not arguments.cfg:
        raise ValueError("--package is the part of the config that --cfg shows; give --cfg job too")
    if arguments.experimental_rerun is not None:
        raise ValueError("--experimental-rerun would run what its file says; give the same command again instead")
    for option in ("config_dir", "config_path"):
        folder = getattr(arguments, option)
        if folder is not None and not Path(folder).is_dir():
            raise ValueError(f"--{option.replace('_', '-')} is {folder!r}, which is no folder")
    if arguments.config_path and not Path(arguments.config_path).is_absolute():  # Hydra would look elsewhere
        raise ValueError(f"--config-path takes an absolute path, such as {Path(arguments.config_path).resolve()}")
    return arguments


def _of_hydra(override: Any) -> bool:
    return override.key_or_group.startswith("hydra") or str(override.package).startswith("hydra")


def refuse_imports(overrides: list[Any]) -> None:
    """Raises ValueError for an override of Hydra's own settings that would make it import something."""
    for override in filter(_of_hydra, overrides):
        path = f"{override.key_or_group}.{override.package}".replace("/", ".").split(".")
        value = override.value()
        if IMPORTS & {*path, *(str(key) for key, _ in _items(value))} or "pkg://" in str(value):
            raise ValueError(_refusal(override.input_line))


def _refuse_composed_imports(composed: Any) -> None:
    """The same for settings in files of the user's folders."""
    for key, value in _items(OmegaConf.to_container(composed.hydra)):
        if value and key in IMPORTS and not str(value).startswith(INSTALLED):
            raise ValueError(_refusal(f"{key}: {value}"))


def _refusal(what: str) -> str:
    return (
        f"{what} names what Hydra would import; its launcher and sweeper are chosen by the name of an installed "
        "plugin only, such as hydra/launcher=joblib"
    )


def _items(data: Any) -> Iterator[tuple[Any, Any]]:
    """Every key with its value, at any depth."""
    if isinstance(data, dict):
        yield from data.items()
        data = list(data.values())
    if isinstance(data, list):
        for value in data:
            yield from _items(value)


def _shown(plain: Plain, arguments: argparse.Namespace) -> str:
    """The config, or the part of it that --package names, as Hydra prints it with --cfg. Raises ValueError for a name
    of no part."""
    config, package = OmegaConf.create(plain), arguments.package
    if arguments.resolve:
        OmegaConf.resolve(config)
    if arguments.cfg == "hydra":
        del config.hydra["help"], config.hydra["hydra_help"]
    own = [str(key) for key in config if arguments.cfg in ("all", "hydra" if key == "hydra" else "job")]
    if package in (None, "", "_global_"):
        return OmegaConf.to_yaml(OmegaConf.masked_copy(config, own))
    part, keys = MISSING, {key for key in dotted(plain) if key.partition(".")[0] in own}
    if re.split(r"[.\[]", package)[0] in own:
        with suppress(OmegaConfBaseException):  # what cannot be an index, and the like
            part = OmegaConf.select(config, package, default=MISSING)
    if part == MISSING and package not in keys:
        raise ValueError(f"--package: the config has no {package!r}{did_you_mean(package, keys)}")
    if OmegaConf.is_config(part):
        return f"# @package {package}\n{OmegaConf.to_yaml(part)}"
    return f"{'null' if part is None else part}\n"


def built(overrides: list[str], build: Build[T], config_dir: str | None = None) -> T:
    """The result of `build` for nmt-train's config with these overrides, and the overrides. Raises ValueError."""
    parsed = parsed_overrides(overrides)
    refuse_imports(parsed)

    def without_hydras(composed: Any, lines: list[str]) -> T:
        with open_dict(composed):
            del composed["hydra"]
        return build(composed, lines)

    return Composition("train", parsed, config_dir).built(without_hydras)
