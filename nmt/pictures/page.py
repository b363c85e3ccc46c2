"""Sections of words and charts as one HTML page that needs nothing else, or as Markdown with pictures beside it."""

from __future__ import annotations

import html
import re
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nmt.files import naming
from nmt.json_text import to_json
from nmt.pictures.charts import Picture, Section, Table, printable
from nmt.pictures.draw import svg
from nmt.shown import MOST

HERE = Path(__file__).parent
# Whatever text gets onto the page, a browser will fetch nothing for it.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"


def to_html(title: str, sections: Sequence[Section]) -> str:
    """The page as text: drawings as SVG, the numbers that hovering shows, one style and one script, all in it."""
    title, sections = printable(title, MOST), printable(sections)
    hovers: list[dict[str, Any]] = []
    body = [f"<h1 dir=auto>{html.escape(title)}</h1>"]
    body.append(
        "<nav>" + " ".join(f'<a href="#{anchor(s.title)}">{html.escape(s.title)}</a>' for s in sections) + "</nav>"
    )
    for section in sections:
        body.append(f'<section id="{anchor(section.title)}"><h2 dir=auto>{html.escape(section.title)}</h2>')
        body += [f"<p dir=auto>{html.escape(paragraph)}</p>" for paragraph in section.text]
        body.append('<div class="charts">')
        for chart in section.charts:
            if isinstance(chart, Table):
                body.append(table_html(chart))
            else:
                drawing, hover = svg(chart)
                body.append(f'<figure data-chart="{len(hovers)}">{drawing}</figure>')
                hovers.append(hover)
        body.append("</div></section>")
    numbers = to_json(hovers).replace("<", "\\u003c")
    style, script = ((HERE / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>\n{style}</style></head>\n<body>\n"
        + "\n".join(body)
        + f'\n<div id="tip" hidden></div>\n<script type="application/json" id="data">{numbers}</script>\n'
        f"<script>\n{script}</script>\n</body></html>\n"
    )


def table_html(table: Table) -> str:
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in table.header)
    rows = ("".join(f"<td dir=auto>{html.escape(cell)}</td>" for cell in row) for row in table.rows)
    return (
        f"<table><caption>{html.escape(table.title)}</caption><thead><tr>{head}</tr></thead><tbody>"
        + "".join(f"<tr>{row}</tr>" for row in rows)
        + "</tbody></table>"
    )


def to_markdown(title: str, sections: Sequence[Section], folder: Path) -> str:
    """The same as Markdown; each chart is drawn into `folder`, which must exist, and linked relative to it."""
    title, sections = printable(title, MOST), printable(sections)
    lines = [f"# {title}", ""]
    names = {id(chart): name for name, chart in pictures(sections).items()}
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
                save_svg(chart, folder / name)
                lines += [f"![{chart.title}]({name})", ""]
    return "\n".join(lines)


def pictures(sections: Sequence[Section]) -> dict[str, Picture]:
    """Name -> what is drawn: the name of its section, and where that has several, its own too."""
    found: dict[str, Picture] = {}
    for section in sections:
        drawn = [chart for chart in section.charts if not isinstance(chart, Table)]
        for chart in drawn:
            found[anchor(f"{section.title} {chart.title}" if len(drawn) > 1 else section.title)] = chart
    return found


def save_svg(chart: Picture, path: Path) -> None:
    """The same chart is the same bytes."""
    with naming(path):
        path.write_text(f"{svg(chart)[0]}\n", encoding="utf-8")


def to_text(sections: Sequence[Section]) -> str:
    """What of it a terminal can show: words and tables."""
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
