"""An LSTM made ready for search in bytes: products and what follows them in one call, of all steps where all inputs
are there.

Dims: N rows of one step, B sentences, T steps, H hidden units.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from nmt import native
from nmt.cells import State
from nmt.cells.lstm import LSTM, LayerNormLSTM
from nmt.engine.output import Product
from nmt.engine.products import COMPUTE, Compute
from nmt.engine.recurrent import PackedRecurrent
from nmt.model.recurrent import Masks, Recurrent


def packed_layer(layer: Recurrent, compute: Compute) -> PackedRecurrent:
    """As a PackedLSTM, where it can be one."""
    has_kernel = type(layer.cell) in (LSTM, LayerNormLSTM) and layer.cell.depth == 1
    kind = PackedLSTM if has_kernel and compute is COMPUTE["int8"] and native.is_here() else PackedRecurrent
    return kind(layer, compute)


class PackedLSTM(PackedRecurrent):
    is_fused = False  # by torch
    table_dtype = torch.bfloat16  # to read it takes as long as the products

    def run(self, product: Product, x: Tensor, c: Tensor, added: native.Added | None) -> tuple[Tensor, Tensor]:
        assert isinstance(product, native.Bytes)
        return product.lstm(x, c, added, self.extra[0].get("gain"), self.extra[0].get("bias"))

    def step(self, x: Tensor, state: State, masks: Masks, beside: Tensor | None = None) -> State:
        h, c = state
        rest = [part for part in (x if self.table is None else None, beside, h) if part is not None]
        added = None if self.table is None else native.Added(self.table.rows, x)
        return self.run(self.both, torch.cat(rest, 1) if len(rest) > 1 else h, c, added)

    def over_time(self, x: Tensor) -> native.Added:  # type: ignore[override]
        """W x of every step: x (B,T,E), or pieces (B,T)."""
        x = x.transpose(0, 1)
        if self.table is None:
            gates = self.inputs(x).flatten(0, 1).bfloat16()
            return native.Added(gates, torch.arange(len(gates)).view(x.shape[:2]))
        self.table.learn(x.flatten())
        return native.Added(self.table.rows, x)

    @staticmethod
    def side_by_side(
        layers: Sequence[PackedRecurrent], inputs: Sequence[Tensor], states: Sequence[State]
    ) -> Sequence[Tensor]:
        outputs = []
        for layer, x, (h, c) in zip(layers, inputs, states, strict=True):
            assert isinstance(layer, PackedLSTM)
            outputs.append(layer.run(layer.hidden[0], h, c, layer.over_time(x))[0].transpose(0, 1))
        return outputs
