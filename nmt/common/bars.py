"""Progress bars for long work, on stderr if it is a terminal: progress, speed and time left.

The work reports its progress (`bar`, `tracked`, `counted`, `clocked`); its caller turns the bars on (`seen`). Without
that, or if stderr is not a terminal, nothing is shown: a bar then costs nothing, and tqdm is not even imported. Other
output to stderr must be written within `aside`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sized
from concurrent.futures import Future, wait
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from threading import RLock, Thread
from typing import Any, TypeVar

T = TypeVar("T")
S = TypeVar("S", bound=Sized)

Done = Callable[[int], object]  # called with the number of items just done
INTERVAL_S = 0.2  # between two updates of a bar
GAUGE = "{percentage:3.0f}%|{bar:20}| {desc}"

_seen: ContextVar[bool | None] = ContextVar("seen", default=None)  # None: not set


@contextmanager
def seen(wanted: bool = True) -> Iterator[None]:
    """Within this context bars are shown on a terminal if `wanted`, unless an outer context turned them off."""
    before = _seen.set(wanted and _seen.get() is not False and _has_terminal())
    try:
        yield
    finally:
        _seen.reset(before)


def _has_terminal() -> bool:
    """Whether a line on stderr can be written anew. A program without a console has no stderr, or one of its own."""
    isatty = getattr(sys.stderr, "isatty", None)
    return isatty is not None and isatty() and os.environ.get("TERM") != "dumb"


def is_seen() -> bool:
    """Whether the caller of this work shows its bars."""
    return bool(_seen.get())


@contextmanager
def bar(what: str, total: int | None = None, unit: str = "lines") -> Iterator[Done]:
    """A bar up to a total, or a counter without one. Yields a function of the number of items just done."""
    if not is_seen():
        yield lambda count: None
        return
    with _bars()(desc=what, total=total, unit=f" {unit}") as shown:
        yield shown.update


def tracked(items: Iterable[T], what: str, total: int | None = None, unit: str = "lines") -> Iterator[T]:
    """The items, with a bar that counts them from the first one taken."""
    return _tracked(items, what, total, unit) if is_seen() else iter(items)  # checked here: a thread would not know


def _tracked(items: Iterable[T], what: str, total: int | None, unit: str) -> Iterator[T]:
    with _bars()(desc=what, total=total, unit=f" {unit}") as shown:
        for item in items:
            yield item
            shown.update()


def counted(batches: Iterable[S], done: Done) -> Iterator[S]:
    """The batches; `done` gets the size of each."""
    for batch in batches:
        done(len(batch))
        yield batch


def map_counted(done: Done, function: Callable[[Any], S], batches: Iterable[Any]) -> Iterator[S]:
    """As `map`; `done` gets the size of each result."""
    return counted(map(function, batches), done)


def clocked(what: str, work: Callable[[], T]) -> T:
    """The result of work that cannot report its progress; a clock is shown meanwhile."""
    if not is_seen():
        return work()
    result: Future[T] = Future()

    def run() -> None:
        try:
            result.set_result(work())
        except BaseException as error:
            result.set_exception(error)

    Thread(target=run, daemon=True).start()
    await_with_clock(what, result)
    return result.result()


def await_with_clock(what: str, result: Future[Any]) -> None:
    """Wait for the result; a clock is shown meanwhile."""
    if not is_seen():
        wait([result])
        return
    with _bars()(desc=what, bar_format="{desc} {elapsed}") as shown:
        while not wait([result], timeout=0.5).done:
            shown.refresh()


@contextmanager
def gauge() -> Iterator[Callable[[float, str], None]]:
    """A bar for work that reports its own progress, from 0 to 1, and a text beside the bar."""
    with _bars()(total=1.0, bar_format=GAUGE) as shown:

        def picture(share: float, text: str) -> None:
            shown.n = min(max(share, 0.0), 1.0)
            shown.set_description_str(text)

        yield picture


@contextmanager
def aside() -> Iterator[None]:
    """Within this context bars are hidden, so that other output can be written; they come back below it."""
    if "tqdm" not in sys.modules:
        yield
        return
    with _bars().external_write_mode(file=sys.stderr):
        yield


@cache
def _bars() -> Any:
    from tqdm import tqdm  # only needed to show a bar

    class Bar(tqdm):  # type: ignore[misc]
        """On stderr, removed when done, without a thread or a lock that workers would inherit."""

        monitor_interval = 0

        def __init__(self, **settings: Any) -> None:
            look = {"file": sys.stderr, "leave": False, "dynamic_ncols": True}
            super().__init__(mininterval=INTERVAL_S, miniters=1, **look, **settings)

    Bar.set_lock(RLock())
    return Bar


def clock(seconds: float) -> str:
    """The time as 1:02:03, or 2:03."""
    minutes, s = divmod(round(seconds), 60)
    h, m = divmod(minutes, 60)
    return f"{h}:{m:02}:{s:02}" if h else f"{m}:{s:02}"
