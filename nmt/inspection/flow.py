"""How far back a gradient reaches: the norm of ∂ loss_T / ∂ state_t over the distance T - t.

The state is everything that a step hands to the next one: for an LSTM h and c together. h alone would miss the path
through the cell, the very point of an LSTM. The state is taken as handed on: for sLSTM and mLSTM it has c and n
divided by e^m, and m itself.

Dims: T steps, H hidden units.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from nmt.bundle import build_model
from nmt.data.tokenizer import EOS_ID
from nmt.inspection.trace import TracedStep, trace
from nmt.model.seq2seq import Seq2Seq
from nmt.translation.translator import Translator

ENDS = 12  # at most this many T per sentence


def flow(loss: Tensor, layers: Sequence[Sequence[TracedStep]], ends: Tensor | None = None) -> list[float]:
    """Norms of the gradient of a scalar with respect to the states of all layers after each step, the last step
    first: distance 0, 1, 2, ... If the rows' losses are at different steps, `ends` (B,) gives the steps; the result
    then has the distances that every row has."""
    states = [[part for steps in layers for part in steps[t].state] for t in range(len(layers[0]))]
    wanted = [part for parts in states for part in parts if part.requires_grad]  # a count of the steps does not
    grads = iter(torch.autograd.grad(loss, wanted, retain_graph=True, allow_unused=True))
    squares = []  # of each step and row
    for parts in states:
        of_step = [grad for grad in (next(grads) for part in parts if part.requires_grad) if grad is not None]
        total = torch.zeros(len(parts[0]), dtype=torch.double, device=loss.device)
        squares.append(sum((grad.double().square().flatten(1).sum(1) for grad in of_step), total))
    found = torch.stack(squares)  # (T, B)
    last = torch.full_like(found[0], len(found) - 1, dtype=torch.long) if ends is None else ends
    steps = last - torch.arange(int(last.min()) + 1, device=last.device)[:, None]
    norms: list[float] = found.gather(0, steps).sum(1).sqrt().tolist()
    return norms


def sentence_flow(model: Seq2Seq, src: list[int], tgt: list[int]) -> dict[str, list[float]]:
    """ "decoder": for the loss of target token T, the geometric mean over many T. "encoder": for the loss of the
    whole sentence, over the distance from each layer's last step (attention reaches every step directly)."""
    with torch.enable_grad():
        layers, features = trace(model, src, tgt)
        logits = F.linear(features, model.output_table, model.output_bias)
        labels = torch.tensor([*tgt, EOS_ID], device=logits.device)
        losses = F.cross_entropy(logits, labels, reduction="none")  # (T,)
        decoder = [layer.steps for layer in layers if not layer.of_source]
        ends = sorted({len(tgt) - i * max(1, len(tgt) // ENDS) for i in range(min(ENDS, len(tgt) + 1))})
        found = [flow(losses[end], [steps[: end + 1] for steps in decoder]) for end in ends]
        encoder = [flow(losses.sum(), [layer.steps]) for layer in layers if layer.of_source]
    return {"encoder": mean_by_distance(encoder), "decoder": mean_by_distance(found)}


def mean_by_distance(norms: Sequence[Sequence[float]]) -> list[float]:
    """The geometric mean at each distance, over those lists that are long enough; 0 where one of them has 0."""
    longest = max(map(len, norms))
    columns = [[row[i] for row in norms if len(row) > i] for i in range(longest)]
    return [float(torch.tensor(column, dtype=torch.float64).log().mean().exp()) for column in columns]


def untrained(translator: Translator) -> Seq2Seq:
    """An untrained model of the same config; leaves the global generator unchanged."""
    device = translator.device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(1)
        return build_model(translator.model.config, translator.tokenizer).to(device).eval()
