"""The whole network as it is trained: embeddings, encoder, decoder, output layer.

Dims: B sentences, N rows of one step, S source tokens, T target tokens, E embedding, F features, V vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nmt.cells import Cell
from nmt.common.ranges import check_ranges
from nmt.model.attention import AttentionConfig, Memory, build_attention
from nmt.model.decoder import Decoder, DecoderConfig
from nmt.model.encoder import Encoder, EncoderConfig
from nmt.model.loss import IGNORED, attention_cross_entropy, linear_cross_entropy
from nmt.model.recurrent import Dropout

SCORED = 1024  # target tokens whose logits are in memory at once


@dataclass(frozen=True)
class ModelConfig:
    cell: Cell  # of the encoder and the decoder
    encoder: EncoderConfig
    attention: AttentionConfig
    decoder: DecoderConfig
    embedding_size: int  # of each side's pieces
    hidden_size: int  # units of a layer
    dropout: float  # on embeddings, between layers and on the features; one mask a sentence
    # Dropout at the first update; it then changes linearly to `dropout` at the last one (Morerio et al., 2017,
    # arXiv:1703.06229). None: always `dropout`.
    initial_dropout: float | None = None
    recurrent_dropout: float = 0.0  # on h before each recurrent product; training then uses no fused kernel
    src_word_dropout: float = 0.0  # of whole source tokens (Sennrich et al., 2016, arXiv:1606.02891)
    tgt_word_dropout: float = 0.0  # of whole tokens that the decoder reads
    tie: Literal["all", "target", "none"] = "all"  # which embeddings the output layer shares
    features_size: int | None = None  # inputs of the output layer; None: embedding_size, which tying needs

    def __post_init__(self) -> None:
        check_ranges(
            self,
            embedding_size=(1, 65536),
            hidden_size=(1, 65536),
            dropout=(0, 0.95),
            initial_dropout=(0, 0.95),
            recurrent_dropout=(0, 0.95),
            src_word_dropout=(0, 0.95),
            tgt_word_dropout=(0, 0.95),
            features_size=(1, 65536),
        )
        if self.recurrent_dropout and self.cell.input_only == len(self.cell.gates):
            raise ValueError(
                f"recurrent_dropout is {self.recurrent_dropout}, but no gate of this cell sees h; choose 0"
            )
        if self.tie != "none" and self.features_size not in (None, self.embedding_size):
            raise ValueError(
                f"features_size is {self.features_size}, but the output layer shares an embedding of "
                f"{self.embedding_size} (tie={self.tie}); choose tie=none"
            )


def num_parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


class Seq2Seq(nn.Module):
    """Source ids in, target distributions out. Padding never changes the results of real tokens."""

    def __init__(
        self, config: ModelConfig, src_vocab_size: int, tgt_vocab_size: int, banned: tuple[int, ...] = ()
    ) -> None:
        """`banned` target ids are never searched (padding, BOS).

        Raises ValueError when sizes contradict one another.
        """
        super().__init__()
        if config.tie == "all" and src_vocab_size != tgt_vocab_size:
            raise ValueError("model.tie is 'all', which needs a joint vocabulary; choose 'target' or 'none'")
        self.config = config
        self.packed: dict[str, Tensor] | None = None  # int8 weights of products, if there are no others
        self.banned = list(banned)
        embedding_size, hidden_size = config.embedding_size, config.hidden_size
        features_size = config.features_size or embedding_size
        self.tgt_embedding = nn.Embedding(tgt_vocab_size, embedding_size)
        if config.tie != "all":
            self.src_embedding = nn.Embedding(src_vocab_size, embedding_size)
        if config.tie == "none":
            self.output_weight = nn.Parameter(torch.empty(tgt_vocab_size, features_size))
        self.output_bias = nn.Parameter(torch.zeros(tgt_vocab_size))
        self.dropout = Dropout(config.dropout, config.initial_dropout)
        shared = self.dropout, Dropout(config.recurrent_dropout)
        self.encoder = Encoder(config.encoder, config.cell, embedding_size, hidden_size, *shared)
        self.decoder = Decoder(
            config.decoder,
            config.cell,
            build_attention(config.attention, hidden_size, hidden_size),
            embedding_size,
            hidden_size,
            features_size,
            *shared,
        )
        for table in self.tables():
            nn.init.normal_(table, std=table.shape[1] ** -0.5)

    def tables(self) -> list[Tensor]:
        """Every weight with one row per piece, (V,E) or (V,F), each once."""
        return [p for name, p in self.named_parameters() if "embedding" in name or name == "output_weight"]

    @property
    def output_table(self) -> Tensor:
        """The weight of the output layer (V,F)."""
        return self.output_weight if self.config.tie == "none" else self.tgt_embedding.weight

    @property
    def src_table(self) -> nn.Embedding:
        return self.tgt_embedding if self.config.tie == "all" else self.src_embedding

    def embed_src(self, ids: Tensor) -> Tensor:
        """Source ids (...) -> (...,E)."""
        return self.embed(self.src_table, ids)

    def embed_tgt(self, ids: Tensor) -> Tensor:
        """Target ids (...) -> (...,E)."""
        return self.embed(self.tgt_embedding, ids)

    def embed(self, table: nn.Embedding, ids: Tensor) -> Tensor:
        # The output layer needs table entries of about E**-0.5, the cells need inputs of about 1. Without this factor
        # (Vaswani et al., 2017, section 3.4) the first epochs are spent on growing the inputs.
        embedded: Tensor = table(ids) * self.config.embedding_size**0.5
        return embedded

    def drop_words(self, embedded: Tensor, p: float) -> Tensor:
        """(B,S,E) with each token set to zero with probability p. The others are not scaled up: a missing word must
        not amplify its neighbours."""
        if not self.training or not p:
            return embedded
        return embedded * embedded.new_empty(*embedded.shape[:2], 1).bernoulli_(1 - p)

    def encode(self, src: Tensor, src_len: Tensor) -> Memory:
        """src (B,S), src_len (B,), at least 1 each -> the memory that the decoder attends to."""
        embedded = self.drop_words(self.embed_src(src), self.config.src_word_dropout)
        values, final = self.encoder(embedded, src_len)
        mask = torch.arange(src.shape[1], device=src.device) < src_len[:, None]  # (B, S)
        return Memory(values, self.decoder.attention.keys(values), mask, final)

    def forward(self, src: Tensor, src_len: Tensor, tgt_in: Tensor) -> tuple[Tensor, Tensor]:
        """tgt_in (N,T), equally many adjacent rows for each of B sources -> features (N,T,F) for the output layer,
        attention weights (N,A,T,S)."""
        memory = self.encode(src, src_len)
        if len(tgt_in) > len(src):
            sentences = torch.arange(len(src), device=src.device)
            memory = memory.select(sentences.repeat_interleave(len(tgt_in) // len(src)))
        embedded = self.drop_words(self.embed_tgt(tgt_in), self.config.tgt_word_dropout)
        features, weights = self.decoder(embedded, memory)
        return features, weights

    def loss(
        self,
        src: Tensor,
        src_len: Tensor,
        tgt_in: Tensor,
        tgt_out: Tensor,
        tgt_len: Tensor,
        real: Tensor | None = None,
        alignment: Tensor | None = None,
        smoothing: float = 0.0,
        r_drop: float = 0.0,
    ) -> tuple[Tensor, Tensor]:
        """Label-smoothed loss and nll, each summed over the batch's real target tokens, in nats. `real` (P,) holds
        their positions in tgt_out.flatten(). None: all positions are computed and padding is ignored, so the work
        depends only on the batch's shapes.

        With `r_drop` every sentence is read twice under different dropout, and the loss pulls the two predictions
        together (Liang et al., 2021, arXiv:2106.14448; see loss.py). `alignment` (B,T,S) is the attention that each
        source token should get; the cross-entropy of the attention to it is added.
        """
        passes = 2 if r_drop else 1
        features, weights = self(*(part.repeat(passes, *[1] * (part.ndim - 1)) for part in (src, src_len, tgt_in)))
        features = features.reshape(passes, -1, features.shape[-1])
        if real is None:
            is_padding = torch.arange(tgt_out.shape[1], device=tgt_len.device) >= tgt_len[:, None]
            targets = tgt_out.masked_fill(is_padding, IGNORED).flatten()
        else:
            features, targets = features.index_select(1, real), tgt_out.flatten().index_select(0, real)
        to_output = self.output_table, self.output_bias
        loss, nll = linear_cross_entropy(features, *to_output, targets, smoothing, r_drop, has_ignored=real is None)
        if alignment is not None:
            loss = loss + attention_cross_entropy(weights, alignment.repeat(passes, 1, 1)) / passes
        return loss, nll

    def token_log_probs(
        self,
        src: Tensor,
        src_len: Tensor,
        tgt_in: Tensor,
        tgt_out: Tensor,
        tgt_len: Tensor,
        real: Tensor,
    ) -> Tensor:
        """The log-probability of each target token (N,T) in one forced pass, as in a search over all pieces; 0 after
        the end. Targets as for `forward`; `real` (P,) holds the positions of real ones in tgt_out.flatten()."""
        features, _ = self(src, src_len, tgt_in)
        bias = self.output_bias.clone()
        for banned in self.banned:  # one by one: copying their list to a GPU would mean waiting for it
            bias[banned] = -torch.inf
        features, targets = (part.index_select(0, real) for part in (features.flatten(0, 1), tgt_out.flatten()))
        found = []
        for start in range(0, len(features), SCORED):
            some, labels = (part[start : start + SCORED] for part in (features, targets))
            logits = F.linear(some, self.output_table, bias).float()
            found.append(logits.gather(1, labels[:, None])[:, 0] - logits.logsumexp(-1))
        of_real = torch.cat(found)
        return of_real.new_zeros(tgt_out.numel()).index_copy(0, real, of_real).view(tgt_out.shape)
