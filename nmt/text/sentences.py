"""Split a text into sentences, and a long sentence into clauses, and join the translations.

sentencex, by the Wikimedia Foundation, finds the ends of sentences; it knows the abbreviations of many languages.
This module corrects its mistakes. In doubt it does not split: a missed split costs less than one in the middle of a
sentence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, pairwise

from nmt.languages import CODE_OF, primary, writing

LONG = 300  # characters; the service, and HTML documents, split a longer text into sentences
BLOCK = 4000  # characters passed to sentencex at once: its time grows with the square of the number of quotes
SEEN = 60  # characters on either side of an end that decide whether it is one

# Replaced one for one, so that positions stay: sentencex fails on a letter before a wide blank and a full stop.
_WIDE_BLANK = re.compile(r"[^\S\t\n\r ]")
_OWN_SCRIPT = {"chinese": "zh", "japanese": "ja"}
_INITIAL = re.compile(r"(?<![\w'’&-])[^\W\d_]\.$")  # M. Dupont
_INITIALS_KNOWN = ("de", "en")  # here sentencex itself knows that "bus A." may end a sentence
_MARKER = re.compile(r"\W*(\d{1,3}|\w)[.)]")  # of a list item
_NEXT_MARKER = re.compile(r"[.!?…][\"'»“”)\]]*\s+(?=(\d{1,3})[.)]\s*$)")
_BLANK_LINE = re.compile(r"\n\s*\n\s*$")
# Words before an ordinal number: sentencex knows "am 3. Mai" as a date, but not "im 19. Jahrhundert".
_GERMAN_ORDINAL = re.compile(
    r"\b(am|ab|beim|bis|das|dem|den|der|des|die|im|ins|jede[mnrs]?|seit|vom|zum|zur)\s+\d{1,3}\.$", re.IGNORECASE
)
# Ends that sentencex misses: in German before a number, if no abbreviation precedes ("… etwas. 5 Männer …"); and
# after words that it takes for abbreviations.
_MISSED_ENDS = {
    "de": re.compile(
        r"(?<!\w)(?!(?:abschn|durchschn|ungef|\w+str)\.)([^\W\d_]{5,}|ab|an|auf|aus|ein|hat|hält|ist|sind|um|war|zu)"
        r"[.]\s+(?=\d+\s+[^\W\d_]{2})|[?!]\s+(?=\d)|(?<!\w)Bart\.\s+(?=[^\W\d_])",
        re.IGNORECASE,
    ),
    "en": re.compile(r"(?<!\w)art\.\s+(?=[^\W\d_])"),
}
_ABBREVIATIONS = {  # missing in sentencex
    "fr": re.compile(r"(?<!\w)MM\.$"),
    "hi": re.compile(r"(?<!\w)(डॉ|प्रो|श्री)\.$"),
}
_QUOTED = re.compile(r"[」』]$")
_AFTER_QUOTED = re.compile(r"と|って|など")  # 「…」と言った: the sentence goes on

# Where a sentence may be cut: a cost, to be added to the squared relative distance from the best place, and a mark.
_BREAKS = (
    (0.0, re.compile(r"[;:؛]\s+|[；：]\s*")),
    (0.2, re.compile(r"(?<!\s)\s++(?=[-–—]++\s)|——\s*")),
    (0.3, re.compile(r"[,،]\s+|[，、]\s*")),
    (0.8, re.compile(r"\s+")),
)
_NO_BLANK_BETWEEN = ("chinese", "japanese")
_PLAIN_BLANK = re.compile(r"[ \u00a0\u2009\u202f\u3000]*")


def sentences(text: str, language: str = "") -> list[str]:
    """The sentences of a text, each with the blank space after it, and the first also with that before it: joined
    they are the text. `language` is a code, a tag or a name; if it tells nothing, Chinese and Japanese are recognised
    by their script."""
    tag = primary(language)
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
    """Position in `last` of the next item's number, which belongs to the next item: "1. Open it. 2."; 0 if none."""
    own, following = _MARKER.match(first), _NEXT_MARKER.search(last)
    is_next = own and following and own[1].isdecimal() and int(following[1]) == int(own[1]) + 1
    return following.end() if is_next and following else 0


def _goes_on(first: str, last: str, after: str, code: str, is_cased: bool) -> bool:
    """Whether a sentence with these first and last characters goes on in `after`."""
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
    """The ends of sentences by sentencex, including the blank space after them, up to the end of the text."""
    import sentencex  # only when there is something to split

    start = 0
    while start < len(text):
        block = text[start : start + BLOCK]
        is_last = start + len(block) == len(text)
        parts = _whole(sentencex.segment, code, _WIDE_BLANK.sub(" ", block))
        if not is_last and len(parts) == 1:  # no sentence ends in this block: go on from its last word
            start += next((i for i in range(len(block), 0, -1) if block[i - 1].isspace()), len(block))
            continue
        if not is_last:  # the last one may go on
            parts.pop()
        for part in parts:
            start += len(part)
            if start == len(text) or not text[start].isspace():
                yield start


def _whole(segment: Callable[[str, str], list[str]], code: str, block: str) -> list[str]:
    """The block's sentences; the block itself if the library fails or loses text."""
    try:
        found = segment(code, block)
    except BaseException as error:  # a Rust panic is not an Exception
        if type(error).__name__ != "PanicException":
            raise
        found = []
    return found if "".join(found) == block else [block]


def clauses(sentence: str, most: int, count: Callable[[list[str]], list[int]]) -> list[str]:
    """A sentence cut into parts of similar length and at most `most` pieces, at punctuation if possible, else at
    blanks, never inside a word; joined they are the sentence. `count` returns the numbers of pieces of texts."""
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
    """Choose places to cut a sentence into parts of at most `most` pieces; for each possible place, `pieces` has the
    number of pieces before it, and `costs` its cost."""
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
    """The separator of two translated sentences whose sources are separated by `blank`: the same, except that spaces
    or nothing become nothing if the target language has no spaces between sentences, and nothing becomes a space if
    it has. If its code does not tell, `texts` do."""
    if not _PLAIN_BLANK.fullmatch(blank):  # a tab, a line's end
        return blank
    if writing(tgt_language, texts) in _NO_BLANK_BETWEEN:
        return ""
    return blank.replace("\u3000", " ") or " "
