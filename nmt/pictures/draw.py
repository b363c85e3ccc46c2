"""Draws charts with matplotlib: to a file of any format it writes, or as SVG with the values to show on hovering.

Text stays text in SVG, so a browser picks the font and direction for every script.
"""

from __future__ import annotations

import io
import logging
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.rcsetup import cycler
from matplotlib.ticker import LogLocator, MaxNLocator

from nmt.common.files import output_at
from nmt.pictures.charts import Diagram, Heatmap, LineChart, Picture, printable
from nmt.pictures.fonts import families

COLOURS = {"plain": "#eef2f7", "good": "#cfe8cf", "bad": "#f3d6d3", "input": "#fbeec2"}
EDGE = "#5b6b7d"
BORDERS: dict[str, dict[str, Any]] = {"good": {"lw": 2.2}, "bad": {"ls": "--"}}  # for those who see no red and green
SERIES = (  # of lines
    "#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf",
)  # fmt: skip
MARKERS = "os^vDPX"  # tell apart lines that overlap
MANY, COLUMNS, WIDTH = 4, 3, 30  # charts that fit one column; columns for more; their width in inches
PIXELS = 20_000  # the longest side of a picture at most; the tree of a long translation would have more
TITLE = 0.35  # inches, above a diagram
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
    charts = [printable(chart) for chart in charts]
    known = Figure().canvas.get_supported_filetypes()
    if path.suffix[1:].lower() not in known:
        raise ValueError(
            f"{path} ends in {path.suffix!r}; html has everything, a picture is one of: {', '.join(sorted(known))}"
        )
    widest = max(size(chart)[0] for chart in charts)
    columns = 1 if len(charts) <= MANY else max(1, min(COLUMNS, int(WIDTH / widest)))
    rows = [charts[first : first + columns] for first in range(0, len(charts), columns)]
    heights = [max(size(chart)[1] for chart in row) for row in rows]
    widths = [max(size(chart)[0] for chart in charts[column::columns]) for column in range(columns)]
    with mpl.rc_context(style(charts)):
        figure = Figure(figsize=(sum(widths), sum(heights)))
        parts = figure.subfigures(len(rows), columns, squeeze=False, height_ratios=heights, width_ratios=widths)
        figure.set_layout_engine("constrained")
        for part, chart in zip(parts.flat, charts, strict=False):  # the last row may have free places
            paint(chart, part.subplots())
        with output_at(path) as file:
            figure.savefig(
                file, format=path.suffix[1:].lower(), dpi=min(120, PIXELS / max(*figure.get_size_inches()))
            )


def svg(chart: Picture) -> tuple[str, dict[str, Any]]:
    """The chart as an SVG element, and the values to show on hovering. Places are shares of its width and height,
    from the upper left corner."""
    chart = printable(chart)
    with mpl.rc_context(style([chart])):
        # At the resolution of SVG, the boxes that arrows end at are measured as they are drawn.
        figure = Figure(figsize=size(chart), layout=None if isinstance(chart, Diagram) else "constrained", dpi=72)
        axes = figure.subplots()
        paint(chart, axes)
        drawn = io.StringIO()
        figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
        spots = hover(chart, axes)
    text = drawn.getvalue()
    text = text[text.index("<svg") :]
    # Ids of groups would occur twice on a page; ids of definitions are hashes of their content.
    text = re.sub(r"<metadata>.*?</metadata>", "", re.sub(r'<g id="[^"]*"', "<g", text), flags=re.DOTALL)
    return text.strip(), spots


def style(charts: Sequence[Picture]) -> dict[str, Any]:
    return {
        "font.family": families("".join(map(str, charts))),  # for all of their texts
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


def size(chart: Picture) -> tuple[float, float]:
    """Width and height in inches."""
    match chart:
        case Heatmap():
            tall = 2.2 if chart.dense else 0.26 * len(chart.rows)
            return max(3.6, min(30, 2.0 + 0.3 * len(chart.columns))), min(40, 1.5 + tall)
        case LineChart():
            return 6.4, 3.6
        case Diagram():
            return chart.width, chart.height


def paint(chart: Picture, axes: Axes) -> None:
    match chart:
        case Heatmap():
            paint_heatmap(chart, axes)
        case LineChart():
            paint_lines(chart, axes)
        case Diagram():
            paint_diagram(chart, axes)


def paint_heatmap(chart: Heatmap, axes: Axes) -> None:
    image = axes.imshow(
        chart.values,
        vmin=chart.low,
        vmax=chart.high,
        cmap="RdBu_r" if chart.centred else "viridis",
        aspect="auto",
        interpolation="nearest",
    )
    axes.set_title(chart.title)
    axes.set_xticks(range(len(chart.columns)), chart.columns, rotation=60, ha="right", rotation_mode="anchor")
    if chart.dense:
        axes.set_yticks([])
    else:
        axes.set_yticks(range(len(chart.rows)), chart.rows)
    axes.set(xlabel=chart.column_label, ylabel=chart.row_label)
    axes.figure.colorbar(image, ax=axes, label=chart.label)


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


def paint_diagram(chart: Diagram, axes: Axes) -> None:
    place = {node.name: (node.x, node.y) for node in chart.nodes}
    xs, ys = zip(*place.values(), strict=True)
    boxes = {}
    for node in chart.nodes:
        box = {"boxstyle": "round,pad=0.35", "fc": COLOURS[node.kind], "ec": EDGE, "lw": 0.8}
        box |= BORDERS.get(node.kind, {})
        text = axes.text(node.x, node.y, node.label, ha="center", va="center", fontsize=8, bbox=box)
        boxes[node.name] = text.get_bbox_patch()
    # The place is known. A layout engine would measure all boxes and arrows several times to find it.
    axes.set_position((0, 0, 1, 1 - TITLE / chart.height))
    axes.set(title=chart.title, xlim=(min(xs) - 0.7, max(xs) + 0.7), ylim=(min(ys) - 0.6, max(ys) + 0.6))
    axes.axis("off")
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()  # measures the boxes, which arrows end at
    arrow = {"arrowstyle": "-|>", "color": EDGE, "lw": 0.9, "shrinkA": 0, "shrinkB": 1}
    for start, end in chart.edges:  # behind the boxes, ending at their edges and passing around those between
        (x0, y0), (x1, _) = place[start], place[end]
        bend = 0.0 if not any(x0 < x < x1 for x in xs) else 0.12 if 2 * y0 < min(ys) + max(ys) else -0.12
        ends = {"patchA": boxes[start], "patchB": boxes[end], "connectionstyle": f"arc3,rad={bend}"}
        axes.annotate("", place[end], place[start], arrowprops=arrow | ends, zorder=2)


def hover(chart: Picture, axes: Axes) -> dict[str, Any]:
    """The values that hovering over a drawn chart shows, and their places: a heat map's box and numbers, else
    spots."""
    match chart:
        case Heatmap():
            box = axes.get_position()
            return {
                "box": [round(n, 4) for n in (box.x0, 1 - box.y1, box.x1, 1 - box.y0)],
                "rows": list(chart.rows),
                "columns": list(chart.columns),
                "values": [[float(f"{n:.3g}") for n in row] for row in chart.values],
            }
        case LineChart():
            points = [
                (x, y, f"{curve.label}\n{chart.x_label}: {chart.named(x)}\n{chart.y_label}: {y:.3g}")
                for curve in chart.curves
                for x, y in zip(curve.x, curve.y, strict=True)
            ]
        case Diagram():
            points = [(node.x, node.y, node.detail or node.label) for node in chart.nodes]
    return {"spots": _spots(points, axes)}


def _spots(points: Sequence[tuple[float, float, str]], axes: Axes) -> list[list[Any]]:
    """Points of the axes -> their places in the figure, as shares of its width and height. What has no place on the
    axes, such as 0 on a logarithmic one, is at their edge."""
    if not points:
        return []
    width, height = axes.figure.bbox.width, axes.figure.bbox.height
    places = axes.transData.transform([(x, min(y, MOST)) for x, y, _ in points])
    places = places.clip(axes.bbox.min, axes.bbox.max)
    return [
        [round(float(x / width), 4), round(float(1 - y / height), 4), text]
        for (x, y), (_, _, text) in zip(places, points, strict=True)
    ]
