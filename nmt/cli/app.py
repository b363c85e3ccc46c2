"""A command whose arguments Hydra composes: nmt-train and nmt-lab.

Hydra imports what its own settings name (callbacks, launchers, handlers of logs), and --experimental-rerun unpickles.
Here its settings choose by name among what is installed, and whatever else would be imported is refused first.
"""

from __future__ import annotations

import argparse
import os
import sys
import typing
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import hydra
from hydra import compose, initialize_config_dir
from hydra._internal.utils import get_args_parser
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, OverrideParseException
from hydra.types import RunMode
from omegaconf import OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from nmt import __version__
from nmt.cli.errors import fail, one_line_errors
from nmt.common.resources import resource

T = typing.TypeVar("T")
Plain = dict[str, Any]
Build = Callable[[Any, list[str]], T]
Settle = Callable[[Plain, list[str]], Plain]
Explain = Callable[[Plain, str], str]
Sweeping = Callable[[str, Any, list[Any]], AbstractContextManager[Any]]
IMPORTS = frozenset(["callbacks", "_target_", "class", "()", "custom_search_space"])  # keys of Hydra's own settings
QUIET = ("-q", "--quiet")  # no progress and no log but warnings
INSTALLED = ("hydra._internal.", "hydra_plugins.", "optuna.samplers.", "logging.", "colorlog.")


def run_app(
    command: str,
    config_name: str,
    task: Callable[[Any, bool, Any], Any],
    settle: Settle | None = None,
    explain: Explain | None = None,
    sweeping: Sweeping | None = None,
) -> None:
    """Give `task` what conf/<config_name>.yaml and sys.argv come to, once a job of a sweep, whether to be quiet, and
    what `sweeping` makes of a sweep (None where there is none).

    With --settings, and with --cfg where a run has init=, print instead what `settle` makes of that, as plain data,
    and of the overrides; with --settings in the words of `explain`. What is wrong with the arguments ends the command
    in one line."""
    with one_line_errors(command):
        arguments = _arguments(command, explain is not None)
        parsed = parsed_overrides(arguments.overrides)
        refuse_imports(parsed)
        hydras_own = bool(arguments.config_dir or arguments.config_path or any(_of_hydra(one) for one in parsed))
        if hydras_own:
            _refuse_composed_imports(arguments, config_name, parsed)
        if explain and arguments.settings is not None:
            print(explain(_known(arguments, config_name, parsed, settle), arguments.settings))
            return
        if settle and arguments.cfg in ("job", "all"):
            known = _known(arguments, config_name, parsed, settle)
            if known["init"]:  # else Hydra shows what is trained
                print(_shown(known, arguments), end="")
                return
        from nmt.cli.schema import register  # torch: not for what is wrong so far

        register()
        # Hydra prints errors of a job itself, over many lines, unless it is told to raise them.
        os.environ["HYDRA_FULL_ERROR"] = "1"
        around: AbstractContextManager[Any] = nullcontext()
        if sweeping and (arguments.multirun or hydras_own):
            composed = _built(arguments, config_name, parsed, lambda composed, _: composed)
            if arguments.multirun or composed.hydra.mode == RunMode.MULTIRUN:
                around = sweeping(command, composed, parsed)
        with around as sweep:
            job = hydra.main(version_base="1.3", config_path=str(resource("conf")), config_name=config_name)(
                lambda composed: task(composed, arguments.quiet, sweep)
            )
            try:
                job()
            except (HydraException, OmegaConfBaseException) as error:  # the overrides cannot even be composed
                raise ValueError(_explained(error, arguments, config_name, parsed)) from None


def _arguments(command: str, explains: bool) -> argparse.Namespace:
    """Hydra's options and the overrides, in any order; sys.argv is left as Hydra can read it again. Ends the command
    for what Hydra would print over many lines."""
    parser = get_args_parser()
    parser.prog, parser.error = command, lambda message: fail(command, f"{message} (see --help)")
    for action in parser._actions:
        if action.dest == "version":
            action.version = f"nmt {__version__}"
    parser.add_argument(*QUIET, action="store_true")
    if explains:
        parser.add_argument("--settings", nargs="?", const="", metavar="WORD")
    arguments: argparse.Namespace = parser.parse_intermixed_args()
    if explains and "=" in (arguments.settings or ""):  # no word, but what is overridden
        arguments.overrides, arguments.settings = [arguments.settings, *arguments.overrides], ""
    if arguments.quiet and not set(QUIET) & set(sys.argv):
        raise ValueError(f"give {' or '.join(QUIET)} by itself")
    # Hydra reads them again, and takes no option between overrides.
    sys.argv = [one for one in sys.argv if one not in (*QUIET, *arguments.overrides)] + arguments.overrides
    if arguments.experimental_rerun is not None:
        raise ValueError("--experimental-rerun would run what its file says; give the same command again instead")
    for option in ("config_dir", "config_path"):
        folder = getattr(arguments, option)
        if folder is not None and not Path(folder).is_dir():
            raise ValueError(f"--{option.replace('_', '-')} is {folder!r}, which is no folder")
    if arguments.config_path and not Path(arguments.config_path).is_absolute():  # Hydra would look elsewhere
        raise ValueError(f"--config-path takes an absolute path, such as {Path(arguments.config_path).resolve()}")
    return arguments


def parsed_overrides(overrides: list[str]) -> list[Any]:
    parser, found = OverridesParser.create(), []
    for text in overrides:
        try:
            found += parser.parse_overrides([text])
        except OverrideParseException:
            raise ValueError(
                f"{text!r} cannot be read; it must be KEY=VALUE, quoted where the value has =, a comma or a bracket: "
                "'KEY=\"VALUE\"'"
            ) from None
    return found


def _of_hydra(override: Any) -> bool:
    return override.key_or_group.startswith("hydra") or str(override.package).startswith("hydra")


def refuse_imports(overrides: list[Any]) -> None:
    """Raises ValueError for an override of Hydra's own settings by which it would import something."""
    for override in filter(_of_hydra, overrides):
        path = f"{override.key_or_group}.{override.package}".replace("/", ".").split(".")
        value = override.value()
        if IMPORTS & {*path, *(str(key) for key, _ in _items(value))} or "pkg://" in str(value):
            raise ValueError(_refusal(override.input_line))


def _refuse_composed_imports(arguments: argparse.Namespace, config_name: str, overrides: list[Any]) -> None:
    """The same, for what stands in files of the user's folders."""
    for key, value in _items(_known(arguments, config_name, overrides)["hydra"]):
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


def _known(
    arguments: argparse.Namespace, config_name: str, overrides: list[Any], settle: Settle | None = None
) -> Plain:
    """What the overrides come to, as plain data with Hydra's own settings, nothing resolved, and "???" for what is
    missing. Raises ValueError."""

    def build(composed: Any, lines: list[str]) -> Plain:
        HydraConfig.instance().set_config(composed)  # by which the name of a run is resolved
        plain = typing.cast(Plain, OmegaConf.to_container(composed, resolve=False))
        return settle(plain, lines) if settle else plain

    return _built(arguments, config_name, overrides, build)


def _shown(plain: Plain, arguments: argparse.Namespace) -> str:
    """What Hydra prints of this with --cfg."""
    config = OmegaConf.create(plain)
    if arguments.cfg == "job":
        del config["hydra"]
    part = OmegaConf.select(config, arguments.package) if arguments.package else config
    return OmegaConf.to_yaml(part, resolve=arguments.resolve) if OmegaConf.is_config(part) else f"{part}\n"


def _built(arguments: argparse.Namespace, config_name: str, overrides: list[Any], build: Build[T]) -> T:
    """What `build` makes of the composed config, Hydra's own settings included, and of the overrides in it: all but
    those that a sweep varies. Raises ValueError."""
    try:
        return _composed(arguments, config_name, [o for o in overrides if not o.is_sweep_override()], build)
    except (HydraException, OmegaConfBaseException) as error:
        raise ValueError(_explained(error, arguments, config_name, overrides)) from None


def _composed(arguments: argparse.Namespace, config_name: str, overrides: list[Any], build: Build[T]) -> T:
    """The same with all of the overrides. Raises HydraException and OmegaConf's."""
    from nmt.cli.schema import register
    from nmt.sweep.space import quoted

    register()
    paths = [f"file://{Path(arguments.config_dir).resolve()}"] if arguments.config_dir else []
    lines = []
    for override in overrides:
        if override.key_or_group == "hydra.searchpath":
            paths += override.value()
        else:
            lines.append(override.input_line)
    folder = Path(arguments.config_path or resource("conf")).resolve()
    with initialize_config_dir(str(folder), version_base="1.3"):
        lines += [f"hydra.searchpath=[{','.join(map(quoted, paths))}]"] if paths else []
        return build(compose(arguments.config_name or config_name, lines, return_hydra_config=True), lines)


def _explained(error: Exception, arguments: argparse.Namespace, config_name: str, overrides: list[Any]) -> str:
    """What is wrong with the overrides, and what would be right; of the rest what Hydra says, less its advice."""
    from nmt.cells import Cell
    from nmt.cli.suggestions import what_is_missing, what_is_wrong
    from nmt.plain_data import names_of

    folders = [Path(folder) for folder in (resource("conf"), arguments.config_path, arguments.config_dir) if folder]
    groups: dict[str, set[str]] = {}
    for path in (path for folder in folders for path in folder.glob("*/*.yaml")):
        groups.setdefault(path.parent.name, set()).add(path.stem)
    groups.setdefault("cell", set()).update(names_of(Cell))
    if missing := what_is_missing(str(error), groups):
        return missing
    right = [o for o in overrides if str(o.value()) in groups.get(o.key_or_group, ())]
    try:
        known: Any = _composed(arguments, config_name, right, lambda found, _: OmegaConf.to_container(found))
        keys = set(_dotted(known)) - set(_dotted({"hydra": known["hydra"]}))
    except (HydraException, OmegaConfBaseException):
        keys = set()
    first = str(error).strip().split("\nTo append", 1)[0].split("\nConfig search path", 1)[0]
    return next(filter(None, (what_is_wrong(o, groups, keys) for o in overrides)), first)


def built(overrides: list[str], build: Build[T], config_dir: str | None = None) -> T:
    """What `build` makes of the config of nmt-train with these overrides, and of them. Raises ValueError."""
    arguments = argparse.Namespace(config_dir=config_dir, config_path=None, config_name=None)
    parsed = parsed_overrides(overrides)
    refuse_imports(parsed)

    def without_hydras(composed: Any, lines: list[str]) -> T:
        with open_dict(composed):
            del composed["hydra"]
        return build(composed, lines)

    return _built(arguments, "train", parsed, without_hydras)


def _dotted(data: Any, prefix: str = "") -> Iterator[str]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield f"{prefix}{key}"
            yield from _dotted(value, f"{prefix}{key}.")
