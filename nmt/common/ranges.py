"""The range check that every config dataclass makes in its `__post_init__`."""

from __future__ import annotations

import math


def check_ranges(config: object, **ranges: tuple[float, float]) -> None:
    """Check each named field of `config` against its closed range; None means "not set" and passes.

    Raises ValueError that names the field, its value and the range.
    """
    for field, (low, high) in ranges.items():
        value = getattr(config, field)
        if value is not None and not low <= value <= high:
            allowed = f"at least {low}" if math.isinf(high) else f"from {low} to {high}"
            raise ValueError(f"{field} is {value}; it must be {allowed}")
