"""Tokens of HTML as a browser reads it: tags with their attributes, comments, and the text between them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

# A tag without a final > is text, and is not searched again, which would take quadratic time. Unlike in a browser, a
# tag may contain < only in quotes: in "a <b, <i>c</i>", <i> is a tag.
TAG = re.compile(
    r"<!--(?:-?>|.*?(?:--!?>|\Z))|<!\[CDATA\[.*?(?:\]\]>|\Z)|<[!?][^>]*+(?:>|\Z)"
    r"|<(?P<close>/)?+(?P<name>[A-Za-z][^\s/<>]*+)(?P<rest>(?:[\s/]++|(?:=[^\s/<>=]*+|[^\s/<>=]++)"
    # A quote delimits a value only right after the =.
    r"(?:\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'|[^\s\"'<>][^\s<>]*+|(?=>))|(?!\s*+=)))*+)(?P<end>>)?+",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"(=[^\s/=]*+|[^\s/=]++)(?:\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s\"'][^\s]*+)?+))?+")
# Their content has no tags and no comments, and ends at the first closing tag of their name.
RAW = frozenset(["iframe", "noembed", "noframes", "noscript", "script", "style", "textarea", "title", "xmp"])


@dataclass(frozen=True)
class Token:
    """A text (with an empty name), a tag, a comment ("!--"), or a declaration ("!")."""

    content: str
    name: str = ""
    closes: bool = False
    is_empty: bool = False  # <x/>
    rest: str = ""  # of a tag, after its name

    @property
    def attributes(self) -> dict[str, str]:
        """Name -> value; of attributes with the same name, the first counts."""
        found: dict[str, str] = {}
        for name, *values in _ATTRIBUTE.findall(self.rest):
            found.setdefault(name.lower(), "".join(values))
        return found


def tokens(document: str) -> Iterator[Token]:
    """The tokens of a document, in order."""
    start = place = 0
    while tag := TAG.search(document, place):
        place = tag.end()
        if tag["name"] and not tag["end"]:
            continue  # text that looks like a tag
        if start < tag.start():
            yield Token(document[start : tag.start()])
        start = place
        token = _token(tag)
        yield token
        if token.name in RAW and not token.closes and not token.is_empty:
            end = _end_of(token.name).search(document, place)
            start = place = end.start() if end else len(document)
            if tag.end() < start:
                yield Token(document[tag.end() : start])
    if start < len(document):
        yield Token(document[start:])


def _token(tag: re.Match[str]) -> Token:
    if not tag["name"]:
        return Token(tag[0], "!" if tag[0][:9].lower() == "<!doctype" else "!--")
    rest = tag["rest"]
    return Token(tag[0], tag["name"].lower(), bool(tag["close"]), _is_empty(rest), rest)


def _is_empty(rest: str) -> bool:
    """Whether a tag ends with a / that is not the last character of a value, as in <a href=/x/>."""
    if not rest.endswith("/"):
        return False
    *_, last = [0, *(attribute.end() for attribute in _ATTRIBUTE.finditer(rest))]
    return last < len(rest)


@cache
def _end_of(name: str) -> re.Pattern[str]:
    return re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE)
