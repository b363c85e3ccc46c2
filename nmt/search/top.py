"""The largest of each row. On a CPU NumPy's argmax reads a row ten times as fast as torch's argmax and topk do."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

MANY = 50_000  # numbers from which on the rounds below pay


def argmax(x: Tensor) -> Tensor:
    """x (N,P) -> where each row is largest (N,)."""
    return x.argmax(1) if x.is_cuda else torch.from_numpy(x.float().numpy().argmax(1))


def top(x: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """x (N,P) -> its k largest numbers a row, best first, and where they stand, (N,k) each. May overwrite x."""
    if x.is_cuda or x.numel() < MANY or k > 16:
        return x.topk(k)
    numbers, rows = x.numpy(), np.arange(len(x))
    best, index = np.empty((len(x), k), np.float32), np.empty((len(x), k), np.int64)
    for i in range(k):
        index[:, i] = numbers.argmax(1)
        best[:, i] = numbers[rows, index[:, i]]
        numbers[rows, index[:, i]] = -np.inf
    return torch.from_numpy(best), torch.from_numpy(index)
