"""Where a search runs and in which precision: what this machine supports, and what "auto" means here."""

from __future__ import annotations

import re

import torch

from nmt import native


def has_onednn() -> bool:
    """Whether torch.ops.mkldnn has anything: torch for macOS is built without oneDNN."""
    return bool(torch.backends.mkldnn.is_available())  # type: ignore[no-untyped-call]


def has_fast_bfloat16() -> bool:
    return has_onednn() and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def has_packed_products(device: torch.device) -> bool:
    return device.type == "cpu" and has_onednn()


def available_compute(device: torch.device) -> list[str]:
    """The precisions that this machine supports; the last is the fastest."""
    if device.type == "cuda":
        return ["float32", "bfloat16", "float16"]
    able = ["float32"]
    if has_packed_products(device):
        if has_fast_bfloat16():
            able.append("bfloat16")
        if native.is_here() or "fbgemm" in torch.backends.quantized.supported_engines:
            able.append("int8")
    return able


def resolve_compute(compute: str, device: torch.device) -> str:
    """ "auto" is the fastest here. Raises ValueError for a precision that this machine does not support."""
    able = available_compute(device)
    if compute == "auto":
        return able[-1]
    if compute not in able:
        raise ValueError(f"compute is {compute!r}; here choose one of: auto, {', '.join(able)}")
    return compute


def resolve_device(device: str) -> str:
    """ "auto" is the GPU when there is one. Raises ValueError for a device that is not here."""
    device = str(device)  # it may be a torch.device
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if not re.fullmatch(r"cpu|cuda(:\d+)?", device):
        raise ValueError(f"device is {device!r}; choose one of: auto, cpu, cuda, cuda:N")
    if device.startswith("cuda") and int(device.partition(":")[2] or 0) >= torch.cuda.device_count():
        raise ValueError(f"device is {device!r}, but there are {torch.cuda.device_count()} GPUs to be seen here")
    return device
