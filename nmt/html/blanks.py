"""Invisible characters in HTML: blanks and format characters, such as a zero-width space, also as entities."""

from __future__ import annotations

import html
import re
import unicodedata
from html.entities import html5


def _is_blank(text: str) -> bool:
    return all(one.isspace() or unicodedata.category(one) == "Cf" for one in text)


def _pattern() -> re.Pattern[str]:
    characters = [one for one in map(chr, [*range(0x3001), 0xFEFF]) if _is_blank(one)]
    codes = [ord(one) for one in characters if html.unescape(f"&#{ord(one)};") == one]  # &#133; is another character
    names = sorted((name for name, value in html5.items() if _is_blank(value)), reverse=True)  # nbsp; before nbsp
    entities = [
        "|".join(names),
        rf"#0*+(?:{'|'.join(map(str, codes))})(?![0-9]);?+",
        rf"(?i:#x0*+(?:{'|'.join(f'{code:x}' for code in codes)})(?![0-9a-f]);?+)",
    ]
    return re.compile(rf"(?:[{re.escape(''.join(characters))}]++|&(?:{'|'.join(entities)}))++")


_BLANKS = _pattern()


def is_blank(text: str) -> bool:
    return not text or _BLANKS.fullmatch(text) is not None


def stripped(text: str) -> tuple[str, str, str]:
    """The blanks before a text that is not blank, the text, and the blanks after it."""
    first = _BLANKS.match(text)
    start, end = first.end() if first else 0, len(text)
    for last in _BLANKS.finditer(text, start):  # searching for blanks before the end would take quadratic time
        if last.end() == len(text):
            end = last.start()
    return text[:start], text[start:end], text[end:]
