"""Place the elements of a source text in its translation.

An element covers the words of the translation that come from its own words, as far as they are contiguous. One that
covers all of its parent still does, and siblings do not overlap. A tag that stands alone goes before the word that it
preceded or, if a blank follows it but none precedes it, after the word that it followed.
"""

from __future__ import annotations

import sys
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, chain

from nmt.languages import is_word
from nmt.text.pieces import Link, Span, word_spans

MOST = 1000  # elements around words that are placed by the links; any more are put between words


@dataclass(frozen=True)
class Element:
    """A pair of tags around some characters of a text, or one alone between two characters."""

    open: str
    close: str  # "" if it stands alone
    start: int
    end: int
    parent: int  # the number of the element around it; -1 for none
    joins_before: bool = False  # the blank before it is not from the source, but separates two words
    joins_after: bool = False  # likewise the blank after its end
    is_word: bool = False  # blanks separate it from other words
    most: int = sys.maxsize  # most words that it covers, unless it is around the whole text


def children(elements: Sequence[Element]) -> defaultdict[int, list[int]]:
    """Number of an element -> numbers of its children; -1 -> those without a parent."""
    inside = defaultdict[int, list[int]](list)
    for number, element in enumerate(elements):
        inside[element.parent].append(number)
    return inside


def placed(elements: Sequence[Element], plain: str, translation: str, links: Sequence[Link]) -> list[Span]:
    """The span of the translation that each element covers. Parents must come before their children. A span is inside
    that of the parent and does not overlap those of siblings; an element that stands alone is not put inside them."""
    inside = children(elements)
    texts = _Texts(plain, translation, links)
    # Of each element; the last one, which is also the one at -1, is the whole text.
    around: list[Span] = [*((element.start, element.end) for element in elements), (0, len(plain))]
    words: list[Span] = [*[(0, 0)] * len(elements), (0, len(texts.tgt))]  # of the translation
    spans: list[Span] = [*[(0, 0)] * len(elements), (0, len(translation))]
    for parent in (-1, *range(len(elements))):
        if numbers := inside[parent]:
            room = _Room(texts, around[parent], words[parent], spans[parent])
            for number, found in room.place(elements, numbers).items():
                words[number], spans[number] = found
    return spans[:-1]


def spaced(value: str, text: str, place: int) -> str:
    """A value to insert into a text at `place`, with the blanks that separate it from words."""
    before, after = text[:place][-1:], text[place : place + 1]
    left = bool(before) and not before.isspace() and not is_word(before) and before not in "([{<\"'«“„"
    right = bool(after) and (after.isalnum() or after in "⟦<{") and not is_word(after)
    return f"{' ' * left}{value}{' ' * right}"


class _Texts:
    """Both texts as words, and their links sorted by source."""

    def __init__(self, plain: str, translation: str, links: Sequence[Link]) -> None:
        self.plain, self.translation = plain, translation
        self.src, self.tgt = word_spans(plain), word_spans(translation)
        self.src_starts = [start for start, _ in self.src]
        self.links = sorted(links)
        self.starts = [link[0] for link in self.links]
        self.longest = max((end - start for start, end, *_ in self.links), default=0)
        starts = [start for start, _ in self.tgt]
        self.words = [  # for each link, the words of the translation
            range(max(bisect_right(starts, start) - 1, 0), bisect_left(starts, end))
            for _, _, start, end in self.links
        ]
        self.number = Counter(chain.from_iterable(self.words))  # word -> number of its links
        is_linked = (word in self.number for word in range(len(self.tgt)))
        self.linked = list(accumulate(is_linked, initial=0))  # number of linked words before each word

    def has_no_word(self, start: int, end: int) -> bool:
        """Whether no word of the source begins in this span."""
        word = bisect_left(self.src_starts, start)
        return word == len(self.src) or self.src_starts[word] >= end

    def votes(self, start: int, end: int) -> dict[int, float]:
        """For each word of the translation linked to this source span: the share of its links from the span, less
        that of its other links."""
        near = range(bisect_left(self.starts, start - self.longest), bisect_left(self.starts, end))
        found: list[tuple[int, int]] = []  # link, characters inside the span less those outside
        for link in near:
            s, e = self.links[link][:2]
            if (shared := min(e, end) - max(s, start)) > 0:
                found.append((link, 2 * shared - (e - s)))
        mostly = [link for link, excess in found if excess > 0] or [link for link, _ in found]
        count = Counter(word for link in mostly for word in self.words[link])
        own = self.plain[start:end]
        return {
            word: (2 * of_word - self.number[word]) / self.number[word]
            for word, of_word in count.items()
            if self.sign(word) in own or self.sign(word) not in self.plain  # attention is vague about signs
        }

    def sign(self, word: int) -> str:
        """The text of a word of the translation if it is punctuation, else ""."""
        start, end = self.tgt[word]
        return "" if self.translation[start].isalnum() else self.translation[start:end]


class _Room:
    """The area that an element covers, in which its children are placed."""

    def __init__(self, texts: _Texts, around: Span, words: Span, characters: Span) -> None:
        self.texts, self.around, self.words, self.characters = texts, around, words, characters
        self.taken = bytearray(len(texts.tgt))
        self.owners: list[tuple[int, int, int]] = []  # taken words, and the start of their element in the source

    def place(self, elements: Sequence[Element], children: Sequence[int]) -> dict[int, tuple[Span, Span]]:
        """The words and the characters that each of these elements covers."""
        found: dict[int, tuple[Span, Span]] = {}
        spanning = [number for number in children if elements[number].start < elements[number].end]
        # Short elements first: their links are the most precise.
        for number in sorted(spanning, key=lambda n: elements[n].end - elements[n].start):
            start, end = elements[number].start, elements[number].end
            is_all = self.texts.has_no_word(self.around[0], start) and self.texts.has_no_word(end, self.around[1])
            is_all = is_all and not any(self.taken)  # by an element that begins inside a word
            span = self.words if is_all else self._run(start, end, self.taken) if number < MOST else None
            if span and span[0] < span[1]:
                if not is_all:
                    span = self._with_signs(self._shortened(span, start, end, elements[number].most), start, end)
                self.taken[span[0] : span[1]] = b"\1" * (span[1] - span[0])
                self.owners.append((*span, start))
                found[number] = span, (self.texts.tgt[span[0]][0], self.texts.tgt[span[1] - 1][1])
        self.owners.sort()
        for number in children:
            if number not in found:
                gap, character = self._outside(*self._gap(elements[number].start), elements[number].start)
                found[number] = (gap, gap), (character, character)
        return found

    def _run(self, start: int, end: int, taken: bytes | bytearray = b"") -> Span | None:
        """The best contiguous run of words that come from this span and are not `taken`: the one with the highest sum
        of votes, less the number of other linked words in it."""
        best, best_score = None, 0.0
        first, score, before = 0, 0.0, -1
        linked = self.texts.linked
        votes = self.texts.votes(start, end)
        for word in sorted(votes):
            if not self.words[0] <= word < self.words[1] or taken[word : word + 1] == b"\1":
                continue
            score -= linked[word] - linked[before + 1]
            if before < 0 or score <= 0 or taken.find(1, before, word) >= 0:
                first, score = word, 0.0
            score += votes[word]
            if best is None or score > best_score:
                best, best_score = (first, word + 1), score
            before = word
        return best

    def _shortened(self, run: Span, start: int, end: int, most: int) -> Span:
        """A run, cut to `most` words. The first is dropped if the word before the span, such as an article, would
        otherwise have no translation. Then the words with the highest votes are kept; ties go to the same relative
        position."""
        texts = self.texts
        word = bisect_left(texts.src_starts, start)
        if run[1] - run[0] >= most and word and not texts.votes(*texts.src[word - 1]):
            run = run[0] + 1, run[1]
        if run[1] - run[0] <= most:
            return run
        votes, place = texts.votes(start, end), (word + 0.5) / len(texts.src) * len(texts.tgt) - most / 2

        def worth(first: int) -> tuple[float, float]:
            return sum(votes.get(word, 0) for word in range(first, first + most)), -abs(first - place)

        first = max(range(run[0], run[1] - most + 1), key=worth)
        return first, first + most

    def _with_signs(self, run: Span, start: int, end: int) -> Span:
        """A run, extended by adjacent punctuation that the span also begins or ends with."""
        (first, last), texts = run, self.texts
        while last < self.words[1] and not self.taken[last] and (sign := texts.sign(last)):
            if not texts.plain[start:end].rstrip().endswith(sign):
                break
            last, end = last + 1, end - len(sign)
        while first > self.words[0] and not self.taken[first - 1] and (sign := texts.sign(first - 1)):
            if not texts.plain[start:end].lstrip().startswith(sign):
                break
            first, start = first - 1, start + len(sign)
        return first, last

    def _gap(self, place: int) -> tuple[int, int]:
        """The gap for an element that stands alone at `place`: the number of the following word, and the position."""
        texts, (start, end) = self.texts, self.around
        if texts.has_no_word(start, place):
            return self.words[0], self.characters[0]
        if texts.has_no_word(place, end):
            return self.words[1], self.characters[1]
        following = bisect_left(texts.src_starts, place)
        if texts.plain[place].isspace() and not texts.plain[place - 1].isspace():
            run = self._run(*texts.src[following - 1])
            if run:
                return run[1], texts.tgt[run[1] - 1][1]
        link = bisect_left(texts.starts, place)
        if link < len(texts.links) and texts.starts[link] < end and (run := self._run(*texts.links[link][:2])):
            return run[0], texts.tgt[run[0]][0]
        if link and texts.starts[link - 1] >= start and (run := self._run(*texts.links[link - 1][:2])):
            return run[1], texts.tgt[run[1] - 1][1]
        return self.words[1], self.characters[1]

    def _outside(self, gap: int, character: int, place: int) -> tuple[int, int]:
        """The same gap, or, if an element covers it, the gap beside that element."""
        owner = bisect_left(self.owners, (gap, 0, 0)) - 1
        if owner < 0 or not self.owners[owner][0] < gap < self.owners[owner][1]:
            return gap, character
        first, last, came_from = self.owners[owner]
        if came_from < place:
            return last, self.texts.tgt[last - 1][1]
        return first, self.texts.tgt[first][0]
