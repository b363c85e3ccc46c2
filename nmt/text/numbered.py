"""A text with tags as one string for a translator, and back: pairs of tags become `<g id="1">…</g>`, single tags
`<x id="2"/>`, and the text between them is escaped with `&amp;`, `&lt;` and `&gt;`.

Whatever the translator makes of the string, every tag is there once afterwards, and pairs are nested.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from nmt.text.markup import TAG
from nmt.text.tags import Piece, Tag, partners

MARKUP = re.compile(r'</?g(?: id="[0-9]+")?>|<x id="[0-9]+"/>')
SOFT_HYPHEN = "\u00ad"  # removed, because it divides a word; the translation is hyphenated elsewhere
_NO_NUMBER = re.compile(r"&#[0-9]{4000,};?")  # Python does not parse a number of more than 4300 digits


def unescaped(text: str) -> str:
    """A text with its entities decoded."""
    return html.unescape(_NO_NUMBER.sub("\ufffd", text))


def plain(markup: str) -> str:
    """The text of a string with tags, without them."""
    return unescaped(TAG.sub("", markup))


def numbered(pieces: Sequence[Piece], entities: bool) -> str:
    """The string for these pieces, in whose texts `entities` are decoded."""
    names = _names(pieces)
    return "".join(
        html.escape(unescaped(piece) if entities else piece, quote=False)
        if isinstance(piece, str)
        else names.get(i, "</g>")
        for i, piece in enumerate(pieces)
    )


def restored(markup: str, pieces: Sequence[Piece], entities: bool) -> list[Piece]:
    """The pieces of a translation of `numbered(pieces, entities)`. If tags are lost, doubled or crossed, all are put
    in source order instead: those before the first word before the text, the others after it."""
    found = _read(markup, pieces)
    if found is None:
        first = next((i for i, piece in enumerate(pieces) if isinstance(piece, str) and piece.strip()), len(pieces))
        before, after = ([tag for tag in some if isinstance(tag, Tag)] for some in (pieces[:first], pieces[first:]))
        found = [*before, plain(markup), *after]
    written = (html.escape(piece, quote=False) if entities and isinstance(piece, str) else piece for piece in found)
    return [piece for piece in written if piece]


def _names(pieces: Sequence[Piece]) -> dict[int, str]:
    """Index of a tag that opens a pair or stands alone -> the tag that stands for it."""
    kinds = {i: piece.kind for i, piece in enumerate(pieces) if isinstance(piece, Tag) and piece.kind != "close"}
    return {
        i: f'<g id="{number}">' if kind == "open" else f'<x id="{number}"/>'
        for number, (i, kind) in enumerate(kinds.items(), 1)
    }


def _read(markup: str, pieces: Sequence[Piece]) -> list[Piece] | None:
    """The pieces of a string with the same tags as `numbered(pieces)`; None if it has others."""
    left = {name: i for i, name in _names(pieces).items()}
    pairs = partners(pieces)
    found: list[Piece] = []
    opened: list[int] = []
    end = 0
    for match in MARKUP.finditer(markup):
        found.append(unescaped(markup[end : match.start()]))
        end = match.end()
        if match[0] in left:
            i = left.pop(match[0])
        elif match[0].startswith("</") and opened:
            i = pairs[opened.pop()]
        else:
            return None
        found.append(pieces[i])
        if i in pairs:
            opened.append(i)
    return None if left or opened else [*found, unescaped(markup[end:])]
