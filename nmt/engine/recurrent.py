"""A recurrent layer made ready for search: see network.py.

Dims: N rows of one step, B sentences, T steps, E input features, H hidden units, G rows of the
gates, D layers side by side.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from nmt.cells import ParallelCell, Parameters, State
from nmt.engine.output import Product
from nmt.engine.products import Compute
from nmt.kernels.trace import matrix_names
from nmt.model.recurrent import Masks, Recurrent, Transition, fused_kernel

lstm_arranged = torch.ops.aten.mkldnn_rnn_layer.default
LSTM_MODE = 2  # torch's number for the LSTM
MOST_LOOKED_UP = 1 << 25  # numbers in a table


class InputTable:
    """The contribution of each piece's embedding to a layer's gates. It never changes, so it is computed once, when
    the piece first comes, and in float32 whatever the precision of the rest; it may be stored in less."""

    def __init__(
        self,
        embed: Callable[[Tensor], Tensor],
        weight: Tensor,
        bias: Tensor,
        pieces: int,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.embed, self.weight, self.bias = embed, weight, bias
        # This memory costs nothing until it is touched, and forked workers share it. Each worker writes the pieces
        # that it meets first; all write the same numbers, so none has to wait for another.
        shared = mmap.mmap(-1, pieces * len(weight) * dtype.itemsize)
        self.rows = torch.frombuffer(shared, dtype=dtype).view(pieces, len(weight))
        self.known = torch.zeros(pieces, dtype=torch.bool)

    def learn(self, pieces: Tensor) -> None:
        """Compute the rows of new pieces, before they are looked up."""
        new = torch.unique(pieces[~self.known[pieces]])
        if len(new):
            self.rows[new] = F.linear(self.embed(new), self.weight, self.bias).to(self.rows.dtype)
            self.known[new] = True

    def __getitem__(self, pieces: Tensor) -> Tensor:
        """(...,) -> (...,G)"""
        return torch.embedding(self.rows, pieces)


def has_table(pieces: int, rows: int) -> bool:
    return pieces * rows <= MOST_LOOKED_UP


class PackedRecurrent:
    """A recurrent layer that packs its weights at their first use: W and R separately for a sequence, where all
    inputs are known, and side by side for a step.

    With a `table` it takes pieces instead of their embeddings. Subclasses compute the steps.
    """

    table: InputTable | None = None
    table_dtype = torch.float32
    is_fused = False  # over a sequence, by torch

    def __init__(self, layer: Recurrent, compute: Compute) -> None:
        self.cell, self.hidden_size, self.compute = layer.cell, layer.hidden_size, compute
        self.rows = layer.rows
        self.summed, self.recurrent, _ = layer.rows
        self.weight_ih = layer.weight_ih.detach()
        self.transitions = [part.detach() for part in layer.transitions()]
        self.weight_hh, self.bias_hh, self.bias_ih, _ = self.transitions[0]

    def look_up(self, embed: Callable[[Tensor], Tensor], pieces: int, size: int) -> bool:
        """Make a table for this many pieces, unless it would be too large; their embeddings are the first `size`
        columns of x. Returns whether there is a table."""
        if has_table(pieces, len(self.weight_ih)):
            self.table = InputTable(embed, self.weight_ih[:, :size], self.inputs_bias, pieces, self.table_dtype)
        return self.table is not None

    def summed_bias(self, part: Transition) -> Tensor:
        """The sum of both biases, for the summed gates only."""
        return part.bias_ih[: self.summed] + part.bias_hh[: self.summed]

    @property
    def inputs_bias(self) -> Tensor:
        """The sum of both biases for the summed gates, W x's bias for the separate ones."""
        return torch.cat([self.summed_bias(self.transitions[0]), self.bias_ih[self.summed :]])

    @cached_property
    def inputs(self) -> Product:
        """x (...,E) -> W x (...,G)."""
        return self.compute.product(self.weight_ih, self.inputs_bias, "inputs")

    @cached_property
    def hidden(self) -> list[Product]:
        """For each transition, h (N,H) -> R h (N,G). The biases of the summed gates are in W x for the first, here
        for the others."""
        biases = [torch.cat([self.summed_bias(part), part.bias_hh[self.summed :]]) for part in self.transitions]
        biases[0][: self.summed] = 0
        if not self.recurrent:
            return [lambda h: h.new_empty(len(h), 0)]
        return [
            self.compute.product(part.weight_hh, bias, f"hidden.{k}")
            for k, (part, bias) in enumerate(zip(self.transitions, biases, strict=True))
        ]

    @cached_property
    def both(self) -> Product:
        """The part of x that is not looked up, joined with h if a gate sees it -> W x + R h for the summed gates, R h
        for the separate ones, and then W x for the separate and the input-only ones."""
        summed, looked_up = self.summed, 0 if self.table is None else self.table.weight.shape[1]
        w, r = self.weight_ih[:, looked_up:], self.weight_hh
        b = self.inputs_bias if self.table is None else 0 * self.inputs_bias
        if not self.recurrent:
            return self.compute.product(w, b, "both")
        no_r = r.new_zeros(len(w) - summed, r.shape[1])
        rows = ([w[:summed], r[:summed]], [0 * w[summed : self.recurrent], r[summed:]], [w[summed:], no_r])
        bias = torch.cat([b[:summed], self.bias_hh[summed:], b[summed:]])
        return self.compute.product(torch.cat([torch.cat(row, 1) for row in rows]), bias, "both")

    def packed(self, weight: Tensor, name: str, k: int) -> Product:
        """The product by one of the cell's own matrices, of transition k."""
        return self.compute.product(weight, weight.new_zeros(len(weight)), f"{name}.{k}")

    def start(self, *vectors: Tensor) -> Any:
        """As Recurrent.start."""
        return self.cell.start(*vectors)

    def initial_state(self, rows: int) -> Any:
        """Made from zeros."""
        return self.start(*self.bias_ih.new_zeros(self.cell.num_initial_vectors, rows, self.hidden_size))

    def output(self, state: Any) -> Tensor:
        """As Recurrent.output."""
        raise NotImplementedError

    def step(self, x: Tensor, state: Any, masks: Masks, beside: Tensor | None = None) -> Any:
        """As Recurrent.step."""
        raise NotImplementedError

    @staticmethod
    def side_by_side(layers: Sequence[Any], inputs: Sequence[Tensor], states: Sequence[Any]) -> Sequence[Tensor]:
        """As Recurrent.side_by_side, for x (B,T,E) or pieces (B,T)."""
        raise NotImplementedError


class RecurrentByTorch(PackedRecurrent):
    """Steps by torch, in any precision."""

    def __init__(self, layer: Recurrent, compute: Compute) -> None:
        super().__init__(layer, compute)
        self.is_fused = fused_kernel(self.cell, self.weight_ih.device) is not None

    @cached_property
    def own(self) -> list[Mapping[str, Any]]:
        """The cell's own parameters, with matrices packed."""
        matrices = matrix_names(self.cell)
        return [
            {name: self.packed(part, name, k) if name in matrices else part for name, part in of.own.items()}
            for k, of in enumerate(self.transitions)
        ]

    def output(self, state: State) -> Tensor:
        return state[0]

    def step(self, x: Tensor, state: State, masks: Masks, beside: Tensor | None = None) -> State:
        """As Recurrent.step."""
        h = state[0] if self.recurrent else None
        rest = [part for part in (x if self.table is None else None, beside, h) if part is not None]
        looked_up = None if self.table is None else self.table[x]
        if rest:
            products = self.both(torch.cat(rest, 1) if len(rest) > 1 else rest[0])
            gates, x = products[:, : self.recurrent], products[:, self.recurrent :]
            if looked_up is not None and self.summed == len(self.weight_ih):
                gates += looked_up
            elif looked_up is not None:
                gates[:, : self.summed] += looked_up[:, : self.summed]
                x += looked_up[:, self.summed :]
        else:
            assert looked_up is not None
            gates, x = looked_up[:, :0], looked_up
        state = self.cell.pointwise(gates, x, state, self.own[0])
        for k in range(1, self.cell.depth):
            x = self.transitions[k].bias_ih[self.summed :].expand_as(x)
            state = self.cell.pointwise(self.hidden[k](state[0]), x, state, self.own[k])
        return state

    def over_time(self, x: Tensor) -> Tensor:
        """W x of every step: x (B,T,E), or pieces (B,T) -> (T,B,G)."""
        x = x.transpose(0, 1)
        if self.table is None:
            return self.inputs(x.contiguous())
        self.table.learn(x.flatten())
        return self.table[x]

    @cached_property
    def fused_weights(self) -> list[Tensor]:
        """W, R and their biases in oneDNN's layout."""
        weights = (self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        w, r, *biases = [weight.to(self.compute.fused) for weight in weights]
        return [
            *torch.ops.mkldnn._reorder_mkldnn_rnn_layer_weight(w, r, self.hidden_size, False, True, False),
            *biases,
        ]

    def fused(self, x: Tensor, state: State) -> Tensor:
        """As Recurrent.fused, which lays out the weights again at every call."""
        h, c = (part.to(self.compute.fused) for part in state)
        inputs = x.transpose(0, 1).to(self.compute.fused).contiguous()
        # reverse, batch_sizes, mode, hidden_size, num_layers, has_biases, bidirectional, batch_first, train
        setting: tuple[Any, ...] = False, [], LSTM_MODE, self.hidden_size, 1, True, False, False, False
        outputs: Tensor = lstm_arranged(inputs, *self.fused_weights, h, c, *setting)[0]  # (T, B, H)
        return outputs.transpose(0, 1).to(x.dtype)

    def at_once(self, x: Tensor, state: State) -> Tensor:
        """As Recurrent.at_once."""
        assert isinstance(self.cell, ParallelCell)
        return self.cell.over_time(self.over_time(x).transpose(0, 1), state, self.transitions[0].own)

    @staticmethod
    def side_by_side(layers: Sequence[Any], inputs: Sequence[Tensor], states: Sequence[Any]) -> Sequence[Tensor]:
        """The gates of a step of D layers are one tensor."""
        if isinstance(layers[0].cell, ParallelCell):
            return [layer.at_once(x, state) for layer, x, state in zip(layers, inputs, states, strict=True)]
        if layers[0].is_fused:
            return [layer.fused(x, state) for layer, x, state in zip(layers, inputs, states, strict=True)]
        cell, summed, depth = layers[0].cell, layers[0].summed, range(layers[0].cell.depth)
        steps = torch.stack([layer.over_time(x) for layer, x in zip(layers, inputs, strict=True)], 1)  # (T, D, B, G)
        state = tuple(torch.stack(parts) for parts in zip(*states, strict=True))  # each (D, B, H)
        transitions = list(zip(*(layer.transitions for layer in layers), strict=True))  # of all layers, in order
        extra = [_side_by_side([part.own for part in of_layers]) for of_layers in transitions]
        others = [
            torch.stack([part.bias_ih[summed:] for part in of_layers])[:, None] for of_layers in transitions[1:]
        ]
        outputs = []
        for joined, x in zip(steps[..., :summed], steps[..., summed:], strict=True):
            for k in depth:
                gates = torch.stack([layer.hidden[k](h) for layer, h in zip(layers, state[0], strict=True)])
                if k == 0:
                    gates[..., :summed] += joined
                else:
                    x = others[k - 1].expand(-1, gates.shape[1], -1)
                state = cell.pointwise(gates, x, state, extra[k])
            outputs.append(state[0])
        return torch.stack(outputs, 2).unbind()


def _side_by_side(parameters: Sequence[Parameters]) -> Parameters:
    """Each parameter of D layers, (n,H) -> (n,D,1,H)."""
    return {name: torch.stack([own[name] for own in parameters], 1)[:, :, None] for name in parameters[0]}
