"""A model's recurrent layers step by step, with the values of their gates and states.

In a copy of the model, the layers run one step at a time through `Recurrent.step`, as in search, and record the
inputs and outputs of the cell. This works for any cell, and autograd gives every state's gradient.

Dims: T steps, H hidden units.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import torch
from torch import Tensor, nn

from nmt.cells import Cell, State
from nmt.data.batching import pad
from nmt.data.tokenizer import BOS_ID
from nmt.inspection.gates import Call, HeldFixed, Place, gate_places, gate_values
from nmt.model.recurrent import NO_MASKS, Masks, Recurrent
from nmt.model.seq2seq import Seq2Seq

LONGEST_SHARE = 1 - 1e-6  # upper limit of the share kept per step, for half-lives
FOR_EVER = -math.log(2) / math.log(LONGEST_SHARE)  # tokens: 690,000
MOST = 700.0  # for m, so e^m stays finite


@dataclass(frozen=True)
class TracedStep:
    calls: Sequence[Call]  # one for each transition of the step
    state: State  # after it

    @property
    def after(self) -> list[State]:
        """The state after each transition."""
        return [*(state for _, _, state, _ in self.calls[1:]), self.state]


class Traced(Recurrent):
    """A layer with the weights of another that runs step by step and keeps each step in `steps`."""

    def __init__(self, layer: Recurrent) -> None:
        nn.Module.__init__(self)
        vars(self).update(vars(layer))
        self.calls: list[Call] = []  # of the current step
        self.steps: list[TracedStep] = []

    @staticmethod
    def side_by_side(
        layers: Sequence[Recurrent], inputs: Sequence[Tensor], states: Sequence[State]
    ) -> Sequence[Tensor]:
        outputs = []
        for layer, x, state in zip(layers, inputs, states, strict=True):
            of_layer = []
            for token in x.unbind(1):
                state = layer.step(token, state)
                of_layer.append(state[0])
            outputs.append(torch.stack(of_layer, 1))
        return outputs

    def step(self, x: Tensor, state: State, masks: Masks = NO_MASKS, beside: Tensor | None = None) -> State:
        self.calls.clear()
        after = super().step(x, state, masks, beside)
        self.steps.append(TracedStep(tuple(self.calls), after))
        return after

    def pointwise(self, *call: Any) -> State:
        self.calls.append(cast(Call, call))
        return super().pointwise(*call)


def traced(module: nn.Module) -> nn.Module:
    """A copy whose recurrent layers are `Traced`, with the weights of the original."""
    weights = {id(parameter): parameter for parameter in module.parameters()}
    layers = {id(layer): Traced(layer) for layer in module.modules() if type(layer) is Recurrent}
    return copy.deepcopy(module, {**weights, **layers})


@dataclass(frozen=True)
class LayerTrace:
    """One layer over one sentence, in text order, even if the layer read it backward."""

    name: str
    of_source: bool
    gates: dict[str, Tensor]  # after the nonlinearity, (T,H) each; as in the cell's equations, like the states
    states: dict[str, Tensor]  # (T,H) each; states wider than H are flattened
    kept: dict[str, Tensor]  # the share of each state that a step keeps, if not all zero; see `kept_of`
    steps: list[TracedStep] = field(repr=False)  # in reading order, with their graph if there is one


def trace(model: Seq2Seq, src: list[int], tgt: list[int]) -> tuple[list[LayerTrace], Tensor]:
    """Source ids with EOS and target ids without BOS and EOS -> every layer, and the features (T,F) for the output.

    The last of the T target steps predicts EOS.
    """
    device = model.output_bias.device
    copied = cast(Seq2Seq, traced(model))
    src_ids, src_len = (tensor.to(device) for tensor in pad([src]))
    features, _ = copied(src_ids, src_len, pad([[BOS_ID, *tgt]])[0].to(device))
    return list(_layers(copied)), features[0]


def _layers(model: Seq2Seq) -> Iterator[LayerTrace]:
    for depth, layers in enumerate(model.encoder.directions()):
        for layer, backward in zip(layers, model.config.encoder.backward(depth), strict=True):
            name = f"encoder layer {depth + 1}, {'back' if backward else 'for'}ward"
            yield layer_trace(cast(Traced, layer), name, True, backward)
    for depth in range(len(model.decoder.layers)):
        yield layer_trace(cast(Traced, model.decoder.layer(depth)), f"decoder layer {depth + 1}", False)


def layer_trace(layer: Traced, name: str, of_source: bool = True, backward: bool = False) -> LayerTrace:
    def in_order(rows: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
        ordered = list(reversed(rows)) if backward else rows
        return {key: torch.stack([row[key].detach().flatten() for row in ordered]) for key in rows[0]}

    cell, steps = layer.cell, layer.steps
    found = [gate_places(cell, call) for call in steps[0].calls]  # one for each transition
    gates = [_gates(cell, step, found) for step in steps]
    states = [in_full(cell, dict(zip(cell.states, step.state, strict=True)), step.state) for step in steps]
    kept = [kept_of(cell, step) for step in steps]
    left = {part: share for part, share in in_order(kept).items() if share.any()}
    return LayerTrace(name, of_source, in_order(gates), in_order(states), left, steps)


def _gates(cell: Cell, step: TracedStep, found: Sequence[Sequence[Place]]) -> dict[str, Tensor]:
    gates: dict[str, Tensor] = {}
    for i, (call, after, of_call) in enumerate(zip(step.calls, step.after, found, strict=True)):
        suffix = f" ({i + 1})" if i else ""
        values = {name: gate[None] for name, gate in gate_values(cell, call, of_call).items()}
        gates |= {f"{name}{suffix}": gate for name, gate in in_full(cell, values, after).items()}
    return gates


def in_full(cell: Cell, values: dict[str, Tensor], state: State) -> dict[str, Tensor]:
    """Gates or parts of the state by name (1,...) -> their values in the cell's equations, if the cell keeps them
    divided by e^m. m is the last part of the state after the transition."""
    return {
        name: value.double() * _like(state[-1].double().clamp(max=MOST).exp(), value)
        if name in cell.stabilised
        else value
        for name, value in values.items()
    }


def _like(m: Tensor, value: Tensor) -> Tensor:
    """m with trailing dimensions of 1, to match the value's number of dimensions."""
    return m[(..., *[None] * (value.ndim - m.ndim))]


def kept_of(cell: Cell, step: TracedStep) -> dict[str, Tensor]:
    """The share of each part of the state that a step keeps: ∂s'/∂s unit by unit, with gates and matrix products held
    fixed, for the state as in the cell's equations. It is the forget gate f for an LSTM's c and the update gate z for
    a GRU's h, but defined for every cell. It is zero for a part that each step computes anew, such as a simple RNN's
    h, and for the scale m, which holds nothing."""
    shares: list[Tensor] = []
    for (gates, x, state, parameters), reached in zip(step.calls, step.after, strict=True):
        before = [part.detach().requires_grad_() for part in state]
        with torch.enable_grad(), HeldFixed():
            after = cell.pointwise(gates.detach(), x.detach(), tuple(before), parameters)
            left = [
                torch.autograd.grad(part.sum(), start, retain_graph=True, allow_unused=True)[0]
                if part.requires_grad
                else None
                for part, start in zip(after, before, strict=True)
            ]
        known = [torch.zeros_like(s) if g is None else g for g, s in zip(left, before, strict=True)]
        if cell.stabilised:
            grown = torch.exp(reached[-1] - state[-1]).detach()
            known = [
                share * _like(grown, share) if name in cell.stabilised else share
                for name, share in zip(cell.states, known, strict=True)
            ]
            known[-1] = torch.zeros_like(known[-1])
        shares = known if not shares else [a * b for a, b in zip(shares, known, strict=True)]
    return dict(zip(cell.states, shares, strict=True))


def half_life(kept: Tensor) -> Tensor:
    """Shares kept (T,H) -> the steps until half of a unit's content is left (H,), from their geometric mean; at most
    FOR_EVER."""
    mean_log = kept.double().abs().clamp(1e-6, LONGEST_SHARE).log().mean(0)
    return -math.log(2) / mean_log
