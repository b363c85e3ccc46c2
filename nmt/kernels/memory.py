"""How much of a result that is computed piece by piece fits into a device's memory."""

from __future__ import annotations

from functools import cache

import torch

SHARE = 1 / 64  # of a GPU's memory, for a result computed piece by piece


def fitting(device: torch.device, itemsize: int, on_cpu: int) -> int:
    """How many numbers of this many bytes a piece may have; on a CPU `on_cpu`, what its cache holds."""
    if device.type == "cpu":
        return on_cpu
    return max(on_cpu, int(SHARE * memory_of(device)) // itemsize)


@cache
def memory_of(device: torch.device) -> int:
    """In bytes; 0 if unknown."""
    return torch.cuda.get_device_properties(device).total_memory if device.type == "cuda" else 0
