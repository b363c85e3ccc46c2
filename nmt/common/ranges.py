"""The range check that every config dataclass makes in its `__post_init__`."""

from __future__ import annotations

import math
from dataclasses import fields
from numbers import Integral, Real
from typing import Any


def check_ranges(config: Any, **ranges: tuple[float, float]) -> None:
    """Check each named field of the dataclass `config` against its type and its closed range; None means "not set"
    and passes where the type allows it.

    Raises TypeError that names the field, its value and the type, or ValueError with the range.
    """
    types = {field.name: str(field.type) for field in fields(config)}
    for field, (low, high) in ranges.items():
        value = getattr(config, field)
        if value is None and "None" in types[field]:
            continue
        kind: tuple[Any, str] = (Integral, "an int") if types[field].startswith("int") else (Real, "a number")
        if isinstance(value, bool) or not isinstance(value, kind[0]):
            raise TypeError(f"{field} is {value!r} ({type(value).__name__}); it must be {kind[1]}")
        if not low <= value <= high:
            allowed = f"at least {low}" if math.isinf(high) else f"from {low} to {high}"
            raise ValueError(f"{field} is {value}; it must be {allowed}")
