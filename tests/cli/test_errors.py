"""How a command ends when what is around it fails."""

from __future__ import annotations

import io
import os
import re
import signal
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from nmt.cli import translate
from nmt.cli.errors import one_line_errors


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_no_space_left_on_stdout_is_one_line_and_exit_code_2(monkeypatch, capsys):
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        with pytest.raises(SystemExit) as stopped, one_line_errors("nmt-x"):
            print("a translation")
    assert stopped.value.code == 2
    assert capsys.readouterr().err == "nmt-x: No space left on device\n"


def test_a_reader_who_has_gone_ends_the_command_quietly(monkeypatch, capsys):
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as gone:
        monkeypatch.setattr(sys, "stdout", gone)
        with pytest.raises(SystemExit) as stopped, one_line_errors("nmt-x"):
            print("a translation")
    assert stopped.value.code == 141
    assert capsys.readouterr().err == ""


def allocator_elsewhere(size):
    """As torch fails on Windows and macOS."""
    raise RuntimeError(f"DefaultCPUAllocator: not enough memory: you tried to allocate {size} bytes.")


@pytest.mark.parametrize("zeros", [lambda size: np.zeros(size, np.int8), torch.zeros, allocator_elsewhere])
def test_too_little_memory_is_one_line_and_exit_code_2(capsys, zeros):
    with pytest.raises(SystemExit) as stopped, one_line_errors("nmt-x"):
        zeros(1 << 60)
    assert stopped.value.code == 2
    assert re.fullmatch("nmt-x: there is not enough memory: .*\n", capsys.readouterr().err)


class Interrupted(io.BytesIO):
    """A stdout that a signal meets in the middle of what is written."""

    def write(self, content) -> int:
        half = len(content) // 2
        super().write(content[:half])
        os.kill(os.getpid(), signal.SIGTERM)
        return half + super().write(content[half:])


def test_a_signal_cuts_no_line_and_loses_none_that_is_finished(bundle_dir, tmp_path, monkeypatch):
    (tmp_path / "stdin").write_bytes(b"\n" * 3 * translate.GROUP)
    out = Interrupted()
    with (tmp_path / "stdin").open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        monkeypatch.setattr(sys, "stdout", SimpleNamespace(buffer=out, flush=lambda: None))
        monkeypatch.setattr(sys, "argv", ["nmt-translate", str(bundle_dir), "--beam-size", "1"])
        with pytest.raises(SystemExit) as stopped:
            translate.main()
    assert stopped.value.code == 143
    assert out.getvalue().count(b"\n") == translate.GROUP
    assert out.getvalue().endswith(b"\n")


def test_what_a_library_warns_of_is_a_line_without_a_path(capsys):
    with one_line_errors("nmt-x"):
        warnings.warn("there are\nfew batches", UserWarning, stacklevel=1)
    assert capsys.readouterr().err == "nmt-x: there are few batches\n"
