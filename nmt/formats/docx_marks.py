"""Fields and ranges in a paragraph of DOCX: what must stay together, and what must stay in its order.

A field is written as marks among the runs: its begin, its instruction, what separates that from its result, its end.
Word computes the result of most fields anew, and would drop words that were put there: such a field is one thing,
with its result. Of a link the words are text, and its marks a pair around them. A bookmark or a comment begins and
ends with a mark, too. Where such marks are nested in nothing else (a contents table begins in one paragraph and ends
in another, a bookmark crosses a link), they stand alone, and `in_order` keeps their order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

from nmt.formats.pieces import Piece, Tag
from nmt.formats.xml import Element, local

FIELD_MARKS = {"fldChar", "instrText", "delInstrText"}
DELETED = {"del", "moveFrom"}  # they may hold marks of a field that goes on after them
RANGE = re.compile(r"(bookmark|perm|\w+Range)(Start|End)")
LINK = re.compile(r"\s*HYPERLINK\b", re.IGNORECASE)


class Single(NamedTuple):
    """What stands in a run."""

    run: Element
    node: Element


class Part(NamedTuple):
    """The least that a paragraph is made of. `loose` is what stands alone and must keep its order."""

    kind: Literal["open", "close", "alone", "loose", "text"]
    value: Any  # Single, or the element that stands in the paragraph, or one of the following
    look: str = ""  # of what stands in a run, its formatting as XML


class Group(NamedTuple):
    """Parts that stay together."""

    parts: Sequence[Part]


class Pair(NamedTuple):
    """The two ends of a stretch that no element is around."""

    start: Group
    end: Group


class Loose(NamedTuple):
    """What must not come before one of its kind with a lower number."""

    number: int
    value: Any
    goes_on: bool  # whether a field begins in it that does not end there, or the other way round


def folded(parts: Sequence[Part]) -> list[Part]:
    """Parts with each field that Word computes as one, the marks of links and of ranges as pairs where these are
    nested, and other such marks loose, by their number."""
    return [
        Part("alone", Loose(number, part.value, _goes_on(part))) if part.kind == "loose" else part
        for number, part in enumerate(_with_ranges(_with_fields(parts)))
    ]


def in_order(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces, of which those that are loose change places until they are in order: marks of ranges in all of the
    text, those of fields within each link, since they must not come into another one."""
    places: dict[int, list[int]] = {}  # by the link around them, as what opens it; -1 for none, -2 for ranges
    loose: dict[int, Loose] = {}
    opened: list[int] = []
    for i, piece in enumerate(pieces):
        if not isinstance(piece, Tag):
            continue
        if isinstance(piece.value, Pair) and any(map(_has_field_mark, piece.value.start.parts)):
            if piece.kind == "open":
                opened.append(i)
            else:
                opened.pop()
        elif isinstance(piece.value, Loose):
            loose[i] = piece.value
            places.setdefault([-1, *opened][-1] if piece.value.goes_on else -2, []).append(i)
    found = list(pieces)
    for some in places.values():
        for place, i in zip(some, sorted(some, key=lambda i: loose[i].number), strict=True):
            found[place] = pieces[i]
    return found


def is_link(instruction: str) -> bool:
    """Whether a field is a hyperlink, whose result is text; that of all others is computed."""
    return LINK.match(instruction) is not None


def is_range_mark(name: str) -> bool:
    return RANGE.fullmatch(name) is not None


def attribute(node: Element, name: str) -> str:
    """An attribute by its name without a namespace; "" where there is none."""
    return next((str(value) for key, value in node.attrib.items() if key.rpartition("}")[2] == name), "")


class _Field:
    """Where the marks of a field stand; -1 for those that are not there. Without an end it is one that ends in a
    later paragraph, or a single mark that belongs to none, such as the end of one that began in an earlier one."""

    def __init__(self, begin: int) -> None:
        self.begin, self.separate, self.end = begin, -1, -1
        self.last = begin  # of its begin, its instruction and what separates it from the result
        self.instruction: list[str] = []


class _Fold(NamedTuple):
    """Parts that become one."""

    first: int
    last: int
    kind: Literal["open", "close", "alone", "loose"]
    field: _Field


def _with_fields(parts: Sequence[Part]) -> list[Part]:
    folds = _disjoint(_folds(parts))
    ends = {fold.field: fold for fold in folds if fold.kind == "close"}
    pairs: dict[_Field, Pair] = {}
    for fold in folds:
        if fold.kind == "open" and fold.field in ends and not _holds_range(head := _group(parts, fold)):
            pairs[fold.field] = Pair(head.value, _group(parts, ends[fold.field]).value)
    found: list[Part] = []
    end = 0
    for fold in folds:
        found += parts[end : fold.first]
        end = fold.last + 1
        pair = pairs.get(fold.field)
        found.append(_group(parts, fold) if pair is None else Part(fold.kind, pair))
    return [*found, *parts[end:]]


def _group(parts: Sequence[Part], fold: _Fold) -> Part:
    return Part("alone" if fold.kind == "alone" else "loose", Group(parts[fold.first : fold.last + 1]))


def _folds(parts: Sequence[Part]) -> Iterator[_Fold]:
    """What each field makes one of. These may overlap."""
    around, ends = _containers(parts)

    def whole(first: int, last: int) -> tuple[int, int]:
        """As far as the containers go that only one of the two is in."""
        shared = sum(one == other for one, other in zip(around[first], around[last], strict=False))
        return next(iter(around[first][shared:]), first), next((ends[i] for i in around[last][shared:]), last)

    for field in _fields(parts):
        if field.end < 0:
            yield _Fold(*whole(field.begin, field.last), "loose", field)
        elif field.begin == field.end:  # all of it was deleted
            continue
        elif field.separate >= 0 and is_link("".join(field.instruction)):
            nested = around[field.begin] == around[field.separate] == around[field.end]
            yield _Fold(*whole(field.begin, field.separate), "open" if nested else "loose", field)
            yield _Fold(field.end, field.end, "close" if nested else "loose", field)
        else:
            nested = around[field.begin] == around[field.end]
            yield _Fold(*whole(field.begin, field.end), "alone" if nested else "loose", field)


def _disjoint(folds: Iterable[_Fold]) -> list[_Fold]:
    """In order, without those inside others; of two that cross each other one, which is loose."""
    found: list[_Fold] = []
    for fold in sorted(folds, key=lambda fold: (fold.first, -fold.last)):
        if not found or fold.first > found[-1].last:
            found.append(fold)
        elif fold.last > found[-1].last:
            found[-1] = found[-1]._replace(last=fold.last, kind="loose")
    return found


def _containers(parts: Sequence[Part]) -> tuple[list[tuple[int, ...]], dict[int, int]]:
    """Of each part where the containers around it begin, from the outermost; and where each of them ends."""
    around: list[tuple[int, ...]] = []
    ends = {}
    now: tuple[int, ...] = ()
    for i, part in enumerate(parts):
        if part.kind == "close":
            ends[now[-1]] = i
            now = now[:-1]
        around.append(now)
        if part.kind == "open":
            now = (*now, i)
    return around, ends


def _fields(parts: Sequence[Part]) -> list[_Field]:
    """The fields, by their marks in order."""
    found: list[_Field] = []
    opened: list[_Field] = []
    for i, part in enumerate(parts):
        for mark in _field_marks(part):
            kind = attribute(mark, "fldCharType") or "instruction"
            if kind == "begin":
                opened.append(_Field(i))
                found.append(opened[-1])
            elif kind == "end" and opened:
                opened.pop().end = i
            elif not opened or opened[-1].separate >= 0:
                found.append(_Field(i))
            elif kind == "separate":
                opened[-1].separate = opened[-1].last = i
            else:
                opened[-1].last = i
                opened[-1].instruction.append(mark.text or "")
    return found


def _field_marks(part: Part) -> Iterable[Element]:
    if isinstance(part.value, Single):
        return [part.value.node] if local(part.value.node) in FIELD_MARKS else ()
    if not isinstance(part.value, tuple) and local(part.value) in DELETED:
        return part.value.iter(*(f"{{*}}{name}" for name in FIELD_MARKS))  # type: ignore[no-any-return]
    return ()


def _has_field_mark(part: Part) -> bool:
    return any(True for _ in _field_marks(part))


def _goes_on(part: Part) -> bool:
    """Whether a field begins or ends in a part, but not both."""
    depth = 0
    for one in part.value.parts if isinstance(part.value, Group) else [part]:
        for mark in _field_marks(one):
            kind = attribute(mark, "fldCharType")
            depth += (kind == "begin") - (kind == "end")
            if depth < (kind != "end"):
                return True
    return depth != 0


def _with_ranges(parts: Sequence[Part]) -> list[Part]:
    """A range is a pair where it crosses neither an element nor a pair nor a range that is one."""
    found = list(parts)
    opened: list[int] = []  # where the elements, pairs and ranges begin that have not ended
    level = [-1]  # of these the elements and pairs
    waiting: dict[tuple[str, str], tuple[int, int]] = {}  # the ranges, by their names: where they begin, and in what

    def leave(start: int) -> None:
        """Take out what has begun last, down to this one. Ranges that cross it stay loose."""
        while (last := opened.pop()) != start:
            del waiting[_range(parts[last])[0]]

    for i, part in enumerate(parts):
        key, kind = _range(part)
        if part.kind == "open":
            opened.append(i)
            level.append(i)
        elif part.kind == "close":
            leave(level.pop())
        elif kind == "Start":
            found[i] = part._replace(kind="loose")
            if key not in waiting:
                waiting[key] = i, level[-1]
                opened.append(i)
        elif kind == "End":
            found[i] = part._replace(kind="loose")
            start, inside = waiting.get(key, (-1, -1))
            if start >= 0 and inside == level[-1]:
                leave(start)
                del waiting[key]
                pair = Pair(Group([parts[start]]), Group([part]))
                found[start], found[i] = Part("open", pair), Part("close", pair)
        elif part.kind == "alone" and _holds_range(part):  # such as its one end alone
            found[i] = part._replace(kind="loose")
    return found


def _holds_range(part: Part) -> bool:
    """Whether a range begins or ends in what is not divided: what was deleted, or some parts that stay together."""
    if isinstance(part.value, Group):
        return any(_range(one)[1] or _holds_range(one) for one in part.value.parts)
    if isinstance(part.value, tuple) or local(part.value) not in DELETED:
        return False
    return any(is_range_mark(local(node)) for node in part.value.iter())


def _range(part: Part) -> tuple[tuple[str, str], str]:
    """Which range a part begins or ends, and which of the two it does; "" for neither."""
    if part.kind != "alone" or isinstance(part.value, tuple):
        return ("", ""), ""
    match = RANGE.fullmatch(local(part.value))
    return ((match[1], attribute(part.value, "id")), match[2]) if match else (("", ""), "")
