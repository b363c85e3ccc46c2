"""The networks that a search runs: a trained one as it is, or one made ready for search on a CPU.

The second, `PackedNetwork`, computes the same numbers, to the precision of its products, with less work:

- Every weight is packed once, in the requested precision (products.py).
- W x and R h of a step are one product. The contribution of a piece's embedding to the gates of a first layer is
  computed once per piece, not each time (recurrent.py).
- If the context enters only the features, the encoder's values are multiplied instead, once per source token.
- Additive attention's keys are kept as exponentials (attention.py).

Dims: N rows of one step, B sentences, S source tokens, V vocabulary, P places of a shortlist.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor

from nmt.engine.attention import PackedAttention, attention_of
from nmt.engine.compiled import PlacedState, packed_layer
from nmt.engine.output import EstimatedOutputLayer, OutputLayer, Rows, Shortlist, with_banned
from nmt.engine.products import Compute
from nmt.engine.readout import SplitReadout, readout_of
from nmt.engine.recurrent import PackedRecurrent
from nmt.model.attention import Memory
from nmt.model.decoder import Decoder
from nmt.model.encoder import Encoder, run_layers
from nmt.model.seq2seq import Seq2Seq
from nmt.model.wirings import DecoderState, StepAttention, StepLayer


@dataclass(frozen=True)
class DecodingState:
    """The state between two steps of a search: the source's memory and the output layer (B sentences), and the
    decoder's state (N rows)."""

    memory: Memory
    output: OutputLayer
    decoder: DecoderState
    attended: Tensor | None = None  # (N, S): the weight that source tokens have received, if requested; 1 on padding

    def select(self, rows: Tensor, sentences: Tensor | None = None) -> Self:
        """Keep and reorder `rows` (N',); `sentences` (B',) are those that stay, None: all."""
        decoder, attended = _select(self.decoder, rows), _rows(self.attended, rows)
        if sentences is None:
            return type(self)(self.memory, self.output, decoder, attended)
        return type(self)(self.memory.select(sentences), self.output.select(sentences), decoder, attended)

    def parts(self) -> tuple[list[Tensor], list[Tensor]]:
        """The tensors that a step only reads, and those that it changes."""
        memory, output = self.memory, self.output
        read = memory.values, memory.keys, memory.mask, memory.final, output.pieces, output.columns
        attended = [] if self.attended is None else [self.attended]
        return [part for part in read if part is not None], self.decoder.tensors() + attended

    def with_parts(self, read: Iterator[Tensor], changed: Iterator[Tensor]) -> Self:
        """The same state with other tensors."""
        memory = Memory(*(next(read) for _ in range(4)))
        others = (part if part is None else next(read) for part in (self.output.pieces, self.output.columns))
        output, decoder = OutputLayer(self.output.product, *others), self.decoder.with_tensors(changed)
        return type(self)(memory, output, decoder, None if self.attended is None else next(changed))


def _select(state: DecoderState, rows: Tensor) -> DecoderState:
    layers = [
        layer.select(rows)
        if isinstance(layer, PlacedState)
        else tuple([part.index_select(0, rows) for part in layer])
        for layer in state.layers
    ]
    return DecoderState(tuple(layers), _rows(state.feed, rows), _rows(state.coverage, rows))


def _rows(part: Tensor | None, rows: Tensor) -> Tensor | None:
    return None if part is None else part.index_select(0, rows)


class SearchedDecoder:
    """The decoder's parts, prepared by a subclass and wired as in training."""

    layers: Sequence[StepLayer]
    attention: StepAttention
    bridge: Callable[[Tensor], Tensor]
    readout: Callable[..., Tensor]

    def __init__(self, decoder: Decoder) -> None:
        self.config, self.wiring, self.no_masks = decoder.config, decoder.wiring, decoder.no_masks
        self.features_size = decoder.features_size

    def layer(self, depth: int) -> StepLayer:
        return self.layers[depth]

    def features(self, inputs: list[Tensor], mask: Tensor | None) -> Tensor:
        return self.readout(*inputs)

    def initial_state(self, memory: Memory) -> DecoderState:
        return self.wiring.initial_state(self, memory)

    def step(self, x: Tensor, state: DecoderState, memory: Memory) -> tuple[Tensor, DecoderState, Tensor]:
        """x is embeddings (N,E), or pieces (N,) if the first layer has a table of them."""
        return self.wiring.step(self, x, state, memory, self.no_masks)


class SearchedNetwork:
    """The interface that a search calls."""

    decoder: SearchedDecoder | Decoder

    def encode(self, src: Tensor, src_len: Tensor) -> Memory:
        """src (B,S), src_len (B,), at least 1 each -> the memory that the decoder attends to."""
        raise NotImplementedError

    def embed_tgt(self, ids: Tensor) -> Tensor:
        """Target ids (N,) -> what the decoder's step takes."""
        raise NotImplementedError

    def output_layer(self, shortlist: Shortlist | None) -> OutputLayer:
        raise NotImplementedError

    def start(
        self, src: Tensor, src_len: Tensor, shortlist: Shortlist | None = None, attended: bool = False
    ) -> DecodingState:
        """The state before the first target token; one row per sentence.

        `shortlist` gives the pieces that each sentence may use; None: all. With `attended` the state sums up the
        attention.
        """
        memory = self.encode(src, src_len)
        weight = (~memory.mask).float() if attended else None
        return DecodingState(memory, self.output_layer(shortlist), self.decoder.initial_state(memory), weight)

    def step(self, ids: Tensor, state: DecodingState) -> tuple[Tensor, DecodingState]:
        """The last ids (N,) -> logits (N,V), -inf for banned pieces, and the new state.

        With a shortlist of P pieces, ids are places in it, and logits are (N,P); a search must not take place 0 (see
        SearchStep).
        """
        embedded = self.embed_tgt(state.output.ids(ids))
        features, decoder, weights = self.decoder.step(embedded, state.decoder, state.memory)
        attended = None if state.attended is None else state.attended + weights.mean(1)
        return state.output(features), DecodingState(state.memory, state.output, decoder, attended)


class TrainedNetwork(SearchedNetwork):
    """The network as it was trained, on any device and in any precision."""

    def __init__(self, model: Seq2Seq) -> None:
        self.model, self.decoder = model, model.decoder

    def encode(self, src: Tensor, src_len: Tensor) -> Memory:
        return self.model.encode(src, src_len)

    def embed_tgt(self, ids: Tensor) -> Tensor:
        return self.model.embed_tgt(ids)

    def output_layer(self, shortlist: Shortlist | None) -> OutputLayer:
        table, bias = self.model.output_table, with_banned(self.model.output_bias, self.model.banned)
        if shortlist is None:
            return OutputLayer(lambda features: F.linear(features, table, bias))
        return EstimatedOutputLayer.of(Rows, table, bias, shortlist.common).shortlisted(shortlist.allowed)


class PackedNetwork(SearchedNetwork):
    """For search on a CPU. If the first layers have tables, a piece is its own embedding.

    It shares the embeddings of the model and does not change the model."""

    def __init__(self, model: Seq2Seq, compute: Compute) -> None:
        self.compute, self.config = replace(compute, stored=None), model.config  # tables keep all of their numbers
        self.encoder = PackedEncoder(model.encoder, compute)
        self.decoder: PackedDecoder = PackedDecoder(model.decoder, compute)
        self.bias = with_banned(model.output_bias, model.banned)
        self.output_table = model.output_table.detach()
        self.estimated: EstimatedOutputLayer | None = None  # for the last shortlist
        self._embed_src, self._embed_tgt = model.embed_src, model.embed_tgt
        src_pieces, size = len(model.src_table.weight), model.config.embedding_size
        first = self.encoder.layers[0]
        self.src_looked_up = all(
            not layer.is_fused and layer.look_up(model.embed_src, src_pieces, size) for layer in first
        )
        self.tgt_looked_up = model.decoder.wiring.embeds_once and self.decoder.layers[0].look_up(
            model.embed_tgt, len(model.tgt_embedding.weight), size
        )

    def encode(self, src: Tensor, src_len: Tensor) -> Memory:
        values, final = self.encoder(src if self.src_looked_up else self._embed_src(src), src_len)
        keys = self.decoder.attention.keys(values)
        mask = torch.arange(src.shape[1]) < src_len[:, None]  # (B, S)
        return Memory(self.decoder.values(values), keys, mask, final)

    def embed_tgt(self, ids: Tensor) -> Tensor:
        return ids if self.tgt_looked_up else self._embed_tgt(ids)

    @cached_property
    def all_pieces(self) -> OutputLayer:
        return OutputLayer(self.compute.product(self.output_table, self.bias, "output"))

    def output_layer(self, shortlist: Shortlist | None) -> OutputLayer:
        if shortlist is None:
            layer = self.all_pieces
        else:
            if self.estimated is None or self.estimated.common is not shortlist.common:
                rows = self.compute.rows
                self.estimated = EstimatedOutputLayer.of(rows, self.output_table, self.bias, shortlist.common)
            layer = self.estimated.shortlisted(shortlist.allowed)
        table = self.decoder.layers[0].table
        if table is not None:
            table.learn(torch.arange(len(self.bias)) if layer.pieces is None else layer.pieces)
        return layer


class PackedEncoder:
    def __init__(self, encoder: Encoder, compute: Compute) -> None:
        self.config = encoder.config
        self.mix = encoder.mix.detach() if encoder.config.transparent else None
        self.layers = [
            [packed_layer(layer, compute.at(f"encoder.{depth}.{k}")) for k, layer in enumerate(directions)]
            for depth, directions in enumerate(encoder.directions())
        ]

    def __call__(self, x: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        """As `run_layers`, for embeddings (B,S,E) or pieces (B,S)."""
        return run_layers(self.config, self.layers, self.mix, x, length)


class PackedDecoder(SearchedDecoder):
    layers: list[PackedRecurrent]
    attention: PackedAttention

    def __init__(self, decoder: Decoder, compute: Compute) -> None:
        super().__init__(decoder)
        self.layers = [
            packed_layer(decoder.layer(depth), compute.at(f"decoder.{depth}"))
            for depth in range(decoder.config.num_layers)
        ]
        self.attention = attention_of(decoder.attention, compute)
        self.bridge = compute.linear(decoder.bridge, "bridge")
        self.readout = readout_of(decoder, compute)

    def values(self, values: Tensor) -> Tensor:
        """The encoder's values (B,S,M) -> the values that the context averages."""
        return self.readout.of_values(values) if isinstance(self.readout, SplitReadout) else values
