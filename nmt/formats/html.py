"""HTML: pages, as nmt/html has them; the language that a page says it is in becomes that of its translation.

A page stays in its encoding: that of its byte order mark, or the one that it declares, or UTF-8 (as browsers find it,
HTML Standard, 13.2.3.2). Characters that the encoding lacks are written as their numbers, `&#8364;`.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence

from nmt.formats.document import MAX_BYTES, TOO_LARGE, DocumentOptions, Segment
from nmt.formats.encodings import decoded, mark_of
from nmt.formats.language_tags import same_language
from nmt.html.document import cut
from nmt.html.tokens import tokens

DECLARED = re.compile(
    rb"""<(?:meta\b[^>]*?\bcharset|\?xml\b[^>]*?\bencoding)\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE
)
SEEN = 1024  # bytes in which browsers look for it
LANGUAGE = re.compile(r"""(?i)(?<![\w-])(lang\s*=\s*["']?)([\w-]+)""")  # xml:lang is another such


class HtmlDocument:
    kept = 0

    def __init__(self, data: bytes, name: str, options: DocumentOptions) -> None:
        self.options = options
        self.mark, encoding = mark_of(data)
        self.encoding = encoding or _declared(data)
        text = decoded(data[len(self.mark) :], self.encoding, name)
        found = next((token.content for token in tokens(text) if token.name == "html" and not token.closes), "")
        self.root, self.document = found, cut(text, options.src)
        language = LANGUAGE.search(found)
        self.languages = (language[2] if language else "", "")

    @property
    def segments(self) -> Sequence[Segment]:
        return [Segment(text, markup=True) for text in self.document.texts]

    def with_targets(self, targets: Sequence[str]) -> bytes:
        page, tgt = self.document.joined(targets), self.options.tgt
        if tgt and same_language(self.languages[0], self.options.src):
            page = page.replace(self.root, LANGUAGE.sub(lambda tag: tag[1] + tgt, self.root), 1)
        return self.mark + page.encode(self.encoding, "xmlcharrefreplace")


def read(data: bytes, name: str, options: DocumentOptions) -> HtmlDocument:
    """Raises ValueError for what is too large or not in the encoding that it says."""
    if len(data) > MAX_BYTES:
        raise ValueError(f"{name} {TOO_LARGE}")
    return HtmlDocument(data, name, options)


def _declared(data: bytes) -> str:
    """As browsers take it: Latin-1 and ASCII are Windows-1252, and what can be read as ASCII is not UTF-16."""
    found = DECLARED.search(data[:SEEN])
    try:
        name = codecs.lookup(found[1].decode()).name if found else "utf-8"
    except LookupError:
        return "utf-8"
    if name.startswith(("utf-16", "utf-32")):
        return "utf-8"
    return "cp1252" if name in ("iso8859-1", "ascii") else name
