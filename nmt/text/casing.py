"""Case as signs beside lower-case words, so that a model treats a word in capitals as the same word.

    Der HUND sieht EIN GROSSES HAUS.  ->  ⇧ der⇪ hund sieht⇈ ein grosses haus⇊.

⇧ marks a capitalised word, ⇪ a word in capitals, and between ⇈ and ⇊ all words are in capitals. A sign stands before
the blank before its word, so that the word is the same piece as without it; at the beginning of a text a blank is put
after it. Signs that are already in a text are doubled. A word that could not be restored stays as it is: one of mixed
case (iPhone, IJsland), one whose case depends on the language (İstanbul), a capital ẞ. Scripts without case need no
signs.
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
    """The text in lower case with signs, which `unmarked` reverses; what it could not restore is left as it is."""
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
    """The text with its case restored; signs without a word are removed."""
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
    """The sign from which a word can be restored, or "". A single capital counts as a word in capitals."""
    lower = word.lower()
    if lower == word:
        return ""
    if lower.upper() == word:
        return WORD
    return TITLE if lower[:1].upper() + lower[1:] == word else ""
