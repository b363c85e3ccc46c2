"""Warnings on stderr, during the work, about faulty lines of input and doubtful translations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from nmt.answers import Answer
from nmt.cli.errors import warn
from nmt.text.check import Check


class Remarks:
    """Warnings about lines of a text or segments of a document. Advice may apply to all of them: it is printed once,
    and again at the end, unless an error came, with the number of the others."""

    def __init__(self, command: str, unit: str, advises: bool) -> None:
        self.command, self.unit, self.advises = command, unit, advises
        self.given = Counter[str]()  # advice -> number of units
        self.check = Check()

    def tell(self, number: int, answers: Sequence[Answer]) -> None:
        """Report on the unit of this number, which was answered in one or more parts."""
        for fault in dict.fromkeys(answer.fault for answer in answers if answer.fault):
            self._warn(number, fault)
        for advice in dict.fromkeys(answer.advice for answer in answers if answer.advice and self.advises):
            if not self.given[advice]:
                self._warn(number, advice)
            self.given[advice] += 1
        if told := self.check.told([part for answer in answers for part in answer.lost]):
            self._warn(number, told)

    def _warn(self, number: int, text: str) -> None:
        warn(self.command, f"{self.unit} {number}: {text}")

    def __enter__(self) -> Remarks:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for text, count in self.given.items():
            if count > 1 and kind is None:
                others = f"is one more {self.unit}" if count == 2 else f"are {count - 1:,} more {self.unit}s"
                warn(self.command, f"so {others}: {text}")
