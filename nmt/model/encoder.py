"""The encoder: from source embeddings to one vector per token.

Sequences are not packed. The forward direction may run over padding, because no real token follows it; the backward
direction reads each row reversed within its own length. So padding never changes a result.

Dims: B sentences, S source tokens, E embedding, M memory features.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, cast

import torch
from torch import Tensor, nn

from nmt.cells import Cell, State
from nmt.common.ranges import check_ranges
from nmt.model.recurrent import NO_DROPOUT, Dropout, Recurrent


@dataclass(frozen=True)
class EncoderConfig:
    num_layers: int = 1  # recurrent layers
    # "bidirectional": every layer reads both ways, half of hidden_size each. "unidirectional": all read forward.
    # "alternating": every second layer reads backward (Zhou et al., 2016, arXiv:1606.04199).
    direction: Literal["bidirectional", "unidirectional", "alternating"] = "bidirectional"
    residual: bool = True  # around every layer but the first (He et al., 2016; Wu et al., 2016)
    # The decoder sees a learned mean of all layers, not only of the top one (Bapna et al., 2018, arXiv:1808.07561).
    transparent: bool = False

    def __post_init__(self) -> None:
        check_ranges(self, num_layers=(1, 32))

    def backward(self, depth: int) -> tuple[bool, ...]:
        """For each direction of a layer, whether it reads backward."""
        if self.direction == "bidirectional":
            return False, True
        return (self.direction == "alternating" and depth % 2 == 1,)


def reversal_index(length: Tensor, steps: int) -> Tensor:
    """Indices (B*S,) into B concatenated rows of S steps: they reverse the first `length` (B,) steps of each row and
    keep the rest."""
    position = torch.arange(steps, device=length.device)
    index = length[:, None] - 1 - position  # (B, S); negative on padding
    index = torch.where(index >= 0, index, position)
    return (index + torch.arange(0, index.numel(), steps, device=length.device)[:, None]).flatten()


def reverse_sequences(x: Tensor, mirror: Tensor) -> Tensor:
    """Reverse the sequences of x (B,S,...); its own inverse."""
    return x.flatten(0, 1).index_select(0, mirror).view_as(x)


class Encoder(nn.Module):
    """A stack of recurrent layers of one or two directions, each layer M wide."""

    def __init__(
        self,
        config: EncoderConfig,
        cell: Cell,
        input_size: int,
        hidden_size: int,
        dropout: Dropout = NO_DROPOUT,
        recurrent_dropout: Dropout = NO_DROPOUT,
    ) -> None:
        super().__init__()
        directions = len(config.backward(0))
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
        if config.transparent:
            self.mix = nn.Parameter(torch.zeros(config.num_layers))

    def forward(self, x: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        """As `run_layers`."""
        return run_layers(self.config, self.directions(), self.mix if self.config.transparent else None, x, length)

    def directions(self) -> list[list[Recurrent]]:
        """The layers of each depth."""
        return [cast(list[Recurrent], list(cast(nn.ModuleList, directions))) for directions in self.layers]


class SequenceLayer(Protocol):
    """The encoder's interface to a layer, a trained or a packed one (nmt/engine): all steps of a sequence."""

    def initial_state(self, rows: int) -> State: ...

    @property
    def side_by_side(self) -> Callable[[Sequence[Any], Sequence[Tensor], Sequence[State]], Sequence[Tensor]]: ...


def run_layers(
    config: EncoderConfig, layers: Sequence[Sequence[SequenceLayer]], mix: Tensor | None, x: Tensor, length: Tensor
) -> tuple[Tensor, Tensor]:
    """x (B,S,E), length (B,), the layers' directions and, for a mean of all layers, its logits (L,) -> values (B,S,M)
    and final (B,M).

    `final` holds each direction's last output on real tokens. Values on padding are meaningless.
    """
    last, mirror = (length - 1)[:, None, None], reversal_index(length, x.shape[1])  # (B, 1, 1), (B*S,)
    of_layers = []
    for depth, directions in enumerate(layers):
        below, backward = x, config.backward(depth)
        inputs = [reverse_sequences(x, mirror) if back else x for back in backward]
        states = [layer.initial_state(len(x)) for layer in directions]
        outputs = directions[0].side_by_side(directions, inputs, states)
        finals = [out.gather(1, last.expand(-1, 1, out.shape[2])) for out in outputs]
        directions_of = zip(outputs, backward, strict=True)
        x = torch.cat([reverse_sequences(out, mirror) if back else out for out, back in directions_of], -1)
        if depth and config.residual:
            x = x + below
        of_layers.append(x)  # (B, S, M)
    if mix is not None:
        x = torch.einsum("l,lbsm->bsm", mix.softmax(0), torch.stack(of_layers))
    return x, torch.cat(finals, -1)[:, 0]
