"""Rare things in a test text: numbers, names, words that the training text lacks, and compounds of its words.

For numbers and names, which are copied, it counts how many a translation has; for all kinds it scores the sentences
that contain them. It has no word lists, so it does not recognise numbers in words.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple
from unicodedata import normalize

from nmt.languages import digits, is_letter, is_mark, words
from nmt.metrics.measure import Measure, References

NUMBER = re.compile(r"\d+(?:[.,:'’٫٬]\d+)*")
SHORTEST_PART = 4  # letters of a part of a compound
LONGEST = 100  # letters of a compound
LONGEST_JOINT = 2  # letters between two parts, such as the German s


class Rare(NamedTuple):
    """Results for one kind of rare thing; `in_reference` and `right` are 0 for kinds that are not copied."""

    sentences: int  # that contain one
    bleu: float | None  # of these sentences; None if there are none
    in_reference: int = 0  # of the source's, how many the reference has too
    right: int = 0  # of these, how many the translation has

    @property
    def share(self) -> float | None:
        """The share of those in the reference that the translation has; None if there are none."""
        return self.right / self.in_reference if self.in_reference else None


def numbers(text: str) -> Counter[str]:
    """The digits of each number, without what separates them, because languages differ in it: 1.000 and 1,000 are
    equal, and so are 10.30 and 10:30."""
    return Counter(map(digits, NUMBER.findall(text)))


def names(text: str) -> Counter[str]:
    """Words with a capital, without the punctuation around them. The first word of the text is left out, as its place
    gives it a capital."""
    return Counter(word for word in bare(text)[1:] if len(word) > 1 and word != word.lower())


def bare(text: str) -> list[str]:
    """The words of a text without the punctuation around them; those without anything else are left out."""
    stripped = map(_stripped, words(normalize("NFC", text)))
    return [word for word in stripped if word]


def _stripped(word: str) -> str:
    first = next((i for i, character in enumerate(word) if character.isalnum()), len(word))
    last = next((i for i in range(len(word), first, -1) if is_letter(word[i - 1])), first)
    return word[first:last]


def known_words(texts: Iterable[str]) -> set[str]:
    """The words of a training text, in lower case."""
    return {word.lower() for text in texts for word in bare(text)}


def unseen(text: str, known: Collection[str]) -> list[str]:
    """Words made only of letters that the training text lacks."""
    of_letters = [word for word in bare(text) if all(sign.isalpha() or is_mark(sign) for sign in word)]
    return [word for word in of_letters if word.lower() not in known]


def is_compound(word: str, known: Collection[str]) -> bool:
    """Whether a word of up to LONGEST letters consists of two or more known words of at least SHORTEST_PART letters,
    with up to LONGEST_JOINT letters between any two."""
    word = word.lower()
    if len(word) > LONGEST:
        return False
    # From the end: positions from which the rest of the word can be composed.
    starts: set[int] = set()
    for start in range(len(word) - SHORTEST_PART, -1, -1):
        for end in range(start + SHORTEST_PART, len(word) + 1):
            goes_on = any(end + joint in starts for joint in range(LONGEST_JOINT + 1))
            if (goes_on or (end == len(word) and start > 0)) and word[start:end] in known:
                starts.add(start)
                break
    return 0 in starts


def rare_things(
    measure: Measure, srcs: Sequence[str], hyps: Sequence[str], refs: References, known: Collection[str] | None
) -> dict[str, Rare]:
    """Results by kind: numbers and names and, with the words of the training text (`known`), unseen words and
    compounds."""
    found = {
        "numbers": _copied(measure, numbers, srcs, hyps, refs),
        "names": _copied(measure, names, srcs, hyps, refs),
    }
    if known is None:
        return found
    new = [unseen(src, known) for src in srcs]
    made = [any(is_compound(word, known) for word in of_sentence) for of_sentence in new]
    found["unseen words"] = _scored(measure, [bool(of_sentence) for of_sentence in new], hyps, refs)
    found["compounds"] = _scored(measure, made, hyps, refs)
    return found


def _copied(
    measure: Measure,
    things: Callable[[str], Counter[str]],
    srcs: Sequence[str],
    hyps: Sequence[str],
    refs: References,
) -> Rare:
    """Counts things of the source that a reference has too, each at most as often as a reference has it."""
    wanted = []
    for src, *of_sentence in zip(srcs, *refs, strict=True):
        in_refs = Counter[str]()
        for ref in of_sentence:
            in_refs |= things(ref or "")
        wanted.append(things(src) & in_refs)
    right = [want & things(hyp) for want, hyp in zip(wanted, hyps, strict=True)]
    scored = _scored(measure, [bool(want) for want in wanted], hyps, refs)
    return scored._replace(in_reference=_total(wanted), right=_total(right))


def _total(counts: Iterable[Counter[str]]) -> int:
    return sum(count.total() for count in counts)


def _scored(measure: Measure, chosen: Sequence[bool], hyps: Sequence[str], refs: References) -> Rare:
    rows = [i for i, is_chosen in enumerate(chosen) if is_chosen]
    return Rare(len(rows), measure.bleu_of(rows, hyps, refs) if rows else None)
