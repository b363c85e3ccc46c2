"""A text as its sentences, a long sentence as its clauses, and how translated ones are joined.

Where sentences end is found by sentencex, of the Wikimedia Foundation, which knows the abbreviations of many
languages. What it divides wrongly is mended here: a sentence that is not divided costs less than one that is divided
in its middle.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, pairwise

from nmt.languages import CODE_OF, writing

LONG = 300  # characters of a text that a service and a page of HTML have divided into its sentences
BLOCK = 4000  # characters that sentencex sees at once: the time that it takes grows with the square of the quotes
SEEN = 60  # characters on either side of an end that tell whether it is one

# One character for another, so that places stay: sentencex fails on a letter before a wide blank and a full stop.
_WIDE_BLANK = re.compile(r"[^\S\t\n\r ]")
_OWN_SCRIPT = {"chinese": "zh", "japanese": "ja"}
_INITIAL = re.compile(r"(?<![\w'’&-])[^\W\d_]\.$")  # M. Dupont
_INITIALS_KNOWN = ("de", "en")  # to sentencex, which knows there that "bus A." may end a sentence
_MARKER = re.compile(r"\W*(\d{1,3}|\w)[.)]")  # of a list's item
_NEXT_MARKER = re.compile(r"[.!?…][\"'»“”)\]]*\s+(?=(\d{1,3})[.)]\s*$)")
_BLANK_LINE = re.compile(r"\n\s*\n\s*$")
# What stands before an ordinal number: "am 3. Mai" is known as a date, "im 19. Jahrhundert" is not.
_GERMAN_ORDINAL = re.compile(
    r"\b(am|ab|beim|bis|das|dem|den|der|des|die|im|ins|jede[mnrs]?|seit|vom|zum|zur)\s+\d{1,3}\.$", re.IGNORECASE
)
# Ends that sentencex misses: in German those before a number, after no abbreviation ("… etwas. 5 Männer …");
# and after words that it takes for abbreviations.
_MISSED_ENDS = {
    "de": re.compile(
        r"(?<!\w)(?!(?:abschn|durchschn|ungef|\w+str)\.)([^\W\d_]{5,}|ab|an|auf|aus|ein|hat|hält|ist|sind|um|war|zu)"
        r"[.]\s+(?=\d+\s+[^\W\d_]{2})|[?!]\s+(?=\d)|(?<!\w)Bart\.\s+(?=[^\W\d_])",
        re.IGNORECASE,
    ),
    "en": re.compile(r"(?<!\w)art\.\s+(?=[^\W\d_])"),
}
_ABBREVIATIONS = {  # that sentencex lacks
    "fr": re.compile(r"(?<!\w)MM\.$"),
    "hi": re.compile(r"(?<!\w)(डॉ|प्रो|श्री)\.$"),
}
_QUOTED = re.compile(r"[」』]$")
_AFTER_QUOTED = re.compile(r"と|って|など")  # 「…」と言った: it goes on

# Where a sentence may be cut, and how much farther from the best place a better mark may be.
_BREAKS = (
    (0.0, re.compile(r"[;:؛]\s+|[；：]\s*")),
    (0.2, re.compile(r"(?<!\s)\s++(?=[-–—]++\s)|——\s*")),
    (0.3, re.compile(r"[,،]\s+|[，、]\s*")),
    (0.8, re.compile(r"\s+")),
)
_NO_BLANK_BETWEEN = ("chinese", "japanese")
_PLAIN_BLANK = re.compile(r"[ \u00a0\u2009\u202f\u3000]*")


def sentences(text: str, language: str = "") -> list[str]:
    """The sentences of a text, each with the blank space that follows it and the first with what comes before it:
    joined they are the text. `language` is a code, a tag or a name; where it tells nothing, the script tells
    Chinese and Japanese."""
    tag = re.split("[-_]", language.casefold())[0]
    code = CODE_OF.get(tag) or _OWN_SCRIPT.get(writing(language, [text[:BLOCK]])) or tag or "en"
    is_cased = any(map(str.isupper, text))
    found, start = [], 0
    for end in _ends(text, code):
        first, last = text[start : min(end, start + SEEN)], text[max(start, end - SEEN) : end]
        if marker := _next_marker(first, last):
            end -= len(last) - marker
        elif end < len(text) and _goes_on(first, last, text[end : end + SEEN], code, is_cased):
            continue
        missed = _MISSED_ENDS[code].finditer(text, start, end) if code in _MISSED_ENDS else ()
        found += [text[a:b] for a, b in pairwise([start, *(match.end() for match in missed), end])]
        start = end
    return found


def _next_marker(first: str, last: str) -> int:
    """Where the number of a list's next item begins in the end of this one: "1. Open it. 2." does not end so."""
    own, following = _MARKER.match(first), _NEXT_MARKER.search(last)
    is_next = own and following and own[1].isdecimal() and int(following[1]) == int(own[1]) + 1
    return following.end() if is_next and following else 0


def _goes_on(first: str, last: str, after: str, code: str, is_cased: bool) -> bool:
    """Whether a sentence, of which these are the first and the last characters, does before `after`."""
    before = last.rstrip()
    if not before:
        return True
    if _BLANK_LINE.search(last):
        return False
    if (is_cased and after[0].islower()) or _MARKER.fullmatch(first.strip()):
        return True
    if code not in _INITIALS_KNOWN and _INITIAL.search(before):
        return True
    if code == "de" and _GERMAN_ORDINAL.search(before):
        return True
    if code == "ja" and _QUOTED.search(before) and _AFTER_QUOTED.match(after):
        return True
    return code in _ABBREVIATIONS and _ABBREVIATIONS[code].search(before) is not None


def _ends(text: str, code: str) -> Iterator[int]:
    """Where sentences end by sentencex, with all blank space behind them, up to the end of the text."""
    import sentencex  # when there is something to divide

    start = 0
    while start < len(text):
        block = text[start : start + BLOCK]
        is_last = start + len(block) == len(text)
        parts = _whole(sentencex.segment, code, _WIDE_BLANK.sub(" ", block))
        if not is_last and len(parts) == 1:  # no sentence ends in it: it is read on, from its last word
            start += next((i for i in range(len(block), 0, -1) if block[i - 1].isspace()), len(block))
            continue
        if not is_last:  # the last one may go on
            parts.pop()
        for part in parts:
            start += len(part)
            if start == len(text) or not text[start].isspace():
                yield start


def _whole(segment: Callable[[str, str], list[str]], code: str, block: str) -> list[str]:
    """The block's sentences; the block itself where the library fails or loses something."""
    try:
        found = segment(code, block)
    except BaseException as error:  # a panic of its is no Exception
        if type(error).__name__ != "PanicException":
            raise
        found = []
    return found if "".join(found) == block else [block]


def clauses(sentence: str, most: int, count: Callable[[list[str]], list[int]]) -> list[str]:
    """A sentence cut into parts of at most `most` pieces, of like length, at punctuation where there is some, else at
    blanks, and in no word; joined they are the sentence. `count` tells how many pieces texts have."""
    costs: dict[int, float] = {}
    for cost, mark in _BREAKS:
        for match in mark.finditer(sentence):
            costs.setdefault(match.end(), cost)
    start, end = len(sentence) - len(sentence.lstrip()), len(sentence.rstrip())
    places = sorted(place for place in costs if start < place < end)
    borders = [0, *places, len(sentence)]
    pieces = [0, *accumulate(count([sentence[a:b] for a, b in pairwise(borders)]))]
    cuts = sorted(_cuts(pieces, [costs.get(place, 0.0) for place in borders], most))
    ends = [borders[i] for i in (0, *cuts, len(borders) - 1)]
    return [sentence[a:b] for a, b in pairwise(ends)]


def _cuts(pieces: Sequence[int], costs: Sequence[float], most: int) -> Iterator[int]:
    """Of the places that a sentence may be cut at, each after so many pieces and of some cost, those that divide it
    into parts of at most `most` pieces."""
    left = [(0, len(pieces) - 1)]
    while left:
        first, last = left.pop()
        total = pieces[last] - pieces[first]
        if total <= most or last - first < 2:
            continue
        parts = -(-total // most)
        size = total / parts
        best = pieces[first] + size * (parts // 2)
        cut = min(range(first + 1, last), key=lambda i: costs[i] + ((pieces[i] - best) / size) ** 2)
        yield cut
        left += [(first, cut), (cut, last)]


def between(blank: str, tgt_language: str, texts: Sequence[str] = ()) -> str:
    """What stands between two translated sentences where there was `blank` between theirs: the same; but spaces or
    nothing become nothing where the target language has no spaces there, and one where it has. Where its code does
    not tell, `texts` do."""
    if not _PLAIN_BLANK.fullmatch(blank):  # a tab, a line's end
        return blank
    if writing(tgt_language, texts) in _NO_BLANK_BETWEEN:
        return ""
    return blank.replace("\u3000", " ") or " "
