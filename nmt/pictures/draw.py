"""Draws charts: with matplotlib to a file of any format that it writes, or as SVG for a page.

matplotlib lays out line charts; layout.py lays out the others, which may have thousands of parts.
"""

from __future__ import annotations

import io
import logging
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.patches import FancyBboxPatch, PathPatch
from matplotlib.path import Path as Outline
from matplotlib.rcsetup import cycler
from matplotlib.ticker import LogLocator, MaxNLocator

from nmt.common.files import output_at
from nmt.pictures.charts import Diagram, Heatmap, LineChart, Picture, printable
from nmt.pictures.fonts import families
from nmt.pictures.layout import INCH, diagram, heatmap
from nmt.pictures.marks import Boxes, Cells, Drawing, Look, Paths, Texts, to_svg

SERIES = (  # of lines
    "#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf",
)  # fmt: skip
MARKERS = "os^vDPX"  # tell apart lines that overlap
MANY, COLUMNS, WIDTH = 4, 3, 30  # charts that fit one column; columns for more; their width in inches
PIXELS = 20_000  # the longest side of a picture at most; the tree of a long translation would have more
LINES = 6.4, 3.6  # inches, of a line chart
MOST = 1e300  # infinity has no place
FEW = 12  # about as many points of a curve get a marker, at most
# A box replaces a character that no font of this machine has, which is clear enough.
logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", message="Glyph .* missing from font")
warnings.filterwarnings("ignore", message="constrained_layout not applied")  # labels longer than the picture


def save(charts: Sequence[Picture], path: Path) -> None:
    """All charts in one picture, one below the other; if more than MANY, in narrow columns, row by row. The suffix of
    `path` gives the format.

    Raises ValueError for a format that matplotlib does not write, or when there is nothing to draw.
    """
    if not charts:
        raise ValueError("there is nothing to draw")
    known = Figure().canvas.get_supported_filetypes()
    if path.suffix[1:].lower() not in known:
        raise ValueError(
            f"{path} ends in {path.suffix!r}; html has everything, a picture is one of: {', '.join(sorted(known))}"
        )
    drawn = [laid_out(chart) for chart in charts]
    sizes = [size(one) for one in drawn]
    columns = 1 if len(drawn) <= MANY else max(1, min(COLUMNS, int(WIDTH / max(width for width, _ in sizes))))
    heights = [max(height for _, height in sizes[i : i + columns]) for i in range(0, len(sizes), columns)]
    widths = [max(width for width, _ in sizes[i::columns]) for i in range(columns)]
    with mpl.rc_context(style(drawn)):
        figure = Figure(figsize=(sum(widths), sum(heights)), layout="constrained")
        parts = figure.subfigures(len(heights), columns, squeeze=False, height_ratios=heights, width_ratios=widths)
        for part, one in zip(parts.flat, drawn, strict=False):  # the last row may have free places
            if isinstance(one, Drawing):
                paint_drawing(one, part)
            else:
                paint_lines(one, part.subplots())
        with output_at(path) as file:
            figure.savefig(
                file, format=path.suffix[1:].lower(), dpi=min(120, PIXELS / max(*figure.get_size_inches()))
            )


class Drawn(NamedTuple):
    svg: str
    spots: list[tuple[float, float]]  # of its numbers: each point or box; two corners of a heat map's cells
    width: float  # inches


def svg(chart: Picture) -> Drawn:
    """The chart as an SVG element. Spots are shares of its width and height, from the upper left corner."""
    drawn = laid_out(chart)
    if isinstance(drawn, Drawing):
        text, spots = to_svg(drawn), [(x / drawn.width, y / drawn.height) for x, y in drawn.spots]
    else:
        text, spots = lines_svg(drawn)
    return Drawn(text, [(round(x, 5), round(y, 5)) for x, y in spots], size(drawn)[0])


def laid_out(chart: Picture) -> Drawing | LineChart:
    match printable(chart):
        case Heatmap() as shown:
            return heatmap(shown)
        case Diagram() as shown:
            return diagram(shown)
        case shown:
            return shown


def size(drawn: Drawing | LineChart) -> tuple[float, float]:
    """Width and height in inches."""
    return (drawn.width / INCH, drawn.height / INCH) if isinstance(drawn, Drawing) else LINES


def lines_svg(chart: LineChart) -> tuple[str, list[tuple[float, float]]]:
    with mpl.rc_context(style([chart])):
        figure = Figure(figsize=LINES, layout="constrained")
        axes = figure.subplots()
        paint_lines(chart, axes)
        drawn = io.StringIO()
        figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    text = drawn.getvalue()
    text = text[text.index("<svg") :]
    # Ids of groups would occur twice on a page; ids of definitions are hashes of their content.
    text = re.sub(r"<metadata>.*?</metadata>", "", re.sub(r'<g id="[^"]*"', "<g", text), flags=re.DOTALL)
    return text.strip(), points_of(chart, axes)


def points_of(chart: LineChart, axes: Axes) -> list[tuple[float, float]]:
    """The places of the curves' points in the figure, as shares of its width and height. What has no place on the
    axes, such as 0 on a logarithmic one, is at their edge."""
    points = [(x, min(y, MOST)) for curve in chart.curves for x, y in zip(curve.x, curve.y, strict=True)]
    if not points:
        return []
    places = axes.transData.transform(points).clip(axes.bbox.min, axes.bbox.max)
    shares = places / (axes.figure.bbox.width, axes.figure.bbox.height)
    return [(x, 1 - y) for x, y in shares.tolist()]


def style(drawn: Sequence[Drawing | LineChart]) -> dict[str, Any]:
    words = "".join(one.words() if isinstance(one, Drawing) else str(one) for one in drawn)
    return {
        "font.family": families(words),  # for all of them
        "font.size": 9,
        "axes.prop_cycle": cycler(color=SERIES),
        "svg.fonttype": "none",
        "svg.hashsalt": "nmt",
        "pdf.fonttype": 42,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "text.parse_math": False,
        "text.hinting": "no_hinting",
    }


def paint_drawing(drawing: Drawing, part: SubFigure) -> None:
    """In the upper middle of its part of a picture."""
    width, height = size(drawing)
    across, down = width * part.dpi / part.bbox.width, height * part.dpi / part.bbox.height
    axes = part.add_axes(((1 - across) / 2, 1 - down, across, down))
    axes.set_axis_off()
    for mark in drawing.marks:
        match mark:
            case Texts():
                aligned = {"start": "left", "middle": "center", "end": "right"}[mark.anchor]
                turned: Any = {"rotation": -mark.angle, "rotation_mode": "anchor"}
                for x, y, text in mark.placed:
                    axes.text(x, y, text, ha=aligned, va="baseline", fontsize=mark.size, **turned)
            case Paths():
                step = Outline.CURVE3 if mark.are_curved else Outline.LINETO
                paths = [Outline(path, [Outline.MOVETO, *[step] * (len(path) - 1)]) for path in mark.paths]
                axes.add_patch(PathPatch(Outline.make_compound_path(*paths), **patch(mark.look)))
            case Boxes():
                corners = f"round,pad=0,rounding_size={mark.radius}"
                for left, top, wide, high in mark.boxes:
                    axes.add_patch(FancyBboxPatch((left, top), wide, high, corners, **patch(mark.look)))
            case Cells():
                left, top, wide, high = mark.place
                axes.imshow(
                    mark.values,
                    cmap=mark.colours,
                    vmin=mark.low,
                    vmax=mark.high,
                    interpolation="nearest",
                    extent=(left, left + wide, top + high, top),
                )
    axes.set(xlim=(0, drawing.width), ylim=(drawing.height, 0), aspect="auto")


def patch(look: Look) -> dict[str, Any]:
    return {"fc": look.fill, "ec": look.edge, "lw": look.width, "ls": "--" if look.is_dashed else "-"}


def paint_lines(chart: LineChart, axes: Axes) -> None:
    colours: dict[str, str] = {}
    for curve in chart.curves:
        base = curve.label.split(",")[0]  # variants of one thing share a colour
        colour = colours.setdefault(base, f"C{len(colours)}")
        number, every = len(axes.lines), -(-len(curve.x) // FEW) or 1
        dots: Any = {"marker": MARKERS[number % len(MARKERS)], "ms": 5, "markevery": (number % every, every)}
        style = "--" if curve.dashed else "-"
        axes.plot(curve.x, curve.y, style, color=colour, label=curve.label, alpha=0.85, **dots)
        if curve.low:
            axes.fill_between(curve.x, curve.low, curve.high, color=colour, alpha=0.15, lw=0)
    if chart.x_names:
        axes.set_xticks(range(len(chart.x_names)), chart.x_names)
    elif all(float(x).is_integer() for curve in chart.curves for x in curve.x):
        axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    if chart.log and any(y > 0 for curve in chart.curves for y in curve.y):
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.yaxis.set_minor_formatter(lambda value, _: "")
        low, high = axes.get_ylim()
        if high < 100 * low:  # there may be less than two powers of ten
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    if chart.level is not None:
        axes.axhline(chart.level, color="black", lw=0.8, ls=":", label=chart.level_label)
    axes.set(title=chart.title, xlabel=chart.x_label, ylabel=chart.y_label)
    axes.grid(alpha=0.3)
    if chart.curves:
        axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
