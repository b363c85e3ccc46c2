"""A chart for readers who cannot see it: a sentence about it, and its numbers as a table."""

from __future__ import annotations

from nmt.pictures.charts import Diagram, Heatmap, LineChart, Picture, Table


def described(chart: Picture) -> str:
    """A sentence or two about the chart."""
    match chart:
        case Heatmap():
            values = [value for row in chart.values for value in row]
            rows = f"{len(chart.rows)} {chart.row_label or 'rows'}"
            columns = f"{len(chart.columns)} {chart.column_label or 'columns'}"
            between = f"from {min(values):.3g} to {max(values):.3g}" if values else "without numbers"
            what = f"Heat map of {chart.label or 'values'}: {rows} downwards, {columns} across; {between}."
        case LineChart():
            curves = []
            for curve in chart.curves:
                if curve.x:
                    first, last = chart.named(curve.x[0]), chart.named(curve.x[-1])
                    curves.append(f"{curve.label} from {curve.y[0]:.3g} at {first} to {curve.y[-1]:.3g} at {last}")
            what = f"{chart.y_label} over {chart.x_label}: {'; '.join(curves) or 'no line'}."
        case Diagram():
            what = f"Diagram of {len(chart.nodes)} boxes with {len(chart.edges)} arrows between them."
    return f"{chart.title}. {what}"


def numbers(chart: LineChart | Diagram) -> Table:
    """All numbers of the chart, a row for each point or box."""
    match chart:
        case LineChart():
            header = ("line", chart.x_label, chart.y_label)
            rows = [
                (curve.label, chart.named(x), f"{y:.3g}")
                for curve in chart.curves
                for x, y in zip(curve.x, curve.y, strict=True)
            ]
        case Diagram():
            header = ("box", "what it is", "arrows from")
            label = {node.name: node.label for node in chart.nodes}
            starts: dict[str, list[str]] = {node.name: [] for node in chart.nodes}
            for start, end in chart.edges:
                starts[end].append(label[start])
            rows = [
                (node.label, node.detail if node.detail != node.label else "", ", ".join(starts[node.name]))
                for node in chart.nodes
            ]
    return Table(chart.title, header, rows)
