"""The config of a run from the arguments of `nmt.train`: choices of groups by name, settings by mapping or key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from nmt.common.files import from_home
from nmt.common.suggestions import did_you_mean
from nmt.composition import Data, choices_of, composed, flat, groups, merged, nested
from nmt.config import RunConfig
from nmt.plain_data import from_dict
from nmt.training.warm_start import with_start


def run_config(
    data: Any, src: str | None, tgt: str | None, run: str | Path, keywords: Mapping[str, Any]
) -> RunConfig:
    """The config for `nmt.train`'s arguments. Raises ValueError that names what is unknown, missing or wrong."""
    given = dict(keywords)
    if isinstance(data, Mapping):
        given["data"] = data
    elif data is not None and str(data) in choices_of("data") and not isinstance(data, Path):
        given["data"] = {"name": data}
    elif data is not None:
        meant = did_you_mean(str(data), choices_of("data"), cutoff=0.8)  # strict, as it may be any folder's name
        if meant and not from_home(data).is_dir():
            raise ValueError(f"data is {str(data)!r}, which is no folder and no choice{meant}")
        given["data"] = {"name": "files", "dir": str(data)}
    sides = {name: code for name, code in (("src", src), ("tgt", tgt)) if code is not None}
    choices, settings = told_apart(merged(given, {"data": merged(given.get("data", {}), sides)}))
    return config_of(choices, merged(_places(run, settings), settings))


def _places(run: str | Path, settings: Mapping[str, Any]) -> dict[str, str]:
    """The settings for a run's folder: a path, or a name under `runs_dir` where that is set."""
    path = Path(settings["runs_dir"]) / run if "runs_dir" in settings else Path(run)
    if not path.name:
        raise ValueError(f"run is {str(run)!r}; it must be a folder for the run")
    return {"run": path.name, "runs_dir": str(path.parent), "cache_dir": str(path.parent / ".cache")}


def told_apart(given: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    """The choices of groups, and the nested settings. A `name` among a group's settings is its choice."""
    packages, keys = groups(), {field.name for field in fields(RunConfig)}
    choices: dict[str, str] = {}
    values: dict[str, Any] = {}  # by dotted key
    for key, value in given.items():
        first = key.partition(".")[0]
        if first not in packages and first not in keys:
            raise ValueError(f"{key} is unknown{did_you_mean(first, {*packages, *keys}) or '; see docs/settings.md'}")
        if key in packages and isinstance(value, str):
            choices[key] = value
        elif key in packages and not (isinstance(value, Mapping) and packages[key]):
            or_settings = " or a mapping of its settings" if packages[key] else ""
            raise ValueError(f"{key} is {value!r}; it must be one of {', '.join(choices_of(key))}{or_settings}")
        else:
            values |= flat(nested(packages.get(key, key), _plain(value)))
    for group, package in packages.items():
        name = values.pop(f"{package or group}.name", None)  # the choice sets it
        if name is not None and choices.setdefault(group, name) != name:
            raise ValueError(f"{group} is {choices[group]!r}, and {package}.name is {name!r}; give one")
    settings: dict[str, Any] = {}
    for key, value in values.items():
        settings = merged(settings, nested(key, value))
    return choices, settings


def _plain(value: Any) -> Any:
    """The value as a config file would have it: dotted keys nested, NumPy numbers converted."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Mapping):
        plain: dict[str, Any] = {}
        for key, one in value.items():
            plain = merged(plain, nested(str(key), _plain(one)))
        return plain
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, Path) else value


def config_of(choices: dict[str, str], settings: dict[str, Any]) -> RunConfig:
    """The config of one run. With `init` the model's own settings replace default choices."""

    def compose_on(own: Data, typed: bool) -> Data:
        if not typed:
            return composed(choices, settings, own)
        others = {key: value for key, value in settings.items() if key != "data"}
        return composed(choices | {"experiment": None, "data": None}, others, own)

    return from_dict(RunConfig, with_start(composed(choices, settings), compose_on))
