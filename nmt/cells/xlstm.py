"""The two cells of xLSTM (Beck et al., 2024, arXiv:2405.04517).

Their input gates are exponential. What they would let grow is divided by e^m at every step, where m, a part of the
state, is the logarithm of the largest weight so far: h stays the same and no number overflows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from nmt.cells.base import ForgetfulCell, ParallelCell, Parameters, State, tanh
from nmt.cells.matrix_memory import matrix_memory
from nmt.common.ranges import check_ranges


@dataclass(frozen=True)
class SLSTM(ForgetfulCell):
    """sLSTM of xLSTM (Beck et al., 2024, arXiv:2405.04517), with one head: R mixes all units.

    i = exp(W_i x + R_i h)
    f = σ(W_f x + R_f h)
    g = tanh(W_g x + R_g h)
    o = σ(W_o x + R_o h)
    c' = f ⊙ c + i ⊙ g
    n' = f ⊙ n + i
    h' = o ⊙ c' / n'

    The normaliser n starts at 1, so from the first step on c' / n' is a weighted mean of the initial c and of all g.
    """

    gates = ("i", "f", "g", "o")
    states = ("h", "c", "n", "m")
    stabilised = ("i", "c", "n")

    @property
    def num_initial_vectors(self) -> int:
        return 2

    def start(self, *vectors: Tensor) -> State:
        h, c = vectors
        return h, c, torch.ones_like(c), torch.zeros_like(c)

    def pointwise(self, gates: Tensor, x: Tensor, state: State, parameters: Parameters) -> State:
        _, c, n, m = state
        i, f, g, o = gates.chunk(4, -1)
        kept = F.logsigmoid(f) + m
        m = torch.maximum(kept, i)
        i, f = torch.exp(i - m), torch.exp(kept - m)
        c = torch.addcmul(f * c, i, tanh(g))
        n = torch.addcmul(i, f, n)
        return torch.sigmoid(o) * c / n, c, n, m


@dataclass(frozen=True)
class MLSTM(ParallelCell, ForgetfulCell):
    """mLSTM of xLSTM (Beck et al., 2024, arXiv:2405.04517): each head of d units has a memory C, a d × d matrix.

    i = exp(w_i x)
    f = σ(w_f x)
    o = σ(W_o x)
    q = W_q x
    k = W_k x / √d
    v = W_v x
    C' = f C + i v kᵀ
    n' = f n + i k
    h' = o ⊙ C' q / max(|n'ᵀ q|, 1)

    i and f are one number per head. Training computes many steps at once (nmt/cells/matrix_memory.py). A
    decoder's memory starts with one pair of v and k, made from the source.
    """

    gates = ("q", "k", "v", "o", "i", "f")
    states = ("h", "C", "n", "m")
    stabilised = ("i", "C", "n")
    input_only = 6

    heads: int = 4  # where they do not divide the units, the largest number that divides both

    def __post_init__(self) -> None:
        super().__post_init__()
        check_ranges(self, heads=(1, 1024))

    def heads_of(self, hidden_size: int) -> int:
        return math.gcd(self.heads, hidden_size)

    def gate_sizes(self, hidden_size: int) -> tuple[int, ...]:
        return (hidden_size,) * 4 + (self.heads_of(hidden_size),) * 2

    @property
    def num_initial_vectors(self) -> int:
        return 3

    def start(self, *vectors: Tensor) -> State:
        h, v, k = vectors
        v, k = self.by_head(v), self.by_head(k)
        k = k / k.shape[-1] ** 0.5
        return h, v[..., None] * k[..., None, :], k, torch.zeros_like(k[..., 0])

    def by_head(self, x: Tensor) -> Tensor:
        """(...,H) -> (...,A,d)"""
        return x.view(*x.shape[:-1], self.heads_of(x.shape[-1]), -1)

    def parts(self, x: Tensor, size: int) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
        """W x (...,rows) -> q, k, v (...,A,d), the output gate (...,H), log i and log f (...,A)."""
        q, k, v, o, i, f = x.split_with_sizes(self.gate_sizes(size), -1)
        q, k, v = self.by_head(q), self.by_head(k), self.by_head(v)
        return q, k / k.shape[-1] ** 0.5, v, torch.sigmoid(o), i, F.logsigmoid(f)

    def pointwise(self, gates: Tensor, x: Tensor, state: State, parameters: Parameters) -> State:
        _, memory, n, m = state
        q, k, v, o, i, f = self.parts(x, state[0].shape[-1])
        kept = f + m
        m = torch.maximum(kept, i)
        i, f = torch.exp(i - m)[..., None], torch.exp(kept - m)[..., None]  # (N, A, 1)
        n = torch.addcmul(f * n, i, k)
        memory = torch.addcmul(f[..., None] * memory, (i * v)[..., None], k[..., None, :])
        found = (memory @ q[..., None])[..., 0]  # (N, A, d)
        weight = torch.maximum((n * q).sum(-1).abs(), torch.exp(-m))
        return o * (found / weight[..., None]).flatten(-2), memory, n, m

    def over_time(self, x: Tensor, state: State, parameters: Parameters) -> Tensor:
        _, memory, n, m = state
        return matrix_memory(x, torch.cat([memory, n[..., None, :]], -2).mT, m)
