"""Tries a kernel once, so that torch can replace it if it fails; and finds how much fits into a GPU's memory."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import cache

import torch
from torch import Tensor

log = logging.getLogger(__name__)

SHARE = 1 / 64  # of a GPU's memory, for a result computed piece by piece

Numbers = Sequence[Tensor]


def is_trusted(what: str, ours: Callable[[], Numbers], theirs: Callable[[], Numbers], tolerance: float) -> bool:
    """Whether a kernel runs and agrees with torch, each number within `tolerance` of the largest. Warns if not, so
    call it once."""
    try:
        with torch.inference_mode(False):  # a search may be the first to ask, and training the next
            for found, expected in zip(ours(), theirs(), strict=True):
                difference = (found.detach().double() - expected.detach().double()).abs().max()
                wrong = float(difference / expected.detach().double().abs().max())
                if not wrong <= tolerance:
                    raise ValueError(f"it is wrong by {wrong:.1g}")
    except Exception as error:  # a compiler, a driver or a device may fail in any way
        log.warning("torch computes %s, as the kernel for it fails here: %s", what, str(error).partition("\n")[0])
        return False
    return True


def wave(*shape: int, device: torch.device, dtype: torch.dtype = torch.float32) -> Tensor:
    """Irregular numbers within ±2, always the same: drawing random ones would change what training draws."""
    count = torch.Size(shape).numel()
    return (2 * torch.arange(count, device=device).mul(count + 0.7).sin()).view(shape).to(dtype)


def fitting(device: torch.device, itemsize: int, on_cpu: int) -> int:
    """How many numbers of this many bytes a piece may have; on a CPU `on_cpu`, what its cache holds."""
    if device.type == "cpu":
        return on_cpu
    return max(on_cpu, int(SHARE * memory_of(device)) // itemsize)


@cache
def memory_of(device: torch.device) -> int:
    """In bytes; 0 if unknown."""
    return torch.cuda.get_device_properties(device).total_memory if device.type == "cuda" else 0
