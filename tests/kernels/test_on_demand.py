"""Kernels of a cell of one's own, compiled when it is first used."""

from __future__ import annotations

import logging
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

import nmt.native
from nmt.cells import CELLS
from nmt.cells.gru import GRU
from nmt.cells.lstm import LSTM
from nmt.kernels import native, on_demand
from nmt.kernels.operands import kernels_of, step_kernels_of
from nmt.kernels.steps import NativeSteps, TorchSteps, steps_of
from nmt.model.recurrent import Recurrent, loop
from nmt.native.build import cells_library

CPU = torch.device("cpu")
UNITS = 19
needs_compiler = pytest.mark.skipif(not shutil.which("cc") or os.name != "posix", reason="no compiler")


@dataclass(frozen=True)
class Own(GRU):
    """A setting that is no name in C, and what no cell of the project computes."""

    slope: float = 0.5

    def pointwise(self, gates, x, state, parameters):
        r, z, n = gates.split(state[0].shape[-1], -1)
        n = F.silu(x + torch.sigmoid(r) * n * -self.slope)
        return (torch.lerp(n - n.mean(-1, keepdim=True), state[0], torch.sigmoid(z)),)


@dataclass(frozen=True)
class Flat(Own):
    def pointwise(self, gates, x, state, parameters):
        return (x.cumsum(-1) + super().pointwise(gates, x, state, parameters)[0],)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    """A cache of the user's that is empty."""
    tmp_path.chmod(0o700)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("CC", raising=False)
    forget()
    yield tmp_path / "cache" / "nmt" / "kernels"
    forget()


def forget():
    kernels_of.cache_clear()
    step_kernels_of.cache_clear()
    on_demand.library_of.cache_clear()
    native._functions_of.cache_clear()


def chosen(cell):
    return steps_of(cell, CPU, torch.float32, torch.float32, 8)


def results(cell, dtype):
    torch.manual_seed(2)
    layer, x = Recurrent(cell, 4, UNITS), torch.randn(3, 5, 4)
    torch.nn.init.normal_(layer.bias_hh)
    layer = layer.to(dtype)
    (outputs,) = loop([layer], [x.to(dtype)], [layer.initial_state(3)], [None])
    outputs.square().sum().backward()
    return [outputs.detach(), *(parameter.grad for parameter in layer.parameters())]


@needs_compiler
@pytest.mark.parametrize("cell", [Own(), Own(slope=-0.25), CELLS["lstm_odyssey"](coupled=True, peepholes=False)])
def test_it_computes_the_cell(cell, cache, caplog):
    caplog.set_level(logging.INFO, "nmt")
    assert isinstance(chosen(cell), NativeSteps)
    assert [record.getMessage() for record in caplog.records if record.name.startswith("nmt")] == [
        f"compiling kernels for the cell {type(cell).__name__}, which is done once"
    ]
    for found, expected in zip(results(cell, torch.float32), results(cell, torch.float64), strict=True):
        scale = expected.abs().max().item()
        torch.testing.assert_close(found.double(), expected, rtol=1e-3, atol=1e-4 * scale)
    (library,) = cache.iterdir()
    assert library.suffix == ".so"
    assert cache.stat().st_mode & 0o777 == 0o700


@needs_compiler
def test_it_is_compiled_once(cache, caplog, monkeypatch):
    caplog.set_level(logging.INFO, "nmt")
    chosen(Own())
    forget()
    caplog.clear()
    monkeypatch.setenv("CC", "no-such-compiler")
    assert isinstance(chosen(Own()), NativeSteps)
    assert not [record for record in caplog.records if record.name.startswith("nmt")]


def test_without_a_compiler_torch_computes_it(cache, caplog, monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler")
    for _ in range(2):
        assert isinstance(chosen(Own()), TorchSteps)
    (line,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert line.startswith("without kernels for the cell Own, which torch computes more slowly: ")
    assert "no-such-compiler" in line
    assert results(Own(), torch.float32)[0].isfinite().all()
    assert not list(cache.iterdir())


def test_what_cannot_be_traced_is_not_compiled(cache, caplog):
    assert isinstance(chosen(Flat()), TorchSteps)
    assert not cache.exists()
    assert not [record for record in caplog.records if record.name.startswith("nmt")]


@needs_compiler
@pytest.mark.parametrize("depth", [0, 1, 2])
def test_a_folder_that_others_may_write_is_not_used(depth, cache, caplog):
    cache.mkdir(parents=True, mode=0o700)
    (cache, *cache.parents)[depth].chmod(0o777)
    assert isinstance(chosen(Own()), TorchSteps)
    assert "only" in caplog.text
    assert not list(cache.iterdir())


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only root gives folders away")
def test_a_folder_of_another_user_is_not_used(cache):
    cache.mkdir(parents=True, mode=0o700)
    os.chown(cache.parent, 12345, 12345)
    with pytest.raises(OSError, match="nmt is not only this user's"):
        on_demand.cache_folder()


@needs_compiler
def test_a_cell_that_has_changed_is_not_computed_by_the_kernels_of_before(cache, monkeypatch):
    if not cells_library(native.instructions()).exists():
        pytest.skip("nmt/native is not compiled")
    before = LSTM.pointwise

    def pointwise(self, gates, x, state, parameters):
        h, c = before(self, gates, x, state, parameters)
        return h * 0.5, c

    monkeypatch.setattr("nmt.kernels.native.digest", lambda: "of another source")
    assert native.functions_of(LSTM()) is not None
    assert not cache.exists()  # nothing but a comment has changed
    monkeypatch.setattr(LSTM, "pointwise", pointwise)
    forget()
    assert native.functions_of(LSTM()) is not None
    assert list(cache.iterdir())


@needs_compiler
def test_a_class_of_the_same_name_is_another_cell(cache):
    @dataclass(frozen=True)
    class LSTM(GRU):
        pass

    functions = native.functions_of(LSTM())
    assert "x" in [access.name for access in functions.forward.operands]


@needs_compiler
@pytest.mark.skipif(nmt.native.kernels() is None, reason="search has no kernels here")
def test_search_has_steps_of_it_too(cache):
    functions = native.step_functions(Own())
    assert functions is not None
    assert functions.matrices == []
    assert list(cache.iterdir())
    assert native.step_functions(Flat()) is None
