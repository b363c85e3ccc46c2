"""Overrides of nmt-train as text: KEY=VALUE, as Hydra reads it."""

from __future__ import annotations

import re
from collections.abc import Iterable

Scalar = str | int | float | bool | None
PLAIN = re.compile(r"[A-Za-z_][\w./+-]*")  # values that need no quotes
WORDS = frozenset({"null", "true", "false", "nan", "inf"})  # not text in Hydra


def typed(key: str, value: Scalar) -> str:
    """The override that sets the value."""
    return f"{key}={in_words(value)}"


def in_words(value: Scalar) -> str:
    """The value as Hydra reads it."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if not isinstance(value, str):
        return repr(value)
    return value if PLAIN.fullmatch(value) and value.lower() not in WORDS else quoted(value)


def quoted(text: str) -> str:
    """A Hydra value for exactly this text."""
    escaped = re.sub(r"(\\*)'", r"\1\1\'", re.sub(r"(\\+)$", r"\1\1", text)).replace("${", "\\${")
    return f"'{escaped}'"


def overridden(overrides: Iterable[str]) -> dict[str, str]:
    """Overrides as typed -> keys and values."""
    return {key.lstrip("+~"): value for key, _, value in (one.partition("=") for one in overrides)}
