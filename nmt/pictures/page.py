"""Sections of words and charts as one self-contained HTML page, or as Markdown with pictures beside it."""

from __future__ import annotations

import base64
import html
import re
import textwrap
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from nmt.common.files import output_at
from nmt.common.json_text import to_json
from nmt.common.shown import MOST
from nmt.pictures.alt_text import described, numbers
from nmt.pictures.charts import Heatmap, LineChart, Picture, Section, Table, printable
from nmt.pictures.draw import SERIES, Drawn, svg
from nmt.pictures.layout import COLOURS, EDGE
from nmt.pictures.theme import theme

HERE = Path(__file__).parent
# Browsers fetch nothing for the page, whatever text is on it.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"

WIDE = 8.0  # inches; a wider drawing gets both columns
FEW_COLUMNS = 4  # a table with more gets both of the page's columns
KEYS = (
    "Point at a chart to read its numbers, or go to it with the Tab key and through it with the arrow keys; "
    "each has them as a table, too."
)
# Colours of the drawings, and their names in page.css.
THEMED = {
    "#000000": "currentColor",
    "#ffffff": "none",
    "#b0b0b0": "var(--line)",
    EDGE: "var(--edge)",
    **{colour: f"var(--{kind})" for kind, colour in COLOURS.items()},
    **{colour: f"var(--series-{i})" for i, colour in enumerate(SERIES)},
}


def drawings(sections: Sequence[Section]) -> list[Drawn]:
    """Their charts, drawn for the page and for Markdown."""
    return [svg(chart) for section in sections for chart in section.charts if not isinstance(chart, Table)]


def to_html(title: str, sections: Sequence[Section], drawn: Sequence[Drawn] | None = None) -> str:
    """The page as text, with everything included: drawings as SVG, their numbers for hovering, one style and one
    script."""
    title, sections = printable(title, MOST), printable(sections)
    data: list[dict[str, Any]] = []
    left = iter(drawings(sections) if drawn is None else drawn)
    shown = [section_html(section, left, data) for section in sections]
    links = (f'<a href="#{anchor(s.title)}">{html.escape(s.title)}</a>' for s in sections)
    help_ = f"<p class=help>{KEYS}</p>\n" if data else ""
    packed = base64.b64encode(zlib.compress(to_json(data).encode())).decode()  # much shorter
    style, script = ((HERE / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>\n{theme()}{style}</style></head>\n<body>\n"
        f"<header><h1 dir=auto>{html.escape(title)}</h1>\n"
        f"<nav aria-label=Sections>{' '.join(links)}</nav>\n{help_}</header>\n"
        f"<main>\n{''.join(shown)}</main>\n"
        '<div id="tip" hidden></div>\n<p id="said" class="hidden" role="status"></p>\n'
        f'<script type="text/plain" id="data">{packed}</script>\n<script>\n{script}</script>\n</body></html>\n'
    )


def section_html(section: Section, drawn: Iterator[Drawn], data: list[dict[str, Any]]) -> str:
    """Appends to `data` the values that the script shows for each of the figures."""
    name = anchor(section.title)
    body = [f'<section id="{name}"><h2 dir=auto>{html.escape(section.title)}</h2>']
    body += [f"<p dir=auto>{html.escape(paragraph)}</p>" for paragraph in section.text]
    body.append('<div class="charts">')
    for chart in section.charts:
        body.append(table_html(chart) if isinstance(chart, Table) else figure_html(chart, next(drawn), data))
    return "\n".join([*body, "</div></section>\n"])


def figure_html(chart: Picture, drawn: Drawn, data: list[dict[str, Any]]) -> str:
    """The drawing in the page's colours, its description, and a place for the table of its numbers, which the script
    fills in when it is opened."""
    data.append(numbers_of(chart, drawn.spots))
    note = f"<figcaption>{html.escape(chart.note)}</figcaption>" if isinstance(chart, Heatmap) and chart.note else ""
    kinds = {"wide": drawn.width > WIDE, "centred": isinstance(chart, Heatmap) and chart.centred}
    return (
        f'<figure class="{" ".join(kind for kind, has in kinds.items() if has)}">'
        f'<div class="drawing" style="--width: {drawn.width:.2f}in" tabindex=0 role="img" '
        f'aria-label="{html.escape(described(chart))}">{themed(drawn.svg)}</div>{note}'
        f"<details><summary>As a table<span class=hidden>: {html.escape(chart.title)}</span></summary></details>"
        "</figure>"
    )


def numbers_of(chart: Picture, spots: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """What the script shows of a chart: a heat map's box and cells, else a table with a spot for each row."""
    if isinstance(chart, Heatmap):
        values = [[float(f"{value:.3g}") for value in row] for row in chart.values]
        return {"box": [*spots[0], *spots[1]], "rows": chart.rows, "columns": chart.columns, "values": values}
    table = numbers(chart)
    kind = "lines" if isinstance(chart, LineChart) else "diagram"
    return {"kind": kind, "spots": spots, "header": table.header, "table": table.rows}


def themed(drawing: str) -> str:
    """The drawing with its colours replaced by the page's, which include dark ones."""

    def replaced(tag: re.Match[str]) -> str:
        return re.sub(r"#[0-9a-f]{6}", lambda colour: THEMED.get(colour[0], colour[0]), tag[0])

    return re.sub(r'<\w+[^<>]* style="[^"]*"', replaced, drawing)


def table_html(table: Table) -> str:
    head = "".join(f"<th scope=col dir=auto>{html.escape(cell)}</th>" for cell in table.header)
    rows = ("".join(f"<td dir=auto>{html.escape(cell)}</td>" for cell in row) for row in table.rows)
    kind = "table wide" if len(table.header) > FEW_COLUMNS else "table"
    return (
        f'<div class="{kind}" tabindex=0 role="group" aria-label="{html.escape(table.title)}">'
        f"<table><caption>{html.escape(table.title)}</caption><thead><tr>{head}</tr></thead><tbody>"
        + "".join(f"<tr>{row}</tr>" for row in rows)
        + "</tbody></table></div>"
    )


def to_markdown(title: str, sections: Sequence[Section], drawn: Sequence[Drawn], folder: Path) -> str:
    """The same page as Markdown. Writes the drawings to `folder`, which must exist, and links them relative to
    there."""
    title, sections = printable(title, MOST), printable(sections)
    lines = [f"# {title}", ""]
    names, left = {id(chart): name for name, chart in pictures(sections).items()}, iter(drawn)
    for section in sections:
        lines += [f"## {section.title}", ""]
        for paragraph in section.text:
            lines += [paragraph, ""]
        for chart in section.charts:
            if isinstance(chart, Table):
                lines += [f"**{chart.title}**", "", markdown_row(chart.header), "|" + " --- |" * len(chart.header)]
                lines += [*map(markdown_row, chart.rows), ""]
            else:
                name = f"{names[id(chart)]}.svg"
                write_svg(next(left), folder / name)
                lines += [f"![{chart.title}]({name})", ""]
    return "\n".join(lines)


def pictures(sections: Sequence[Section]) -> dict[str, Picture]:
    """Name -> picture. The name is its section's title, followed by its own title if the section has several."""
    found: dict[str, Picture] = {}
    for section in sections:
        drawn = [chart for chart in section.charts if not isinstance(chart, Table)]
        for chart in drawn:
            found[anchor(f"{section.title} {chart.title}" if len(drawn) > 1 else section.title)] = chart
    return found


def save_svg(chart: Picture, path: Path) -> None:
    """The same chart gives the same bytes."""
    write_svg(svg(chart), path)


def write_svg(drawn: Drawn, path: Path) -> None:
    with output_at(path) as file:
        file.write(f"{drawn.svg}\n".encode())


def to_text(sections: Sequence[Section]) -> str:
    """The parts that a terminal can show: words and tables."""
    lines = []
    for section in printable(sections):
        lines += [section.title, "", *(line for words in section.text for line in [*textwrap.wrap(words, 100), ""])]
        for table in (chart for chart in section.charts if isinstance(chart, Table)):
            rows = [table.header, *table.rows]
            widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
            lines += ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
            lines.append("")
    return "\n".join(lines)


def markdown_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def anchor(title: str) -> str:
    return re.sub(r"\W+", "-", title.lower()).strip("-")
