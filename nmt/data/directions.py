"""Translation directions of a corpus or a model, and the tags that tell a model which one is wanted.

With several target languages, the first piece of a source names the wanted one (`<2de>`: Johnson et al., 2017,
arXiv:1611.04558). Tags are control pieces of the tokenizer, which no text can spell.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

from nmt.common.shown import brief
from nmt.formats.headers import named_columns, nearness

# False: none. True: the target language. "both": the target language, and then the source language.
Tags = Literal[True, "both", False]


class Direction(NamedTuple):
    """A pair of language codes, source and target; "" for an unknown language."""

    src: str
    tgt: str

    def __str__(self) -> str:
        """de-en; or pt-BR:en if a code contains a hyphen."""
        return (":" if "-" in self.src + self.tgt else "-").join(self)

    @property
    def reverse(self) -> Direction:
        return Direction(self.tgt, self.src)


@lru_cache(maxsize=256)
def is_of_another(languages: tuple[str, str], own: Direction, others: tuple[Direction, ...]) -> bool:
    """Whether two languages match another direction better: text in pt-BR is for pt-BR:en rather than pt:en."""

    def near(direction: Direction) -> int:
        sides = [nearness(there, wanted) for there, wanted in zip(languages, direction, strict=True)]
        return sum(sides) if all(sides) else 0

    return any(near(other) > near(own) for other in others)


def read_direction(text: str) -> Direction:
    """Parse a direction as `str` writes it. Raises ValueError."""
    sides = text.split(":" if ":" in text else "-")
    if len(sides) != 2 or not all(sides):
        raise ValueError(f"directions has {brief(text)}; it must be two codes, such as de-en, or pt-BR:en")
    return Direction(*sides)


@dataclass(frozen=True)
class Directions:
    """The directions of a corpus or a model.

    Raises ValueError for a duplicate, and for several target languages without tags: a model could not know which one
    is wanted.
    """

    every: tuple[Direction, ...]
    tags: Tags = False

    def __post_init__(self) -> None:
        if len(set(self.every)) < len(self.every):
            raise ValueError(f"directions has one twice: {brief(str(self))}")
        if not self.tags and len(self.targets) > 1:
            raise ValueError(f"directions are {brief(str(self))}, into several languages, which needs tags=true")

    def __str__(self) -> str:
        return ", ".join(map(str, self.every))

    @classmethod
    def of(cls, src: str, tgt: str, directions: Iterable[str] = (), tags: Tags = False) -> Directions:
        """The directions from the settings of a model. Raises ValueError."""
        return cls(tuple(map(read_direction, directions)) or (Direction(src, tgt),), tags)

    @property
    def sources(self) -> list[str]:
        return list(dict.fromkeys(direction.src for direction in self.every))

    @property
    def targets(self) -> list[str]:
        return list(dict.fromkeys(direction.tgt for direction in self.every))

    @property
    def languages(self) -> list[str]:
        return list(dict.fromkeys(language for direction in self.every for language in direction))

    @property
    def only(self) -> Direction | None:
        return self.every[0] if len(self.every) == 1 else None

    @property
    def names(self) -> Direction:
        """Names of both sides; several languages are joined as de+fr."""
        return Direction("+".join(self.sources), "+".join(self.targets))

    @property
    def tag_pieces(self) -> list[str]:
        """All tags."""
        return list(dict.fromkeys(tag for direction in self.every for tag in self.tags_of(direction)))

    def tags_of(self, direction: Direction) -> list[str]:
        """The tags before a source in this direction."""
        tags = [f"<2{direction.tgt}>", f"<{direction.src}>"]
        return tags[: 2 if self.tags == "both" else int(self.tags)]

    def chosen(self, to: str | None = None, from_: str | None = None) -> Direction:
        """The direction with these languages, each given by its code or name, or as None if the other one suffices.
        The source is "" where several are possible and the model does not need to know.

        Raises ValueError if no direction matches, or several do, and TypeError for anything but a str.
        """
        found = list(self.every)
        for side, name, wanted in (("tgt", "to", to), ("src", "from_", from_)):
            if wanted is not None:
                if not isinstance(wanted, str):
                    raise TypeError(f"{name} is {wanted!r} ({type(wanted).__name__}); it must be a str")
                known = self.targets if side == "tgt" else self.sources
                code = _meant(wanted, known)
                found = [direction for direction in found if getattr(direction, side) == code]
        if not found:
            asked = " ".join([f"from {from_!r}"] * (from_ is not None) + [f"to {to!r}"] * (to is not None))
            raise ValueError(f"the model does not translate {asked}; it has: {self}")
        targets = list(dict.fromkeys(direction.tgt for direction in found))
        if len(targets) > 1:
            raise ValueError(f"say into which language with --to (in Python to=): {', '.join(targets)}")
        if len(found) == 1:
            return found[0]
        if self.tags == "both":
            sources = ", ".join(direction.src for direction in found)
            raise ValueError(f"say from which language with --from (in Python from_=): {sources}")
        return Direction("", targets[0])

    def needed(self, direction: Direction) -> list[str]:
        """The fewest command-line options from which `chosen` finds this direction."""
        to, from_ = ["--to", direction.tgt], ["--from", direction.src]
        of_target = [one for one in self.every if one.tgt == direction.tgt]
        if self.tags != "both" or len(of_target) == 1:
            return to if len(self.targets) > 1 else []
        of_source = [one for one in self.every if one.src == direction.src]
        return from_ if len(of_source) == 1 else [*to, *from_]


def _meant(wanted: str, known: Sequence[str]) -> str | None:
    """The known code that `wanted` means: de, DE, deu, German, or a variant of it if there is only one."""
    columns = named_columns(known, [wanted], "the model") if wanted.strip() else None
    return None if columns is None else known[columns[0]]
