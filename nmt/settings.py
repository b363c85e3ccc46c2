"""Descriptions of all settings: the comments beside the fields of the dataclasses, read from their source.

A field's description is the comment directly above it and the one behind it.
"""

from __future__ import annotations

import ast
import inspect
import io
import re
import textwrap
import tokenize
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, is_dataclass
from functools import cache
from typing import Any, Literal, NamedTuple

from nmt.automatic import AUTO, AUTOMATIC
from nmt.common.parts import parts_of
from nmt.plain_data import CHOICES, typed_fields


class Setting(NamedTuple):
    key: str  # dotted
    kind: str  # such as "whole number", or the choices
    default: str  # of the dataclass; empty if there is none
    words: str


def settings(cls: type, path: str = "") -> Iterator[Setting]:
    """All settings of a config, in order. Where a class is chosen by name, those of every choice follow; equal ones
    are listed once."""
    for field, kind in typed_fields(cls).values():
        key = f"{path}.{field.name}" if path else field.name
        if kind in CHOICES:
            yield from _of_choices(CHOICES[kind], key, _words_of_fields(cls)[field.name])
        elif is_dataclass(kind):
            yield from settings(typing.cast(type, kind), key)
        else:
            also = f" or {AUTO}" if key in AUTOMATIC else ""
            default = "" if field.default is MISSING else shown_value(field.default)
            yield Setting(key, kind_in_words(kind) + also, default, _words_of_fields(cls)[field.name])


def _of_choices(table: Mapping[str, type], key: str, words: str) -> Iterator[Setting]:
    yield Setting(f"{key}.name", " or ".join(table), "", words or "which of them")
    found: dict[str, dict[Setting, list[str]]] = {}  # key -> setting -> choices that have it
    for name, cls in table.items():
        for setting in settings(cls, key):
            found.setdefault(setting.key, {}).setdefault(setting, []).append(name)
    for setting, names in (item for of_key in found.values() for item in of_key.items()):
        of = "" if len(names) == len(table) else f" (of {', '.join(names)})"
        yield setting._replace(words=setting.words + of)


def explained(data: Any, cls: Any, path: str = "") -> Iterator[tuple[str, Any, str]]:
    """Plain data for a config -> (dotted key, value, words) of each setting, in order."""
    table = CHOICES.get(cls)
    if table is not None and isinstance(data, dict):
        yield f"{path}.name", data.get("name"), f"one of {', '.join(table.names())}"
        cls = table.get(data.get("name", ""), cls)
    for field, kind in typed_fields(cls).values():
        key, value = f"{path}.{field.name}" if path else field.name, data.get(field.name)
        if is_dataclass(kind) and isinstance(value, dict):
            yield from explained(value, kind, key)
        else:
            names = f" ({', '.join(parts.names())})" if (parts := parts_of(kind)) else ""
            yield key, value, _words_of_fields(cls)[field.name] + names


def shown_value(value: Any) -> str:
    """A value as a user types it."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, tuple | list):
        return f"[{','.join(map(shown_value, value))}]"
    return "''" if value == "" else f"{value:g}" if isinstance(value, float) else str(value)


def kind_in_words(kind: Any) -> str:
    """A field's type in words, its choices as a user types them."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return " or ".join("null" if argument is type(None) else kind_in_words(argument) for argument in arguments)
    if parts := parts_of(kind):
        return " or ".join(parts)
    if origin is Literal:
        return " or ".join(
            str(argument).lower() if isinstance(argument, bool) else str(argument) for argument in arguments
        )
    if origin is tuple:
        return f"list of {kind_in_words(arguments[0])}"
    if origin is dict:
        return f"{kind_in_words(arguments[1])} by name"
    names: dict[Any, str] = {int: "whole number", float: "number", bool: "true or false", str: "text"}
    return names.get(kind) or str(kind.__name__)


def _words_of_fields(cls: type) -> dict[str, str]:
    """Field -> its description; inherited fields are included."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if is_dataclass(base):
            found |= _own_words(base)
    return found


@cache
def _own_words(cls: type) -> dict[str, str]:
    source = textwrap.dedent(inspect.getsource(cls))
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    comments = {
        token.start[0]: token.string.removeprefix("#").strip() for token in tokens if token.type == tokenize.COMMENT
    }
    lines = source.splitlines()
    (definition,) = ast.parse(source).body
    assert isinstance(definition, ast.ClassDef)
    words = {}
    for node in definition.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            first = node.lineno
            while first > 1 and lines[first - 2].strip().startswith("#"):
                first -= 1
            own = [comments[n] for n in range(first, (node.end_lineno or first) + 1) if n in comments]
            words[node.target.id] = re.sub(r"\bNone\b", "null", " ".join(own))
    return words
