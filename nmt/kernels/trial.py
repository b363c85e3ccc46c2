"""What a GPU can be given: a kernel is tried once, and torch takes its place where it fails; and how much fits."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import cache

import torch
from torch import Tensor

log = logging.getLogger(__name__)

SHARE = 1 / 64  # of a GPU's memory, for what is made piece by piece

Numbers = Sequence[Tensor]


def is_trusted(what: str, ours: Callable[[], Numbers], theirs: Callable[[], Numbers], tolerance: float) -> bool:
    """Whether a kernel runs and gives what torch does, each number but for `tolerance` of the largest. Says so once
    where not: ask once."""
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
    """Numbers within ±2 of no order, and always the same: to draw any would change what training draws."""
    count = torch.Size(shape).numel()
    return (2 * torch.arange(count, device=device).mul(count + 0.7).sin()).view(shape).to(dtype)


def fitting(device: torch.device, itemsize: int, on_cpu: int) -> int:
    """How many numbers of so many bytes a piece may have: on a CPU what its cache holds, which the caller says."""
    if device.type == "cpu":
        return on_cpu
    return max(on_cpu, int(SHARE * memory_of(device)) // itemsize)


@cache
def memory_of(device: torch.device) -> int:
    """In bytes; 0 where it cannot be known."""
    return torch.cuda.get_device_properties(device).total_memory if device.type == "cuda" else 0
