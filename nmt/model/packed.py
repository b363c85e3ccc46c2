"""A model made ready for search on a CPU: the same numbers, to the precision of its products, with less work.

- Every weight is packed once, in the precision asked for (products.py).
- W x and R h of a step are one product.
- What a piece's embedding adds to a first layer's gates is computed once a piece, not each time.
- Where the context goes into the features alone, the encoder's values are multiplied instead, once a source token.
- Additive attention's keys are kept as exponentials.

A packed model has `start` and `step` as the model has, and shares its embeddings; nothing of it can be trained.

Dims: N rows of one step, B sentences, T steps, E input features, H hidden units, G gates.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nmt.model.attention import LIMIT, AdditiveAttention, Memory
from nmt.model.cells import State
from nmt.model.output import OutputLayer, Product, Rows, shortlisted, without
from nmt.model.products import COMPUTE, Compute, has_packed_products
from nmt.model.recurrent import FUSED_ON_CPU, Masks, Recurrent, run_fused
from nmt.model.seq2seq import Seq2Seq

FEW = 8  # sentences
MOST_LOOKED_UP = 1 << 25  # numbers in the table of a PackedSeq2Seq


def pack(model: Seq2Seq, compute: str) -> Seq2Seq:
    """The model for search; where there are no packed products, the model as it is."""
    if not has_packed_products(model.output_bias.device):
        return model
    packed = _swap(model, COMPUTE[compute])
    assert isinstance(packed, PackedSeq2Seq)
    packed.look_up()
    decoder, attention = model.decoder, model.decoder.attention
    if decoder.context_is_last and attention.heads == 1 and attention.context_size:
        readout = PackedReadout(decoder.readout, model.config.hidden_size, COMPUTE[compute])
        packed.decoder.add_module("readout", readout)
    return packed


def _swap(module: nn.Module, compute: Compute) -> nn.Module:
    """A copy with products in this precision; parameters that are not packed are shared."""
    if isinstance(module, nn.Linear):
        return PackedLinear(module, compute)
    if isinstance(module, Recurrent):
        return PackedRecurrent(module, compute)
    swapped = copy.copy(module)  # the same parameters
    if isinstance(swapped, AdditiveAttention):
        swapped.__class__ = PackedAdditive
    if isinstance(swapped, Seq2Seq):
        swapped.__class__ = PackedSeq2Seq
        cast(PackedSeq2Seq, swapped).compute = compute
    swapped._modules = {name: child and _swap(child, compute) for name, child in module._modules.items()}
    return swapped


class PackedLinear(nn.Module):
    def __init__(self, layer: nn.Linear, compute: Compute) -> None:
        super().__init__()
        bias = layer.weight.new_zeros(len(layer.weight)) if layer.bias is None else layer.bias
        self.product = compute.product(layer.weight.detach(), bias.detach())

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.product(torch.cat(inputs, -1) if len(inputs) > 1 else inputs[0])


class PackedReadout(nn.Module):
    """A readout of the output h (N,H) and the context, that multiplies the context before it is one: the values that
    it is a mean of, once a source token instead of once a step."""

    def __init__(self, layer: nn.Linear, hidden_size: int, compute: Compute) -> None:
        super().__init__()
        weight, bias = layer.weight.detach(), layer.bias.detach()
        self.of_hidden = compute.product(weight[:, :hidden_size], bias)
        self.of_values = compute.product(weight[:, hidden_size:], torch.zeros_like(bias))

    def forward(self, hidden: Tensor, context: Tensor) -> Tensor:
        return self.of_hidden(hidden).add_(context)


class Table:
    """What each piece contributes to a layer's gates by its embedding: always the same, so it is computed once, when
    the piece first comes, and in float32 whatever the precision of the rest."""

    def __init__(self, embed: Callable[[Tensor], Tensor], weight: Tensor, bias: Tensor, pieces: int) -> None:
        self.embed, self.weight, self.bias = embed, weight, bias
        self.rows = torch.empty(pieces, len(weight))  # memory that is not touched costs nothing
        self.known = torch.zeros(pieces, dtype=torch.bool)

    def learn(self, pieces: Tensor) -> None:
        """Before they are looked up."""
        new = torch.unique(pieces[~self.known[pieces]])
        if len(new):
            self.rows[new] = F.linear(self.embed(new), self.weight, self.bias)
            self.known[new] = True

    def __getitem__(self, pieces: Tensor) -> Tensor:
        """(...,) -> (...,G*H)"""
        return self.rows.index_select(0, pieces.flatten()).view(*pieces.shape, -1)


class PackedRecurrent(nn.Module):
    """A recurrent layer whose weights are packed at their first use: W and R one by one for a sequence, whose inputs
    are all there, and side by side for a step.

    With a `table` it takes pieces instead of their embeddings.
    """

    table: Table | None = None

    def __init__(self, layer: Recurrent, compute: Compute) -> None:
        super().__init__()
        self.cell, self.hidden_size, self.compute = layer.cell, layer.hidden_size, compute
        self.joint = layer.cell.joint_gates * layer.hidden_size
        self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh = (
            weight.detach() for weight in (layer.weight_ih, layer.weight_hh, layer.bias_ih, layer.bias_hh)
        )
        self.extra = {name: parameter.detach() for name, parameter in layer.extra.items()}

    def look_up(self, embed: Callable[[Tensor], Tensor], pieces: int, size: int) -> None:
        """Have a table for this many pieces, whose embeddings are the first `size` columns of x, unless too large."""
        if pieces * len(self.weight_ih) <= MOST_LOOKED_UP:
            self.table = Table(embed, self.weight_ih[:, :size], self.inputs_bias, pieces)

    @property
    def inputs_bias(self) -> Tensor:
        """Both biases for the joint gates, W x's own for those apart."""
        return torch.cat([self.bias_ih[: self.joint] + self.bias_hh[: self.joint], self.bias_ih[self.joint :]])

    @property
    def hidden_bias(self) -> Tensor:
        """R h's own bias for the gates apart."""
        return torch.cat([torch.zeros_like(self.bias_hh[: self.joint]), self.bias_hh[self.joint :]])

    @cached_property
    def inputs(self) -> Product:
        """x (...,E) -> W x (...,G*H)."""
        return self.compute.product(self.weight_ih, self.inputs_bias)

    @cached_property
    def hidden(self) -> Product:
        """h (N,H) -> R h (N,G*H)."""
        return self.compute.product(self.weight_hh, self.hidden_bias)

    @cached_property
    def both(self) -> Product:
        """What is not looked up of x, and h, side by side -> W x + R h for the joint gates, R h for those apart, and
        then W x for those apart."""
        joint, looked_up = self.joint, 0 if self.table is None else self.table.weight.shape[1]
        w, r = self.weight_ih[:, looked_up:], self.weight_hh
        rows = ([w[:joint], r[:joint]], [0 * w[joint:], r[joint:]], [w[joint:], 0 * r[joint:]])
        b = self.inputs_bias if self.table is None else 0 * self.inputs_bias
        bias = torch.cat([b[:joint], self.bias_hh[joint:], b[joint:]])
        return self.compute.product(torch.cat([torch.cat(row, 1) for row in rows]), bias)

    def masks(self, rows: int) -> Masks:
        return Masks()

    def initial_state(self, rows: int) -> State:
        return tuple(self.weight_hh.new_zeros(rows, self.hidden_size) for _ in self.cell.states)

    def step(self, x: Tensor, state: State, masks: Masks, beside: Tensor | None = None) -> State:
        """As Recurrent.step."""
        rest = [part for part in (x if self.table is None else None, beside, state[0]) if part is not None]
        products = self.both(torch.cat(rest, 1) if len(rest) > 1 else rest[0])
        gates, apart = products.tensor_split([len(self.cell.gates) * self.hidden_size], 1)
        if self.table is not None:
            looked_up = self.table[x]
            gates[:, : self.joint] += looked_up[:, : self.joint]
            if self.cell.apart:
                apart += looked_up[:, self.joint :]
        return self.cell.pointwise(gates, apart, state, self.extra)

    def over_time(self, x: Tensor) -> Tensor:
        """W x of every step: x (B,T,E), or pieces (B,T) -> (T,B,G*H)."""
        x = x.transpose(0, 1)
        if self.table is None:
            return self.inputs(x.contiguous())
        self.table.learn(x.flatten())
        return self.table[x]

    @cached_property
    def fused_weights(self) -> list[Tensor]:
        weights = (self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        return [weight.to(self.compute.fused) for weight in weights]

    def fused(self, x: Tensor, state: State) -> Tensor:
        """As Recurrent.fused."""
        if self.table is not None:
            x = self.table.embed(x)
        outputs = run_fused(FUSED_ON_CPU[type(self.cell)], x.to(self.compute.fused), state, self.fused_weights)
        return outputs.to(x.dtype)

    @staticmethod
    def side_by_side(
        layers: Sequence[PackedRecurrent], inputs: Sequence[Tensor], states: Sequence[State]
    ) -> Sequence[Tensor]:
        """As Recurrent.side_by_side: the layers' (D of them) gates of a step are one tensor. Where rows are few and
        the cell has a kernel of its own, the time goes into starting kernels, and that one is faster."""
        if len(inputs[0]) <= FEW and type(layers[0].cell) in FUSED_ON_CPU:
            return [layer.fused(x, state) for layer, x, state in zip(layers, inputs, states, strict=True)]
        cell, joint = layers[0].cell, layers[0].joint
        # (T, B, G*H) of each
        products = [layer.over_time(x) for layer, x in zip(layers, inputs, strict=True)]
        state = tuple(torch.stack(parts) for parts in zip(*states, strict=True))  # each (D, B, H)
        extra = {
            name: torch.stack([layer.extra[name] for layer in layers], 1)[:, :, None] for name in layers[0].extra
        }  # each (n, D, 1, H)
        outputs = []
        for steps in zip(*products, strict=True):
            gates = [layer.hidden(h) for layer, h in zip(layers, state[0], strict=True)]
            for gate, step in zip(gates, steps, strict=True):
                gate[:, :joint] += step[:, :joint]
            x = torch.stack([step[:, joint:] for step in steps])
            state = cell.pointwise(torch.stack(gates), x, state, extra)
            outputs.append(state[0])
        return torch.stack(outputs, 2).unbind()


class PackedAdditive(AdditiveAttention):
    """Keys are kept as exp(2 U h), so that a step has but to multiply them; see attention._AdditiveScores."""

    def keys(self, values: Tensor) -> Tensor:
        return super().keys(values).clamp_(-LIMIT, LIMIT).mul_(2).exp_()

    def attend(self, query: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
        """As Attention.attend; before the softmax all scores of a query may differ by one and the same number."""
        sentences, heads, size = len(memory.mask), *self.weights.shape
        q = self.query(query).clamp_(-LIMIT, LIMIT).mul_(2).exp_()
        r = torch.addcmul(self.one, q.view(sentences, -1, 1, heads * size), memory.keys[:, None]).reciprocal_()
        if heads > 1:
            scores = (r.view(*r.shape[:3], heads, size) * self.weights).sum(-1).movedim(-1, 1)  # (B, A, k, S)
            context, weights = self.mean(scores, memory)
            return context.flatten(0, 1), weights.transpose(1, 2).flatten(0, 1)
        weights = (r @ self.weights[0]).masked_fill_(~memory.mask[:, None], -torch.inf).softmax(-1)  # (B, k, S)
        context = weights @ memory.values
        return context.flatten(0, 1), weights.view(len(query), 1, -1)

    @cached_property
    def one(self) -> Tensor:
        return self.v.new_ones(())

    @cached_property
    def weights(self) -> Tensor:
        """(A, D/A)"""
        return self.v.detach() * -2


class PackedSeq2Seq(Seq2Seq):
    """What `pack` makes of a model. Where the first layers have tables, the embedding of a piece is the piece."""

    compute: Compute
    src_looked_up = tgt_looked_up = False

    def look_up(self) -> None:
        """Give the first layers their tables."""
        size = self.config.embedding_size
        src_pieces = len(self.tgt_embedding.weight if self.config.tie == "all" else self.src_embedding.weight)
        for layer in cast(Iterable[PackedRecurrent], self.encoder.layers[0]):
            layer.look_up(super().embed_src, src_pieces, size)
            self.src_looked_up = layer.table is not None
        if self.decoder.embeds_once:
            layer = cast(PackedRecurrent, self.decoder.layers[0])
            layer.look_up(super().embed_tgt, len(self.tgt_embedding.weight), size)
            self.tgt_looked_up = layer.table is not None

    def encode(self, src: Tensor, src_len: Tensor) -> Memory:
        memory = super().encode(src, src_len)
        readout = self.decoder.readout
        if not isinstance(readout, PackedReadout):
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

    @cached_property
    def rows(self) -> Rows:
        return self.compute.rows(self.output_table.detach())

    def output_layer(self, allowed: Tensor | None) -> OutputLayer:
        layer = self.all_pieces if allowed is None else shortlisted(self.rows, self.bias, allowed)
        table = cast(PackedRecurrent, self.decoder.layers[0]).table
        if table is not None:
            table.learn(torch.arange(len(self.bias)) if layer.pieces is None else layer.pieces)
        return layer
