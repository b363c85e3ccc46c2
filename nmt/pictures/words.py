"""A chart for those who do not see it: what it is in a sentence, and its numbers as a table."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

from nmt.pictures.charts import Graph, Heatmap, Lines, Table


@singledispatch
def described(chart: Any) -> str:
    """What the chart is, in a sentence or two."""
    raise NotImplementedError


@singledispatch
def numbers(chart: Any) -> Table:
    """All that the chart shows."""
    raise NotImplementedError


@described.register
def _(chart: Heatmap) -> str:
    values = [value for row in chart.values for value in row]
    rows, columns = (
        f"{len(names)} {label or kind}"
        for names, label, kind in (
            (chart.rows, chart.row_label, "rows"),
            (chart.columns, chart.column_label, "columns"),
        )
    )
    between = f"from {min(values):.3g} to {max(values):.3g}" if values else "without numbers"
    return f"{chart.title}. Heat map of {chart.label or 'values'}: {rows} downwards, {columns} across; {between}."


@numbers.register
def _(chart: Heatmap) -> Table:
    rows = [
        (name, *(f"{value:.3g}" for value in values)) for name, values in zip(chart.rows, chart.values, strict=True)
    ]
    return Table(chart.title, (chart.row_label, *chart.columns), rows)


@described.register
def _(chart: Lines) -> str:
    lines = [
        f"{line.label} from {line.y[0]:.3g} at {first} to {line.y[-1]:.3g} at {last}"
        for line in chart.lines
        if line.x
        for first, last in [(chart.named(line.x[0]), chart.named(line.x[-1]))]
    ]
    return f"{chart.title}. {chart.y_label} over {chart.x_label}: {'; '.join(lines) or 'no line'}."


@numbers.register
def _(chart: Lines) -> Table:
    rows = [
        (line.label, chart.named(x), f"{y:.3g}") for line in chart.lines for x, y in zip(line.x, line.y, strict=True)
    ]
    return Table(chart.title, ("line", chart.x_label, chart.y_label), rows)


@described.register
def _(chart: Graph) -> str:
    return f"{chart.title}. Diagram of {len(chart.nodes)} boxes with {len(chart.edges)} arrows between them."


@numbers.register
def _(chart: Graph) -> Table:
    label = {node.name: node.label for node in chart.nodes}
    rows = [
        (
            node.label,
            node.detail if node.detail != node.label else "",
            ", ".join(label[start] for start, end in chart.edges if end == node.name),
        )
        for node in chart.nodes
    ]
    return Table(chart.title, ("box", "what it is", "arrows from"), rows)
