"""Replace protected parts of a text, which are not translated, by numbered symbols that are pieces of the tokenizer.

    Hallo {name}, siehe https://example.org/x!  ->  Hallo ⟦1⟧, siehe ⟦2⟧!

In training, symbols replace the protected parts that both sides of a pair have. In translation they replace all
protected parts, which are put back afterwards.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, cast, get_args

from nmt.common.suggestions import did_you_mean
from nmt.languages import HANGUL, UNSPACED
from nmt.text.casing import SIGNS
from nmt.text.edits import Edit, edited
from nmt.text.patterns import BoundedPattern, Finder

Kind = Literal["placeholders", "urls", "emails", "tags", "numbers", "all"]
SYMBOLS = tuple(f"⟦{number}⟧" for number in range(1, 10))
SYMBOL = re.compile("⟦[1-9]⟧")
MAX_PATTERN = 1000  # characters of a user's pattern

_NO_BLANKS = f"{UNSPACED}{HANGUL}"  # scripts whose text touches protected parts: 34本, info@example.com으로
_LETTER = rf"[^\W{_NO_BLANKS}]"  # a letter of a script with blanks between words, or a digit or _
_AFTER_URL = rf"\s<>\"'⟦⟧\u3000-\u303f\uff00-\uffef{_NO_BLANKS}"  # characters that end a URL
_URL = (
    rf"(?:(?:https?|ftp)://|(?<!{_LETTER})www\.)"
    rf"[^{_AFTER_URL}]*[^{_AFTER_URL}.,;:!?()\[\]{{}}»“”’…—،؛؟।]"
)
_DIVIDER = r"[.,:٫٬\u2009\u00a0\u202f’']"  # between the digits of a number
_NO_NUMBER_BEFORE = rf"(?<![\d.,])(?<!\d{_DIVIDER})(?<!{_LETTER})"
_NUMBER = rf"{_NO_NUMBER_BEFORE}\d++(?:{_DIVIDER}\d++)++(?!{_LETTER})"
PATTERNS = {
    "urls": _URL,
    "emails": (
        rf"(?<!{_LETTER}){_LETTER}(?:{_LETTER}|[.+%-]){{0,63}}@(?:{_LETTER}|-){{1,63}}"
        rf"(?:\.(?:{_LETTER}|-){{1,63}}){{1,8}}(?<={_LETTER})(?!{_LETTER})"
    ),
    "placeholders": (
        r"\{\{[^{}\s][^{}\n]{0,80}\}\}|[$%#]\{[^{}\n]{1,80}\}|\{[A-Za-z_0-9][\w.\-!:\[\]]{0,60}\}|\{\}"
        # ICU: a number or a date, and a whole plural or select, because its branches are not one sentence
        r"|\{\w{1,60}, ?(?:number|date|time|spellout|ordinal|duration)(?:, ?[^{}\n]{1,60})?\}"
        r"|\{\s*+\w{1,60}\s*+,\s*+(?:plural|select|selectordinal)\s*+,(?:[^{}]|\{(?:[^{}]|\{[^{}]*+\})*+\})*+\}"
        r"|%\([A-Za-z_]\w{0,60}\)[-+ #0]?\d{0,4}(?:\.\d{1,3})?[a-zA-Z]"
        r"|%(?:[1-9]\d?\$)?[-+#0]?(?:\d{1,4}|\*)?(?:\.(?:\d{1,3}|\*))?(?:hh?|ll?|[zjtL])?[diouxXeEfFgGcs@](?![A-Za-z])"
        rf"|(?<![\d%])%(?:L?[1-9]\d?(?!\d)|n(?!{_LETTER})|%)"  # Qt's, and an escaped per cent sign
    ),
    # Only a whole number: nothing of 3.5km, not even the 3.
    "numbers": rf"{_NO_NUMBER_BEFORE}[-+−]?\d++(?:{_DIVIDER}\d++)*+%?(?!{_LETTER})",
}

# Each match is one word of a text, whatever a model has learned.
_PARTS = (PATTERNS["urls"], PATTERNS["emails"], PATTERNS["placeholders"], _NUMBER)
WHOLE = re.compile("|".join((SYMBOL.pattern, *_PARTS)))


@dataclass(frozen=True)
class TextRules:
    """Rules for text that is not passed to the tokenizer as it is."""

    protect: tuple[Kind, ...] = ()  # "all" is all but numbers
    keep: tuple[str, ...] = ()  # the user's regular expressions
    casing: Literal["kept", "marked"] = "kept"

    def __post_init__(self) -> None:
        for pattern in self.keep:
            _check(pattern)

    @property
    def kinds(self) -> list[str]:
        """The kinds of PATTERNS to protect, by precedence."""
        wanted = set(self.protect) | ({"urls", "emails", "placeholders"} if "all" in self.protect else set())
        return [kind for kind in PATTERNS if kind in wanted]

    @property
    def tags(self) -> bool:
        """Whether tags are taken out of a text (markup.py)."""
        return "tags" in self.protect or "all" in self.protect

    @property
    def symbols(self) -> tuple[str, ...]:
        """The pieces that the rules need."""
        of_casing = SIGNS if self.casing == "marked" else ()
        return (*(SYMBOLS if self.kinds or self.keep else ()), *of_casing)

    def keeping(self, patterns: Iterable[str]) -> TextRules:
        """The same rules with more protected text: regular expressions, and names of kinds. Warns of a regular
        expression that resembles such a name. Raises ValueError."""
        names = [pattern for pattern in patterns if pattern in get_args(Kind)]
        own = tuple(pattern for pattern in patterns if pattern not in names)
        for pattern in own:
            if pattern.isalpha() and (near := did_you_mean(pattern.lower(), get_args(Kind))):
                warnings.warn(f"--keep {pattern} is a regular expression{near}", stacklevel=2)
        return replace(self, protect=(*self.protect, *cast(list[Kind], names)), keep=(*self.keep, *own))

    @cached_property
    def pattern(self) -> Finder | None:
        """The pattern of protected text: symbols that are already in it, and what the rules say; None for nothing."""
        if not self.kinds and not self.keep:
            return None
        own = (f"(?:{keep})" for keep in self.keep)
        pattern = "|".join((SYMBOL.pattern, *own, *(PATTERNS[kind] for kind in self.kinds)))
        return BoundedPattern.of(pattern) if self.keep else re.compile(pattern)


def _check(pattern: str) -> None:
    """Raises ValueError for a pattern that is too long, is no regular expression, has groups, or matches ""."""
    if len(pattern) > MAX_PATTERN:
        raise ValueError(f"keep has a pattern of {len(pattern)} characters; it may have {MAX_PATTERN} at most")
    try:
        compiled = BoundedPattern.of(f"(?:{pattern})").compiled
    except ValueError as error:
        raise ValueError(f"keep is {pattern!r}, which is no regular expression: {error}") from None
    if compiled.groups:
        raise ValueError(f"keep is {pattern!r}, which has groups; (?:...) is one that does not count")
    if compiled.fullmatch(""):
        raise ValueError(f"keep is {pattern!r}, which finds nothing at all; it must find a character at least")


def found_in(text: str, pattern: Finder | None) -> list[tuple[int, int]]:
    """The spans of all matches of the pattern, if there is one."""
    return [match.span() for match in pattern.finditer(text) if match[0].strip()] if pattern else []


@dataclass(frozen=True)
class Masked:
    """A text with symbols, and their values."""

    text: str
    kept: tuple[str, ...] = ()  # the values of ⟦1⟧, ⟦2⟧, ...
    edits: tuple[tuple[int, int, int, int], ...] = ()  # for each symbol its span, and the span that it replaces


def masked(text: str, values: Sequence[tuple[int, int, str]]) -> Masked:
    """The text with symbols for these values in place of their spans, as far as there are symbols."""
    values = values[: len(SYMBOLS)]
    made = edited(text, [(start, end, symbol) for symbol, (start, end, _) in zip(SYMBOLS, values, strict=False)])
    back = tuple((new, new_end, start, end) for start, end, new, new_end in made.edits)
    return Masked(made.text, tuple(value for *_, value in values), back)


def masked_pair(src: str, tgt: str, pattern: Finder) -> tuple[str, str]:
    """A training pair with symbols for protected text that both sides have, numbered in source order."""
    src_spans = found_in(src, pattern)
    tgt_spans = found_in(tgt, pattern) if src_spans else []
    if not tgt_spans:
        return src, tgt
    left = Counter(src[a:b] for a, b in src_spans) & Counter(tgt[a:b] for a, b in tgt_spans)
    chosen: list[tuple[int, int, str]] = []
    for start, end in src_spans:
        if left[src[start:end]]:
            left[src[start:end]] -= 1
            chosen.append((start, end, src[start:end]))
    source = masked(src, chosen)
    return source.text, masked_like(source, tgt, tgt_spans)


def masked_like(source: Masked, tgt: str, spans: Sequence[tuple[int, int]]) -> str:
    """A target text with the source's symbols in place of their values, each once."""
    left: dict[str, list[str]] = {}
    for symbol, value in zip(SYMBOLS, source.kept, strict=False):
        left.setdefault(value, []).append(symbol)
    edits: list[Edit] = []
    place = 0
    for start, end in spans:
        if start >= place and (symbols := left.get(tgt[start:end])):
            edits.append((start, end, symbols.pop(0)))
            place = end
    return edited(tgt, edits).text
