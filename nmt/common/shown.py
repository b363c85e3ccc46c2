"""Untrusted text (keys, names of tensors and files, pieces), made safe to show on a terminal or in a picture."""

from __future__ import annotations

import re
import reprlib
from typing import Any

MOST = 500  # characters of a line
MAX_BITS = 64  # of an integer; larger ones may be too large for a float, or to print
# Control characters, which a terminal obeys and XML forbids; line separators; bidirectional controls; surrogates;
# noncharacters.
HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
HIDDEN_IN_LINES = re.compile(HIDDEN.pattern.replace("\x00-\x1f", "\x00-\x09\x0b-\x1f"))


def shown(text: str, most: int | None = MOST, *, lines: bool = False) -> str:
    """The text with unsafe characters escaped; with `lines` a "\\n" is kept. Of more than `most` characters the start
    stays, and half as much of the end, which often says how to fix an error."""
    text = (HIDDEN_IN_LINES if lines else HIDDEN).sub(lambda c: c[0].encode("unicode_escape").decode(), text)
    if most is None or len(text) <= most:
        return text
    end = (most - 3) // 3
    return f"{text[: most - 3 - end]} … {text[-end:]}"


def error_line(error: BaseException) -> str:
    """An error's type and the first line of its message, if it has one."""
    return f"{type(error).__name__}: {error}".partition("\n")[0].removesuffix(": ")


class _Brief(reprlib.Repr):
    def repr_int(self, x: int, level: int) -> str:
        return repr(x) if x.bit_length() <= MAX_BITS else f"an integer of {x.bit_length()} bits"


def brief(value: Any) -> str:
    """The repr of a value for a message, shortened where the value is long, deep or a huge integer."""
    limits = _Brief()
    limits.maxstring = limits.maxother = 200
    return limits.repr(value)
