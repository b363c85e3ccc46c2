"""Patterns of somebody's own, such as come with a model directory: bounded in time, whatever they say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

FOUND_S = 0.1  # in one text; only a pattern that tries too many ways takes longer


@dataclass(frozen=True)
class BoundedPattern:
    """Finds no more in a text once it has taken FOUND_S, as (?:a+)+b does of many a."""

    compiled: Any

    @classmethod
    def of(cls, pattern: str) -> BoundedPattern:
        """Raises ValueError for what is no regular expression."""
        import regex  # unlike re it can be stopped

        try:
            return cls(regex.compile(pattern))
        except (regex.error, RecursionError, OverflowError) as error:
            raise ValueError(str(error)) from None

    def finditer(self, text: str, /) -> Iterator[re.Match[str]]:
        with suppress(TimeoutError):
            yield from self.compiled.finditer(text, timeout=FOUND_S)


Finder = re.Pattern[str] | BoundedPattern
