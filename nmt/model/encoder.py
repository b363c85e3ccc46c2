"""The encoder: from source embeddings to one vector a token.

Nothing is packed. The forward direction may run over padding, because nothing real follows it; the backward
direction runs on rows reversed within their own length. So padding never changes a result.

Dims: B sentences, S source tokens, E embedding, M memory features.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from nmt.model.cells import Cell
from nmt.model.recurrent import Recurrent
from nmt.ranges import check_ranges


@dataclass(frozen=True)
class EncoderConfig:
    num_layers: int = 1
    bidirectional: bool = True  # each direction then has half of hidden_size
    residual: bool = True  # around every layer but the first (He et al., 2016; Wu et al., 2016)

    def __post_init__(self) -> None:
        check_ranges(self, num_layers=(1, 32))


def reverse_within_length(x: Tensor, length: Tensor) -> Tensor:
    """Turn the first `length` (B,) positions of each row of x (B,S,E) round; the rest stay. Its own inverse."""
    position = torch.arange(x.shape[1], device=x.device)
    mirrored = length[:, None] - 1 - position  # (B, S); negative on padding
    index = torch.where(mirrored >= 0, mirrored, position)
    index = index + torch.arange(0, index.numel(), x.shape[1], device=x.device)[:, None]
    return x.flatten(0, 1).index_select(0, index.flatten()).view_as(x)


class Encoder(nn.Module):
    """A stack of recurrent layers, each of one or two directions, all of them M wide."""

    def __init__(
        self,
        config: EncoderConfig,
        cell: Cell,
        input_size: int,
        hidden_size: int,
        dropout: float,
        recurrent_dropout: float,
    ) -> None:
        super().__init__()
        directions = 2 if config.bidirectional else 1
        if hidden_size % directions:
            raise ValueError(f"hidden_size is {hidden_size}; a bidirectional encoder halves it, so it must be even")
        self.config = config
        self.layers = nn.ModuleList(
            nn.ModuleList(
                Recurrent(
                    cell,
                    hidden_size if depth else input_size,
                    hidden_size // directions,
                    dropout,
                    recurrent_dropout,
                )
                for _ in range(directions)
            )
            for depth in range(config.num_layers)
        )

    def forward(self, x: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        """x (B,S,E), length (B,) -> values (B,S,M) and final (B,M).

        `final` holds each direction's last output on real tokens. Values on padding are meaningless.
        """
        last = (length - 1)[:, None, None]  # (B, 1, 1)
        for depth, directions in enumerate(cast(list[nn.ModuleList], self.layers)):
            below = x
            layers = cast(list[Recurrent], list(directions))
            inputs = [below, reverse_within_length(below, length)][: len(layers)]
            outputs = list(layers[0].side_by_side(layers, inputs, [layer.initial_state(len(x)) for layer in layers]))
            finals = [out.gather(1, last.expand(-1, 1, out.shape[2])) for out in outputs]
            outputs[1:] = [reverse_within_length(out, length) for out in outputs[1:]]
            x = torch.cat(outputs, -1)  # (B, S, M)
            if depth and self.config.residual:
                x = x + below
        return x, torch.cat(finals, -1)[:, 0]
