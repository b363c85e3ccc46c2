"""Tries a kernel in Triton once, so that torch can replace it if it fails."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

log = logging.getLogger(__name__)


def is_trusted(
    what: str, results: Callable[[Any], Sequence[Tensor]], ours: Any, theirs: Any, tolerance: float
) -> bool:
    """Whether there is Triton, and a kernel runs and agrees with torch: `results` of our way with those of theirs,
    each number within `tolerance` of the largest. Warns if the kernel fails, so call it once."""
    if importlib.util.find_spec("triton") is None:
        return False
    try:
        with torch.inference_mode(False):  # a search may be the first to ask, and training the next
            for found, expected in zip(results(ours), results(theirs), strict=True):
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
