"""User-defined regular expressions, such as those in a model directory, with a bound on their time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

FOUND_S = 0.1  # seconds for one text; only a pattern that backtracks too much takes longer


@dataclass(frozen=True)
class BoundedPattern:
    """Stops searching a text after FOUND_S, as for (?:a+)+b in a long run of a."""

    compiled: Any

    @classmethod
    def of(cls, pattern: str) -> BoundedPattern:
        """Compile a pattern. Raises ValueError if it is not a regular expression."""
        import regex  # unlike re, it has a timeout

        try:
            return cls(regex.compile(pattern))
        except (regex.error, RecursionError, OverflowError) as error:
            raise ValueError(str(error)) from None

    def finditer(self, text: str, /) -> Iterator[re.Match[str]]:
        with suppress(TimeoutError):
            yield from self.compiled.finditer(text, timeout=FOUND_S)


Finder = re.Pattern[str] | BoundedPattern
