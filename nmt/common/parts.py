"""Tables of named parts: nmt's own, those that a script adds, and those of installed packages, by entry points."""

from __future__ import annotations

import typing
import warnings
from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Annotated, Any, TypeVar

from nmt.common.shown import brief, error_line

T = TypeVar("T")


class Parts(dict[str, T]):
    """The parts of one kind: nmt's own and those that a script adds. A name that is not among them is looked up in
    the entry points of `group`; its part is imported then, and kept.

    A part must be an instance of `kind`, or a subclass of C if that is type[C]. A setting of the type
    Annotated[str, parts] takes one of the names.
    """

    def __init__(self, group: str, kind: Any, own: Mapping[str, T], key: str = "name") -> None:
        super().__init__(own)
        self.group, self.kind = group, kind
        self.own = frozenset(own)
        self.key = key  # the setting that has the name, for messages

    def names(self) -> list[str]:
        """The names of all parts, nmt's own first; imports nothing. Warns of those that nmt has itself: a package
        cannot replace what is nmt's."""
        every = entry_points(group=self.group)
        for one in every:
            if one.name in self.own:
                told = f"{_shown(one)} is not used, because nmt has {one.name!r} itself; it needs another name"
                warnings.warn(told, stacklevel=2)
        return [*self, *sorted({one.name for one in every} - self.keys())]

    def has(self, name: str) -> bool:
        """Whether a part has this name; imports nothing."""
        return name in self or bool(entry_points(group=self.group, name=name))

    def check(self, name: object, key: str = "") -> None:
        """Raises ValueError for what is no part's name; imports nothing."""
        if not isinstance(name, str) or not self.has(name):
            known = ", ".join(sorted(self.names()))
            what = f"{key or self.key} is {brief(name)}"
            raise ValueError(f"{what}; choose one of: {known}, or install the package that has it")

    def chosen(self, name: object, key: str = "") -> T:
        """The part of this name, imported if need be. Raises ValueError when there is none, when several packages
        have the name, or when theirs cannot be imported or is of another kind."""
        self.check(name, key)
        name = str(name)
        if name not in self:
            self[name] = self._installed(name, f"{key or self.key} is {name!r}, but")
        return self[name]

    def _installed(self, name: str, begin: str) -> T:
        first, *others = sorted(entry_points(group=self.group, name=name), key=_shown)
        if others:
            raise ValueError(f"{begin} {_shown(first)} and {_shown(others[0])} have this name; install only one")
        try:
            found: T = first.load()
        except Exception as error:  # its code may raise anything
            raise ValueError(f"{begin} {_shown(first)} cannot be imported: {error_line(error)}") from None
        if wrong := self._fault(found):
            raise ValueError(f"{begin} {_shown(first)} {wrong}")
        return found

    def __hash__(self) -> int:  # type: ignore[override]  # of a type with it, such as Annotated[str, parts]
        return id(self)

    def __missing__(self, name: str) -> T:
        return self.chosen(name)

    def __setitem__(self, name: str, part: T) -> None:
        if wrong := self._fault(part):
            raise ValueError(f"{self.group}: {name} = {brief(part)} {wrong}")
        super().__setitem__(name, part)

    def _fault(self, part: object) -> str:
        """What is wrong with a part; empty if nothing is."""
        if typing.get_origin(self.kind) is not type:
            return "" if isinstance(part, self.kind) else f"is no {self.kind.__name__}"
        (base,) = typing.get_args(self.kind)
        return "" if isinstance(part, type) and issubclass(part, base) else f"is no subclass of {base.__name__}"


def made(what: str, part: Callable[..., T], *sizes: int, **settings: Any) -> T:
    """The instance of a class, which may be a user's. Raises ValueError for one that cannot be made."""
    try:
        return part(*sizes, **settings)
    except ValueError:
        raise
    except Exception as error:  # a user's code may raise anything
        raise ValueError(f"{what} cannot be made ({error_line(error)})") from error


def parts_of(kind: Any) -> Parts[Any] | None:
    """The table that a setting of this type names a part of; None for other types."""
    return typing.cast(Parts[Any], kind.__metadata__[0]) if typing.get_origin(kind) is Annotated else None


def _shown(entry: EntryPoint) -> str:
    package = f" of {entry.dist.name}" if entry.dist else ""
    return f"{entry.group}: {entry.name} = {entry.value}{package}"
