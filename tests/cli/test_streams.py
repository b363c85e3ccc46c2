"""A command's standard streams: closed, full, without a reader, and in the encoding of another locale."""

from __future__ import annotations

import os
import select
import shlex
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from commands import command

BIN = Path(sys.executable).parent
COMMANDS = ["nmt-train", "nmt-translate", "nmt-evaluate", "nmt-inspect", "nmt-compare", "nmt-lab"]
ON_LINUX = pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")


def shell(name, *arguments, redirected="", stdin=b"", **environment):
    line = f"{shlex.join([str(BIN / name), *map(str, arguments)])} {redirected}"
    return subprocess.run(
        ["bash", "-c", line], input=stdin, capture_output=True, check=False, env=os.environ | environment
    )


@pytest.mark.parametrize("closed", ["<&-", "2>&-"])
def test_a_closed_descriptor_that_is_not_used_costs_nothing(closed):
    result = shell("nmt-translate", "--version", redirected=closed)
    assert (result.returncode, result.stderr) == (0, b"")


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_loses_what_it_prints_on_a_closed_stdout_without_an_error(name):
    result = shell(name, "--version", redirected="<&- >&-")
    assert (result.returncode, result.stderr) == (2, f"{name}: stdout: Bad file descriptor\n".encode())
    refused = shell(name, "--nonsense", redirected="2>&-")
    assert (refused.returncode, refused.stdout) == (2, b"")


class Impatient:
    """A pipe of which neither end waits, as event loops leave theirs."""

    def __init__(self):
        self.reader, self.writer = os.pipe()
        os.set_blocking(self.reader, False)
        os.set_blocking(self.writer, False)


def test_a_descriptor_that_does_not_wait_costs_no_line(trained):
    stdin, stdout, stderr = Impatient(), Impatient(), Impatient()
    received, warned = [], []
    others = [
        threading.Thread(target=read_late, args=(stdout, received)),
        threading.Thread(target=read_late, args=(stderr, warned)),
        threading.Thread(target=write_late, args=(stdin, stdout, b"\xff\n" * 1500)),
    ]
    for other in others:
        other.start()
    options = "--beam-size", 1, "--workers", 1, "--json"
    streams = {0: stdin.reader, 1: stdout.writer, 2: stderr.writer}
    result = command("nmt-translate", trained / "model", *options, streams=streams)
    for end in streams.values():
        os.close(end)
    for other in others:
        other.join()
    assert result.returncode == 0
    assert b"".join(received).count(b"\n") == b"".join(warned).count(b"\n") == 1500


def write_late(stdin, stdout, content):
    """Write a line, and the others once it is answered and the command waits for more."""
    os.set_blocking(stdin.writer, True)
    os.write(stdin.writer, content[:2])
    select.select([stdout.reader], [], [])
    time.sleep(0.3)
    os.write(stdin.writer, content[2:])
    os.close(stdin.writer)


def read_late(pipe, into):
    """Read once the pipe is full and the command waits to write more."""
    os.set_blocking(pipe.reader, True)
    while select.select([], [pipe.writer], [], 0)[1]:
        time.sleep(0.05)
    time.sleep(0.3)
    while content := os.read(pipe.reader, 1 << 16):
        into.append(content)
    os.close(pipe.reader)


def test_what_is_meant_for_a_closed_stderr_is_never_among_the_translations(trained):
    call = "nmt-translate", trained / "model", "--beam-size", 1
    stdin = b"Anna mag den Ball.\n\xff\nDer Hund.\n"
    open_ = command(*call, stdin=stdin)
    assert b"line 2: not UTF-8" in open_.stderr
    closed = command(*call, stdin=stdin, streams={2: None})
    assert (closed.returncode, closed.stdout) == (0, open_.stdout)


def test_a_closed_stdin_is_empty_and_a_closed_stdout_takes_nothing(trained, tmp_path):
    call = "nmt-translate", trained / "model", "--beam-size", 1
    for result in (command(*call, streams={0: None}), shell(*call, redirected="<&- >&- 2>&-")):
        assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")
    result = command(*call, stdin=b"Anna.\n", streams={1: None})
    assert (result.returncode, result.stderr) == (2, b"nmt-translate: stdout: Bad file descriptor\n")
    result = command(*call, "-o", tmp_path / "out", stdin=b"Anna.\n", streams={1: None})
    assert (result.returncode, result.stderr) == (0, b"")
    assert (tmp_path / "out").read_bytes().count(b"\n") == 1
    result = command("nmt-inspect", trained / "model", streams={0: None})
    assert (result.returncode, result.stderr) == (2, b"nmt-inspect: the sentence is empty\n")


@ON_LINUX
def test_a_stderr_that_cannot_be_written_costs_no_translation(trained):
    options = "--beam-size", 1, "--workers", 1
    reader, unread = os.pipe()
    os.close(reader)
    stdin = b"\xff\n" * 1500
    with Path("/dev/full").open("wb") as full, os.fdopen(unread, "wb") as unread:
        for stderr in (full.fileno(), unread.fileno(), None):
            result = command("nmt-translate", trained / "model", *options, stdin=stdin, streams={2: stderr})
            assert (result.returncode, result.stdout.count(b"\n")) == (0, 1500)


@ON_LINUX
def test_what_finds_no_space_is_named(trained):
    for name, *arguments in (
        ("nmt-translate", "--help"),
        ("nmt-translate", "--version"),
        ("nmt-translate", trained / "model", "--beam-size", 1),
        ("nmt-train", "--info"),
    ):
        with Path("/dev/full").open("wb") as full:
            result = command(name, *arguments, stdin=b"Anna.\n", streams={1: full.fileno()})
        assert (result.returncode, result.stderr) == (2, f"{name}: stdout: No space left on device\n".encode())


CHILD = """
import os, subprocess, sys
from nmt.cli.streams import prepare_streams
prepare_streams()
number = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)  # a file of the command's
print("to stderr", file=sys.stderr); print("to stdout")
try:
    sys.stdout.flush()
except OSError as error:
    assert ">&-" in sys.argv[2] and error.filename == "stdout"
child = "import os; [os.fstat(number) for number in range(3)]"
os.write(number, str((number, subprocess.run([sys.executable, "-c", child]).returncode)).encode())
assert sys.stdin.read() == ""
os._exit(0)  # at a usual exit, what stdout did not take would be an error again
"""


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_no_file_takes_the_place_of_a_closed_descriptor_in_children_neither(tmp_path, closed):
    line = f"{shlex.join([sys.executable, '-c', CHILD, str(tmp_path / 'file'), closed])} {closed}"
    result = subprocess.run(["bash", "-c", line], input=b"", capture_output=True, check=False)
    assert result.returncode == 0, result.stderr
    number, returncode = eval((tmp_path / "file").read_text())
    assert number > 2
    assert returncode == 0


@pytest.mark.parametrize("locale", [{"PYTHONIOENCODING": "cp1252"}, {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}])
def test_output_is_utf8_whatever_the_locale(tmp_path, locale):
    texts = {"src": "Ein Hund 🐶\n", "ref": "कुत्ता →\n", "a": "कुत्ता\n", "b": "犬\n"}
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    files = ["--src", tmp_path / "src", "--ref", tmp_path / "ref"]
    result = shell("nmt-compare", tmp_path / "a", tmp_path / "b", *files, PYTHONUTF8="0", **locale)
    assert result.returncode == 0, result.stderr
    assert "कुत्ता →" in result.stdout.decode()
    refused = shell("nmt-compare", "a", "b", *files, "--test", "犬", PYTHONUTF8="0", **locale)
    assert refused.returncode == 2
    assert b"\xe7\x8a\xac" in refused.stderr or locale.get("LC_ALL")  # there the word is bytes to Python
