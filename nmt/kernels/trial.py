"""Tries a kernel once, so that torch can replace it if it fails."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

log = logging.getLogger(__name__)

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
