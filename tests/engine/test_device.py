"""Where a search may run and in which precision, on machines that this one is not."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from nmt import native
from nmt.engine import device, resolve_compute, resolve_device

CPU = torch.device("cpu")


@pytest.mark.parametrize("gpus", [0, 1, 12])
def test_a_device_is_one_that_is_here(gpus, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    assert resolve_device("auto") == ("cuda" if gpus else "cpu")
    assert resolve_device(torch.device("cpu")) == "cpu"
    for number in range(gpus):
        assert resolve_device(torch.device("cuda", number)) == f"cuda:{number}"
    with pytest.raises(ValueError, match=f"device is 'cuda:{gpus}', but there are {gpus} GPUs to be seen here"):
        resolve_device(f"cuda:{gpus}")
    for unknown in ("cpu:0", "gpu", "cuda:", "cuda:x", "cuda:1x"):
        with pytest.raises(ValueError, match=f"device is '{unknown}'; choose one of: auto, cpu, cuda, cuda:N"):
            resolve_device(unknown)


def test_a_torch_without_onednn_has_no_fast_bfloat16(monkeypatch):
    monkeypatch.setattr(device, "has_onednn", lambda: False)
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: 1 / 0)  # which such a torch lacks
    assert not device.has_fast_bfloat16()


@pytest.mark.parametrize(
    ("has_onednn", "has_bfloat16", "has_kernels", "has_fbgemm", "able"),
    [
        (False, True, True, True, ["float32"]),
        (True, False, False, False, ["float32"]),
        (True, True, False, False, ["float32", "bfloat16"]),
        (True, False, True, False, ["float32", "int8"]),
        (True, False, False, True, ["float32", "int8"]),
        (True, True, True, True, ["float32", "bfloat16", "int8"]),
    ],
)
def test_the_fastest_precision_is_chosen_of_those_that_the_machine_has(
    has_onednn, has_bfloat16, has_kernels, has_fbgemm, able, monkeypatch
):
    monkeypatch.setattr(device, "has_onednn", lambda: has_onednn)
    monkeypatch.setattr(device, "has_fast_bfloat16", lambda: has_bfloat16)
    monkeypatch.setattr(native, "kernels", lambda: object() if has_kernels else None)
    engines = ["none", "fbgemm"] if has_fbgemm else ["none"]
    monkeypatch.setattr(torch.backends, "quantized", SimpleNamespace(supported_engines=engines))
    assert device.available_compute(CPU) == able
    assert resolve_compute("auto", CPU) == able[-1]
    assert resolve_compute("auto", torch.device("cuda")) == "float16"
    for compute in {"float32", "bfloat16", "int8"} - {*able}:
        with pytest.raises(ValueError, match=f"compute is '{compute}'; here choose one of: auto, {', '.join(able)}$"):
            resolve_compute(compute, CPU)
