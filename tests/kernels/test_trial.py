from __future__ import annotations

from types import SimpleNamespace

import torch

from nmt.kernels import memory, trial
from nmt.kernels.memory import fitting
from nmt.kernels.trial import is_trusted, wave


def test_a_piece_is_as_large_as_a_cpus_cache_or_a_share_of_a_gpus_memory(monkeypatch):
    monkeypatch.setattr(
        torch.cuda, "get_device_properties", lambda device: SimpleNamespace(total_memory=device.index << 36)
    )
    memory.memory_of.cache_clear()
    assert fitting(torch.device("cpu"), 4, 500) == 500
    assert fitting(torch.device("cuda", 1), 4, 500) == (1 << 30) // 4
    assert fitting(torch.device("cuda", 1), 2, 500) == (1 << 30) // 2
    assert fitting(torch.device("cuda", 0), 2, 500) == 500
    assert fitting(torch.device("meta"), 2, 500) == 500
    memory.memory_of.cache_clear()


def test_a_wave_is_always_the_same_and_fills_its_range():
    found = wave(7, 31, device=torch.device("cpu"))
    assert torch.equal(found, wave(7, 31, device=torch.device("cpu")))
    assert 1.9 < float(found.abs().max()) <= 2
    assert abs(float(found.mean())) < 0.2


def test_a_kernel_is_tried_with_gradients_also_where_a_search_asks_first_but_not_without_triton(monkeypatch, caplog):
    def gradient(square):
        x = torch.ones(3, requires_grad=True)
        with torch.enable_grad():
            return torch.autograd.grad(square(x).sum(), x)

    monkeypatch.setattr(trial.importlib.util, "find_spec", lambda name: name)
    with torch.inference_mode():
        assert is_trusted("a square", gradient, lambda x: x * x, torch.square, 1e-6)
    monkeypatch.setattr(trial.importlib.util, "find_spec", lambda name: None)
    assert not is_trusted("a square", gradient, torch.square, torch.square, 1e-6)
    assert not caplog.messages
