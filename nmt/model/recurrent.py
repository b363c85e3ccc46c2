"""The recurrence over time: one layer in one direction, for every cell.

A cell uses torch's fused kernel (oneDNN on CPU, cuDNN on GPU) if there is one for exactly its equations and it is
faster. All other cells share the loop of loop.py, or are computed at once if no gate sees h. Dropout is variational
(Gal & Ghahramani, 2016, arXiv:1512.05287): one mask per sentence, the same at every step.

Dims: B sentences, N rows of one step, T steps, E input features, H hidden units, D layers side by side.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nmt.cells import Cell, ParallelCell, Parameters, State
from nmt.cells.gru import GRU
from nmt.cells.lstm import LSTM
from nmt.cells.rnn import RNN, ReluRNN
from nmt.kernels.scan import can_scan, scan
from nmt.kernels.steps import replaces_torch
from nmt.model.cell_check import check_cell, check_dropout, check_gradient
from nmt.model.loop import Loop
from nmt.model.weight_gradients import stack

Kernel = Callable[..., Any]

FUSED: dict[type[Cell], Kernel] = {
    RNN: torch.rnn_tanh,
    ReluRNN: torch.rnn_relu,
    GRU: torch.gru,
    LSTM: torch.lstm,
}
# oneDNN has only the LSTM; for the others torch loops over the steps, more slowly than the loop below.
FUSED_ON_CPU: dict[type[Cell], Kernel] = {LSTM: torch.lstm}

# Weights are one parameter each, so that a model file can be checked against its config. cuDNN repacks them at each
# call, which costs microseconds, and warns of it.
warnings.filterwarnings("ignore", message="RNN module weights are not part of single contiguous chunk")


def fused_kernel(cell: Cell, device: torch.device) -> Kernel | None:
    """Torch's own kernel for these equations, where it pays."""
    return (FUSED_ON_CPU if device.type == "cpu" else FUSED).get(type(cell)) if cell.depth == 1 else None


class Dropout:
    """Dropout that the parts of a model share. Its rate may rise from `first` on, as `rise` says."""

    def __init__(self, rate: float = 0.0, first: float | None = None) -> None:
        self.rate, self.first = rate, first
        # A rising rate lives in device memory, where a captured CUDA graph reads it.
        self.risen: Tensor | None = None if first is None else torch.tensor(first)

    def rise(self, share: float) -> None:
        """Set the rate after this share of training, 0 to 1: on the line from `first` to `rate`."""
        if self.risen is not None and self.first is not None:
            self.risen.fill_(self.first + (self.rate - self.first) * share)

    def mask(self, rows: int, features: int, like: Tensor) -> Tensor | None:
        """(rows, features), with the type and device of `like`: 0 with probability rate, else 1 / (1 - rate).
        None if nothing is ever dropped."""
        if not self.rate and not self.first:
            return None
        kept: float | Tensor = 1 - self.rate
        if self.risen is not None:
            self.risen = self.risen.to(like.device)
            kept = 1 - self.risen
        return torch.empty(rows, features, dtype=like.dtype, device=like.device).bernoulli_(kept).div_(kept)


NO_DROPOUT = Dropout()


class Masks(NamedTuple):
    """The dropout of one layer over one sequence; None where nothing is dropped."""

    inputs: Tensor | None = None  # (N, E)
    hidden: Tensor | None = None  # (N, H), on h before every matrix product that it enters


NO_MASKS = Masks()


class Transition(NamedTuple):
    """The parameters of one transition of a step."""

    weight_hh: Tensor  # (G, H)
    bias_hh: Tensor  # (G,)
    bias_ih: Tensor  # (G,); in the place of W x after the first transition
    own: Parameters  # the cell's

    def detach(self) -> Transition:
        """The same numbers, of which autograd knows nothing."""
        own = {name: part.detach() for name, part in self.own.items()}
        return Transition(self.weight_hh.detach(), self.bias_hh.detach(), self.bias_ih.detach(), own)


class Recurrent(nn.Module):
    """One recurrent layer in one direction.

    `dropout` is applied to its inputs and `recurrent_dropout` to h wherever h enters a matrix product of the
    recurrence: R h, and a product of the cell's own such as U (r ⊙ h). It spares the elementwise terms that carry the
    state, such as z ⊙ h or f ⊙ c, the other parts of the state, and the layer's output h, which attention and the
    layers above see. No fused kernel has `recurrent_dropout`, so training then runs the loop.
    Raises ValueError for a faulty cell.
    """

    def __init__(
        self,
        cell: Cell,
        input_size: int,
        hidden_size: int,
        dropout: Dropout = NO_DROPOUT,
        recurrent_dropout: Dropout = NO_DROPOUT,
    ) -> None:
        super().__init__()
        check_cell(cell)
        self.cell = cell
        self.hidden_size = hidden_size
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        self.rows = rows = cell.gate_rows(hidden_size)
        self.weight_ih = nn.Parameter(torch.empty(rows.all, input_size))
        # The other parameters stack those of all transitions along the rows.
        self.bias_ih = nn.Parameter(torch.zeros(cell.depth * rows.all))
        self.weight_hh = (
            nn.Parameter(torch.empty(cell.depth * rows.recurrent, hidden_size)) if rows.recurrent else None
        )
        self.bias_hh = nn.Parameter(torch.zeros(cell.depth * rows.recurrent)) if rows.recurrent else None
        self.extra = nn.ParameterDict(
            {
                name: nn.Parameter(torch.empty(cell.depth * len(own), hidden_size))
                for name, own in cell.own_parameters(hidden_size).items()
            }
        )
        if not self.weight_ih.is_meta:  # a model that is loaded has been trained
            check_gradient(cell)
            if recurrent_dropout.rate:
                check_dropout(cell)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Glorot for W, orthogonal for each gate's R (Saxe et al., 2014, arXiv:1312.6120); the cell sets the rest."""
        cell, sizes = self.cell, self.cell.gate_sizes(self.hidden_size)
        for gate in self.weight_ih.split_with_sizes(sizes):
            nn.init.xavier_uniform_(gate)
        for part in self.transitions():
            for gate in part.weight_hh.detach().split_with_sizes(sizes[: len(sizes) - cell.input_only]):
                nn.init.orthogonal_(gate)
        for part in self.transitions():
            for name, value in cell.own_parameters(self.hidden_size).items():
                part.own[name].detach().copy_(value)
            by_gate = dict(zip(cell.gates, part.bias_ih.detach().split_with_sizes(sizes), strict=True))
            for name, bias in cell.initial_bias().items():
                by_gate[name].fill_(bias)

    def recurrent_weights(self) -> tuple[Tensor, Tensor]:
        """R (rows,H) and its biases (rows,); no rows if no gate sees h."""
        if self.weight_hh is None or self.bias_hh is None:
            return self.weight_ih.new_empty(0, self.hidden_size), self.weight_ih.new_empty(0)
        return self.weight_hh, self.bias_hh

    def transitions(self) -> list[Transition]:
        depth = self.cell.depth
        weight_hh, bias_hh, bias_ih = (part.chunk(depth) for part in (*self.recurrent_weights(), self.bias_ih))
        own = {name: part.chunk(depth) for name, part in self.extra.items()}
        return [
            Transition(weight_hh[k], bias_hh[k], bias_ih[k], {name: parts[k] for name, parts in own.items()})
            for k in range(depth)
        ]

    def masks(self, rows: int) -> Masks:
        """Draw the dropout masks of one sequence; outside training nothing is dropped."""
        if not self.training:
            return NO_MASKS
        like = self.weight_ih
        return Masks(
            self.dropout.mask(rows, like.shape[1], like), self.recurrent_dropout.mask(rows, self.hidden_size, like)
        )

    def initial_state(self, rows: int) -> State:
        """Made from zeros."""
        return self.cell.start(*self.weight_ih.new_zeros(self.cell.num_initial_vectors, rows, self.hidden_size))

    def start(self, *vectors: Tensor) -> State:
        """As Cell.start."""
        return self.cell.start(*vectors)

    def output(self, state: State) -> Tensor:
        """h (N,H)"""
        return state[0]

    def forward(self, x: Tensor, state: State | None = None) -> Tensor:
        """x (B,T,E) and the state before the first step -> h of every step (B,T,H)."""
        return self.side_by_side([self], [x], [self.initial_state(len(x)) if state is None else state])[0]

    @staticmethod
    def side_by_side(
        layers: Sequence[Recurrent], inputs: Sequence[Tensor], states: Sequence[State]
    ) -> Sequence[Tensor]:
        """Layers of one kind and size, each over its inputs (B,T,E) from its state -> h of every step (B,T,H)."""
        masks = [layer.masks(len(x)) for layer, x in zip(layers, inputs, strict=True)]
        inputs = [
            x if mask.inputs is None else x * mask.inputs[:, None] for x, mask in zip(inputs, masks, strict=True)
        ]
        cell, device, (narrow, wide) = layers[0].cell, inputs[0].device, layers[0].dtypes()
        if isinstance(cell, ParallelCell) or can_scan(cell, device, narrow, wide):
            return [layer.at_once(x, state) for layer, x, state in zip(layers, inputs, states, strict=True)]
        kernel = fused_kernel(cell, device)
        settings = cell, device, narrow, wide, layers[0].hidden_size
        if kernel is None or masks[0].hidden is not None or replaces_torch(*settings):
            return loop(layers, inputs, states, [mask.hidden for mask in masks])
        return [layer.fused(kernel, x, state) for layer, x, state in zip(layers, inputs, states, strict=True)]

    def fused(self, kernel: Kernel, x: Tensor, state: State) -> Tensor:
        weight_hh, bias_hh = self.recurrent_weights()
        device = x.device.type
        # Under autocast cuDNN would always compute in float16.
        dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else x.dtype
        weights = [part.to(dtype) for part in (self.weight_ih, weight_hh, self.bias_ih, bias_hh)]
        initial = tuple(part[None].to(dtype).contiguous() for part in state)  # each (1, B, H)
        hx = initial if len(initial) > 1 else initial[0]
        with torch.autocast(device, enabled=False):
            # has_biases, num_layers, dropout, train, bidirectional, batch_first
            outputs: Tensor = kernel(x.to(dtype), hx, weights, True, 1, 0.0, self.training, False, True)[0]
        return outputs

    def at_once(self, x: Tensor, state: State) -> Tensor:
        x = F.linear(x, self.weight_ih, self.bias_ih)
        wide, parameters = self.weight_ih.dtype, dict(self.extra.items())
        with torch.autocast(x.device.type, enabled=False):
            state = tuple(part.to(wide) for part in state)
            if can_scan(self.cell, x.device, x.dtype, wide):
                return scan(self.cell, x, state, parameters)
            assert isinstance(self.cell, ParallelCell)
            return self.cell.over_time(x, state, parameters)

    def dtypes(self) -> tuple[torch.dtype, torch.dtype]:
        """The types of products, which autocast may narrow, and of states."""
        wide, device = self.weight_ih.dtype, self.weight_ih.device.type
        return (torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else wide), wide

    def step(self, x: Tensor, state: State, masks: Masks = NO_MASKS, beside: Tensor | None = None) -> State:
        """x (N,E), whose last features may be passed as `beside` (N,·), and the old state -> the new state, whose
        first part is the output (N,H)."""
        if beside is not None:
            x = torch.cat([x, beside], -1)
        if masks.inputs is not None:
            x = x * masks.inputs
        return self.step_after_inputs(self.inputs(x), state, masks.hidden)

    def inputs(self, x: Tensor) -> Tensor:
        """x (...,E) -> W x (...,rows) of the first transition."""
        return F.linear(x, self.weight_ih, self.bias_ih.chunk(self.cell.depth)[0])

    def step_after_inputs(self, inputs: Tensor, state: State, mask: Tensor | None = None) -> State:
        """As `step`, from W x (N,rows)."""
        dtype, summed = self.weight_ih.dtype, self.rows.summed
        for k, of in enumerate(self.transitions()):
            h = state[0] if mask is None else state[0] * mask
            gates = F.linear(h, of.weight_hh, of.bias_hh).to(dtype)  # narrower under autocast, as all products are
            x = (of.bias_ih if k else inputs).to(dtype).expand(len(gates), -1)
            gates = torch.cat([gates[:, :summed] + x[:, :summed], gates[:, summed:]], -1)
            state = tuple(part.to(dtype) for part in state)
            state = self.pointwise(gates, x[:, summed:], state, self.cell.with_mask(of.own, mask))
        return state

    def pointwise(self, *call: Any) -> State:
        """As Cell.pointwise."""
        return self.cell.pointwise(*call)


def loop(
    layers: Sequence[Recurrent],
    inputs: Sequence[Tensor],
    states: Sequence[State],
    masks: Sequence[Tensor | None],
) -> Sequence[Tensor]:
    """`side_by_side` without a fused kernel: one loop for all layers, with `masks` (B,H) on h before its products."""
    weight_hh, bias_hh = zip(*(layer.recurrent_weights() for layer in layers), strict=True)
    weight_ih, bias_ih = [layer.weight_ih for layer in layers], [layer.bias_ih for layer in layers]
    weights = (stack(parts) for parts in (weight_ih, weight_hh, bias_ih, bias_hh))
    mask = None if masks[0] is None else stack([part for part in masks if part is not None])
    x = stack([part.transpose(0, 1) for part in inputs])  # (D, T, B, E)
    state = (stack(parts) for parts in zip(*states, strict=True))
    own = tuple(layers[0].extra)
    extra = (stack([layer.extra[name] for layer in layers]) for name in own)
    outputs: Tensor = Loop.apply(  # type: ignore[no-untyped-call]
        layers[0].cell, own, mask, x, *weights, *state, *extra
    )
    return outputs.transpose(1, 2).unbind()
