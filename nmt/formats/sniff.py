"""Detect lines of text that are a file in another format, and better read as such. Standard library only."""

from __future__ import annotations

import re
from collections.abc import Sequence

LINES = 40  # lines that are examined
# Beginning of a file as text, with U+FFFD for bytes that are not UTF-8 -> format, suffix.
BEGINNINGS = {
    r"PK\x03\x04": ("a zip archive (DOCX, PPTX, XLSX or a corpus)", "docx"),
    "\x1f\ufffd\x08": ("gzipped", "txt.gz"),
    r"(?s).{0,3000}<tmx\b": ("TMX", "tmx"),
    r"(?s).{0,3000}<xliff\b": ("XLIFF", "xlf"),
    r"(?i)\s*<(?:!doctype )?html\b": ("HTML", "html"),
    r"\s*WEBVTT\b": ("WebVTT", "vtt"),
    r"\s*\[Script Info\]": ("ASS", "ass"),
    r"\s*<\?xml\b": ("XML", "xlf"),
    r"\s*[0-9]+\s*\n\s*[0-9]{1,2}:[0-9]{2}:[0-9]{2}[,.][0-9]{3}\s*-->": ("SRT", "srt"),
    r'(?s)(?:#[^\n]*\n|\s)*msgid ".*\nmsgstr\b': ("PO", "po"),
}


def markup_of(lines: Sequence[str]) -> tuple[str, str] | None:
    """The format that the first lines of a text look like, and its suffix; None for plain text."""
    head = "\n".join(line[:1000] for line in lines[:LINES])
    return next((found for pattern, found in BEGINNINGS.items() if re.match(pattern, head)), None)
