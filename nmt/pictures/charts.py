"""What there is to draw, as plain values: a heat map, lines, a tree, a table. Drawing them is draw.py's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


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
    dense: bool = False  # many rows, thin and unnamed


@dataclass(frozen=True)
class Line:
    label: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] = ()  # of the spread around y; none when empty
    high: Sequence[float] = ()
    dashed: bool = False


@dataclass(frozen=True)
class Lines:
    title: str
    x_label: str
    y_label: str
    lines: Sequence[Line]
    log: bool = False
    level: float | None = None  # a level worth a dotted line ...
    level_label: str = ""  # ... and what it is
    x_names: Sequence[str] = ()  # what x = 0, 1, ... stand for, where they are no numbers


@dataclass(frozen=True)
class Node:
    name: str
    label: str
    x: float
    y: float  # upwards
    detail: str = ""  # shown on hovering
    kind: str = "plain"  # plain, good, bad or input


@dataclass(frozen=True)
class Graph:
    """Boxes with arrows between them, at places that the maker chose; of a unit as of a search."""

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


Picture = Heatmap | Lines | Graph
Chart = Picture | Table


@dataclass(frozen=True)
class Section:
    title: str
    text: Sequence[str] = ()  # paragraphs
    charts: Sequence[Chart] = field(default=())
