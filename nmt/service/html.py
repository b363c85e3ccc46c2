"""format=html: a document's tags stay, and what stands between them is translated.

A tag of a block (a paragraph, a cell, a heading) ends a text; inline tags are of the text that they stand in. Nothing
is parsed further: what looks like a tag is copied as it is, and what does not is text, whose entities are read, and
whose translation is spelled with those that HTML needs. So the answer holds the tags of the question in their order,
and none other.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nmt.translation import Translation
    from nmt.translator import Translator

TAG = re.compile(
    r"<!--.*?(?:-->|$)|<!\[CDATA\[.*?(?:\]\]>|$)|<[!?][^>]*>"
    r"|<(?P<close>/)?(?P<name>[A-Za-z][\w:.-]*)(?P<rest>(?:\"[^\"]*+\"|'[^']*+'|[^\"'<>])*+)>",
    re.DOTALL,
)
UNTRANSLATED = frozenset(
    ["code", "kbd", "math", "noscript", "pre", "samp", "script", "style", "svg", "template", "textarea", "var"]
)
_NO = re.compile(
    r"\stranslate\s*=\s*[\"']?no\b|\sclass\s*=\s*(?:\"[^\"]*\bnotranslate\b|'[^']*\bnotranslate\b)", re.I
)
_VOID = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
)


@dataclass(frozen=True)
class Document:
    """`skeleton[0] texts[0] skeleton[1] ... skeleton[-1]`, where the texts have their entities read."""

    texts: tuple[str, ...]
    skeleton: tuple[str, ...]

    def joined(self, translations: Sequence[str]) -> str:
        parts = [self.skeleton[0]]
        for translation, between in zip(translations, self.skeleton[1:], strict=True):
            parts += [html.escape(translation, quote=False), between]
        return "".join(parts)


def cut(document: str) -> Document:
    texts: list[str] = []
    skeleton = [""]
    for is_text, part in _parts(document):
        if is_text and part.strip():
            texts.append(html.unescape(part))
            skeleton.append("")
        else:
            skeleton[-1] += part
    return Document(tuple(texts), tuple(skeleton))


def _parts(document: str) -> Iterator[tuple[bool, str]]:
    """Whether it is translated, and what."""
    end, kept, depth = 0, "", 0  # the element that is copied as it is, and how many of its name are open
    for tag in TAG.finditer(document):
        yield not kept, document[end : tag.start()]
        yield False, tag[0]
        end = tag.end()
        name = (tag["name"] or "").lower()
        if not name or name in _VOID or tag[0].endswith("/>"):
            continue
        if kept:
            depth += (name == kept) * (-1 if tag["close"] else 1)
            kept = kept if depth else ""
        elif not tag["close"] and (name in UNTRANSLATED or _NO.search(tag["rest"])):
            kept, depth = name, 1
    yield not kept, document[end:]


def translate_tagged(translator: Translator, texts: Sequence[str], nbest: int) -> list[Translation]:
    """Texts with inline tags."""
    return translator.translate(list(texts), nbest=nbest, plain=not nbest)
