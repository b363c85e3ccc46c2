"""Heat maps and diagrams as drawings: where each of their parts stands.

Lengths are points, from the upper left corner.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from nmt.pictures.charts import Diagram, Heatmap
from nmt.pictures.fonts import width_of
from nmt.pictures.marks import Boxes, Cells, Drawing, Look, Mark, Paths, Point, Rectangle, Texts

INCH = 72
SMALL, SIZE, LARGE = 8, 9, 10.8  # of text in boxes, of most text, and of titles
DOWN = 0.35  # of a text's size, from its middle to its baseline
LINE = 12.5  # between lines of text; names any closer would overlap
MARGIN, GAP, TICK = 6, 4, 3.5
TITLE = 25  # height of a title
AXIS = Look(edge="#000000")

COLUMN, ROW = 21.6, 18.7  # width and height, if there are few
SHORTEST, LONGEST = 130, 960  # sides of a heat map, without what stands around it
DENSE = 180  # height of thin rows together
SLANT = math.radians(60)  # of the columns' names
BAR, SHADES = 9, 128  # width and colours of the bar that explains the colours

COLOURS = {"plain": "#eef2f7", "good": "#cfe8cf", "bad": "#f3d6d3", "input": "#fbeec2"}
EDGE = "#5b6b7d"
# Of a diagram's boxes. The edges are for those who see no red and green.
LOOKS = {kind: Look(colour, EDGE, 2.2 if kind == "good" else 0.8, kind == "bad") for kind, colour in COLOURS.items()}
OUTER = 0.7, 0.6  # in a diagram's units, from the middle of its outermost boxes to its edge
INNER = 2.8  # from a box's edge to its text
ARROW = Look(edge=EDGE, width=0.9)
HEAD, HALF = 4, 2  # length of an arrow's head, and half of its width
BEND = 0.1  # of an arrow's length: how far it passes beside what is between


def heatmap(chart: Heatmap) -> Drawing:
    width = min(max(COLUMN * len(chart.columns), SHORTEST), LONGEST)
    height = DENSE if chart.dense else min(ROW * len(chart.rows), LONGEST)
    columns, rows = labelled(chart.columns, width), [] if chart.dense else labelled(chart.rows, height)
    below = TICK + GAP + widest(columns) * math.sin(SLANT)
    beside = TICK + GAP + widest(rows) + LINE * bool(chart.row_label)
    slanted = max((width_of(name, SIZE) * math.cos(SLANT) - x for x, name in columns), default=0)
    left, top = MARGIN + max(beside, slanted), TITLE
    right, bottom = left + width, top + height
    bar, end = colour_bar(chart, (right + LINE, top, BAR, height))
    whole, title = titled(chart.title, end, left + width / 2)
    ticks = [
        *([(left + x, bottom), (left + x, bottom + TICK)] for x, _ in columns),
        *([(left, top + y), (left - TICK, top + y)] for y, _ in rows),
    ]
    marks = [
        cells(chart, (left, top, width, height), chart.values),
        Paths([[(left, top), (left, bottom), (right, bottom)], *ticks], AXIS),
        title,
        Texts([(left + x + GAP, bottom + TICK + 1.5 * GAP, name) for x, name in columns], "end", SIZE, -60),
        Texts([(left - TICK - GAP, top + y + DOWN * SIZE, name) for y, name in rows], "end"),
        Texts([(left + width / 2, bottom + below + LINE, chart.column_label)]),
        Texts([(left - beside + SIZE, top + height / 2, chart.row_label)], angle=-90),
        *bar,
    ]
    height = bottom + below + MARGIN + LINE * bool(chart.column_label)
    return Drawing(whole, height, marks, [(left, top), (right, bottom)])


def labelled(names: Sequence[str], length: float) -> list[tuple[float, str]]:
    """Names with the middles of their shares of a length; one in so many of them, if there is no room for all."""
    share = length / max(1, len(names))
    every = math.ceil(LINE / share)
    return [((i + 0.5) * share, names[i]) for i in range(0, len(names), every)]


def widest(placed: Sequence[tuple[float, str]]) -> float:
    return max((width_of(name, SIZE) for _, name in placed), default=0)


def cells(chart: Heatmap, place: Rectangle, values: Sequence[Sequence[float]]) -> Cells:
    return Cells(place, values, chart.low, chart.high, "RdBu_r" if chart.centred else "viridis")


def colour_bar(chart: Heatmap, place: Rectangle) -> tuple[list[Mark], float]:
    """What the colours mean, and where that ends."""
    left, top, width, height = place
    right, span, parts = left + width, chart.high - chart.low, 4 if chart.centred else 5
    numbers = [(top + height * (1 - i / parts), f"{chart.low + i / parts * span:.2g}") for i in range(parts + 1)]
    after = right + TICK + GAP + widest(numbers) + LINE
    return [
        cells(chart, place, [[chart.high - i / SHADES * span] for i in range(SHADES + 1)]),
        Boxes([place], AXIS),
        Paths([[(right, y), (right + TICK, y)] for y, _ in numbers], AXIS),
        Texts([(right + TICK + GAP, y + DOWN * SIZE, number) for y, number in numbers], "start"),
        Texts([(after, top + height / 2, chart.label)], angle=-90),
    ], after + MARGIN


def titled(title: str, width: float, middle: float) -> tuple[float, Texts]:
    """The width with room for the title, and the title, above the middle if there is room."""
    half = width_of(title, LARGE) / 2 + MARGIN
    width = max(width, 2 * half)
    return width, Texts([(min(max(middle, half), width - half), TITLE - 2 * GAP, title)], size=LARGE)


def diagram(chart: Diagram) -> Drawing:
    xs, ys = [node.x for node in chart.nodes], [node.y for node in chart.nodes]
    width, title = titled(chart.title, chart.width * INCH, chart.width * INCH / 2)
    height = chart.height * INCH
    left, right, top, bottom = min(xs) - OUTER[0], max(xs) + OUTER[0], max(ys) + OUTER[1], min(ys) - OUTER[1]
    across, down = width / (right - left), (height - TITLE) / (top - bottom)
    middle = {node.name: ((node.x - left) * across, TITLE + (top - node.y) * down) for node in chart.nodes}
    half = {node.name: (width_of(node.label, SMALL) / 2 + INNER, 0.6 * SMALL + INNER) for node in chart.nodes}
    column = {x: i for i, x in enumerate(sorted({x for x, _ in middle.values()}))}
    curves, heads = [], []
    for start, end in chart.edges:
        (x0, y0), (x1, y1) = middle[start], middle[end]
        aside = 0.0 if column[x1] - column[x0] <= 1 else BEND if 2 * y0 > TITLE + height else -BEND
        bend = (x0 + x1) / 2 - aside * (y1 - y0), (y0 + y1) / 2 + aside * (x1 - x0)
        tip = border(middle[end], half[end], bend)
        base, head = arrow_head(tip, bend)
        curves.append([border(middle[start], half[start], bend), bend, base])
        heads.append(head)
    marks: list[Mark] = [Paths(curves, ARROW, are_curved=True), Paths(heads, replace(ARROW, fill=EDGE))]
    for kind, look in LOOKS.items():
        of_kind = [(*middle[node.name], *half[node.name]) for node in chart.nodes if node.kind == kind]
        marks.append(Boxes([(x - w, y - h, 2 * w, 2 * h) for x, y, w, h in of_kind], look, INNER))
    labels = [(x, y + DOWN * SMALL, node.label) for node, (x, y) in zip(chart.nodes, middle.values(), strict=True)]
    return Drawing(width, height, [*marks, Texts(labels, size=SMALL), title], list(middle.values()))


def border(middle: Point, half: Point, towards: Point) -> Point:
    """Where the way from the middle of a box, of half this width and height, leaves it."""
    across, down = towards[0] - middle[0], towards[1] - middle[1]
    share = min([1.0, *(side / abs(way) for side, way in zip(half, (across, down), strict=True) if way)])
    return middle[0] + share * across, middle[1] + share * down


def arrow_head(tip: Point, source: Point) -> tuple[Point, list[Point]]:
    """The middle of its base, and its corners."""
    length = math.dist(tip, source) or 1.0
    x, y = (tip[0] - source[0]) / length, (tip[1] - source[1]) / length
    base = tip[0] - HEAD * x, tip[1] - HEAD * y
    return base, [tip, (base[0] - HALF * y, base[1] + HALF * x), (base[0] + HALF * y, base[1] - HALF * x)]
