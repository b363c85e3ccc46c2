"""Three ways to wire the decoder's recurrent layers and attention together.

`forward` runs a whole target (teacher forcing; layer by layer if no step waits for attention, else step by step).
`step` runs one token (search). Both agree. A step works on any `DecoderParts`: those of the trained decoder, or those
made ready for search (nmt/engine). Nothing here holds the state of a step: `DecoderState` is a value.

Dims: B sentences, N rows of one step (B, or B*K hypotheses, those of a sentence side by side), T target tokens,
E embedding, H hidden units, M context features, F features for the output layer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

import torch
from torch import Tensor

from nmt.cells import Cell
from nmt.common.parts import Parts
from nmt.model.attention import Memory
from nmt.model.recurrent import Masks

if TYPE_CHECKING:
    from nmt.model.decoder import Decoder, DecoderConfig


@dataclass(frozen=True)
class DecoderState:
    layers: tuple[Any, ...]  # the state of every layer
    feed: Tensor | None = None  # (N, F): the features of the previous step, if they are fed back
    coverage: Tensor | None = None  # (N, S): the weight that source tokens have received, if attention uses it

    def tensors(self) -> list[Tensor]:
        """All its tensors, in order."""
        rest = [part for part in (self.feed, self.coverage) if part is not None]
        return [*chain.from_iterable(self.layers), *rest]

    def with_tensors(self, tensors: Iterator[Tensor]) -> DecoderState:
        """The same state with the next of other tensors."""
        layers = tuple(tuple(next(tensors) for _ in layer) for layer in self.layers)
        return DecoderState(layers, *(part if part is None else next(tensors) for part in (self.feed, self.coverage)))


class DecoderMasks(NamedTuple):
    """The dropout of one training sequence."""

    layers: tuple[Masks, ...]
    features: Tensor | None = None  # (N, F)


class StepLayer(Protocol):
    """A wiring's interface to a recurrent layer: one step."""

    @property
    def cell(self) -> Cell: ...

    def start(self, *vectors: Tensor) -> Any:
        """A state (see Cell.start), opaque to the wiring."""

    def output(self, state: Any) -> Tensor:
        """h (N,H)"""

    def step(self, x: Tensor, state: Any, masks: Masks, beside: Tensor | None = None) -> Any: ...


class StepAttention(Protocol):
    """A wiring's interface to attention."""

    @property
    def has_coverage(self) -> bool: ...

    def attend(self, query: Tensor, memory: Memory, coverage: Tensor | None = None) -> tuple[Tensor, Tensor]: ...


class DecoderParts(Protocol):
    """The parts that a wiring connects."""

    @property
    def config(self) -> DecoderConfig: ...
    @property
    def features_size(self) -> int: ...
    @property
    def attention(self) -> StepAttention: ...
    @property
    def bridge(self) -> Callable[[Tensor], Tensor]: ...

    def layer(self, depth: int) -> StepLayer: ...

    def features(self, inputs: list[Tensor], mask: Tensor | None) -> Tensor: ...


class Wiring:
    """The common part of all wirings. Subclasses define the connections in `sizes` and `step`."""

    embeds_once: ClassVar[bool] = False  # x enters the first layer and nothing else: search may look its products up

    def __init_subclass__(cls) -> None:
        """What another wiring declares, and its faster `forward`, do not hold for a step of one's own."""
        if "step" in vars(cls):
            for name in {"forward", "context_is_last", "embeds_once"} - set(vars(cls)):
                setattr(cls, name, getattr(Wiring, name))

    def context_is_last(self, num_layers: int) -> bool:
        """Whether the context enters the features, as their last input, and nothing else."""
        return False

    def sizes(self, inputs: int, hidden: int, features: int, context: int) -> tuple[int, int, int]:
        """The input sizes of the first layer, of the layers above it, and of the features."""
        raise NotImplementedError

    def initial_state(self, parts: DecoderParts, memory: Memory) -> DecoderState:
        """Every layer's state starts from tanh(W final), so any cell can follow any encoder
        (Bahdanau et al., 2015, appendix A.2.2)."""
        states = torch.tanh(parts.bridge(memory.final))  # (B, L * parts * H)
        count, num_layers = parts.layer(0).cell.num_initial_vectors, parts.config.num_layers
        given = states.chunk(num_layers * count, -1)
        layers = tuple(parts.layer(k).start(*given[k * count : (k + 1) * count]) for k in range(num_layers))
        covered = memory.values.new_zeros(memory.mask.shape) if parts.attention.has_coverage else None
        return DecoderState(layers, coverage=covered)

    def step(
        self, parts: DecoderParts, x: Tensor, state: DecoderState, memory: Memory, masks: DecoderMasks
    ) -> tuple[Tensor, DecoderState, Tensor]:
        """x (N,E) -> features (N,F), the new state, attention weights (N,A,S)."""
        raise NotImplementedError

    def forward(self, decoder: Decoder, x: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
        """As Decoder.forward; here a loop over `step`."""
        state = decoder.initial_state(memory)
        masks = decoder.masks(len(x))
        features, weights = [], []
        for token in x.unbind(1):
            feature, state, weight = self.step(decoder, token, state, memory, masks)
            features.append(feature)
            weights.append(weight)
        return torch.stack(features, 1), torch.stack(weights, 2)


def attend(
    parts: DecoderParts, query: Tensor, memory: Memory, state: DecoderState
) -> tuple[Tensor, Tensor, Tensor | None]:
    """query (N,D) -> context (N,M), weights (N,A,S) and the new coverage."""
    context, weights = parts.attention.attend(query, memory, state.coverage)
    return context, weights, None if state.coverage is None else state.coverage + weights.mean(1)


def upper_layers(
    parts: DecoderParts, x: Tensor, beside: Tensor | None, state: DecoderState, masks: DecoderMasks
) -> tuple[Tensor, tuple[Any, ...]]:
    """One step of every layer but the first: x (N,H), and `beside` as a further input of each layer -> the top
    layer's output (N,H) and the new states."""
    states = []
    for depth in range(1, len(state.layers)):
        layer = parts.layer(depth)
        states.append(layer.step(x, state.layers[depth], masks.layers[depth], beside))
        x = layer.output(states[-1]) + x if parts.config.residual else layer.output(states[-1])
    return x, tuple(states)


class GNMT(Wiring):
    """Wu et al. (2016), arXiv:1609.08144: the first layer's output is the query (there that of the step before), the
    context feeds all above it.

    h¹_t = cell(y_{t-1}, h¹_{t-1})      a_t = attention(h¹_t)
    hˡ_t = cell([hˡ⁻¹_t; a_t], hˡ_{t-1})     features_t = tanh(W [h_t; a_t])

    Nothing feeds back into the first layer, so in training every layer is one call over all T.
    """

    embeds_once = True

    def context_is_last(self, num_layers: int) -> bool:
        return num_layers == 1

    def sizes(self, inputs: int, hidden: int, features: int, context: int) -> tuple[int, int, int]:
        return inputs, hidden + context, hidden + context

    def forward(self, decoder: Decoder, x: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
        if decoder.attention.has_coverage:  # each step needs the previous ones
            return super().forward(decoder, x, memory)
        state = decoder.initial_state(memory)
        x = decoder.layer(0)(x, state.layers[0])  # (B, T, H)
        context, weights = decoder.attention(x, memory)  # (B, T, M)
        for depth in range(1, len(state.layers)):
            out = decoder.layer(depth)(torch.cat([x, context], -1), state.layers[depth])
            x = out + x if decoder.config.residual else out
        mask = decoder.features_mask(len(x))
        return decoder.features([x, context], None if mask is None else mask[:, None]), weights

    def step(
        self, parts: DecoderParts, x: Tensor, state: DecoderState, memory: Memory, masks: DecoderMasks
    ) -> tuple[Tensor, DecoderState, Tensor]:
        first = parts.layer(0).step(x, state.layers[0], masks.layers[0])
        h = parts.layer(0).output(first)
        context, weights, coverage = attend(parts, h, memory, state)
        top, above = upper_layers(parts, h, context, state, masks)
        features = parts.features([top, context], masks.features)
        return features, DecoderState((first, *above), coverage=coverage), weights


class InputFeeding(Wiring):
    """Luong, Pham & Manning (2015), arXiv:1508.04025, section 3.3: the features enter the next step.

    h_t = cells([y_{t-1}; features_{t-1}], h_{t-1})     a_t = attention(h_t)
    features_t = tanh(W [h_t; a_t])
    """

    embeds_once = True

    def context_is_last(self, num_layers: int) -> bool:
        return True

    def sizes(self, inputs: int, hidden: int, features: int, context: int) -> tuple[int, int, int]:
        return inputs + features, hidden, hidden + context

    def initial_state(self, parts: DecoderParts, memory: Memory) -> DecoderState:
        state = super().initial_state(parts, memory)
        return replace(state, feed=memory.final.new_zeros(len(memory.final), parts.features_size))

    def step(
        self, parts: DecoderParts, x: Tensor, state: DecoderState, memory: Memory, masks: DecoderMasks
    ) -> tuple[Tensor, DecoderState, Tensor]:
        first = parts.layer(0).step(x, state.layers[0], masks.layers[0], state.feed)
        top, above = upper_layers(parts, parts.layer(0).output(first), None, state, masks)
        context, weights, coverage = attend(parts, top, memory, state)
        features = parts.features([top, context], masks.features)
        return features, DecoderState((first, *above), features, coverage), weights


class Bahdanau(Wiring):
    """Bahdanau, Cho & Bengio (2015), arXiv:1409.0473: the previous state is the query, the context enters the cell.

    a_t = attention(h_{t-1})     h_t = cells([y_{t-1}; a_t], h_{t-1})
    features_t = tanh(W [h_t; y_{t-1}; a_t])     (the paper's "deep output", with tanh for its maxout)

    With several layers, the top layer's state is the query.
    """

    def sizes(self, inputs: int, hidden: int, features: int, context: int) -> tuple[int, int, int]:
        return inputs + context, hidden, hidden + inputs + context

    def step(
        self, parts: DecoderParts, x: Tensor, state: DecoderState, memory: Memory, masks: DecoderMasks
    ) -> tuple[Tensor, DecoderState, Tensor]:
        top_layer = parts.layer(len(state.layers) - 1)
        context, weights, coverage = attend(parts, top_layer.output(state.layers[-1]), memory, state)
        first = parts.layer(0).step(x, state.layers[0], masks.layers[0], context)
        top, above = upper_layers(parts, parts.layer(0).output(first), None, state, masks)
        features = parts.features([top, x, context], masks.features)
        return features, DecoderState((first, *above), coverage=coverage), weights


DECODERS: Parts[type[Wiring]] = Parts(
    "nmt.decoders",
    type[Wiring],
    {"gnmt": GNMT, "input_feeding": InputFeeding, "bahdanau": Bahdanau},
    "model.decoder.name",
)
