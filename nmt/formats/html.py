"""HTML pages (nmt/html). The language that a page declares is changed to that of the translation.

A page stays in its encoding: that of its byte order mark, the one that it declares, or UTF-8 (as in browsers, HTML
Standard, 13.2.3.2). Characters that the encoding lacks are written as numbers, `&#8364;`.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence

from nmt.formats.document import Document, DocumentOptions, Segment
from nmt.formats.encodings import read_text
from nmt.formats.language_tags import same_language
from nmt.html.segments import cut
from nmt.html.tokens import tokens

XML = re.compile(r"""\A\s*<\?xml\b[^>]*?\bencoding\s*=\s*["']\s*([\w.:-]+)""")
CHARSET = re.compile(r"""(?i)\bcharset\s*=\s*["']?\s*([\w.:-]+)""")
SEEN = 1 << 16  # bytes to search for it; browsers accept one further down, too, and then read the page again
ENCODINGS = re.compile(
    r"utf-8|cp(?:125\d|437|85\d|866|874|932|949)|iso2022_jp\w*|iso8859-\d+|koi8-[ru]|mac-(?:roman|cyrillic)|gb\w+|big5\w*|euc_\w+|\w*jisx?\w*|tis-620"
)
# Encoding -> the larger one that browsers use in its place (Encoding Standard, 4.2).
WIDER = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
}
LANGUAGE = re.compile(r"""(?i)(?<![\w-])(lang\s*=\s*["']?)([\w-]+)""")  # matches xml:lang, too


class HtmlDocument(Document):
    """Raises ValueError if the file is too large, or not in the encoding that it declares."""

    def __init__(self, data: bytes, name: str, options: DocumentOptions) -> None:
        self.options = options
        self.file = read_text(data, name, _declared(data))
        self.root, self.place = _root(self.file.text)
        self.document = cut(self.file.text, options.src)
        language = LANGUAGE.search(self.root)
        self.languages = (language[2] if language else "", "")
        self.segments = [Segment(text, markup=True) for text in self.document.texts]

    def with_targets(self, targets: Sequence[str]) -> bytes:
        page, tgt = self.document.joined(targets), self.options.tgt
        if tgt and same_language(self.languages[0], self.options.src):
            place = self.place if page.startswith(self.root, self.place) else page.find(self.root)
            root = LANGUAGE.sub(lambda tag: tag[1] + tgt, self.root)
            page = page[:place] + root + page[place + len(self.root) :]
        return self.file.written(page)


def _root(text: str) -> tuple[str, int]:
    """The <html> tag of the page, and its position: a conditional comment may contain another one."""
    place = 0
    for token in tokens(text):
        if token.name == "html" and not token.closes:
            return token.content, place
        place += len(token.content)
    return "", 0


def _declared(data: bytes) -> str:
    """The declared encoding, by the rules of browsers: comments and other `meta` tags do not count, and a page that
    can be read as ASCII is not UTF-16."""
    head = data[:SEEN].decode("latin-1")
    said = XML.findall(head)
    for token in tokens(head):
        if token.name == "meta" and not token.closes:
            found = token.attributes
            if "charset" in found:
                said.append(found["charset"])
            elif found.get("http-equiv", "").lower() == "content-type":
                said += CHARSET.findall(found.get("content", ""))[:1]
    try:
        name = codecs.lookup(said[0].strip()).name if said else "utf-8"
    except (LookupError, ValueError):
        return "utf-8"
    name = WIDER.get(name, name)
    return name if ENCODINGS.fullmatch(name) else "utf-8"
