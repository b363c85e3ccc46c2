"""A drawing as marks at known places, and those as SVG. Text stays text, so a browser picks the font and direction
for every script.

Lengths are points, from the upper left corner; angles are degrees, clockwise.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.image import imsave

from nmt.pictures.fonts import families

NAMELESS: Any = {"Software": None}  # the same numbers give the same bytes with any version of matplotlib
Point = tuple[float, float]
Rectangle = tuple[float, float, float, float]  # left, top, width, height


@dataclass(frozen=True)
class Look:
    """Of paths and boxes; colours as #rrggbb."""

    fill: str = "none"
    edge: str = "none"
    width: float = 0.8  # of the edge
    is_dashed: bool = False


@dataclass(frozen=True)
class Texts:
    placed: Sequence[tuple[float, float, str]]  # the start, middle or end of the baseline, by `anchor`
    anchor: str = "middle"
    size: float = 9
    angle: float = 0


@dataclass(frozen=True)
class Paths:
    """Straight lines from point to point, or curves: from the first point towards the second to the third."""

    paths: Sequence[Sequence[Point]]
    look: Look
    are_curved: bool = False


@dataclass(frozen=True)
class Boxes:
    boxes: Sequence[Rectangle]
    look: Look
    radius: float = 0  # of the corners


@dataclass(frozen=True)
class Cells:
    """A colour for each number."""

    place: Rectangle
    values: Sequence[Sequence[float]]  # (rows, columns)
    low: float
    high: float
    colours: str  # matplotlib's name of a colour map


Mark = Texts | Paths | Boxes | Cells


@dataclass(frozen=True)
class Drawing:
    width: float
    height: float
    marks: Sequence[Mark]  # later ones cover earlier ones
    spots: Sequence[Point]  # the middle of each box, or two corners of a heat map's cells

    def words(self) -> str:
        """All of its text."""
        return "".join(text for mark in self.marks if isinstance(mark, Texts) for *_, text in mark.placed)


def to_svg(drawing: Drawing) -> str:
    width, height = f"{drawing.width:.1f}", f"{drawing.height:.1f}"
    fonts = ", ".join(f"'{name}'" for name in families(drawing.words()))
    return "\n".join(
        [
            '<svg xmlns="http://www.w3.org/2000/svg" '
            f'width="{width}pt" height="{height}pt" viewBox="0 0 {width} {height}">',
            f'<rect width="{width}" height="{height}" style="fill: #ffffff"/>',  # of a page, in the page's colours
            f'<g style="font-family: {html.escape(fonts)}">',
            *map(mark_svg, drawing.marks),
            "</g>\n</svg>",
        ]
    )


def mark_svg(mark: Mark) -> str:
    match mark:
        case Texts():
            turn = f" rotate({mark.angle:g})" if mark.angle else ""
            texts = (
                f'<text transform="translate({x:.1f} {y:.1f}){turn}">{html.escape(text, quote=False)}</text>'
                for x, y, text in mark.placed
                if text
            )
            return group(f"font-size: {mark.size:g}px; text-anchor: {mark.anchor}", texts)
        case Paths():
            kind = "Q" if mark.are_curved else "L"
            places = ([f"{x:.1f} {y:.1f}" for x, y in path] for path in mark.paths)
            steps = "".join(f"M{first}{kind}{' '.join(others)}" for first, *others in places)
            return f'<path d="{steps}" style="{css(mark.look)}"/>'
        case Boxes():
            return group(css(mark.look), (f'<rect {sides(box)} rx="{mark.radius:g}"/>' for box in mark.boxes))
        case Cells():
            png = io.BytesIO()
            imsave(png, mark.values, mark.low, mark.high, mark.colours, "png", metadata=NAMELESS)
            return (
                f'<image {sides(mark.place)} preserveAspectRatio="none" style="image-rendering: pixelated" '
                f'href="data:image/png;base64,{base64.b64encode(png.getvalue()).decode()}"/>'
            )


def group(style: str, members: Iterable[str]) -> str:
    return "\n".join([f'<g style="{style}">', *members, "</g>"])


def sides(rectangle: Rectangle) -> str:
    left, top, width, height = rectangle
    return f'x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}"'


def css(look: Look) -> str:
    dashes = f"; stroke-dasharray: {3.7 * look.width:g} {1.6 * look.width:g}" if look.is_dashed else ""
    return f"fill: {look.fill}; stroke: {look.edge}; stroke-width: {look.width:g}{dashes}"
