"""Locate the pieces of a tokenizer in the text that they spell, and map an alignment of pieces to spans of text."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from nmt.languages import is_word
from nmt.text.casing import SIGNS
from nmt.text.protection import SYMBOLS, WHOLE, TextRules

SPACE = "▁"  # SentencePiece's sign for a space, before each word
BYTES = re.compile("<0x([0-9A-F]{2})>")  # a piece that spells a byte
JOINERS = "'’-‐\u200c\u200d"  # may be inside a word
WORD = re.compile("w(?:[wm]|j(?=w))*|[csj]m*|m+")  # in the kinds of a text's characters

T = TypeVar("T")
UNSEEN = (SPACE, *SIGNS)
Span = tuple[int, int]  # characters of a text: start, and end (exclusive)
Link = tuple[int, int, int, int]  # a span of the source, and the corresponding span of the translation


def spelt(pieces: Sequence[str], rules: TextRules, kept: Sequence[str] = ()) -> list[str]:
    """The text that each piece spells. A symbol spells what it stands for (`kept`, for ⟦1⟧, ⟦2⟧, ...); a sign of case
    spells nothing; the second of a doubled sign spells the sign itself."""
    values = dict(zip(SYMBOLS, kept, strict=False))
    found: list[str] = []
    for i, piece in enumerate(pieces):
        if rules.casing == "marked" and piece in SIGNS:
            is_second = i > 0 and pieces[i - 1] == piece and not found[-1]
            found.append(piece if is_second else "")
        else:
            found.append(values.get(piece, piece))
    return found


def characters(pieces: Sequence[str]) -> Iterator[tuple[str, list[int]]]:
    """The characters that pieces spell, each with the numbers of its pieces: several if these are bytes."""
    spelling: list[int] = []  # bytes of an incomplete character
    for i, piece in enumerate(pieces):
        byte = BYTES.fullmatch(piece)
        if not byte:
            spelling = []
            yield from ((character, [i]) for character in piece)
            continue
        spelling.append(i)
        of_bytes = bytes(int(pieces[j][3:5], 16) for j in spelling)
        try:
            yield of_bytes.decode(), spelling
            spelling = []
        except UnicodeDecodeError:
            continue


def piece_spans(text: str, pieces: Sequence[str]) -> list[Span | None]:
    """The span that each piece spells; None for a piece of only space. Characters that the tokenizer has unified are
    matched with equivalent ones; where none match, the spans are a guess."""
    of_text, origins = _alike((i, c) for i, c in enumerate(text) if c not in SIGNS)
    of_pieces, owners = _alike((owners, c) for c, owners in characters(pieces) if c not in UNSEEN)
    places = _places(of_pieces, of_text)
    spans: list[Span | None] = [None] * len(pieces)
    for place, numbers in zip(places, owners, strict=True):
        if place is None:
            continue
        start = origins[place]
        later = bisect_left(origins, start + 1)
        end = origins[later] if later < len(origins) else len(text)
        end = start + len(text[start:end].rstrip())
        for number in numbers:
            before = spans[number]
            spans[number] = (min(start, before[0]), max(end, before[1])) if before else (start, end)
    return spans


def _alike(text: Iterable[tuple[T, str]]) -> tuple[list[str], list[T]]:
    """The characters of a text in NFKC, case-folded and without spaces, and the origin of each. Combining marks
    belong to their base character."""
    clusters: list[tuple[T, str]] = []
    for origin, character in text:
        if unicodedata.combining(character) and clusters:
            clusters[-1] = clusters[-1][0], clusters[-1][1] + character
        elif not character.isspace():
            clusters.append((origin, character))
    found = [(c, origin) for origin, cluster in clusters for c in unicodedata.normalize("NFKC", cluster).casefold()]
    kept = [(c, origin) for c, origin in found if not c.isspace()]
    return [c for c, _ in kept], [origin for _, origin in kept]


def _places(these: list[str], those: list[str]) -> list[int | None]:
    """The index of each of `these` in `those`: exact in a common beginning and end, proportional in between."""
    if not those:
        return [None] * len(these)
    most = min(len(these), len(those))
    before = next((i for i in range(most) if these[i] != those[i]), most)
    most -= before
    after = next((i for i in range(most) if these[-1 - i] != those[-1 - i]), most)
    inner, other = len(these) - before - after, len(those) - before - after
    middle: list[int | None] = [min(before + i * other // inner, len(those) - 1) for i in range(inner)]
    return [*range(before), *middle, *range(len(those) - after, len(those))]


def links(
    src: str, src_pieces: Sequence[str], tgt: str, tgt_pieces: Sequence[str], alignment: Iterable[tuple[int, int]]
) -> tuple[Link, ...]:
    """An alignment (source piece, target piece) as spans of words, or parts of words. Special pieces are left out. If
    pieces spell several words, words are linked with words, and punctuation with punctuation. Without any alignment
    the words of the texts are paired by position."""
    src_parts, tgt_parts = _word_parts(src, src_pieces), _word_parts(tgt, tgt_pieces)
    found = []
    for s, t in alignment:
        if s < len(src_parts) and t < len(tgt_parts):
            pairs = [(a, b) for a in src_parts[s] for b in tgt_parts[t]]
            alike = [(a, b) for a, b in pairs if src[a[0]].isalnum() == tgt[b[0]].isalnum()]
            found += [(*a, *b) for a, b in alike or pairs]
    return tuple(found) or diagonal(src, tgt)


def _word_parts(text: str, pieces: Sequence[str]) -> list[list[Span]]:
    """For each piece, the spans that it spells in each word."""
    words = word_spans(text)
    starts = [start for start, _ in words]
    found = []
    for span in piece_spans(text, pieces):
        start, end = span or (0, 0)
        met = words[max(bisect_right(starts, start) - 1, 0) : bisect_left(starts, end)]
        found.append([(max(first, start), min(last, end)) for first, last in met if last > start])
    return found


def diagonal(src: str, tgt: str) -> tuple[Link, ...]:
    """Link each word of the target to the source word at the same relative position; for equal texts, to itself."""
    of_src, of_tgt = word_spans(src), word_spans(tgt)
    if not of_src:
        return ()
    return tuple((*of_src[i * len(of_src) // len(of_tgt)], *span) for i, span in enumerate(of_tgt))


def word_spans(text: str) -> list[Span]:
    """Words and punctuation: runs of letters, marks and digits; single characters in a script without spaces; single
    signs; and, each as a whole, symbols, placeholders, URLs, e-mail addresses and numbers (protection.py)."""
    spans: list[Span] = []
    place = 0
    for whole in WHOLE.finditer(text):
        spans += _simple_words(text, place, whole.start())
        spans.append(whole.span())
        place = whole.end()
    return spans + _simple_words(text, place, len(text))


def _simple_words(text: str, start: int, end: int) -> list[Span]:
    kinds = "".join(map(_kind, text[start:end]))
    return [(start + word.start(), start + word.end()) for word in WORD.finditer(kinds)]


def _kind(character: str) -> str:
    """A letter for its kind: a word by itself, a letter or digit of a word, a mark, a joiner, or another sign."""
    if character.isspace():
        return " "
    if is_word(character):
        return "c"
    category = unicodedata.category(character)[0]
    return {"L": "w", "N": "w", "M": "m"}.get(category, "j" if character in JOINERS else "s")
