"""What the pages of nmt-inspect, nmt-lab and nmt-serve share: colours, light and dark, and a few rules."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def theme() -> str:
    """As CSS."""
    return (Path(__file__).parent / "theme.css").read_text(encoding="utf-8")
