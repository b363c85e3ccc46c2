"""A picture of a unit, drawn from the equations in its docstring: a box per equation, an arrow per value used."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence

from nmt.cells import Cell
from nmt.pictures.charts import Diagram, Node

EQUATION = re.compile(r"^\s*([^\W\d_]\w*'?) = (.+?)(?: {3,}.*)?$")
NAME = re.compile(r"[^\W\d_]\w*'?")
INPUT = "x"


def equations(cell: Cell) -> dict[str, str]:
    """The lines `name = ...` of a cell's docstring, in order; the first, if several have the same name."""
    found: dict[str, str] = {}
    for line in (inspect.getdoc(type(cell)) or "").split("\n"):
        for part in re.split(r"; +", line):
            if match := EQUATION.match(part):
                found.setdefault(match[1], match[2].rstrip(".,; "))
    return found


def unit_diagram(name: str, cell: Cell) -> Diagram | None:
    """The diagram; None for a cell whose docstring has no equations."""
    made = equations(cell)
    if not made:
        return None
    given = [one for one in (INPUT, *cell.states) if any(one in NAME.findall(right) for right in made.values())]
    uses = {left: [one for one in (*given, *made) if one != left and one in NAME.findall(right)]
            for left, right in made.items()}  # fmt: skip
    column = _columns(given, uses)
    nodes = []
    for depth in range(max(column.values()) + 1):
        names = [one for one in (*given, *made) if column[one] == depth]
        for row, one in enumerate(names):
            y = (len(names) - 1) / 2 - row + 0.35 * (depth % 2)  # no arrow crosses a whole row
            if one in made:
                label, kind = f"{one} = {made[one]}", "good" if one.endswith("'") else "plain"
            else:
                label, kind = "x: what comes in" if one == INPUT else f"{one}: from the step before", "input"
            nodes.append(Node(one, label, 2.6 * depth, y, label, kind))
    edges = [(source, left) for left, sources in uses.items() for source in sources]
    deep = max(sum(c == depth for c in column.values()) for depth in column.values())
    return Diagram(f"{name}: one unit, one step", nodes, edges, 2.9 * (max(column.values()) + 1), 0.75 * deep + 1)


def _columns(given: Sequence[str], uses: dict[str, list[str]]) -> dict[str, int]:
    """Each value's column, to the right of everything that it uses."""
    column = dict.fromkeys(given, 0)
    for left, sources in uses.items():  # equations are in the order of computation
        column[left] = 1 + max((column.get(source, 0) for source in sources), default=0)
    return column
