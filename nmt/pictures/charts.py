"""Charts as plain values: a heat map, lines, a tree, a table. draw.py draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import TypeVar, cast

from nmt.common.shown import MOST, shown

T = TypeVar("T")
LABEL = 100  # characters of a name in a picture


@dataclass(frozen=True)
class Heatmap:
    """A number for every row and column; `centred` marks numbers of both signs around zero."""

    title: str
    rows: Sequence[str]  # downwards
    columns: Sequence[str]
    values: Sequence[Sequence[float]]  # (rows, columns)
    low: float = 0.0
    high: float = 1.0
    label: str = ""  # of the numbers
    row_label: str = ""
    centred: bool = False
    dense: bool = False  # many rows, drawn thin and without names
    column_label: str = ""
    note: str = ""  # a sentence below the chart


@dataclass(frozen=True)
class Curve:
    label: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] = ()  # of the spread around y; empty for none
    high: Sequence[float] = ()
    dashed: bool = False


@dataclass(frozen=True)
class LineChart:
    title: str
    x_label: str
    y_label: str
    curves: Sequence[Curve]
    log: bool = False
    level: float | None = None  # a level worth a dotted line ...
    level_label: str = ""  # ... and what it is
    x_names: Sequence[str] = ()  # names for x = 0, 1, ... if they are not numbers

    def named(self, x: float) -> str:
        return self.x_names[int(x)] if self.x_names else f"{x:g}"


@dataclass(frozen=True)
class Node:
    name: str
    label: str
    x: float
    y: float  # upwards
    detail: str = ""  # shown on hovering
    kind: str = "plain"  # plain, good, bad or input


@dataclass(frozen=True)
class Diagram:
    """Boxes and arrows at given places, for a unit or a search."""

    title: str
    nodes: Sequence[Node]
    edges: Sequence[tuple[str, str]]  # from, to
    width: float  # inches
    height: float


@dataclass(frozen=True)
class Table:
    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]


Picture = Heatmap | LineChart | Diagram
Chart = Picture | Table


@dataclass(frozen=True)
class Section:
    title: str
    text: Sequence[str] = ()  # paragraphs
    charts: Sequence[Chart] = ()


def printable(value: T, most: int | None = LABEL) -> T:
    """A chart, section or text with control characters escaped for terminals and browsers. Paragraphs keep their
    length; labels are cut, as a piece of an unknown model may be a page long."""
    if isinstance(value, str):
        return cast(T, shown(value, most, lines=True))
    if isinstance(value, list | tuple) and not (value and isinstance(value[0], float)):  # numbers are many, and safe
        return cast(T, [printable(one, most) for one in value])
    if is_dataclass(value) and not isinstance(value, type):
        usual = MOST if isinstance(value, Section | Table | Node) else LABEL
        texts = {one.name: getattr(value, one.name) for one in fields(value)}
        shorter = {name: printable(text, None if name == "text" else usual) for name, text in texts.items()}
        return cast(T, replace(value, **shorter))
    return value
