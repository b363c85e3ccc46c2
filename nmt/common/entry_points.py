"""Names and classes that other installed packages add to our registries by entry points."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any


def names_with(table: Mapping[str, Any], group: str) -> list[str]:
    """The names of our table and of a group's entry points; nothing is imported. Warns of those that we have already:
    a package cannot replace what is ours."""
    every = entry_points(group=group)
    for one in every:
        if one.name in table and table[one.name].__module__.startswith("nmt."):
            told = f"{_shown(one)} is not used, because nmt has {one.name!r} itself; it needs another name"
            warnings.warn(told, stacklevel=2)
    return sorted({*table, *(one.name for one in every)})


def installed(group: str, name: str, kind: type) -> type | None:
    """The subclass of `kind` that a package registers under this name, or None.

    Raises ValueError when several packages do, when it cannot be imported, or is not a subclass of `kind`.
    """
    found = sorted(entry_points(group=group, name=name), key=_shown)
    if not found:
        return None
    if len(found) > 1:
        raise ValueError(f"{_shown(found[0])} has a name that {_shown(found[1])} has, too; only one may be installed")
    try:
        loaded = found[0].load()
    except Exception as error:  # its code may raise anything
        raise ValueError(f"{_shown(found[0])} cannot be imported: {type(error).__name__}: {error}") from None
    if not (isinstance(loaded, type) and issubclass(loaded, kind)):
        raise ValueError(f"{_shown(found[0])} is no subclass of {kind.__name__}")
    return loaded


def _shown(entry: EntryPoint) -> str:
    package = f" of {entry.dist.name}" if entry.dist else ""
    return f"{entry.group}: {entry.name} = {entry.value}{package}"
