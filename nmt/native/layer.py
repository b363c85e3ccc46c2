"""Steps of a recurrent layer, in C (layer.h): int8 products, and a compiled function for the cell.

Dims: N rows of one step, T steps, I inputs, H hidden units, Z parts of a state, G rows of the gates, P rows of a
table.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from nmt import native

MOST_OWN = 4  # as in layer.h


class PackedTransition(NamedTuple):
    product: native.Int8Linear | None  # with the inputs and h; None if there is nothing to multiply
    own: Tensor  # the cell's own vectors, concatenated
    matrices: Sequence[native.Int8Linear] = ()  # the cell's own matrices
    x: Tensor | None = None  # in a later transition, replaces W x


class _Weight(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_void_p) for name in ("packed", "sums", "scale", "bias")),
        *((name, ctypes.c_int) for name in ("out", "in", "squashed")),
        ("spread", ctypes.c_float),
    ]


class _Transition(ctypes.Structure):
    _fields_ = [
        ("weight", _Weight),
        ("matrices", _Weight * MOST_OWN),
        ("own", ctypes.c_void_p),
        ("x", ctypes.c_void_p),
    ]


SIZES = "matrices", "units", "states", "hidden", "summed", "recurrent", "all", "transitions"


class _Layer(ctypes.Structure):
    _fields_ = [
        ("steps", ctypes.c_void_p * (MOST_OWN + 1)),
        *((name, ctypes.c_int64) for name in SIZES),
        ("of", ctypes.c_void_p),
    ]


class Layer:
    """Computes steps of a layer. No result depends on the other rows."""

    def __init__(
        self,
        steps: Sequence[int],
        units: int,
        states: int,
        hidden: int,
        rows: tuple[int, int, int],
        transitions: Sequence[PackedTransition],
    ) -> None:
        """`steps` are the addresses of the cell's functions. A state has `states` parts of `units` numbers each; its
        first `hidden` numbers are h. `rows` are the rows of the gates (see GateRows)."""
        assert len(steps) <= MOST_OWN + 1
        self._steps = native.required().nmt_steps
        self.units, self.states, self.hidden, self.rows = units, states, hidden, rows[2]
        self._of = (_Transition * len(transitions))(*map(_transition, transitions))
        functions = (ctypes.c_void_p * (MOST_OWN + 1))(*steps)
        sizes = len(steps) - 1, units, states, hidden, *rows, len(transitions)
        self._layer = _Layer(functions, *sizes, ctypes.addressof(self._of))
        self.transitions = transitions
        self._address = ctypes.addressof(self._layer)

    def step(
        self,
        state: Tensor,
        rows: Tensor | None,
        x: Tensor | None = None,
        beside: Tensor | None = None,
        table: Tensor | None = None,
        ids: Tensor | None = None,
    ) -> Tensor:
        """One step: previous states (Z,N',H) -> new states (Z,N,H), h first.

        `rows` (N,) gives the index of each row's previous state (None: in order). The product takes x (N,I) and
        `beside` (N,·). Each row adds a row of the bfloat16 `table` (P,G), chosen by ids (N,).

        Raises IndexError if an index is out of range."""
        count = state.shape[1] if rows is None else len(rows)
        after = state.new_empty(self.states, count, self.units)
        self.run(state, rows, x, beside, table, ids, 1, None, after)
        return after

    def over_time(self, state: Tensor, table: Tensor, ids: Tensor | None, steps: int) -> Tensor:
        """T steps from previous states (Z,N,H) -> h of each step (N,T,H). Each step adds a row of the table, chosen
        by ids (N,T); without ids, the table's rows (N*T,G) are used in order."""
        outputs = state.new_empty(state.shape[1], steps, self.hidden)
        self.run(state, None, None, None, table, ids, steps, outputs, None)
        return outputs

    def run(
        self,
        state: Tensor,
        rows: Tensor | None,
        x: Tensor | None,
        beside: Tensor | None,
        table: Tensor | None,
        ids: Tensor | None,
        steps: int,
        outputs: Tensor | None,
        after: Tensor | None,
    ) -> None:
        states, places, units = state.shape
        count = places if rows is None else len(rows)
        assert (states, units) == (self.states, self.units)
        assert state.is_contiguous()
        assert state.dtype is torch.float32
        in_x = in_beside = size = 0
        if x is not None:
            x, in_x = x.contiguous(), x.shape[1]
        if beside is not None:
            beside, in_beside = beside.contiguous(), beside.shape[1]
        if ids is not None:
            ids = ids.contiguous()
        if table is not None:
            size, wide = table.shape
            assert wide == self.rows
            assert table.is_contiguous()
            assert table.dtype is torch.bfloat16
        found = self._steps(
            self._address,
            None if x is None else x.data_ptr(), in_x,
            None if beside is None else beside.data_ptr(), in_beside,
            None if table is None else table.data_ptr(), size, None if ids is None else ids.data_ptr(),
            state.data_ptr(), places, None if rows is None else rows.data_ptr(), steps, count,
            None if outputs is None else outputs.data_ptr(), None if after is None else after.data_ptr(),
        )  # fmt: skip
        if not found:
            raise IndexError(f"ids are out of range: the table has {size} rows, and there are {places} states")


def _transition(transition: PackedTransition) -> _Transition:
    assert transition.own.is_contiguous()
    matrices = (_Weight * MOST_OWN)(*map(_weight, transition.matrices))
    return _Transition(
        _weight(transition.product),
        matrices,
        transition.own.data_ptr(),
        None if transition.x is None else transition.x.data_ptr(),
    )


def _weight(product: native.Int8Linear | None) -> _Weight:
    return _Weight() if product is None else _Weight(*product.weight, product.outputs, product.inputs)
