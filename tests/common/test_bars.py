"""What a user sees of long work on a terminal, and nobody elsewhere."""

from __future__ import annotations

import io
import logging
import os
import re
import subprocess
import sys
import threading
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import commands
import pytest
import terminal
from forks import start_in_forks

from nmt.cli.errors import warn
from nmt.common import bars
from nmt.common.log_lines import Terminal, shown_log

BIN = Path(sys.executable).parent


class Screen(io.StringIO):
    """A stderr that is a terminal."""

    def isatty(self):
        return True

    def lines(self):
        """What stands on it in the end, where each line is written over from its start."""
        return [line.rpartition("\r")[2].rstrip() for line in self.getvalue().split("\n")]


def screen_of(monkeypatch):
    """No fixture: between setup and call pytest puts its own stderr back."""
    monkeypatch.setattr(sys, "stderr", Screen())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(bars, "INTERVAL_S", 0.0)
    return sys.stderr


def test_translating_shows_how_far_it_is_on_a_terminal_and_never_a_byte_on_stdout(
    trained, corpus_dir, tmp_path, monkeypatch
):
    start_in_forks(monkeypatch)
    text = (corpus_dir / "train.de").read_bytes() + b"\n17\n"  # what is not searched counts too
    (tmp_path / "text").write_bytes(text)
    arguments = [trained / "model", "--workers", 2, "--batch-size", 20]
    expected = commands.command("nmt-translate", *arguments, stdin=text)
    assert expected.stderr == b""
    command = [BIN / "nmt-translate", *arguments]
    with (tmp_path / "text").open("rb") as file:
        code, stdout, shown = terminal.run(command, file)
    assert (code, stdout) == (0, expected.stdout)
    assert re.search(r"translating: .*\d+/132 \[\d\d:\d\d<[\d:?]+, .* lines/s\]", shown)
    assert shown.rpartition("\r")[2] == ""  # the bar is away in the end
    _, stdout, shown = terminal.run(command, text)
    assert stdout == expected.stdout
    assert re.search(r"translating: \d+ lines \[\d\d:\d\d, .*lines/s\]", shown)  # nobody knows how many will come
    assert terminal.run([*command, "--quiet"], text) == (0, expected.stdout, "")


def test_a_command_that_waits_at_a_terminal_says_so_once(trained, monkeypatch):
    start_in_forks(monkeypatch)
    reader, writer = terminal.open_terminal()
    command = [str(BIN / "nmt-translate"), str(trained / "model")]
    with subprocess.Popen(command, stdin=writer, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stderr.readline() == b"nmt-translate: waiting for lines to translate; Ctrl-D ends\n"
        os.write(reader, b"Anna mag den Ball.\n")
        assert process.stdout.readline() == b"Anna likes the ball.\n"
        os.write(reader, b"\x04")
        assert process.wait(60) == 0
        assert process.stderr.read() == b""
    os.close(reader)
    os.close(writer)


def test_a_bar_is_away_while_others_write(monkeypatch):
    screen = screen_of(monkeypatch)
    with bars.seen(), bars.bar("reading", 3) as done:
        done(1)
        warn("nmt-x", "line 2 is odd")
        record = logging.LogRecord("nmt", logging.INFO, "", 0, "a line of the log", (), None)
        Terminal(screen).emit(record)
        done(2)
    assert screen.lines() == ["nmt-x: line 2 is odd", "a line of the log", ""]
    assert re.search(
        r"reading: .* 1/3 .*\rnmt-x.*\n\rreading: .* 1/3 .*\n\rreading: .* 3/3", screen.getvalue(), re.DOTALL
    )


def test_work_tells_also_from_a_thread(monkeypatch):
    screen = screen_of(monkeypatch)
    taken = []
    with bars.seen():
        items = bars.tracked("abc", "letters", 3)
        thread = threading.Thread(target=lambda: taken.extend(items))
        thread.start()
        thread.join()
        assert bars.clocked("thinking", lambda: 5) == 5
        with pytest.raises(ValueError, match="thought"):
            bars.clocked("thinking", lambda: int("thought"))
    assert taken == ["a", "b", "c"]
    assert "letters: 100%" in screen.getvalue()
    assert "thinking 00:00" in screen.getvalue()


@pytest.mark.parametrize("why", ["nobody asked", "quiet", "no terminal", "dumb"])
def test_nothing_is_shown_where_nobody_looks(monkeypatch, why):
    screen_of(monkeypatch)
    if why == "no terminal":
        monkeypatch.setattr(sys, "stderr", io.StringIO())
    if why == "dumb":
        monkeypatch.setenv("TERM", "dumb")
    asked = nullcontext() if why == "nobody asked" else bars.seen()
    with nullcontext() if why != "quiet" else bars.seen(False), asked, bars.bar("x") as done:
        done(1)
    assert sys.stderr.getvalue() == ""


@pytest.mark.parametrize("stderr", [None, SimpleNamespace(write=len, flush=bool)])
def test_a_program_without_a_console_works_and_logs(monkeypatch, stderr):
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setattr(logging.getLogger("nmt"), "handlers", [])
    bars._bars()  # whose lines are put away for those of the log
    with shown_log(), bars.bar("x") as done:
        logging.getLogger("nmt").info("a line")
        done(1)


def test_time_is_told_as_a_clock_does():
    assert [bars.clock(s) for s in (0.4, 59.6, 3599, 3725)] == ["0:00", "1:00", "59:59", "1:02:05"]
