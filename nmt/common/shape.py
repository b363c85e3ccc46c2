"""The shape of plain data: what a file must hold to be shown, since it may be damaged, or another program's."""

from __future__ import annotations

import math
from typing import Any

# A type; {key: shape}, with ... for the key of any other; [shape], one at least; a set of names; (shape, None) for
# what may be missing.
Shape = Any
LARGEST = 1 << 53  # of whole numbers, those that every reader of JSON has


class ShapeError(ValueError):
    """Says what the data does not hold."""


def check_shape(data: Any, shape: Shape, where: str = "") -> None:
    """Raises ShapeError that names the first place where the data has not the shape. Integers are floats too."""
    if isinstance(shape, tuple):
        if data is not None:
            check_shape(data, shape[0], where)
    elif isinstance(shape, dict):
        _check_mapping(data, shape, where)
    elif isinstance(shape, list):
        if not isinstance(data, list) or not data:
            raise ShapeError(f"has no list {where}")
        for i, one in enumerate(data):
            check_shape(one, shape[0], f"{where}[{i}]")
    elif not _is(data, shape):
        raise ShapeError(f"has {data!a:.40} for {where}")


def _check_mapping(data: Any, shape: dict[Any, Shape], where: str) -> None:
    if not isinstance(data, dict):
        raise ShapeError(f"has no mapping {where}" if where else "holds no mapping")
    for key, of_key in shape.items():
        path = f"{where}.{key}" if where else key
        if key is ...:
            for other in data.keys() - shape.keys():
                check_shape(data[other], of_key, f"{where}.{other!a:.40}")
        elif key not in data and isinstance(of_key, tuple):
            continue
        elif key not in data:
            raise ShapeError(f"has no {path}")
        else:
            check_shape(data[key], of_key, path)


def _is(data: Any, shape: Shape) -> bool:
    if isinstance(shape, frozenset):
        return isinstance(data, str) and data in shape
    if type(data) is int:
        return shape in (int, float) and abs(data) <= LARGEST
    if type(data) is float:
        return shape is float and math.isfinite(data)
    return type(data) is shape
