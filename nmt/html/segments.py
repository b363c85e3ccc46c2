"""Segments of an HTML document: its tags stay, and the text between them is translated.

A block tag (a paragraph, a cell, a button, a line break) ends a text. Any other tag, and a comment, is part of the
text around it, and is put back by the alignment (text/markup.py). Tags (tokens.py) are copied unchanged, some
elements with all their content (copied.py). All else is text: its entities are decoded, and its translation has only
those that HTML needs. So the translated document has each tag of the document once, and no others.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from nmt.html.blanks import is_blank, stripped
from nmt.html.copied import VOID, CopiedElement, is_copied, names
from nmt.html.tokens import SOFT_HYPHEN, tokens, unescaped
from nmt.text.sentences import LONG, sentences
from nmt.text.tag_pairs import nested_pairs

# Numbered tags, which the translator sees in place of the document's.
_OWN = re.compile(r"<(/?)nmt(\d+)(/?)>")
_BLANKS = re.compile(r"[ \t\n\f\r]+")  # which HTML shows as one
BLOCKS = names(
    "address article aside audio blockquote body br button canvas caption center col colgroup datalist dd details "
    "dialog dir div dl dt fieldset figcaption figure footer form frame h1 h2 h3 h4 h5 h6 head header hgroup hr html "
    "iframe input label legend li link main menu meta meter nav noscript object ol optgroup option output p pre "
    "progress script section select source style summary table tbody td template textarea tfoot th thead title tr "
    "track ul video xmp"
)


@dataclass(eq=False)
class _Part:
    """Text (with an empty name), a tag, or an element that is copied whole."""

    content: str
    name: str = ""
    closes: bool = False
    stands_alone: bool = False
    partner: _Part | None = None

    @property
    def kind(self) -> str:
        """For a tag that may have a partner "open" or "close", else ""."""
        if not self.name or self.stands_alone:
            return ""
        return "close" if self.closes else "open"

    @property
    def ends_text(self) -> bool:
        return self.name in BLOCKS or self.name == "!"

    @cached_property
    def is_blank(self) -> bool:
        return is_blank(self.content)


@dataclass(frozen=True)
class HtmlSegments:
    """`skeleton[0] texts[0] skeleton[1] ... skeleton[-1]`, where the texts have numbered tags in place of the
    document's `tags`."""

    texts: tuple[str, ...]
    skeleton: tuple[str, ...]
    tags: tuple[tuple[str, str], ...]  # opening tag and closing tag, or a tag alone and ""

    @property
    def plain(self) -> str:
        """The texts to translate, one per line, without tags and with entities decoded."""
        return "\n".join(unescaped(_OWN.sub("", text)) for text in self.texts)

    def joined(self, translations: Sequence[str]) -> str:
        """The document with translations of its texts. If a translation has lost or doubled tags, all tags of its
        text are put after it."""
        parts = [self.skeleton[0]]
        for text, translation, between in zip(self.texts, translations, self.skeleton[1:], strict=True):
            if sorted(_OWN.findall(translation)) != sorted(_OWN.findall(text)):
                translation = _OWN.sub("", translation) + "".join(own[0] for own in _OWN.finditer(text))
            parts += [*self._with_tags(translation), between]
        return "".join(parts)

    def _with_tags(self, translation: str) -> Iterator[str]:
        end = 0
        for own in _OWN.finditer(translation):
            yield from (_escaped(translation[end : own.start()]), self.tags[int(own[2])][bool(own[1])])
            end = own.end()
        yield _escaped(translation[end:])


def cut(document: str, language: str = "") -> HtmlSegments:
    """Cut a document in a language into segments."""
    texts: list[str] = []
    skeleton: list[list[str]] = [[]]
    tags: list[tuple[str, str]] = []
    run: list[_Part] = []
    for part in [*_parts(document), _Part("", "!")]:
        is_next_link = part.name == "a" and not part.closes and bool(run) and run[-1].name == "a" and run[-1].closes
        if not part.ends_text and not is_next_link:
            run.append(part)
            continue
        for sentence in _sentences(_paired(run), language):
            before, inner, after = _peeled(sentence)
            skeleton[-1].append(before)
            if inner:
                texts.append(_spelled(inner, tags))
                skeleton.append([])
            skeleton[-1].append(after)
        if not is_next_link:
            skeleton[-1].append(part.content)
        run = [part] if is_next_link else []
    return HtmlSegments(tuple(texts), tuple(map("".join, skeleton)), tuple(tags))


def _parts(document: str) -> Iterator[_Part]:
    """Texts, tags, and elements that are copied whole."""
    copied: CopiedElement | None = None
    around = Counter[str]()  # names of elements that are open, or have no end tag
    for token in tokens(document):
        if copied and copied.ends_before(token, around):
            yield _Part("".join(copied.contents), copied.name, stands_alone=True)
            copied = None
        alone = token.name in VOID or token.is_empty
        if copied:
            if copied.ends_with(token):
                yield _Part("".join(copied.contents), copied.name, stands_alone=True)
                copied = None
        elif not token.closes and not alone and is_copied(token):
            copied = CopiedElement(token)
        else:
            yield _Part(token.content, token.name, token.closes, alone)
            if token.name and not alone:
                around[token.name] = max(0, around[token.name] + (-1 if token.closes else 1))
    if copied:
        yield _Part("".join(copied.contents), "!")


def _paired(run: list[_Part]) -> list[_Part]:
    """The same parts. Opening and closing tags of the same name become partners; a tag without a partner, or that
    crosses a pair, stands alone."""
    for start, end in nested_pairs((part.kind, part.name) for part in run).items():
        run[start].partner, run[end].partner = run[end], run[start]
    for part in run:
        part.stands_alone = part.stands_alone or (bool(part.name) and part.partner is None)
    return run


def _sentences(run: list[_Part], language: str) -> Iterator[list[_Part]]:
    """The sentences of a run, if it is long; no sentence ends inside an element."""
    plain = "".join(part.content for part in run if not part.name)
    ends = list(accumulate(map(len, sentences(plain, language)))) if len(plain) > LONG else []
    found: list[_Part] = []
    place = depth = 0
    for part in run:
        if part.name:
            number = bisect_left(ends, place)
            is_end = number < len(ends) and ends[number] == place
            if found and is_end and not depth and not part.closes:
                yield found
                found = []
            found.append(part)
            depth += 0 if part.stands_alone else -1 if part.closes else 1
            continue
        start = 0
        for end in ends[bisect_right(ends, place) : bisect_left(ends, place + len(part.content))]:
            if not depth:
                yield [*found, _Part(part.content[start : end - place])]
                found, start = [], end - place
        found.append(_Part(part.content[start:]))
        place += len(part.content)
    if found:
        yield found


def _peeled(sentence: list[_Part]) -> tuple[str, list[_Part], str]:
    """The parts before, in and after the text of a sentence: tags around all of it need no alignment."""
    first, last = 0, len(sentence)
    before, after = "", ""
    while first < last:
        left, right = sentence[first], sentence[last - 1]
        if left.stands_alone or left.is_blank:
            before, first = before + left.content, first + 1
        elif right.stands_alone or right.is_blank:
            after, last = right.content + after, last - 1
        elif left.name and left.partner is right:
            before, after, first, last = before + left.content, right.content + after, first + 1, last - 1
        else:
            break
    inner = list(sentence[first:last])
    if inner and not inner[0].name:
        blanks, text, rest = stripped(inner[0].content)
        before, inner[0] = before + blanks, _Part(text + rest)
    if inner and not inner[-1].name:
        rest, text, blanks = stripped(inner[-1].content)
        after, inner[-1] = blanks + after, _Part(rest + text)
    return before, inner, after


def _spelled(parts: Sequence[_Part], tags: list[tuple[str, str]]) -> str:
    """A text with numbered tags; the tags are appended to `tags`."""
    numbers: dict[int, int] = {}
    spelled = []
    for part in parts:
        if not part.name:
            spelled.append(_BLANKS.sub(" ", _escaped(part.content)).replace(SOFT_HYPHEN, ""))
        elif part.closes and part.partner:
            spelled.append(f"</nmt{numbers[id(part.partner)]}>")
        else:
            numbers[id(part)] = len(tags)
            spelled.append(f"<nmt{len(tags)}{'' if part.partner else '/'}>")
            tags.append((part.content, part.partner.content if part.partner else ""))
    return "".join(spelled)


def _escaped(text: str) -> str:
    """A text with only the entities that HTML needs."""
    return html.escape(unescaped(text), quote=False)
