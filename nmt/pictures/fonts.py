"""Fonts for the characters of a text in any script."""

from __future__ import annotations

import contextlib
import functools
import unicodedata

from matplotlib import font_manager

FIRST = "DejaVu Sans"  # comes with matplotlib


def families(text: str) -> list[str]:
    """Font families to try in turn: matplotlib's own, then this machine's for the characters that it lacks.

    A character that no font has is shown as a box.
    """
    wanted = {ord(c) for c in set(text) if not unicodedata.category(c).startswith(("C", "Z"))}
    return [FIRST, *_fallbacks(frozenset(wanted - _characters(font_manager.findfont(FIRST))))]


@functools.lru_cache(maxsize=4096)
def width_of(text: str, size: float) -> float:
    """The text's width in points, in these fonts at this size."""
    font = font_manager.get_font([font_manager.findfont(name) for name in families(text)])
    font.set_size(100, 72)  # a large size, which is not rounded to whole pixels as much
    font.set_text(text)
    return float(font.get_width_height()[0] / 64 * size / 100)


@functools.lru_cache(maxsize=512)
def _characters(path: str) -> frozenset[int]:
    try:
        return frozenset(font_manager.get_font(path).get_charmap())
    except (OSError, RuntimeError):  # a damaged font of this machine
        return frozenset()


@functools.lru_cache(maxsize=64)
def _fallbacks(missing: frozenset[int]) -> tuple[str, ...]:
    """The fewest families for the characters, chosen greedily; sans-serif first."""
    found: list[str] = []
    while missing:
        best = max(_fonts(), key=lambda font: len(missing & _characters(font.fname)))
        covered = missing & _characters(best.fname)
        if not covered and not _add_new_fonts():
            break
        found += [best.name] if covered else []
        missing -= covered
    return tuple(found)


def _fonts() -> list[font_manager.FontEntry]:
    """Upright, regular fonts, except the one that has a box for every character."""
    fonts = (f for f in font_manager.fontManager.ttflist if f.style == "normal" and f.weight in (400, "normal"))
    upright = [font for font in fonts if not font.name.startswith("Last Resort")]
    return sorted(upright, key=lambda font: ("sans" not in font.name.lower(), font.name))


def _add_new_fonts() -> bool:
    """Add this machine's fonts that matplotlib's cached list lacks. Returns whether there were any."""
    new = set(font_manager.findSystemFonts()) - {font.fname for font in font_manager.fontManager.ttflist}
    before = len(font_manager.fontManager.ttflist)
    for path in sorted(new):
        with contextlib.suppress(OSError, RuntimeError):
            font_manager.fontManager.addfont(path)
    return len(font_manager.fontManager.ttflist) > before
