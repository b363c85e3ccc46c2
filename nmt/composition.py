"""Compose the config of a run from choices and settings as nmt-train does, but without Hydra, for use from Python.

The choices are defined in conf/ alone. This module reads only the part of Hydra's syntax that those files use: lists
of defaults, with `override /group: choice`, `/schema/...@package` and names of files of the same group; and the
package that a first line names.
"""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, is_dataclass
from functools import cache
from typing import Any

import yaml

from nmt.cells import CELLS
from nmt.common.parts import Parts
from nmt.common.resources import resource
from nmt.common.suggestions import did_you_mean
from nmt.config import SCHEDULES, RunConfig
from nmt.data.corpora import CORPORA
from nmt.metrics.config import METRICS
from nmt.model.attention import ATTENTIONS
from nmt.model.wirings import DECODERS
from nmt.plain_data import CHOICES, typed_fields
from nmt.search import SEARCHES

TABLES: dict[str, Parts[Any]] = {  # group -> the parts that one is chosen from
    "cell": CELLS,
    "data": CORPORA,
    "search": SEARCHES,
    "attention": ATTENTIONS,
    "decoder": DECODERS,
    "metric": METRICS,
    "optim": SCHEDULES,
}
SCHEMAS = {"cell", "data", "search"}  # groups whose parts are classes of settings
# Of the other groups, the file whose settings a choice without a file has, but for the name.
LIKE = {"attention": "none", "decoder": "gnmt", "metric": "bleu", "optim": "linear"}
MISSING_VALUE = "???"  # in conf/ and on the command line: a value that must be given
EXAMPLES = {"data.dir": "FOLDER", "data.dataset": "NAME", "data.src": "de", "data.tgt": "en"}  # of required values
OWN = {"tokenizer", "model", "cell", "encoder", "attention", "decoder"}  # groups whose settings come with a model

Data = dict[str, Any]


@dataclass(frozen=True)
class ConfigFile:
    """A file of conf/."""

    package: str  # dotted key that its settings belong under; "" for the whole config
    defaults: list[Any]  # the files that it builds on
    settings: Data


Choices = Mapping[str, str | None]  # group -> choice, or None for none


def composed(choices: Choices, settings: Mapping[str, Any], own: Mapping[str, Any] | None = None) -> Data:
    """The plain data of a RunConfig: conf/train.yaml with these choices of its groups, overridden by the nested
    `settings`. `own` has the settings of a model that training starts from; they replace the default choices of their
    groups.

    Raises ValueError for an unknown choice, and for a required value that is missing.
    """
    data = defaults(RunConfig)
    for group in own or {}:
        data[group] = data[group] | own[group]  # type: ignore[index]
    for group, choice in _all_choices(choices, groups_of(own) if own else set()).items():
        _add(data, group, choice)
    train = _file("train").settings
    plain = {key: value for key, value in train.items() if key != "hydra" and "${" not in str(value)}
    return with_all_given(merged(merged(data, plain), settings))


def groups_of(own: Mapping[str, Any]) -> set[str]:
    """The groups whose settings a model brings with it."""
    return OWN if "tokenizer" in own else OWN - {"tokenizer"}


def groups() -> dict[str, str]:
    """Every group of conf/train.yaml -> the dotted package of its settings."""
    return {
        group: "" if group == "experiment" else package_of(group)
        for group, _ in _groups_of_defaults(_file("train").defaults)
    }


def choices_of(group: str) -> list[str]:
    """The names that a group may have."""
    found = {path.stem for path in (resource("conf") / group).glob("*.yaml")}
    return sorted(found.union(TABLES[group].names() if group in TABLES else ()))


def defaults(cls: type) -> Data:
    """The dataclass as plain data: its defaults, "???" for a required value, {} where a group fills it."""
    data: Data = {}
    for field, kind in typed_fields(cls).values():
        if is_dataclass(kind):
            data[field.name] = {} if kind in CHOICES else defaults(typing.cast(type, kind))
        else:
            default = field.default if field.default_factory is MISSING else field.default_factory()
            default = list(default) if isinstance(default, tuple) else default
            data[field.name] = MISSING_VALUE if default is MISSING else default
    return data


def schema(group: str, name: str) -> Data:
    """The defaults of a choice, in a group whose choices are dataclasses. Raises ValueError for a class that is
    missing or cannot be imported."""
    return {"name": name} | defaults(TABLES[group].chosen(name, group))


def has_file(group: str, name: str) -> bool:
    """Whether conf/ has a file for a choice."""
    return (resource("conf") / group / f"{name}.yaml").exists()


def without_file(group: str, name: str) -> Data:
    """The settings of a part that conf/ has no file for."""
    if group in SCHEMAS:
        return schema(group, name)
    return _file(f"{group}/{LIKE[group]}").settings | {TABLES[group].key.rpartition(".")[2]: name}


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> Data:
    """Both mappings, merged recursively; `above` takes precedence."""
    result = dict(below)
    for key, value in above.items():
        both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
        result[key] = merged(result[key], value) if both else value
    return result


def nested(key: str, value: Any) -> Data:
    """The value under a dotted key."""
    first, _, rest = key.partition(".")
    return {first: nested(rest, value) if rest else value}


def flat(data: Data, prefix: str = "") -> Data:
    """Nested mappings as one, with dotted keys."""
    found: Data = {}
    for key, value in data.items():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return found


def with_all_given(data: Data) -> Data:
    """Raises ValueError that names the keys of missing values, with an example of each."""
    if data.get("data", {}).get("directions"):  # these replace src and tgt
        sides = [side for side in ("src", "tgt") if data["data"].get(side) == MISSING_VALUE]
        data = data | {"data": data["data"] | dict.fromkeys(sides, "")}
    if missing := sorted(_missing(data)):
        examples = " ".join(f"{key}={EXAMPLES.get(key, 'VALUE')}" for key in missing)
        raise ValueError(f"{', '.join(missing)} must be given: {examples}")
    return data


def _missing(data: Mapping[str, Any], path: str = "") -> Iterator[str]:
    for key, value in data.items():
        if isinstance(value, Mapping):
            yield from _missing(value, f"{path}{key}.")
        elif value == MISSING_VALUE:
            yield path + key


def _all_choices(chosen: Choices, without: set[str]) -> dict[str, str]:
    """The choice of every group, in the order of conf/train.yaml: the given one, else the experiment's, else the
    default."""
    experiment = chosen.get("experiment")
    of_experiment = dict(_overrides("experiment", experiment)) if experiment else {}
    by_default = {
        group: None if group in without else choice for group, choice in _groups_of_defaults(_file("train").defaults)
    }
    every = by_default | of_experiment | dict(chosen)
    return {group: choice for group in by_default if (choice := every[group]) is not None}


def _overrides(group: str, name: str) -> Iterator[tuple[str, str]]:
    """The choices that a file makes in other groups; those of the files that it builds on come first."""
    entries = _file_of_choice(group, name).defaults
    for entry in entries:
        if isinstance(entry, str) and entry != "_self_" and not entry.startswith("/"):
            yield from _overrides(group, entry)
    for entry in entries:
        if isinstance(entry, dict):
            yield from ((key.removeprefix("override /"), value) for key, value in entry.items())


def _groups_of_defaults(entries: list[Any]) -> Iterator[tuple[str, str | None]]:
    for entry in entries:
        if isinstance(entry, dict):
            yield from ((key, value) for key, value in entry.items() if not key.startswith("override "))


def _add(data: Data, group: str, name: str) -> None:
    """Merge a choice, and the files that it builds on, into `data`."""
    choice = _file_of_choice(group, name)
    for entry in choice.defaults:
        if isinstance(entry, str) and (found := re.fullmatch(r"/schema/(\w+)/(.+)@(\w+)", entry)):
            _put(data, choice.package if found[3] == "_here_" else found[3], schema(found[1], found[2]))
        elif isinstance(entry, str) and entry != "_self_":
            _add(data, group, entry)
    _put(data, choice.package, choice.settings)


def _put(data: Data, package: str, settings: Data) -> None:
    data.update(merged(data, nested(package, settings) if package else settings))


def _file_of_choice(group: str, name: str) -> ConfigFile:
    known = choices_of(group)
    if name not in known:
        near = did_you_mean(str(name), known, f"{group}=") or ";"
        raise ValueError(f"{group} has no choice {name!r}{near} choose one of: {', '.join(known)}")
    if has_file(group, name):
        return _file(f"{group}/{name}")
    return ConfigFile(package_of(group), [], without_file(group, name))


def package_of(group: str) -> str:
    """The dotted key that the settings of a group belong under."""
    files = (resource("conf") / group).glob("*.yaml")
    (package,) = {_file(f"{group}/{path.stem}").package for path in files} - {""}
    return package


@cache
def _file(name: str) -> ConfigFile:
    text = (resource("conf") / f"{name}.yaml").read_text(encoding="utf-8")
    content = yaml.safe_load(text) or {}
    header = re.match(r"# @package ([\w.]+)", text)
    package = header[1] if header else name.rpartition("/")[0]
    return ConfigFile("" if package == "_global_" else package, content.pop("defaults", []), content)
