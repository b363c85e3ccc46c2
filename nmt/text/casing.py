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
_SIGN_OF = {"-": "", "t": TITLE, "c": TITLE, "C": WORD}  # by the kind of a word
_RUN = re.compile("c*Cc*C[Cc]*|.")  # in the kinds of words: several in capitals, or a single one
_MARKED = re.compile(
    rf"(?P<own>[{''.join(SIGNS)}])(?P=own)|(?P<sign>[{TITLE}{WORD}])(?P<blank> ?)(?P<word>[^\W\d_]*)"
    rf"|{BEGIN}(?P<before> ?)(?P<span>[^{END}]*){END}?|{END}"
)


def marked(text: str) -> str:
    """The text in lower case with signs, which `unmarked` reverses; what it could not restore is left as it is."""
    words = list(_WORD.finditer(text))
    kinds = "".join(_kind(word[0]) for word in words)
    if not kinds.strip("-"):
        return _doubled(text)
    parts: list[str] = []
    place = 0
    for run in _RUN.finditer(kinds):
        start, end = words[run.start()].start(), words[run.end() - 1].end()
        sign = BEGIN if len(run[0]) > 1 else _SIGN_OF[run[0]]
        between = _doubled(text[place:start])
        if not sign:
            parts += [between, text[start:end]]
        else:
            blank = " " if not start else ""
            if between.endswith(" "):
                between, blank = between[:-1], " "
            parts += [between, sign, blank, text[start:end].lower(), END if sign == BEGIN else ""]
        place = end
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
    """Whether a word can be restored from lower case: in capitals, "C", or "c" for a single one; capitalised, "t"; or
    "-" for neither."""
    lower = word.lower()
    if lower == word:
        return "-"
    if lower.upper() == word:
        return "C" if len(word) > 1 else "c"
    return "t" if lower[:1].upper() + lower[1:] == word else "-"
