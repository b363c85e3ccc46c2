"""Segments of an HTML document: its tags stay, and the text between them is translated.

A block tag (a paragraph, a cell, a button, a line break) ends a text. Any other tag, and a comment, is part of the
text around it, and is put back by the alignment (text/markup.py). Tags (tokens.py) are copied unchanged, some
elements with all their content (copied.py). All else is text: its entities are decoded, and its translation has only
those that HTML needs. So the translated document has each tag of the document once, and no others.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from nmt.html.blanks import is_blank, stripped
from nmt.html.copied import CopiedElement, is_copied, names
from nmt.html.tokens import Token, tokens
from nmt.text.markup import VOID
from nmt.text.numbered import SOFT_HYPHEN, numbered, plain, restored
from nmt.text.sentences import LONG, sentences
from nmt.text.tags import Piece, Tag, core, text_of_pieces, with_pairs

_BLANKS = re.compile(r"[ \t\n\f\r]+")  # which HTML shows as one
BLOCKS = names(
    "address article aside audio blockquote body br button canvas caption center col colgroup datalist dd details "
    "dialog dir div dl dt fieldset figcaption figure footer form frame h1 h2 h3 h4 h5 h6 head header hgroup hr html "
    "iframe input label legend li link main menu meta meter nav noscript object ol optgroup option output p pre "
    "progress script section select source style summary table tbody td template textarea tfoot th thead title tr "
    "track ul video xmp"
)


@dataclass(frozen=True)
class HtmlSegments:
    """`skeleton[0] texts[0] skeleton[1] ... skeleton[-1]`, where the texts have numbered tags (text/numbered.py) in
    place of the document's."""

    texts: tuple[str, ...]
    skeleton: tuple[str, ...]
    pieces: tuple[Sequence[Piece], ...]  # of each text, as they are in the document

    @property
    def plain(self) -> str:
        """The texts to translate, one per line, without tags and with entities decoded."""
        return "\n".join(map(plain, self.texts))

    def joined(self, translations: Sequence[str]) -> str:
        """The document with translations of its texts."""
        parts = [self.skeleton[0]]
        for pieces, translation, between in zip(self.pieces, translations, self.skeleton[1:], strict=True):
            parts += [text_of_pieces(restored(translation, pieces, entities=True)), between]
        return "".join(parts)


def cut(document: str, language: str = "") -> HtmlSegments:
    """Cut a document in a language into segments."""
    texts: list[list[Piece]] = []
    skeleton: list[list[str]] = [[]]
    run: list[Token] = []
    for token in [*_wholes(document), Token("", "!")]:
        is_next_link = token.name == "a" and not token.closes and bool(run) and run[-1].name == "a" and run[-1].closes
        if token.name not in BLOCKS and token.name != "!" and not is_next_link:
            run.append(token)
            continue
        for sentence in _sentences(_pieces(run), language):
            before, inner, after = _peeled(sentence)
            skeleton[-1].append(before)
            if inner:
                texts.append(inner)
                skeleton.append([])
            skeleton[-1].append(after)
        if not is_next_link:
            skeleton[-1].append(token.content)
        run = [token] if is_next_link else []
    return HtmlSegments(tuple(map(_spelled, texts)), tuple(map("".join, skeleton)), tuple(texts))


def _wholes(document: str) -> Iterator[Token]:
    """The tokens of a document; an element that is copied whole is a single one."""
    copied: CopiedElement | None = None
    around = Counter[str]()  # names of elements that are open, or have no end tag
    for token in tokens(document):
        if copied and copied.ends_before(token, around):
            yield Token("".join(copied.contents), copied.name, is_empty=True)
            copied = None
        if copied:
            if copied.ends_with(token):
                yield Token("".join(copied.contents), copied.name, is_empty=True)
                copied = None
        elif not token.closes and not _stands_alone(token) and is_copied(token):
            copied = CopiedElement(token)
        else:
            yield token
            if token.name and not _stands_alone(token):
                around[token.name] = max(0, around[token.name] + (-1 if token.closes else 1))
    if copied:
        yield Token("".join(copied.contents), "!")


def _stands_alone(token: Token) -> bool:
    return token.is_empty or token.name in VOID


def _pieces(run: Sequence[Token]) -> list[Piece]:
    """The tokens as pieces; tags without a partner, or that cross a pair, stand alone."""
    names = {
        i: ("close" if token.closes else "open", token.name)
        for i, token in enumerate(run)
        if token.name and not _stands_alone(token)
    }
    return with_pairs([Tag("alone", token.content) if token.name else token.content for token in run], names)


def _sentences(run: Sequence[Piece], language: str) -> Iterator[list[Piece]]:
    """The sentences of a run, if it is long; no sentence ends inside an element."""
    plain = "".join(piece for piece in run if isinstance(piece, str))
    ends = list(accumulate(map(len, sentences(plain, language)))) if len(plain) > LONG else []
    found: list[Piece] = []
    place = depth = 0
    for piece in run:
        if isinstance(piece, Tag):
            number = bisect_left(ends, place)
            is_end = number < len(ends) and ends[number] == place
            if found and is_end and not depth and not piece.value.startswith("</"):  # of an element that began before
                yield found
                found = []
            found.append(piece)
            depth += {"open": 1, "close": -1, "alone": 0}[piece.kind]
            continue
        start = 0
        for end in ends[bisect_right(ends, place) : bisect_left(ends, place + len(piece))]:
            if not depth:
                yield [*found, piece[start : end - place]]
                found, start = [], end - place
        found.append(piece[start:])
        place += len(piece)
    if found:
        yield found


def _peeled(sentence: Sequence[Piece]) -> tuple[str, list[Piece], str]:
    """What is before the text of a sentence, its pieces, and what is after it: tags around all of it need no
    alignment."""
    left = core(sentence, is_blank)
    before, after = (text_of_pieces(some) for some in (sentence[: left.start], sentence[left.stop :]))
    inner = list(sentence[left.start : left.stop])
    if inner and isinstance(inner[0], str):
        blanks, text, rest = stripped(inner[0])
        before, inner[0] = before + blanks, text + rest
    if inner and isinstance(inner[-1], str):
        rest, text, blanks = stripped(inner[-1])
        after, inner[-1] = blanks + after, rest + text
    return before, inner, after


def _spelled(pieces: Sequence[Piece]) -> str:
    """A text as the translator gets it."""
    return _BLANKS.sub(" ", numbered(pieces, entities=True)).replace(SOFT_HYPHEN, "")
