"""Commands that a test starts by subprocess itself, in forks of its process, which has already imported torch.

They get signals, and have child processes and standard streams (a terminal, too), as in a shell.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import subprocess
import sys
import traceback
from contextlib import suppress
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from commands import open_as_at_start


def start_in_forks(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on subprocess starts the project's commands in forks; other programs as ever."""
    start = subprocess.Popen.__init__

    def started(self, words, *arguments, **settings):
        start(self, words, *arguments, preexec_fn=partial(run, words, settings.get("env")), **settings)

    monkeypatch.setattr(subprocess.Popen, "__init__", started)


def run(words: list[object], environment: dict[str, str] | None) -> None:
    """Run a command of the project in place of the program that is about to be executed. Returns for any other."""
    name = Path(words[0]).name
    if not name.startswith("nmt-"):
        return
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)  # as Python does when it starts
    faulthandler.disable()  # it writes to one of the descriptors that are closed here
    os.closerange(3, 1 << 16)  # among them the pipe that says that the program could be executed
    open_as_at_start([])
    sys.argv = [*map(str, words)]
    if environment is not None:
        os.environ.clear()
        os.environ.update(environment)
    code = 1
    try:
        (entry,) = entry_points(group="console_scripts", name=name)
        entry.load()()
        code = 0
    except SystemExit as stopped:
        code = stopped.code if isinstance(stopped.code, int) else int(stopped.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError):  # its reader has gone: already reported
                stream.flush()
        os._exit(code)
