"""A model made ready for search on a CPU: the same numbers, to the precision of its products, with less work.

- Every weight is packed once, in the precision asked for (products.py).
- W x and R h of a step are one product, and what a piece's embedding adds to a first layer's gates is computed once
  a piece, not each time; where oneDNN has the cell it reads the source (packed_recurrent.py).
- Where the context goes into the features alone, the encoder's values are multiplied instead, once a source token.
- Additive attention's keys are kept as exponentials.
- Where nmt/native can be used, it computes attention and, in int8, the LSTM and all products.

A packed model has `start` and `step` as the model has, and shares its embeddings; nothing of it can be trained.

Dims: N rows of one step, B sentences, k hypotheses of one, S source tokens, A heads, H hidden units.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from typing import cast

import torch
from torch import Tensor, nn

from nmt import native
from nmt.cells.base import tanh
from nmt.kernels.additive import LIMIT
from nmt.model.attention import AdditiveAttention, Attention, DotAttention, GeneralAttention, Memory
from nmt.model.decoder import Readout
from nmt.model.output import Estimated, OutputLayer, Product, Shortlist, without
from nmt.model.packed_lstm import packed_layer
from nmt.model.packed_recurrent import PackedRecurrent
from nmt.model.products import COMPUTE, Compute, has_packed_products
from nmt.model.recurrent import Recurrent
from nmt.model.seq2seq import Seq2Seq


def pack(model: Seq2Seq, compute: str) -> Seq2Seq:
    """The model for search; where there are no packed products, the model as it is."""
    if not has_packed_products(model.output_bias.device):
        return model
    packed = _swap(model, COMPUTE[compute])
    assert isinstance(packed, PackedSeq2Seq)
    packed.look_up()
    decoder, attention = model.decoder, model.decoder.attention
    is_linear = isinstance(decoder.readout, Readout) and attention.heads == 1  # in the context
    if decoder.context_is_last and is_linear and attention.context_size:
        readout = ReadoutOfValues(cast(Readout, decoder.readout), model.config.hidden_size, COMPUTE[compute])
        packed.decoder.add_module("readout", readout)
    for module in packed.modules():  # found at once, not by Module.__getattr__, which takes longer than a product
        for name, child in module._modules.items():
            vars(module)[name] = list(child) if isinstance(child, nn.ModuleList) else child
    return packed


def _swap(module: nn.Module, compute: Compute) -> nn.Module:
    """A copy with products in this precision; parameters that are not packed are shared."""
    if isinstance(module, nn.Linear):
        return (PackedReadout if isinstance(module, Readout) else PackedLinear)(module, compute)
    if isinstance(module, Recurrent):
        return packed_layer(module, compute)
    swapped = copy.copy(module)  # the same parameters
    if isinstance(swapped, Seq2Seq):
        swapped.__class__ = PackedSeq2Seq
        cast(PackedSeq2Seq, swapped).compute = compute
    swapped._modules = {name: child and _swap(child, compute) for name, child in module._modules.items()}
    if type(swapped) in PACKED_ATTENTIONS:
        swapped.__class__ = PACKED_ATTENTIONS[type(swapped)]
    if isinstance(swapped, PackedAdditive):
        for name in ("query", "key"):
            swapped._modules[name] = PackedLinear(cast(nn.Linear, module._modules[name]), compute, 2.0)
    return swapped


class PackedLinear(nn.Module):
    def __init__(self, layer: nn.Linear, compute: Compute, factor: float = 1.0) -> None:
        super().__init__()
        bias = layer.weight.new_zeros(len(layer.weight)) if layer.bias is None else layer.bias
        self.product = compute.product(factor * layer.weight.detach(), factor * bias.detach())

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.product(torch.cat(inputs, -1) if len(inputs) > 1 else inputs[0])

    __call__ = forward  # without Module.__call__, which takes as long as a product


class PackedReadout(PackedLinear):
    def forward(self, *inputs: Tensor) -> Tensor:
        return squashed(self.product, torch.cat(inputs, -1))

    __call__ = forward


class ReadoutOfValues(nn.Module):
    """A readout of the output h (N,H) and the context, that multiplies the context before it is one: the values that
    it is a mean of, once a source token instead of once a step."""

    def __init__(self, layer: Readout, hidden_size: int, compute: Compute) -> None:
        super().__init__()
        weight, bias = layer.weight.detach(), layer.bias.detach()
        self.of_hidden = compute.product(weight[:, :hidden_size], bias)
        self.of_values = compute.product(weight[:, hidden_size:], torch.zeros_like(bias))

    def forward(self, hidden: Tensor, context: Tensor) -> Tensor:
        return squashed(self.of_hidden, hidden, context)

    __call__ = forward


def squashed(product: Product, x: Tensor, added: Tensor | None = None) -> Tensor:
    """tanh(W x + b + added)"""
    if isinstance(product, native.Bytes):
        return product(x, added, squashed=True)
    y = product(x)
    return tanh(y if added is None else y.add_(added))


class ByKernel(Attention):
    """Attention whose score is a product."""

    def attend(self, query: Tensor, memory: Memory, coverage: Tensor | None = None) -> tuple[Tensor, Tensor]:
        if not native.is_here():
            return super().attend(query, memory, coverage)
        return native.attend(query, memory.keys, memory.values, memory.mask, self.heads)


class PackedDot(ByKernel, DotAttention):
    pass


class PackedGeneral(ByKernel, GeneralAttention):
    pass


class PackedAdditive(AdditiveAttention):
    """Keys are kept as exp(2 U h), so that a step has but to multiply them; see nmt/kernels/additive.py. The packed
    weights are doubled already."""

    def keys(self, values: Tensor) -> Tensor:
        return exponential(super().keys(values))

    def attend(self, query: Tensor, memory: Memory, coverage: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """As Attention.attend; before the softmax all scores of a query may differ by one and the same number."""
        if coverage is not None:
            return super().attend(query, memory, coverage)
        if native.is_here():
            memory_parts = memory.keys, memory.values, memory.mask
            return native.attend(self.query(query), *memory_parts, self.heads, self.weights, 2 * LIMIT)
        sentences, heads, size = len(memory.mask), *self.weights.shape
        q = exponential(self.query(query))
        r = torch.addcmul(self.one, q.view(sentences, -1, 1, heads * size), memory.keys[:, None]).reciprocal_()
        if heads > 1:
            scores = (r.view(*r.shape[:3], heads, size) * self.weights).sum(-1).movedim(-1, 1)  # (B, A, k, S)
            context, weights = self.mean(scores, memory)
            return context.flatten(0, 1), weights.transpose(1, 2).flatten(0, 1)
        weights = (r @ self.weights_of_one).masked_fill_(memory.padding, -torch.inf).softmax(-1)  # (B, k, S)
        context = torch.bmm(weights, memory.values)
        return context.flatten(0, 1), weights.view(len(query), 1, -1)

    def score_covered(self, query: Tensor, memory: Memory, coverage: Tensor) -> Tensor:
        q = exponential(self.query(query))
        keys = memory.keys.repeat_interleave(len(query) // len(memory.keys), 0)
        keys *= (coverage[..., None] * self.coverage).mul_(2).exp_()
        r = torch.addcmul(self.one, q[:, None], keys).reciprocal_()  # (N, S, D)
        weighted: Tensor = r.view(*r.shape[:2], *self.weights.shape) * self.weights
        return weighted.sum(-1).transpose(1, 2)

    @cached_property
    def one(self) -> Tensor:
        return self.v.new_ones(())

    @cached_property
    def weights_of_one(self) -> Tensor:
        return self.weights[0]

    @cached_property
    def weights(self) -> Tensor:
        """(A, D/A)"""
        return self.v.detach() * -2


PACKED_ATTENTIONS = {
    AdditiveAttention: PackedAdditive,
    DotAttention: PackedDot,
    GeneralAttention: PackedGeneral,
}


def exponential(doubled: Tensor) -> Tensor:
    """exp of 2 x, in place, for x within ±LIMIT."""
    return doubled.clamp_(-2 * LIMIT, 2 * LIMIT).exp_()


class PackedSeq2Seq(Seq2Seq):
    """What `pack` makes of a model. Where the first layers have tables, the embedding of a piece is the piece."""

    compute: Compute
    src_looked_up = tgt_looked_up = False
    estimated: Estimated | None = None  # for the last shortlist

    def look_up(self) -> None:
        """Give the first layers their tables."""
        size = self.config.embedding_size
        src_pieces = len(self.tgt_embedding.weight if self.config.tie == "all" else self.src_embedding.weight)
        for layer in cast(Iterable[PackedRecurrent], self.encoder.layers[0]):
            if not layer.is_fused:
                layer.look_up(super().embed_src, src_pieces, size)
            self.src_looked_up = layer.table is not None
        if self.decoder.embeds_once:
            layer = cast(PackedRecurrent, self.decoder.layers[0])
            layer.look_up(super().embed_tgt, len(self.tgt_embedding.weight), size)
            self.tgt_looked_up = layer.table is not None

    def encode(self, src: Tensor, src_len: Tensor) -> Memory:
        memory = super().encode(src, src_len)
        readout = self.decoder.readout
        if not isinstance(readout, ReadoutOfValues):
            return memory
        return replace(memory, values=readout.of_values(memory.values))

    def embed_src(self, ids: Tensor) -> Tensor:
        return ids if self.src_looked_up else super().embed_src(ids)

    def embed_tgt(self, ids: Tensor) -> Tensor:
        return ids if self.tgt_looked_up else super().embed_tgt(ids)

    @cached_property
    def bias(self) -> Tensor:
        return without(self.output_bias, self.banned)

    @cached_property
    def all_pieces(self) -> OutputLayer:
        return OutputLayer(self.compute.product(self.output_table.detach(), self.bias))

    def output_layer(self, shortlist: Shortlist | None) -> OutputLayer:
        if shortlist is None:
            layer = self.all_pieces
        else:
            if self.estimated is None or self.estimated.common is not shortlist.common:
                weight = self.output_table.detach()
                self.estimated = Estimated.of(self.compute.rows, weight, self.bias, shortlist.common)
            layer = self.estimated.shortlisted(shortlist.allowed)
        table = cast(PackedRecurrent, self.decoder.layers[0]).table
        if table is not None:
            table.learn(torch.arange(len(self.bias)) if layer.pieces is None else layer.pieces)
        return layer
