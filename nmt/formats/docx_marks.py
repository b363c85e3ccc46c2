"""Fields and ranges in a DOCX paragraph: which marks must stay together, and which must stay in order.

A field is written as marks among the runs: begin, instruction, separator, end, with the result before the end. Word
recomputes the result of most fields, and would drop words that were put there, so such a field is a single item with
its result. In a link the words are text, between a pair of marks. A bookmark or a comment also begins and ends with a
mark. Where such marks are not nested (a contents table begins in one paragraph and ends in another, a bookmark
crosses a link), they stand alone, and `in_order` keeps their order.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from nmt.formats.xml import Element, attribute, local
from nmt.text.tags import Piece, Tag, nested_pairs

FIELD_MARKS = {"fldChar", "instrText", "delInstrText"}
DELETED = {"del", "moveFrom"}  # may contain marks of a field that goes on after them
RANGE = re.compile(r"(bookmark|perm|\w+Range)(Start|End)")
LINK = re.compile(r"\s*HYPERLINK\b", re.IGNORECASE)


class RunChild(NamedTuple):
    """An element in a run, which has its formatting."""

    run: Element
    node: Element


class Item(NamedTuple):
    """The smallest unit of a paragraph. A `loose` item stands alone and must keep its order."""

    kind: Literal["open", "close", "alone", "loose", "text"]
    value: Any  # RunChild, an element of the paragraph, or a group
    look: str = ""  # in a run, its formatting as XML


class ItemGroup(NamedTuple):
    """Items that stay together, in place of one."""

    items: Sequence[Item]
    number: int = -1  # of a loose item: it must not come before another of its kind with a lower number


def folded(items: Sequence[Item]) -> list[Item]:
    """Items in which each field that Word computes is one item, and the marks of links and ranges are pairs if they
    are nested; other such marks are loose, and numbered."""
    found = _with_ranges(_with_fields(items))
    for number, item in enumerate(found):
        if item.kind == "loose":
            inner = item.value.items if isinstance(item.value, ItemGroup) else [item]
            found[number] = Item("alone", ItemGroup(inner, number))
    return found


def in_order(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces, with loose ones swapped into order: marks of ranges in the whole text, those of fields within each
    link, because they must not move into another one."""
    places: dict[int, list[int]] = {}  # by the piece that opens the link around them; -1 for none, -2 for ranges
    numbers: dict[int, int] = {}
    opened = [-1]
    for i, piece in enumerate(pieces):
        if not isinstance(piece, Tag) or not isinstance(piece.value, ItemGroup):
            continue
        if piece.value.number >= 0:
            numbers[i] = piece.value.number
            places.setdefault(opened[-1] if _goes_on(piece.value) else -2, []).append(i)
        elif piece.kind != "alone" and any(map(_has_field_mark, piece.value.items)):
            if piece.kind == "open":
                opened.append(i)
            else:
                opened.pop()
    found = list(pieces)
    for some in places.values():
        for place, i in zip(some, sorted(some, key=numbers.__getitem__), strict=True):
            found[place] = pieces[i]
    return found


def is_link(instruction: str) -> bool:
    """Whether a field is a hyperlink, which has text as its result; the results of all others are computed."""
    return LINK.match(instruction) is not None


def is_range_mark(name: str) -> bool:
    return RANGE.fullmatch(name) is not None


@dataclass(eq=False)
class _Field:
    """The positions of a field's marks; -1 for missing ones. Without an end it is a field that ends in a later
    paragraph, or a single mark, such as the end of a field that began in an earlier one."""

    begin: int
    last: int  # the last of begin, instruction and separator
    separate: int = -1
    end: int = -1
    instruction: str = ""


class _Fold(NamedTuple):
    """Items that become one."""

    first: int
    last: int
    kind: Literal["open", "close", "alone", "loose"]
    field: _Field


def _with_fields(items: Sequence[Item]) -> list[Item]:
    folds = _disjoint(_folds(items))
    groups = [Item(fold.kind, ItemGroup(items[fold.first : fold.last + 1])) for fold in folds]
    both = list(zip(folds, groups, strict=True))
    ends = Counter(fold.field for fold, group in both if fold.kind in ("open", "close") and not _holds_range(group))
    found: list[Item] = []
    place = 0
    for fold, group in both:
        is_sound = fold.kind == "alone" or ends[fold.field] == 2
        found += [*items[place : fold.first], group if is_sound else group._replace(kind="loose")]
        place = fold.last + 1
    return [*found, *items[place:]]


def _folds(items: Sequence[Item]) -> Iterator[_Fold]:
    """The items of each field to be joined; these may overlap."""
    around, ends = _containers(items)

    def whole(first: int, last: int) -> tuple[int, int]:
        """Extended to the containers that hold only one of both ends."""
        shared = sum(one == other for one, other in zip(around[first], around[last], strict=False))
        return next(iter(around[first][shared:]), first), next((ends[i] for i in around[last][shared:]), last)

    for field in _fields(items):
        if field.end < 0:
            yield _Fold(*whole(field.begin, field.last), "loose", field)
        elif field.begin == field.end:  # the whole field was deleted
            continue
        elif field.separate >= 0 and is_link(field.instruction):
            nested = around[field.begin] == around[field.separate] == around[field.end]
            yield _Fold(*whole(field.begin, field.separate), "open" if nested else "loose", field)
            yield _Fold(field.end, field.end, "close" if nested else "loose", field)
        else:
            nested = around[field.begin] == around[field.end]
            yield _Fold(*whole(field.begin, field.end), "alone" if nested else "loose", field)


def _disjoint(folds: Iterable[_Fold]) -> list[_Fold]:
    """The folds in order, without those inside others; two that cross become one, which is loose."""
    found: list[_Fold] = []
    for fold in sorted(folds, key=lambda fold: (fold.first, -fold.last)):
        if not found or fold.first > found[-1].last:
            found.append(fold)
        elif fold.last > found[-1].last:
            found[-1] = found[-1]._replace(last=fold.last, kind="loose")
    return found


def _containers(items: Sequence[Item]) -> tuple[list[tuple[int, ...]], dict[int, int]]:
    """For each item, where the containers around it begin, outermost first; and begin -> end of each container."""
    around: list[tuple[int, ...]] = []
    ends = {}
    now: tuple[int, ...] = ()
    for i, item in enumerate(items):
        if item.kind == "close":
            ends[now[-1]] = i
            now = now[:-1]
        around.append(now)
        if item.kind == "open":
            now = (*now, i)
    return around, ends


def _fields(items: Sequence[Item]) -> list[_Field]:
    """The fields, by their marks in order."""
    found: list[_Field] = []
    opened: list[_Field] = []
    for i, item in enumerate(items):
        for mark in _field_marks(item):
            kind = attribute(mark, "fldCharType") or "instruction"
            if kind == "begin":
                opened.append(_Field(i, i))
                found.append(opened[-1])
            elif kind == "end" and opened:
                opened.pop().end = i
            elif not opened or opened[-1].separate >= 0:
                found.append(_Field(i, i))
            elif kind == "separate":
                opened[-1].separate = opened[-1].last = i
            else:
                opened[-1].last = i
                opened[-1].instruction += mark.text or ""
    return found


def _field_marks(item: Item) -> Iterable[Element]:
    if isinstance(item.value, RunChild):
        return [item.value.node] if local(item.value.node) in FIELD_MARKS else ()
    if not isinstance(item.value, tuple) and local(item.value) in DELETED:
        return item.value.iter(*(f"{{*}}{name}" for name in FIELD_MARKS))  # type: ignore[no-any-return]
    return ()


def _has_field_mark(item: Item) -> bool:
    return any(True for _ in _field_marks(item))


def _goes_on(group: ItemGroup) -> bool:
    """Whether a field begins but does not end in a group, or the other way round."""
    depth = 0
    for item in group.items:
        for mark in _field_marks(item):
            kind = attribute(mark, "fldCharType")
            depth += (kind == "begin") - (kind == "end")
            if depth < (kind != "end"):
                return True
    return depth != 0


def _with_ranges(items: Sequence[Item]) -> list[Item]:
    """Make a range a pair if it does not cross an element or another pair; else its marks are loose."""
    ends = {i: mark for i, item in enumerate(items) if (mark := _range_end(item))}
    found = list(items)
    for i, item in enumerate(items):
        if i in ends or _holds_range(item):  # such as only one end of a range
            found[i] = item._replace(kind="loose")
    for start, end in nested_pairs(ends.get(i, (item.kind, None)) for i, item in enumerate(items)).items():
        found[start] = Item("open", ItemGroup([items[start]]))
        found[end] = Item("close", ItemGroup([items[end]]))
    return found


def _holds_range(item: Item) -> bool:
    """Whether a range begins or ends in an indivisible item: deleted text, or items that stay together."""
    if isinstance(item.value, ItemGroup):
        return any(_range_end(one) or _holds_range(one) for one in item.value.items)
    if isinstance(item.value, tuple) or local(item.value) not in DELETED:
        return False
    return any(is_range_mark(local(node)) for node in item.value.iter())


def _range_end(item: Item) -> tuple[str, tuple[str, str]] | None:
    """Whether an item begins ("open") or ends ("close") a range, and which; None for neither."""
    if item.kind != "alone" or isinstance(item.value, tuple):
        return None
    match = RANGE.fullmatch(local(item.value))
    return ("open" if match[2] == "Start" else "close", (match[1], attribute(item.value, "id"))) if match else None
