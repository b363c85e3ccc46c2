"""The shared style of the pages of nmt-inspect, nmt-lab and nmt-serve: light and dark colours, and a few rules."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def theme() -> str:
    """The style as CSS."""
    return (Path(__file__).parent / "theme.css").read_text(encoding="utf-8")
