"""Composes a config from overrides with Hydra, or explains in one line what is wrong with them."""

from __future__ import annotations

import re
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, OverrideParseException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from nmt.common.resources import resource
from nmt.sweep.overrides import quoted

T = typing.TypeVar("T")
Plain = dict[str, Any]
Build = Callable[[Any, list[str]], T]
Settle = Callable[[Plain, list[str]], Plain]


def readable(override: str) -> str:
    """An override as Hydra can read it, unless its value has syntax: ~/ at the start of a value, or of one of
    several, is the home folder, and a value with letters beyond ASCII or rare signs is quoted."""

    def of_one(value: re.Match[str]) -> str:
        found = re.sub("^~(?=/)", lambda _: str(Path.home()), value[0])
        return found if re.fullmatch(r"[\w /.:+%@*?|$=\\-]+", found, re.ASCII) else quoted(found)

    key, equals, value = override.partition("=")
    return override if re.search(r"['\"(){}]", value) else key + equals + re.sub(r"[^][,\s][^][,]*", of_one, value)


def parsed_overrides(overrides: list[str]) -> list[Any]:
    """The overrides as Hydra's objects. Raises ValueError."""
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


@dataclass(frozen=True)
class Composition:
    """A config file of conf/ with overrides."""

    config_name: str
    overrides: list[Any]  # Hydra's objects
    config_dir: str | None = None  # a folder with additional choices
    config_path: str | None = None  # a folder used instead of conf/
    may_sweep: bool = False  # then a key may have several values, and is left out of the config

    def built(self, build: Build[T]) -> T:
        """The result of `build` for the composed config, including Hydra's own settings, and the overrides in it.
        Raises ValueError."""
        overrides = [one for one in self.overrides if not (self.may_sweep and one.is_sweep_override())]
        try:
            return self._composed(overrides, build)
        except (HydraException, OmegaConfBaseException) as error:
            raise ValueError(self.explained(error)) from None

    def plain(self, settle: Settle | None = None) -> Plain:
        """The config as plain data, after `settle`, including Hydra's own settings, unresolved, with "???" for
        missing values. Raises ValueError."""

        def build(composed: Any, lines: list[str]) -> Plain:
            HydraConfig.instance().set_config(composed)  # the name of a run is resolved from it
            plain = typing.cast(Plain, OmegaConf.to_container(composed, resolve=False))
            return settle(plain, lines) if settle else plain

        return self.built(build)

    def _composed(self, overrides: list[Any], build: Build[T]) -> T:
        """Raises the exceptions of Hydra and OmegaConf."""
        from nmt.cli.schema import register

        register()
        paths = [f"file://{Path(self.config_dir).resolve()}"] if self.config_dir else []
        lines = []
        for override in overrides:
            if override.key_or_group == "hydra.searchpath":
                paths += override.value()
            else:
                lines.append(override.input_line)
        lines += [f"hydra.searchpath=[{','.join(map(quoted, paths))}]"] if paths else []
        folder = Path(self.config_path or resource("conf")).resolve()
        with initialize_config_dir(str(folder), version_base="1.3"):
            return build(compose(self.config_name, lines, return_hydra_config=True), lines)

    def explained(self, error: Exception) -> str:
        """What is wrong with the overrides, and a correction; for other errors Hydra's message without its advice."""
        from nmt.cli.suggestions import what_is_missing, what_is_wrong

        groups = self._groups()
        if missing := what_is_missing(str(error), groups):
            return missing
        right = [one for one in self.overrides if str(one.value()) in groups.get(one.key_or_group, ())]
        try:
            known: Any = self._composed(right, lambda found, _: OmegaConf.to_container(found))
            keys = set(dotted(known)) - set(dotted({"hydra": known["hydra"]}))
        except (HydraException, OmegaConfBaseException):
            keys = set()
        first = str(error).strip().split("\nTo append", 1)[0].split("\nConfig search path", 1)[0]
        return next(filter(None, (what_is_wrong(one, groups, keys) for one in self.overrides)), first)

    def _groups(self) -> dict[str, set[str]]:
        """The choices of each group, in our folder and the user's."""
        from nmt.composition import choices_of, groups

        found = {group: set(choices_of(group)) for group in groups()}
        for folder in filter(None, (self.config_path, self.config_dir)):
            for path in Path(folder).glob("*/*.yaml"):
                found.setdefault(path.parent.name, set()).add(path.stem)
        return found


def dotted(data: Any, prefix: str = "") -> Iterator[str]:
    """Every key of nested data, as KEY.KEY."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield f"{prefix}{key}"
            yield from dotted(value, f"{prefix}{key}.")
