"""What every cell tells, and the little they share.

Dims: N rows, H hidden units, G gates. In every docstring x = x_t, h = h_{t-1}, c = c_{t-1}; W_k x and R_k h carry
their own biases (b_ih and b_hh); σ is the logistic function and ⊙ the product unit by unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from nmt.ranges import check_ranges

State = tuple[Tensor, ...]  # each (N, H); the first is h, the cell's output
Parameters = Mapping[str, Tensor]


def tanh(x: Tensor) -> Tensor:
    """tanh x = 2 σ(2x) - 1, right to 3e-7 in float32: on a CPU torch's σ is six times as fast as its tanh, which
    pays from some thousand numbers on."""
    if x.device.type != "cpu" or x.numel() < 4096:
        return torch.tanh(x)
    return (x * 2).sigmoid_().mul(2).sub_(1)


@dataclass(frozen=True)
class Cell:
    """What a cell must tell. Gates are stacked along the rows of W and R in the order of `gates`.

    With a `depth` above 1 it is a deep transition (Pascanu et al., 2014, arXiv:1312.6026; Miceli Barone et al., 2017,
    arXiv:1707.07631): a step is so many transitions, each with weights of its own, and what a state is after one the
    next begins with. The first sees x; the others see R h alone, with a bias in the place of W x.
    """

    apart: ClassVar[int] = 0  # how many of the last gates need W x and R h each by itself, not their sum
    states: ClassVar[tuple[str, ...]] = ("h",)

    depth: int = 1  # transitions a step

    def __post_init__(self) -> None:
        check_ranges(self, depth=(1, 32))

    @property
    def gates(self) -> tuple[str, ...]:
        raise NotImplementedError

    @property
    def joint_gates(self) -> int:
        """How many gates need no more than the sum."""
        return len(self.gates) - self.apart

    def own_parameters(self, hidden_size: int) -> dict[str, Tensor]:
        """What the cell learns beside W, R and their biases, as it is before training: each some rows of H."""
        return {}

    def initial_bias(self) -> dict[str, float]:
        """Gate -> the value that its bias starts at; the others start at zero."""
        return {}

    def pointwise(self, gates: Tensor, x: Tensor, state: State, parameters: Parameters) -> State:
        """What follows the products of a transition, changing none of its inputs -> the new state.

        `gates` (N, G*H) is W x + R h, biases included; for the last `apart` gates it is R h alone, and their W x is
        in `x` (N, apart*H). Layers side by side come as (D,N,·), and parameters then as (·,D,1,H).
        """
        raise NotImplementedError
