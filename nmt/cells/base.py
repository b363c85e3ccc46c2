"""What every cell tells, and the little they share.

Dims: N rows, B sentences, T steps, H hidden units. In every docstring x = x_t, h = h_{t-1}, c = c_{t-1}; W_k x and
R_k h carry their own biases (b_ih and b_hh); σ is the logistic function and ⊙ the product unit by unit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from nmt.common.process import has_amx
from nmt.common.ranges import check_ranges

State = tuple[Tensor, ...]  # each (N, ...); the first is h (N, H), the cell's output
Parameters = Mapping[str, Tensor]

MASK = "mask"  # the parameter that is the recurrent dropout of h, for a cell with a product of its own


def tanh(x: Tensor) -> Tensor:
    """tanh x = 1 - 2 σ(-2x), right to 3e-7 in float32: on a CPU torch's σ is several times as fast as its tanh, which
    pays from some thousand numbers on; but for float32 on Intel's, where MKL has a faster one."""
    if x.device.type != "cpu" or x.numel() < 4096 or (x.dtype == torch.float32 and has_amx()):
        return torch.tanh(x)
    return torch.rsub((x * -2).sigmoid_(), 1, alpha=2)


def product(x: Tensor, weight: Tensor | Callable[[Tensor], Tensor]) -> Tensor:
    """x (N,H) by a matrix (F,H) of the cell's own parameters, or by what multiplies by it -> (N,F). Of layers side by
    side (D,N,H), (F,D,1,H)."""
    if not isinstance(weight, Tensor):
        return weight(x)
    return x @ weight.view(len(weight), *x.shape[:-2], -1).movedim(0, -1)


class GateRows(NamedTuple):
    """How many rows of W belong to which gates, counted from the top."""

    summed: int  # to the gates that need no more than the sum W x + R h
    recurrent: int  # to the gates that see h, which are the rows of R
    all: int


@dataclass(frozen=True)
class Cell:
    """What a cell must tell. Gates are stacked along the rows of W and R in the order of `gates`.

    With a `depth` above 1 it is a deep transition (Pascanu et al., 2014, arXiv:1312.6026; Miceli Barone et al., 2017,
    arXiv:1707.07631): a step is so many transitions, each with weights of its own, and what a state is after one the
    next begins with. The first sees x; the others see only R h, with a bias in the place of W x.
    """

    input_only: ClassVar[int] = 0  # how many gates, the last ones, do not see h: they have W x only
    separate: ClassVar[int] = 0  # how many gates, those before, need W x and R h separately, not their sum

    # The gates and parts of the state that are stored divided by e^m, where m is the last part of the state after the
    # step: what they are in the equations may be too large for a floating-point number.
    stabilised: ClassVar[tuple[str, ...]] = ()
    own_product: ClassVar[bool] = False  # whether `pointwise` has a matrix product of h, beside R h

    depth: int = 1  # transitions a step

    def __post_init__(self) -> None:
        check_ranges(self, depth=(1, 32))
        if self.depth > 1 and self.input_only == len(self.gates):
            raise ValueError(f"depth is {self.depth}; it must be 1 for a cell of which no gate sees h")

    @property
    def gates(self) -> tuple[str, ...]:
        raise NotImplementedError

    @property
    def states(self) -> tuple[str, ...]:
        """The parts of the state; the first is h."""
        return ("h",)

    def gate_sizes(self, hidden_size: int) -> tuple[int, ...]:
        """Raises ValueError for a hidden_size that the cell cannot have."""
        return (hidden_size,) * len(self.gates)

    def gate_rows(self, hidden_size: int) -> GateRows:
        sizes = self.gate_sizes(hidden_size)
        recurrent = len(sizes) - self.input_only
        return GateRows(sum(sizes[: recurrent - self.separate]), sum(sizes[:recurrent]), sum(sizes))

    def own_parameters(self, hidden_size: int) -> dict[str, Tensor]:
        """What the cell learns beside W, R and their biases, as it is before training: each some rows of H."""
        return {}

    def initial_bias(self) -> dict[str, float]:
        """Gate -> the value that its bias starts at; the others start at zero."""
        return {}

    @property
    def num_initial_vectors(self) -> int:
        """How many vectors `start` takes."""
        return len(self.states)

    def start(self, *vectors: Tensor) -> State:
        """The state before the first step, from vectors (N,H): zeros, or what a decoder is told of the source. The
        first is h."""
        return vectors

    def pointwise(self, gates: Tensor, x: Tensor, state: State, parameters: Parameters) -> State:
        """What follows the products of a transition, changing none of its inputs -> the new state.

        `gates` (N, rows) is W x + R h, biases included, of the gates that see h; for the last `separate` of them it
        is R h only. `x` (N, rows) is W x of these and of the gates that do not see h. Layers side by side come as
        (D,N,·), and parameters then as (·,D,1,H).

        In R h, h has had its recurrent dropout already. A cell that multiplies h by a matrix of its own says so
        (`own_product`) and then finds the dropout (N,H) among its parameters, as `MASK`, wherever h is dropped; what
        it does with h unit by unit is without it.
        """
        raise NotImplementedError

    def with_mask(self, parameters: Parameters, mask: Tensor | None) -> Parameters:
        """The parameters, and the recurrent dropout of h (N,H) where `pointwise` needs it."""
        return parameters if mask is None or not self.own_product else {**parameters, MASK: mask}


@dataclass(frozen=True)
class ForgetfulCell(Cell):
    """A cell with a forget gate f, which starts open (bias `forget_bias`), so that gradients reach far back from the
    first step on (Jozefowicz et al., 2015, "An empirical exploration of recurrent network architectures")."""

    forget_bias: float = 1.0  # of the forget gate before training; more remembers longer

    def __post_init__(self) -> None:
        super().__post_init__()
        check_ranges(self, forget_bias=(-10, 10))

    def initial_bias(self) -> dict[str, float]:
        return {gate: self.forget_bias for gate in self.gates if gate == "f"}


class ParallelCell(Cell):
    """A cell of which no gate sees h, so that in training all steps are computed at once."""

    def over_time(self, x: Tensor, state: State, parameters: Parameters) -> Tensor:
        """What `pointwise` makes of all steps, one after the other: W x (B,T,rows), which may be narrower than the
        state before -> h (B,T,H), as narrow as W x."""
        raise NotImplementedError
