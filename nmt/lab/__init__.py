"""Experiments on the difference between an RNN and an LSTM."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from nmt.common.files import write_atomically
from nmt.lab import gradients, memory, report, translation
from nmt.pictures.charts import Section
from nmt.pictures.page import drawings, to_html, to_markdown
from nmt.plain_data import from_dict

EXPERIMENTS: dict[str, tuple[type, Callable[[Any], list[Section]]]] = {
    "memory": (memory.MemoryConfig, memory.run),
    "gradients": (gradients.GradientsConfig, gradients.run),
    "translation": (translation.TranslationConfig, translation.run),
    "report": (report.ReportConfig, report.run),
}


def configured(experiment: str, data: dict[str, Any]) -> tuple[Any, Callable[[Any], list[Section]]]:
    """Plain data -> the experiment's config and its `run`. Raises ValueError that names the key."""
    kind, run = EXPERIMENTS[experiment]
    if isinstance(data.get("cells"), list):  # a bare name means a cell with its defaults
        cells = [{"name": cell} if isinstance(cell, str) else cell for cell in data["cells"]]
        data = data | {"cells": cells}
    if kind is translation.TranslationConfig:
        data = translation.grouped(data)
    return from_dict(kind, data), run


def page_of(experiment: str, sections: Sequence[Section], folder: Path) -> Path:
    """Write the experiment's page, and the same as Markdown with its pictures in a folder -> the page's path."""
    pictures = folder / f"{experiment}-markdown"
    pictures.mkdir(parents=True, exist_ok=True)
    title = report.TITLE if experiment == "report" else f"nmt-lab {experiment}"
    page = folder / f"{experiment}.html"
    drawn = drawings(sections)
    write_atomically(page, to_html(title, sections, drawn).encode())
    write_atomically(pictures / "README.md", to_markdown(title, sections, drawn, pictures).encode())
    return page
