"""Limits for clients: keys, rates, sizes. The clock is passed in."""

from __future__ import annotations

import hashlib
import math
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nmt.data.readers import read_lines
from nmt.service.wire import RefusedError

MAX_CLIENTS = 10_000  # with a remembered rate; the least recent one is forgotten
MAX_RATE = 1_000_000
MAX_INSPECTED_CHARS = 1000  # pictures of longer texts are unreadable
KEPT_S = 1800.0  # how long a translated file can be fetched
MAX_LINE_CHARS = 10_000  # of a line in a file: it is one segment, and others wait for it


def _limit(default: float, words: str, option: str | None = None) -> Any:
    """A field of Limits, with its description and nmt-serve's option for it; None: the field's own name."""
    return field(default=default, metadata={"words": words, "option": option})


@dataclass(frozen=True)
class Limits:
    max_bytes: int = _limit(1_000_000, "of a request's body")
    max_texts: int = _limit(1000, "of a request")
    max_chars: int = _limit(50_000, "of a request's texts")
    max_waiting: int = _limit(4000, "sentences that wait, before requests are refused with 429")
    max_files: int = _limit(8, "files that are translated at a time, before one more is refused with 429")
    max_file_bytes: int = _limit(10_000_000, "of a file")
    max_file_chars: int = _limit(1_000_000, "of a file's texts")
    max_kept_bytes: int = _limit(200_000_000, "of translated files that wait to be fetched; the oldest go first")
    rate: int = _limit(0, "requests a minute of an address, or of a key without a rate of its own")  # 0: no limit
    request_s: float = _limit(60.0, "until an answer", "timeout")
    file_s: float = _limit(600.0, "until a file is translated", "file-timeout")
    body_s: float = _limit(15.0, "until a request's head, and then its body, has come", "read-timeout")

    def check(self, texts: Iterable[str]) -> None:
        """Raises RefusedError(400) for too many texts or characters."""
        sizes = [len(text) for text in texts]
        for size, most, what in ((len(sizes), self.max_texts, "text"), (sum(sizes), self.max_chars, "character")):
            if size > most:
                raise RefusedError(400, f"Invalid request: request ({size}) exceeds {what} limit ({most})")


class Keys:
    """API keys from a file: one a line, with its own rate in requests a minute if it has one; `#` begins a comment.

    Raises ValueError for any other line, without quoting it, and for a file that cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.rates: Mapping[bytes, int | None] = dict(_entries(path))
        if not self.rates:
            raise ValueError(f"{path} has no key, so nobody could ask anything")

    def rate_of(self, key: str) -> int | None:
        """A key's rate; None for the common one. Raises RefusedError: 400 for no key, 403 for an unknown one."""
        if not key:
            raise RefusedError(400, "Please contact the server operator to get an API key")
        try:
            return self.rates[_digest(key)]
        except KeyError:
            raise RefusedError(403, "Invalid API key") from None


def _entries(path: Path) -> Iterable[tuple[bytes, int | None]]:
    for number, line in enumerate(read_lines(path), 1):
        key, *rest = line.partition("#")[0].split() or [""]
        if not key:
            continue
        if len(rest) > 1 or (rest and not (rest[0].isascii() and rest[0].isdigit() and 0 < int(rest[0]) <= MAX_RATE)):
            raise ValueError(f"{path}:{number}: a line is a key, and its requests a minute if it has a rate")
        yield _digest(key), int(rest[0]) if rest else None


def _digest(key: str) -> bytes:
    """The hash to look up instead of a key: the time of a look-up must reveal nothing."""
    return hashlib.sha256(key.encode()).digest()


class Rates:
    """A token bucket for each client, which holds a minute's requests and fills evenly."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # requests left, and at what time

    def take(self, client: str, rate: int) -> None:
        """Raises RefusedError(429) for one request too many."""
        if not rate:
            return
        now = self.clock()
        left, then = self._buckets.pop(client, (float(rate), now))
        left = min(float(rate), left + (now - then) * rate / 60)
        self._buckets[client] = max(left - 1, 0.0) if left >= 1 else left, now
        if len(self._buckets) > MAX_CLIENTS:
            self._buckets.popitem(last=False)
        if left < 1:
            wait_s = (1 - left) * 60 / rate
            raise RefusedError(429, f"Slowdown: {rate} per 1 minute", math.ceil(wait_s))
