"""Plain data as JSON for every parser, safe on every terminal."""

from __future__ import annotations

import hashlib
import json
import math
from functools import partial
from typing import Any

from nmt.common.shown import HIDDEN_IN_LINES


def to_json(data: Any, indent: int | None = None, *, ascii_only: bool = False, sort_keys: bool = False) -> str:
    """The data as JSON, with null for a number that is not finite, which JSON cannot express."""
    dumps = partial(json.dumps, indent=indent, ensure_ascii=ascii_only, sort_keys=sort_keys, allow_nan=False)
    try:
        text = dumps(data)
    except ValueError:
        text = dumps(finite(data))
    return text if ascii_only else HIDDEN_IN_LINES.sub(lambda c: f"\\u{ord(c[0]):04x}", text)


def digest_of(data: Any) -> str:
    """The SHA-256 of plain data, whatever the order of its keys."""
    return hashlib.sha256(to_json(data, ascii_only=True, sort_keys=True).encode()).hexdigest()


def finite(data: Any) -> Any:
    """The same data with None for every number that is not finite."""
    if isinstance(data, dict):
        return {key: finite(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [finite(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data
