"""How signals end a command: SIGTERM, SIGINT (Ctrl-C), and a warning that time is short.

The first signal ends the command at once, or, if signals are held, when the work is complete. A second one always
ends it at once. The exit code is 128 + the signal's number, as in a shell. A Python program that does the same work
goes on after a SIGINT, which raises KeyboardInterrupt there.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

OF_GROUPS = (signal.SIGINT, signal.SIGTERM)  # may be sent to a whole process group; only the parent handles them


@contextmanager
def blocked() -> Iterator[None]:
    """Within this context the signals of OF_GROUPS wait; a process that is started in it begins with them blocked.
    Does nothing on Windows."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, OF_GROUPS)  # a handler that raises may do so in this very call
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def handlers_kept() -> Iterator[None]:
    """After this context signals have the handlers that they had before, even those in C, such as faulthandler's.
    Python's signal module cannot put these back: it takes them for the default."""
    before = {number: _action(number) for number in signal.valid_signals()} if os.name == "posix" else {}
    try:
        yield
    finally:
        for number, action in before.items():
            if _action(number) != action:
                ctypes.CDLL(None).sigaction(number, action, None)


def _action(number: int) -> bytes:
    """What the system does for a signal: C's struct sigaction, whose size differs between systems."""
    found = ctypes.create_string_buffer(512)
    ctypes.CDLL(None).sigaction(number, None, found)
    return found.raw


class Stopped(SystemExit):
    """A signal has ended the command."""

    step: int | None = None  # updates done, if it ended a training

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.number = number


@contextmanager
def keyboard_interrupts() -> Iterator[None]:
    """Raise KeyboardInterrupt if a SIGINT ends the work within this context."""
    try:
        yield
    except Stopped as stopped:
        if stopped.number == signal.SIGINT:
            raise KeyboardInterrupt from None
        raise


def answering_signals(wait: Callable[[], object]) -> None:
    """Call what may wait for ever in C, where Python answers no signal: in another thread, while this one waits as
    Python does. If a signal ends the waiting, that thread ends with the process."""
    failed: list[BaseException] = []

    def called() -> None:
        try:
            wait()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=called, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(0.2)  # without a limit Windows would answer none, either
    if failed:
        raise failed[0]


class Signals:
    """A context manager that handles signals. Works in the main thread only; elsewhere it does nothing.

    A second signal ends the process. Unless `is_command`, a second SIGINT raises Stopped at once instead.
    """

    def __init__(self, *others: int, is_command: bool = True) -> None:
        wanted = (signal.SIGTERM, signal.SIGINT, *others)
        # Python cannot put a handler back that a program around it has in C.
        self.numbers = [number for number in wanted if signal.getsignal(number) is not None]
        self.is_command = is_command
        self.received: int | None = None
        self.is_held = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Signals:
        self._before = self.install()
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def install(self) -> dict[int, Any]:
        """Install the handlers, replacing others -> the previous handlers."""
        if threading.current_thread() is not threading.main_thread():
            return {}
        return {number: signal.signal(number, self._answer) for number in self.numbers}

    def hold(self) -> None:
        """From now on a signal takes effect only at `release` or `check`."""
        self.is_held = True

    def release(self) -> None:
        """From now on a signal ends the command at once. Raises Stopped if one came meanwhile."""
        self.is_held = False
        self.check()

    def check(self) -> None:
        """Raises Stopped if a signal came."""
        if self.received is not None:
            raise Stopped(self.received)

    @contextmanager
    def held(self) -> Iterator[None]:
        self.hold()
        yield
        self.release()

    def _answer(self, number: int, frame: FrameType | None) -> None:
        is_second = self.received is not None
        if is_second and (self.is_command or number != signal.SIGINT):
            os._exit(128 + number)
        self.received = number
        if is_second or not self.is_held:
            raise Stopped(number)
