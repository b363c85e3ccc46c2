"""Inline tags: taken out of a text before translating, and put back at the corresponding place in the translation.

A tag has the form of XML or HTML: `<b>`, `</b>`, `<g id="1">`, `<x id="2"/>`, `<br>`, or a comment. An opening tag
and the closing tag of the same name form an element; a tag without a partner stands alone, like an empty element.
Afterwards every tag is there once, and well-formed markup is still well-formed. placement.py finds the places.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count

from nmt.languages import is_inside_word
from nmt.text.patterns import Finder
from nmt.text.pieces import Link
from nmt.text.placement import Element, children, placed, spaced
from nmt.text.tags import nested_pairs

TAG = re.compile(
    r"<(?P<close>/)?+(?P<name>[A-Za-z][\w:.-]*+)"
    r"(?:\s++[\w:.-]++(?:\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'|[^\s\"'<>=/]++))?+)*+\s*+(?P<empty>/)?+>"
    r"|<!--(?:[^-]|-(?!->)){0,1000}+-->"
)
ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
VOID = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
)
CLOSING = frozenset(".,;:!?…)]}»”“’")  # no blank before them
# Between letters, these and tags that stand alone end a word; others, such as <b>, may be inside a word.
BLOCKS = frozenset(["blockquote", "div", "dl", "dt", "dd", "li", "ol", "p", "pre", "table", "td", "th", "tr", "ul"])


@dataclass(frozen=True)
class Markup:
    """A text split into the plain text to translate, and the elements in order. `escaped` tells whether the text, and
    so its translation, has entities such as `&lt;`."""

    plain: str
    elements: tuple[Element, ...]
    escaped: bool = False


class _Mark:
    """A tag, or a protected word, and its position in the plain text."""

    def __init__(self, text: str, tag: re.Match[str] | None = None) -> None:
        self.text, self.is_word = text, tag is None
        self.name = (tag["name"] or "").lower() if tag else ""
        self.closes = bool(tag and tag["close"])
        self.opens = bool(tag and self.name and not (self.closes or tag["empty"] or self.name in VOID))
        self.partner: _Mark | None = None
        self.place = 0
        self.joins_before = self.joins_after = False

    @property
    def is_end(self) -> bool:
        return self.closes and self.partner is not None

    @property
    def breaks(self) -> bool:
        return self.partner is None or self.name in BLOCKS


def take_out(text: str, tags: bool = True, pattern: Finder | None = None, spare: int = 0) -> Markup:
    """Take the tags out of a text, and, like tags that stand alone, matches of the pattern between them, except the
    first `spare` matches."""
    found = list(TAG.finditer(text)) if tags else []
    ends = [0, *(place for tag in found for place in tag.span()), len(text)]
    between = [text[start:end] for start, end in zip(ends[::2], ends[1::2], strict=True)]
    if escaped := tags and any(map(ENTITY.search, between)):
        between = [ENTITY.sub(lambda entity: html.unescape(entity[0]), part) for part in between]
    texts = [""]
    runs: list[list[_Mark]] = []  # one between each two texts
    for part in _parts(found, between, pattern, spare, escaped):
        if isinstance(part, str):
            texts[-1] += part
            continue
        if texts[-1] or not runs:
            texts.append("")
            runs.append([])
        runs[-1].append(part)
    marks = [mark for run in runs for mark in run]
    kinds = [("open" if mark.opens else "close" if mark.closes else "", mark.name) for mark in marks]
    for start, end in nested_pairs(kinds).items():
        marks[start].partner, marks[end].partner = marks[end], marks[start]
    plain = _joined(texts, runs)
    return Markup(plain, tuple(_elements(marks)), escaped)


def _parts(
    tags: Sequence[re.Match[str]], between: Sequence[str], pattern: Finder | None, spare: int, escaped: bool
) -> Iterator[str | _Mark]:
    """Tags, matches of the pattern between them, and the text around these, in order."""
    number = count(1)
    for tag, text in zip([None, *tags], between, strict=True):
        if tag:
            yield _Mark(tag[0], tag)
        end = 0
        for match in pattern.finditer(text) if pattern else ():
            if match[0].strip() and next(number) > spare:
                yield text[end : match.start()]
                yield _Mark(html.escape(match[0], quote=False) if escaped else match[0])
                end = match.end()
        yield text[end:]


def _joined(texts: Sequence[str], runs: Sequence[Sequence[_Mark]]) -> str:
    """The plain text; sets the position of every mark. Of two blanks around a run of tags, one is taken out with
    them, as is the blank between a word and tags that stand for a word. Tags that end a word leave a blank between
    letters."""
    plain = list(texts[0])
    for run, text in zip(runs, texts[1:], strict=True):
        left, right = plain[-1] if plain else "", text[:1]
        joining = False
        stands_for_word = right in CLOSING and not any(mark.partner or mark.is_word for mark in run)
        at_end = (right.isspace() or not right) and (run[0].is_end or not right)
        if left.isspace() and (at_end or stands_for_word):
            run[0].text = plain.pop() + run[0].text
        elif (left.isspace() or not left) and right.isspace():
            run[-1].text += right
            text = text[1:]
        elif left.isspace() and not right.isalnum() and run[0].is_word:
            plain.pop()
        else:
            joining = is_inside_word(left, right) and any(mark.breaks for mark in run)
        for mark in run:
            if joining and not mark.is_end:
                plain.append(" ")
                mark.joins_before, joining = True, False
            mark.place = len(plain)
        if joining:
            run[-1].joins_after = True
            plain.append(" ")
        plain += text
    return "".join(plain)


def _elements(marks: Sequence[_Mark]) -> Iterator[Element]:
    around: list[int] = []
    number = 0
    for mark in marks:
        if mark.is_end:
            around.pop()
            continue
        end, parent = mark.partner or mark, around[-1] if around else -1
        close = mark.partner.text if mark.partner else ""
        joins = mark.joins_before, end.joins_after
        yield Element(mark.text, close, mark.place, end.place, parent, *joins, mark.is_word)
        if mark.partner:
            around.append(number)
        number += 1


def put_back(markup: Markup, translation: str, links: Sequence[Link]) -> str:
    """The translation of `markup.plain` with the tags, placed by the links between both."""

    def spelled(text: str) -> str:
        return html.escape(text, quote=False) if markup.escaped else text

    if not markup.elements:
        return spelled(translation)
    if not markup.escaped:  # remove tags that the model has made up
        translation = TAG.sub(lambda tag: " " * len(tag[0]), translation)
    parts: list[str] = []
    place = 0
    for character, tag, joins_before, joins_after in _in_order(markup, translation, links):
        before = translation[place:character]
        parts.append(spelled(before[:-1] if joins_before and before[-1:].isspace() else before))
        parts.append(tag)
        place = character + (joins_after and translation[character : character + 1].isspace())
    return "".join([*parts, spelled(translation[place:])])


def put_behind(markup: Markup, prefix: str, start: Markup, translation: str, links: Sequence[Link]) -> str:
    """As `put_back`, for a translation forced to begin with `start.plain`: it gets the prefix itself, followed by the
    tags that the prefix lacks."""
    plain = start.plain.rstrip()
    if not start.elements or not translation.startswith(plain):
        return put_back(markup, translation, links)
    rest = translation[len(plain) :].lstrip()
    place = len(translation) - len(rest)
    behind = [(*link[:2], link[2] - place, link[3] - place) for link in links if link[2] >= place]
    found = put_back(replace(markup, elements=tuple(_lacking(markup.elements, start.elements))), rest, behind)
    blank = translation[len(plain) : place] or " " * (not rest and bool(found))
    return prefix.rstrip() + blank + found


def _lacking(elements: Sequence[Element], given: Sequence[Element]) -> Iterator[Element]:
    """The elements without the given ones. If an element was only opened there, its closing tag is left."""
    left = Counter(tag.strip() for element in given for tag in (element.open, element.close))
    numbers, count_of = {-1: -1}, 0
    for i, element in enumerate(elements):
        numbers[i] = parent = numbers[element.parent]
        if left[element.open.strip()] > 0:
            left[element.open.strip()] -= 1
            if element.close and left[element.close.strip()] > 0:
                left[element.close.strip()] -= 1
                continue
            if not element.close:
                continue
            element = Element(element.close, "", element.end, element.end, parent)
        else:
            element, numbers[i] = replace(element, parent=parent), count_of
        yield element
        count_of += 1


def _with_blanks(element: Element, translation: str, character: int) -> str:
    """A tag that opens or stands alone; at either end of the text, its blank is moved to its inner side."""
    tag = element.open
    if element.is_word:
        return spaced(tag.strip(), translation, character)
    if tag[-1].isspace() and character == len(translation) > 0:
        return tag[-1] + tag[:-1]
    if tag[0].isspace() and character == 0 < len(translation):
        return tag[1:] + tag[0]
    return tag


def _in_order(markup: Markup, translation: str, links: Sequence[Link]) -> Iterator[tuple[int, str, bool, bool]]:
    """The tags in the order of the translation: position, tag, and whether to drop the blank before and after it."""
    spans = placed(markup.elements, markup.plain, translation, links)
    inside = children(markup.elements)
    stack = [(number, False) for number in sorted(inside[-1], key=spans.__getitem__)[::-1]]
    while stack:
        number, is_end = stack.pop()
        element, (start, end) = markup.elements[number], spans[number]
        if is_end:
            yield end, element.close, False, element.joins_after
            continue
        tag = _with_blanks(element, translation, start)
        yield start, tag, element.joins_before, element.joins_after and not element.close
        if element.close:
            stack.append((number, True))
        stack += [(n, False) for n in sorted(inside[number], key=spans.__getitem__)[::-1]]
