"""A process that ends at once ends with its code, waits for threads, and calls the functions of atexit."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import atexit, sys, threading, time
from nmt.cli.entry import ending_at_once

class Kept:
    def __del__(self):
        print("taken apart")

def later():
    time.sleep(0.2)
    print("a thread")

with ending_at_once():
    kept = Kept()
    atexit.register(print, "atexit")
    threading.Thread(target=later).start()
    sys.stdout.write("done\\n")
    {last}
"""


@pytest.mark.parametrize(
    ("last", "code"),
    [("pass", 0), ("sys.exit()", 0), ("sys.exit(7)", 7), ("sys.exit('words')", 1), ("raise LookupError('words')", 1)],
)
def test_a_process_ends_at_once_with_its_code(last, code):
    command = [sys.executable, "-c", PROGRAM.format(last=last)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == code
    assert result.stdout == "done\na thread\natexit\n"
    assert ("words" in result.stderr) == ("words" in last)


def test_sigterm_ends_the_first_process_of_a_container_even_while_it_starts():
    """Without a handler the system would drop the signal there."""
    code = "import os, signal; os.getpid = lambda: 1; from nmt.cli import entry"
    start = "entry.import_module = lambda _: signal.raise_signal(signal.SIGTERM); entry.serve()"
    assert subprocess.run([sys.executable, "-c", f"{code}; {start}"]).returncode == 143
