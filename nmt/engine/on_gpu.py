"""A network made ready for search on a GPU: products are narrow; states and elementwise work are float32, in a single
kernel if the cell has one.

Dims: N rows of one step, E input features, H hidden units.
"""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import Tensor

from nmt.cells import State
from nmt.engine.network import DecodingState, SearchedDecoder, TrainedNetwork
from nmt.engine.output import OutputLayer, Shortlist, with_banned
from nmt.kernels.operands import Parts
from nmt.kernels.steps import steps_of
from nmt.model.attention import Memory
from nmt.model.decoder import Decoder
from nmt.model.loop import parameters_of_transitions
from nmt.model.recurrent import Masks, Recurrent
from nmt.model.seq2seq import Seq2Seq

GPU_DTYPES = {"float16": torch.float16, "bfloat16": torch.bfloat16}


class GPUNetwork(TrainedNetwork):
    """It copies all weights but the encoder's, so the model's encoder must not change. On a CPU it computes the same,
    slowly."""

    def __init__(self, model: Seq2Seq, dtype: torch.dtype) -> None:
        super().__init__(model)
        self.decoder, self.dtype = NarrowDecoder(model.decoder, dtype), dtype
        factor = model.config.embedding_size**0.5
        self.embedding = (model.tgt_embedding.weight.detach() * factor).to(dtype)
        self.table = model.output_table.detach().to(dtype)
        self.bias = with_banned(model.output_bias, model.banned).to(dtype)

    def encode(self, src: Tensor, src_len: Tensor) -> Memory:
        torch.clear_autocast_cache()  # casts cached in a CUDA graph are not for others
        with torch.autocast(src.device.type, self.dtype):
            memory = super().encode(src, src_len)
        torch.clear_autocast_cache()
        values, keys, final = (part.to(self.dtype) for part in (memory.values, memory.keys, memory.final))
        return Memory(values, keys, memory.mask, final)

    def embed_tgt(self, ids: Tensor) -> Tensor:
        embedded: Tensor = self.embedding.index_select(0, ids)
        return embedded

    def output_layer(self, shortlist: Shortlist | None) -> OutputLayer:
        if shortlist is not None:
            return super().output_layer(shortlist)
        return OutputLayer(lambda features: F.linear(features, self.table, self.bias))

    def step(self, ids: Tensor, state: DecodingState) -> tuple[Tensor, DecodingState]:
        with torch.autocast(ids.device.type, self.dtype):
            return super().step(ids, state)


class NarrowDecoder(SearchedDecoder):
    def __init__(self, decoder: Decoder, dtype: torch.dtype) -> None:
        super().__init__(decoder)
        self.layers = [NarrowRecurrent(decoder.layer(depth), dtype) for depth in range(decoder.config.num_layers)]
        self.bridge, self.readout = (copy.deepcopy(part).to(dtype) for part in (decoder.bridge, decoder.readout))
        self.attention = copy.deepcopy(decoder.attention).eval()
        for part in self.attention.children():
            part.to(dtype)


class NarrowRecurrent:
    def __init__(self, layer: Recurrent, dtype: torch.dtype) -> None:
        self.cell, self.units, self.dtype = layer.cell, layer.hidden_size, dtype
        self.summed = layer.rows.summed
        self.weight_ih = layer.weight_ih.detach().to(dtype)
        self.transitions = [
            tuple(part.detach().to(dtype) for part in (of.bias_ih, of.weight_hh, of.bias_hh))
            for of in layer.transitions()
        ]
        extra = [own.detach()[None] for own in layer.extra.values()]
        self.parameters = parameters_of_transitions(layer.cell, tuple(layer.extra), extra, None)

    def start(self, *vectors: Tensor) -> State:
        """As Recurrent.start."""
        return self.cell.start(*vectors)

    def output(self, state: State) -> Tensor:
        """As Recurrent.output."""
        return state[0]

    def step(self, x: Tensor, state: State, masks: Masks, beside: Tensor | None = None) -> State:
        """As Recurrent.step."""
        x = x.to(self.dtype) if beside is None else torch.cat([x, beside], -1).to(self.dtype)
        of_input = F.linear(x, self.weight_ih)
        for (bias_ih, weight_hh, bias_hh), own in zip(self.transitions, self.parameters, strict=True):
            h = state[0].to(self.dtype)
            if not len(weight_hh):
                gates, input_only = h[:, :0], of_input + bias_ih
            elif self.summed == len(self.weight_ih):
                gates, input_only = torch.addmm(of_input + (bias_ih + bias_hh), h, weight_hh.T), h[:, :0]
            else:
                of_input, of_hidden = of_input + bias_ih, F.linear(h, weight_hh, bias_hh)
                summed = of_input[:, : self.summed] + of_hidden[:, : self.summed]
                gates, input_only = torch.cat([summed, of_hidden[:, self.summed :]], -1), of_input[:, self.summed :]
            state = self.pointwise(gates, input_only.contiguous(), state, own)
            of_input = torch.zeros_like(of_input)
        return state

    def pointwise(self, gates: Tensor, x: Tensor, state: State, own: Parts) -> State:
        """As Cell.pointwise, but the gates (N,·) are narrow, and so is h if only products read it."""
        wide = torch.float32
        steps = steps_of(self.cell, gates.device, self.dtype, wide, self.units)
        parts = {"gates": gates, "x": x, "hidden": gates.new_empty(len(gates), self.units)}
        for name, part in zip(self.cell.states, state, strict=True):
            if name in steps.states:
                parts |= {name: part.to(wide).contiguous(), f"new_{name}": torch.empty_like(part, dtype=wide)}
        steps.forward({name: part[None, None] for name, part in parts.items()} | dict(own))(0)
        return tuple(parts[f"new_{name}"] if name in steps.states else parts["hidden"] for name in self.cell.states)
