"""Names and classes that other installed packages add to our registries by entry points."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points


def names_in(group: str) -> set[str]:
    """The names of a group's entry points; nothing is imported."""
    return {one.name for one in entry_points(group=group)}


def installed(group: str, name: str, kind: type) -> type | None:
    """The subclass of `kind` that a package registers under this name, or None.

    Raises ValueError when it cannot be imported, or is not a subclass of `kind`.
    """
    found = list(entry_points(group=group, name=name))
    if not found:
        return None
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
