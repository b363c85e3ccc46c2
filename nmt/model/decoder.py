"""The decoder: recurrent layers and attention, wired in one of several ways (wirings.py), and the features
tanh(W [...]) for the output layer.

Dims: B sentences, N rows of one step, T target tokens, E embedding, H hidden units, F features for the output layer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, cast

import torch
from torch import Tensor, nn

from nmt.cells import Cell, tanh
from nmt.common.parts import made
from nmt.common.ranges import check_ranges
from nmt.model.attention import Attention, Memory
from nmt.model.recurrent import NO_MASKS, Dropout, Recurrent
from nmt.model.wirings import DECODERS, DecoderMasks, DecoderState


@dataclass(frozen=True)
class DecoderConfig:
    name: Annotated[str, DECODERS]  # how it is wired
    num_layers: int = 1  # recurrent layers
    residual: bool = True  # around every layer but the first
    context_gate: bool = False  # balances source and target in the features (Tu et al., 2017, arXiv:1608.06043)

    def __post_init__(self) -> None:
        check_ranges(self, num_layers=(1, 32))


class ConcatLinear(nn.Linear):
    """A linear layer over the concatenated features of its inputs."""

    def forward(self, *inputs: Tensor) -> Tensor:
        return super().forward(torch.cat(inputs, -1))


class Readout(ConcatLinear):
    """tanh(W [...] + b)"""

    def forward(self, *inputs: Tensor) -> Tensor:
        return tanh(super().forward(*inputs))


class GatedReadout(nn.Module):
    """The context gate of Tu et al. (2017), arXiv:1608.06043: for each feature, the balance between the source and
    the target so far.

    z = σ(G [h; ...; a])      tanh((1 - z) ⊙ (W [h; ...] + b) + z ⊙ C a)
    """

    def __init__(self, target_size: int, context_size: int, features_size: int) -> None:
        super().__init__()
        self.gate = ConcatLinear(target_size + context_size, features_size)
        self.of_target = ConcatLinear(target_size, features_size)
        self.of_context = nn.Linear(context_size, features_size, bias=False)

    def forward(self, *inputs: Tensor) -> Tensor:
        *target, context = inputs
        z = torch.sigmoid(self.gate(*inputs))
        return tanh(torch.lerp(self.of_target(*target), self.of_context(context), z))


class Decoder(nn.Module):
    """The trained modules: layers, bridge, attention, readout."""

    def __init__(
        self,
        config: DecoderConfig,
        cell: Cell,
        attention: Attention,
        input_size: int,
        hidden_size: int,
        features_size: int,
        dropout: Dropout,
        recurrent_dropout: Dropout,
    ) -> None:
        super().__init__()
        self.config = config
        self.wiring = made(f"the decoder {config.name!r}", DECODERS[config.name])
        self.attention = attention
        self.dropout = dropout
        self.features_size = features_size
        context_size = attention.context_size
        first, above, readout = self.wiring.sizes(input_size, hidden_size, features_size, context_size)
        self.layers = nn.ModuleList(
            Recurrent(cell, above if depth else first, hidden_size, dropout, recurrent_dropout)
            for depth in range(config.num_layers)
        )
        self.no_masks = DecoderMasks((NO_MASKS,) * config.num_layers)
        self.bridge = nn.Linear(hidden_size, config.num_layers * cell.num_initial_vectors * hidden_size)
        if config.context_gate:
            if not context_size:
                raise ValueError("decoder.context_gate is true, but attention=none has no context to gate")
            self.readout: nn.Module = GatedReadout(readout - context_size, context_size, features_size)
        else:
            self.readout = Readout(readout, features_size)

    def layer(self, depth: int) -> Recurrent:
        return cast(Recurrent, self.layers[depth])

    def initial_state(self, memory: Memory) -> DecoderState:
        return self.wiring.initial_state(self, memory)

    def masks(self, rows: int) -> DecoderMasks:
        """Draw the dropout masks of one sequence; outside training nothing is dropped."""
        if not self.training:
            return self.no_masks
        layers = tuple(self.layer(depth).masks(rows) for depth in range(len(self.layers)))
        return DecoderMasks(layers, self.features_mask(rows))

    def features_mask(self, rows: int) -> Tensor | None:
        return self.dropout.mask(rows, self.features_size, self.bridge.weight) if self.training else None  # (N, F)

    def features(self, inputs: list[Tensor], mask: Tensor | None) -> Tensor:
        features: Tensor = self.readout(*inputs)
        return features if mask is None else features * mask

    def step(self, x: Tensor, state: DecoderState, memory: Memory) -> tuple[Tensor, DecoderState, Tensor]:
        """As Wiring.step."""
        return self.wiring.step(self, x, state, memory, self.masks(len(x)))

    def forward(self, x: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
        """x (B,T,E) -> features (B,T,F), attention weights (B,A,T,S)."""
        return self.wiring.forward(self, x, memory)
