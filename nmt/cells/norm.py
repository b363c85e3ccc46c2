"""Layer normalisation inside a cell (Ba et al., 2016, arXiv:1607.06450).

Dims: K vectors of H units each, normalised one by one.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nmt.cells.base import Parameters

EPSILON = 1e-5


def gain_and_bias(vectors: int, hidden_size: int) -> dict[str, Tensor]:
    """What a cell that normalises so many vectors learns for it."""
    return {"gain": torch.ones(vectors, hidden_size), "bias": torch.zeros(vectors, hidden_size)}


def standardised(x: Tensor, vectors: int) -> tuple[Tensor, Tensor, Tensor]:
    """x (...,K*H) -> mean 0 and variance 1 in each of the K vectors (...,K,H), with the means and 1/deviations."""
    x = x.view(*x.shape[:-1], vectors, -1)
    return torch.native_layer_norm(x, x.shape[-1:], None, None, EPSILON)


def scaled(normed: Tensor, parameters: Parameters, first: int, vectors: int) -> Tensor:
    """normed (...,K,H) with the gains and biases of the K vectors from the `first` on."""
    gain, bias = (parameters[name][first : first + vectors].movedim(0, -2) for name in ("gain", "bias"))
    return torch.addcmul(bias, normed, gain)
