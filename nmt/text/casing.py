"""Case as signs beside lower-case words: what a model has learned of a word it knows of it in capitals, too.

    Der HUND sieht EIN GROSSES HAUS.  ->  ⇧ der⇪ hund sieht⇈ ein grosses haus⇊.

⇧ begins a word with a capital, ⇪ is a word of capitals, and from ⇈ to ⇊ all are. A sign stands before the blank
before its word, so that the word is the same piece as without it; at the beginning of a text a blank is put after it.
What stands in a text already is doubled. A word that would not come back stays as it is: one of mixed case (iPhone,
IJsland), one whose case is a matter of language (İstanbul), a capital ẞ. Scripts without case have nothing to mark.
"""

from __future__ import annotations

import re
from functools import partial

TITLE, WORD, BEGIN, END = "⇧⇪⇈⇊"
SIGNS = (TITLE, WORD, BEGIN, END)

_WORD = re.compile(r"[^\W\d_]+")
_OWN = re.compile(f"[{''.join(SIGNS)}]")
_doubled = partial(_OWN.sub, r"\g<0>\g<0>")
_MARKED = re.compile(
    rf"(?P<own>[{''.join(SIGNS)}])(?P=own)|(?P<sign>[{TITLE}{WORD}])(?P<blank> ?)(?P<word>[^\W\d_]*)"
    rf"|{BEGIN}(?P<before> ?)(?P<span>[^{END}]*){END}?|{END}"
)


def marked(text: str) -> str:
    """The text in lower case, with signs that `unmarked` understands; what it would not give back is left."""
    words = list(_WORD.finditer(text))
    kinds = [_kind(word[0]) for word in words]
    if not any(kinds):
        return _doubled(text)
    parts: list[str] = []
    place = number = 0
    while number < len(words):
        last = number
        while kinds[number] == WORD and last + 1 < len(words) and kinds[last + 1] == WORD:
            last += 1
        long = sum(len(word[0]) > 1 for word in words[number : last + 1])
        if long < 2:
            last = number
        start, end, kind = words[number].start(), words[last].end(), BEGIN if long > 1 else kinds[number]
        if kind == WORD and end - start == 1:
            kind = TITLE
        between = _doubled(text[place:start])
        if not kind:
            parts += [between, text[start:end]]
        else:
            blank = " " if not start else ""
            if between.endswith(" "):
                between, blank = between[:-1], " "
            parts += [between, kind, blank, text[start:end].lower(), END if kind == BEGIN else ""]
        place, number = end, last + 1
    parts.append(_doubled(text[place:]))
    found = "".join(parts)
    return found if unmarked(found) == text else _doubled(text)


def unmarked(text: str) -> str:
    """The text that signs stand for; those that stand for nothing go."""
    return _MARKED.sub(_restored, text)


def _restored(found: re.Match[str]) -> str:
    if found["own"]:
        return found["own"]
    blank, word = found["blank"] or found["before"] or "", found["word"] or ""
    blank = blank if found.start() else ""
    if found["span"] is not None:
        return blank + _OWN.sub("", found["span"]).upper()
    return blank + (word.upper() if found["sign"] == WORD else word[:1].upper() + word[1:])


def _kind(word: str) -> str:
    """The sign of a word that it brings back, or nothing. A single capital counts as one of a word of capitals."""
    lower = word.lower()
    if lower == word:
        return ""
    if lower.upper() == word:
        return WORD
    return TITLE if lower[:1].upper() + lower[1:] == word else ""
