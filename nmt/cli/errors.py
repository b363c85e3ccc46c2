"""Errors of commands: one line on stderr, no traceback."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from nmt.cli.streams import prepare_streams
from nmt.common.bars import aside
from nmt.common.extras import explained
from nmt.common.files import from_home
from nmt.common.own_parts import OwnPartError
from nmt.common.process import is_memory_shortage
from nmt.common.shown import shown
from nmt.common.suggestions import did_you_mean

USER_ERROR = 2
EXIT_INTERRUPTED = 130  # 128 + SIGINT
EXIT_BROKEN_PIPE = 141  # 128 + SIGPIPE


@contextmanager
def one_line_errors(command: str) -> Iterator[None]:
    """Turn a ValueError (the user's), an OSError or a MemoryError (the machine's) into one line and exit code 2, and
    each warning of a library into a line.

    A broken pipe and Ctrl-C end the command quietly, with the exit code that a shell gives the signal.
    """
    try:
        try:
            with warnings.catch_warnings():
                warnings.showwarning = lambda message, *_, **__: warn(command, str(message))
                yield
        except SystemExit as stopped:
            if not stopped.code:
                sys.stdout.flush()
            raise
        sys.stdout.flush()
    except BrokenPipeError:
        _settle_stdout()
        raise SystemExit(EXIT_BROKEN_PIPE) from None
    except KeyboardInterrupt:
        raise SystemExit(EXIT_INTERRUPTED) from None
    except ModuleNotFoundError as error:
        if (missing := explained(error, command)) is None:
            raise
        with aside():
            print(missing, file=sys.stderr)
        raise SystemExit(USER_ERROR) from None
    except Exception as error:
        if (said := said_of(error)) is None:
            raise
        if isinstance(error, OSError):
            _settle_stdout()
        fail(command, said)


def said_of(error: Exception) -> str | None:
    """The message of an error caused by the user or the machine; None for a bug of the program."""
    if isinstance(error, ValueError | OwnPartError):
        return str(error)
    if isinstance(error, OSError):
        return words_of(error)
    if is_memory_shortage(error):
        return f"there is not enough memory: {error}".removesuffix(": ")
    return None


def words_of(error: OSError) -> str:
    """The system's message, after the name of the file."""
    what, name = error.strerror or str(error), error.filename
    return f"{os.fsdecode(name)}: {what}" if isinstance(name, str | bytes) else what


def _settle_stdout() -> None:
    """Drop output that cannot be written: Python would complain again when it flushes stdout at exit."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def command(parser: Parser) -> Iterator[argparse.Namespace]:
    """Set-up of nearly every command: streams, options, and errors in one line."""
    prepare_streams()
    with one_line_errors(parser.prog):
        yield parser.parse_args()


class Parser(argparse.ArgumentParser):
    """argparse without the usage before an error. Options may appear anywhere, also between other arguments.
    A repeated option is refused unless its action collects values (append, extend, count).
    """

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.given: set[str] = set()
        self.register("type", Path, from_home)
        for action in ("store", "store_const", "store_true", "store_false", None):
            self.register("action", action, _once(self._registry_get("action", action)))

    def parse_known_args(self, *arguments: Any, **settings: Any) -> Any:
        self.given.clear()
        return super().parse_known_args(*arguments, **settings)

    def parse_args(self, *arguments: Any, **settings: Any) -> Any:
        options, unknown = self.parse_known_args(*arguments, **settings)
        if unknown:  # only then, because this method names only options among missing required arguments
            options, unknown = self.parse_known_intermixed_args(*arguments, **settings)
        if unknown:
            known = [name for action in self._actions for name in action.option_strings]
            near = did_you_mean(unknown[0].partition("=")[0], known) if unknown[0].startswith("-") else ""
            self.error(f"unrecognized arguments: {' '.join(unknown)}{near}")
        return options

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            choices = [str(choice) for choice in action.choices]
            near = did_you_mean(str(value), choices) or ";"
            message = f"invalid choice: {value!r}{near} choose one of: {', '.join(choices)}"
            raise argparse.ArgumentError(action, message)

    def error(self, message: str) -> NoReturn:
        fail(self.prog, f"{message} (see --help)")

    def _print_message(self, message: str, file: Any = None) -> None:
        with one_line_errors(self.prog):  # argparse itself ignores write errors
            print(message, end="", file=file)


def _once(action: type[argparse.Action]) -> type[argparse.Action]:
    """The same action, but a second use ends the command."""

    class Once(action):  # type: ignore[valid-type, misc]
        def __call__(self, parser: Parser, *arguments: Any) -> None:
            if self.option_strings:
                if self.dest in parser.given:
                    parser.error(f"{self.option_strings[0]} is given twice; it counts once")
                parser.given.add(self.dest)
            super().__call__(parser, *arguments)

    return Once


def fail(command: str, message: str, code: int = USER_ERROR) -> NoReturn:
    warn(command, message)
    raise SystemExit(code)


def warn(command: str, message: str) -> None:
    """Print one line on stderr, whatever the message contains."""
    with aside():
        print(f"{command}: {shown(' '.join(message.split()))}", file=sys.stderr)
