"""What macOS and Windows lack is not needed: each test takes it away."""

from __future__ import annotations

import os
import runpy
import signal
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import toy
from packaging.requirements import Requirement

from nmt.cli import serve
from nmt.common import signals
from nmt.config import TrainerConfig
from nmt.distribution.folder import STATE, Folder
from nmt.engine import device, products, recurrent, resolve_compute, searchable
from nmt.engine.network import TrainedNetwork
from nmt.lab.store import run_jobs
from nmt.training.machine import choose_hardware

CPU = torch.device("cpu")


def test_torch_for_macos_has_no_onednn(monkeypatch):
    monkeypatch.setattr(torch.ops, "mkldnn", SimpleNamespace())
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    for module in (device, products, recurrent):
        runpy.run_path(module.__file__)  # what is looked up as the module is imported
    compute = resolve_compute("auto", CPU)
    assert compute == "float32"
    assert isinstance(searchable([toy.model()], compute), TrainedNetwork)
    with pytest.raises(ValueError, match="'bfloat16', which this processor cannot do"):
        choose_hardware(TrainerConfig(max_epochs=1, max_tokens=2, accelerator="cpu", precision="bfloat16"))


def test_macos_does_not_tell_which_cores_are_a_process_own(monkeypatch, tmp_path):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert run_jobs(lambda job: {"found": job["number"]}, [{"name": "one", "number": 3}], tmp_path) == [{"found": 3}]
    used = []
    monkeypatch.setattr(serve, "misnamed", lambda pair: used.append(pair) or exit(7))
    monkeypatch.setattr(sys, "argv", ["nmt-serve", "--pair", "de-en=model"])
    with pytest.raises(SystemExit, match="7"):
        serve.main()
    assert used  # by then the number of workers is known


def test_windows_reads_and_writes_a_file_in_one_place_only(monkeypatch, tmp_path):
    monkeypatch.delattr(os, "pread", raising=False)
    monkeypatch.delattr(os, "pwrite", raising=False)
    folder = Folder(tmp_path, ".txt", 4)
    (tmp_path / STATE).write_bytes(bytes(4))
    with folder.claimed(2) as begun:
        assert begun == 0
        assert (tmp_path / STATE).read_bytes() == b"\0\0\1\0"
    assert (tmp_path / STATE).read_bytes() == bytes(4)


def test_windows_has_no_masks_of_signals(monkeypatch):
    monkeypatch.setattr(signals, "sys", SimpleNamespace(platform="win32"))
    monkeypatch.delattr(signal, "pthread_sigmask", raising=False)
    with signals.blocked():
        pass


def test_on_windows_all_but_the_service_can_be_installed(monkeypatch, capsys):
    project = tomllib.loads(Path(__file__).parents[1].joinpath("pyproject.toml").read_text(encoding="utf-8"))
    serving = project["project"]["optional-dependencies"]["serve"]
    (uvloop,) = (one for one in serving if one.startswith("uvloop"))
    assert not Requirement(uvloop).marker.evaluate({"sys_platform": "win32"})  # it has no wheels there
    monkeypatch.setattr(serve, "sys", SimpleNamespace(platform="win32"))
    monkeypatch.setattr(sys, "argv", ["nmt-serve", "--pair", "de-en=model"])
    with pytest.raises(SystemExit):
        serve.main()
    assert capsys.readouterr().err == "nmt-serve: it runs on Linux and macOS; on Windows in WSL or a container\n"
