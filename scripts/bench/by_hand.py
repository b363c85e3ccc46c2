"""A straightforward model in plain torch, at the sizes of a config: the baseline for the cost of this project's
models. The encoder is a bidirectional nn.LSTM, the decoder an nn.LSTM with torch's attention, and the loss torch's
cross-entropy over the logits of all positions. The encoder also reads padding, because packed sequences are slower.

Dims: B sentences, S source tokens, T target tokens, H hidden units, V vocabulary.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nmt.model.seq2seq import ModelConfig


class ByHand(nn.Module):
    """Has the sizes, layers, dropout and tying of `config`. `loss` has the signature and meaning of Seq2Seq's."""

    def __init__(self, config: ModelConfig, src_vocab_size: int, tgt_vocab_size: int) -> None:
        super().__init__()
        embedding, hidden, dropout = config.embedding_size, config.hidden_size, config.dropout
        layers = config.encoder.num_layers, config.decoder.num_layers
        features = config.features_size or embedding
        self.tgt_embedding = nn.Embedding(tgt_vocab_size, embedding)
        self.src_embedding = self.tgt_embedding if config.tie == "all" else nn.Embedding(src_vocab_size, embedding)
        self.encoder, self.decoder = (
            nn.LSTM(
                embedding, size, number, batch_first=True, dropout=dropout if number > 1 else 0.0, bidirectional=two
            )
            for size, number, two in ((hidden // 2, layers[0], True), (hidden, layers[1], False))
        )
        self.bridge = nn.Linear(hidden, layers[1] * hidden)
        self.readout = nn.Linear(2 * hidden, features)
        self.output = nn.Linear(features, tgt_vocab_size)
        if config.tie != "none":
            self.output.weight = self.tgt_embedding.weight
        for table in {self.tgt_embedding, self.src_embedding}:
            nn.init.normal_(table.weight, std=embedding**-0.5)
        self.dropout, self.layers = nn.Dropout(dropout), layers[1]

    def loss(
        self,
        src: Tensor,
        src_len: Tensor,
        tgt_in: Tensor,
        tgt_out: Tensor,
        tgt_len: Tensor,
        real: Tensor,
        smoothing: float = 0.0,
        **_: Any,
    ) -> tuple[Tensor, Tensor]:
        """The smoothed loss and the negative log-likelihood, each summed over real target tokens."""
        mask = torch.arange(src.shape[1], device=src.device) < src_len[:, None]  # (B, S)
        values, (h, _state) = self.encoder(self.dropout(self.src_embedding(src)))  # (B, S, H)
        start = self.bridge(torch.cat([h[-2], h[-1]], -1)).tanh()
        start = start.view(len(src), self.layers, -1).transpose(0, 1).contiguous()
        hidden, _last = self.decoder(self.dropout(self.tgt_embedding(tgt_in)), (start, torch.zeros_like(start)))
        context = F.scaled_dot_product_attention(hidden, values, values, mask[:, None])  # (B, T, H)
        features = self.dropout(self.readout(torch.cat([hidden, context], -1)).tanh())
        padding = torch.arange(tgt_out.shape[1], device=src.device) >= tgt_len[:, None]
        target, logits = tgt_out.masked_fill(padding, -100).flatten(), self.output(features).flatten(0, 1)
        loss = F.cross_entropy(logits, target, reduction="sum", label_smoothing=smoothing)
        return loss, loss.detach()
