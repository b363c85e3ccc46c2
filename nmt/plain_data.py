"""Strict conversion of plain data to settings, for the command line and a stranger's config.json alike. It accepts
only names from our own tables and from installed packages, and builds nothing but dataclasses of settings."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from typing import Any, Literal, TypeVar

from nmt.automatic import AUTO, AUTOMATIC, without_auto
from nmt.cells import CELLS, Cell
from nmt.common.parts import Parts, parts_of
from nmt.common.shown import MAX_BITS, brief
from nmt.common.suggestions import did_you_mean
from nmt.data.corpora import CORPORA, Corpus
from nmt.search import SEARCHES, Search

T = TypeVar("T")

# A field of one of these types takes a mapping whose "name" is a key of the table.
CHOICES: dict[type, Parts[Any]] = {Cell: CELLS, Corpus: CORPORA, Search: SEARCHES}


def from_dict(cls: type[T], data: Any, path: str = "") -> T:
    """Build the dataclass `cls` from plain data, strictly.

    Raises ValueError that names the dotted key of anything unknown, missing, of the wrong type or out of range, and
    what is allowed.
    """
    return typing.cast(T, _build(cls, data, path))


def check_types(cls: type, data: Any) -> None:
    """Raises ValueError that names the dotted key of a value of the wrong type, or of an unknown choice. Checks
    nothing else, such as ranges."""
    _check_types(cls, data, "")


def to_dict(config: Any) -> Any:
    """The plain data that `from_dict` turns into an equal config."""
    if isinstance(config, tuple):
        return [to_dict(value) for value in config]
    if not is_dataclass(config):
        return config
    names = [name for table in CHOICES.values() for name, cls in table.items() if cls is type(config)]
    return ({"name": names[0]} if names else {}) | {
        field.name: to_dict(getattr(config, field.name)) for field in fields(config)
    }


@cache
def typed_fields(cls: type) -> dict[str, tuple[Field[Any], Any]]:
    """The fields of a dataclass by their names, each with its type. Raises ValueError where a type is unknown."""
    try:
        hints = typing.get_type_hints(cls, include_extras=True)
    except NameError as error:  # such as of a module that only type checkers import
        raise ValueError(f"the settings of {cls.__name__} cannot be read: {error}") from None
    return {field.name: (field, hints[field.name]) for field in fields(cls)}


def _chosen(cls: type, data: Any, path: str) -> tuple[type, dict[Any, Any]]:
    """The dataclass, chosen by name if there are several, and the data of its fields, without automatic settings."""
    if not isinstance(data, dict):
        raise ValueError(f"{path or 'the config'} is {brief(data)}; it must be a mapping")
    if cls in CHOICES:
        cls = CHOICES[cls].chosen(data.get("name"), _join(path, "name"))
        data = {key: value for key, value in data.items() if key != "name"}
    if "auto" in typed_fields(cls):  # the field with the names of the automatic settings
        data = without_auto(data)
    return cls, data


def _check_types(cls: type, data: Any, path: str) -> None:
    cls, data = _chosen(cls, data, path)
    known = typed_fields(cls)
    for key in known.keys() & data.keys():
        _value(known[key][1], data[key], _join(path, key), _check_types)


def _build(cls: type, data: Any, path: str) -> Any:
    cls, data = _chosen(cls, data, path)
    known = typed_fields(cls)
    for key in data:
        if key not in known:
            near = did_you_mean(str(key), known)
            where = path or "the config"
            raise ValueError(f"{_join(path, str(key))} is unknown; {where} has: {', '.join(known)}{near}")
    for name, (setting, _) in known.items():
        if name not in data and setting.default is MISSING and setting.default_factory is MISSING:
            raise ValueError(f"{_join(path, name)} is missing")
    values = {key: _value(known[key][1], value, _join(path, key), _build) for key, value in data.items()}
    try:
        return cls(**values)
    except ValueError as error:
        raise ValueError(_join(path, str(error))) from None


def _value(expected: Any, value: Any, path: str, nested: Callable[[type, Any, str], Any]) -> Any:
    """The value, if it is of the expected type; a mapping for a dataclass is handed to `nested`."""
    if type(value) is int and value.bit_length() > MAX_BITS:
        raise ValueError(f"{path} is {brief(value)}; it may have {MAX_BITS} at most")
    origin, arguments = typing.get_origin(expected), typing.get_args(expected)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        others = [argument for argument in arguments if argument is not type(None)]
        expected = next((other for other in others if other is type(value)), others[0])
        return _value(expected, value, path, nested)
    if origin is tuple:  # of any length
        if not isinstance(value, list):
            raise ValueError(f"{path} is {brief(value)}; it must be a list")
        if any(isinstance(item, list) for item in value):
            raise ValueError(f"{path} is {brief(value)}; a list must not hold another")
        return tuple(_value(arguments[0], item, f"{path}[{i}]", nested) for i, item in enumerate(value))
    if origin is dict:
        if not isinstance(value, dict):
            raise ValueError(f"{path} is {brief(value)}; it must be a mapping, such as {path}.NAME={brief(value)}")
        return {key: _value(arguments[1], item, _join(path, str(key)), nested) for key, item in value.items()}
    if is_dataclass(expected):
        return nested(typing.cast(type, expected), value, path)
    return _single(expected, value, path)


def _single(expected: Any, value: Any, path: str) -> Any:
    """As `_value`, for one that holds no others."""
    if parts := parts_of(expected):
        parts.check(value, path)
        return value
    if typing.get_origin(expected) is Literal:
        choices = typing.get_args(expected)
        if not any(type(value) is type(choice) and value == choice for choice in choices):  # 1 is not True
            raise ValueError(f"{path} is {brief(value)}; choose one of: {', '.join(map(str, choices))}")
        return value
    if expected is float and type(value) is int:
        return float(value)
    if type(value) is not expected:  # isinstance would take True for an int
        more = f", or {AUTO}" if path in AUTOMATIC else ""
        if expected is str and type(value) in (bool, int, float) and "[" not in path:  # Hydra reads 1.10 so
            more = f", in quotes: '{path}=\"...\"'"
        raise ValueError(f"{path} is {brief(value)}; it must be of type {expected.__name__}{more}")
    return value


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
