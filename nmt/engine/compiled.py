"""A recurrent layer made ready for search in int8, with compiled steps: one call does the products and the rest of a
step, or of all steps if all inputs are known (native/layer.h).

Dims: N rows of one step, B sentences, T steps, E input features, H hidden units, Z parts of a state.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import torch
from torch import Tensor

from nmt import native
from nmt.cells import Parameters
from nmt.cells.xlstm import MLSTM
from nmt.engine.output import Product
from nmt.engine.products import Compute
from nmt.engine.recurrent import PackedRecurrent, RecurrentByTorch
from nmt.kernels.native import StepFunctions, address_of, step_functions
from nmt.kernels.operands import vector_names
from nmt.model.recurrent import Masks, Recurrent
from nmt.native.layer import Layer, PackedTransition


def packed_layer(layer: Recurrent, compute: Compute) -> PackedRecurrent:
    """Compiled if its cell has compiled steps, else by torch."""
    found = native.kernels() if native.is_here() else None
    if compute.in_bytes and found is not None:
        if isinstance(layer.cell, MLSTM):  # written by hand
            by_hand = StepFunctions([address_of(found.nmt_step_of_matrix_memory)], [])
            return CompiledMatrixMemory(layer, compute, by_hand)
        functions = step_functions(layer.cell)
        if functions is not None:
            return CompiledRecurrent(layer, compute, functions)
    return RecurrentByTorch(layer, compute)


class PlacedState(NamedTuple):
    """The state of N rows, each at its place among the rows of the previous step. Selecting rows copies nothing: the
    next step reads them at their places."""

    numbers: Tensor  # (Z, N', H)
    places: Tensor | None = None  # (N,); None: all, in order

    def select(self, rows: Tensor) -> PlacedState:
        return PlacedState(self.numbers, rows if self.places is None else self.places.index_select(0, rows))


class CompiledRecurrent(PackedRecurrent):
    table_dtype = torch.bfloat16  # reading it takes as long as the products

    def __init__(self, layer: Recurrent, compute: Compute, functions: StepFunctions) -> None:
        super().__init__(layer, compute)
        self.functions = functions

    def _layer(self, product: Product | None) -> Layer:
        """A layer of all transitions; the first uses this product."""
        products = [product, *self.hidden[1:]]
        steps, matrices = self.functions
        transitions = []
        for k, (of, multiply) in enumerate(zip(self.transitions, products, strict=True)):
            joined = self.vectors(of.own)
            by_own = [self._bytes(self.packed(of.own[name], name, k)) for name in matrices]
            x = of.bias_ih[self.summed :].clone()
            transitions.append(PackedTransition(multiply and self._bytes(multiply), joined, by_own, x))
        return Layer(steps, *self.state_sizes, self.hidden_size, self.rows, transitions)

    @property
    def state_sizes(self) -> tuple[int, int]:
        """The size of each part of a state, and the number of parts."""
        return self.hidden_size, len(self.cell.states)

    def vectors(self, own: Parameters) -> Tensor:
        """The cell's own parameters as its functions read them."""
        return torch.cat([self.bias_ih[:0], *(own[name].flatten() for name in vector_names(self.cell))])

    @staticmethod
    def _bytes(product: Product) -> native.Int8Linear:
        assert isinstance(product, native.Int8Linear)
        return product

    @cached_property
    def after_table(self) -> Layer:
        """For steps whose W x comes from a table, without other inputs."""
        return self._layer(self.hidden[0] if self.recurrent else None)

    @cached_property
    def after_inputs(self) -> Layer:
        """For steps that multiply their inputs."""
        return self._layer(self.both)

    def start(self, *vectors: Tensor) -> PlacedState:
        return PlacedState(torch.stack(self.cell.start(*vectors)))

    def output(self, state: PlacedState) -> Tensor:
        h = state.numbers.select(0, 0)
        return h if state.places is None else h.index_select(0, state.places)

    def step(self, x: Tensor, state: PlacedState, masks: Masks, beside: Tensor | None = None) -> PlacedState:
        if self.table is None:
            return PlacedState(self.after_inputs.step(state.numbers, state.places, x, beside))
        layer = self.after_table if beside is None else self.after_inputs
        return PlacedState(layer.step(state.numbers, state.places, None, beside, self.table.rows, x))

    @staticmethod
    def side_by_side(layers: Sequence[Any], inputs: Sequence[Tensor], states: Sequence[Any]) -> Sequence[Tensor]:
        """As Recurrent.side_by_side, for x (B,T,E) or pieces (B,T)."""
        outputs = []
        for layer, x, state in zip(layers, inputs, states, strict=True):
            if layer.table is None:
                table, ids = layer.inputs(x).flatten(0, 1).bfloat16(), None
            else:
                layer.table.learn(x.flatten())
                table, ids = layer.table.rows, x
            outputs.append(layer.after_table.over_time(state.numbers, table, ids, x.shape[1]))
        return outputs


class CompiledMatrixMemory(CompiledRecurrent):
    """For mLSTM: the parts of its state differ in size, so they are joined into one."""

    @property
    def state_sizes(self) -> tuple[int, int]:
        return self.initial_state(1).numbers.shape[2], 1

    def vectors(self, own: Parameters) -> Tensor:
        assert isinstance(self.cell, MLSTM)
        return torch.tensor([self.hidden_size, self.cell.heads_of(self.hidden_size)], dtype=torch.float32)

    def start(self, *vectors: Tensor) -> PlacedState:
        return PlacedState(torch.cat([part.flatten(1) for part in self.cell.start(*vectors)], 1)[None])

    def output(self, state: PlacedState) -> Tensor:
        return super().output(state).narrow(1, 0, self.hidden_size)
