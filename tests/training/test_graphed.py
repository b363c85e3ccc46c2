"""The loss in graphs: on a GPU where there is one, else what stands for a graph is the work itself, done anew."""

from __future__ import annotations

import pytest
import torch
import toy
from graphs_here import NOT_PINNED, WAITED_FOR, FakeGraph, Met

from nmt.data.batching import collate, in_few_shapes
from nmt.kernels.graphs import Graphs
from nmt.training import graphed
from nmt.training.graphed import GraphedLoss

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
STEPS = 4


@pytest.fixture
def graphs(monkeypatch):
    monkeypatch.setattr(GraphedLoss, "takes", lambda self, device: True)
    if DEVICE.type == "cpu":
        monkeypatch.setattr(graphed, "graphs_on", lambda device, what: Graphs(what, FakeGraph))


def batches():
    for step in range(STEPS):
        src = [toy.sources([n], toy.VOCAB)[0][0].tolist() for n in (5, 3, 4 - step % 2)]
        yield collate(src, [[2, 7, 5 + step, 9, 3], [2, 6, 3], [2, 3]])


def trained(model, loss):
    model = model.to(DEVICE).train()
    optimizer, losses = torch.optim.AdamW(model.parameters(), 0.01), []
    for step, batch in enumerate(batches()):
        torch.manual_seed(step)
        model.dropout.rise(step / STEPS)  # which a graph must see
        batch = [part.to(DEVICE) for part in in_few_shapes(batch)]
        alignment = torch.rand(*batch[3].shape, batch[0].shape[1]).double().to(DEVICE) / 9 if step % 2 else None
        found, nll = loss(type(in_few_shapes(next(batches())))(*batch), alignment, smoothing=0.1, r_drop=0.0)
        (found / 3).backward()
        optimizer.step()
        optimizer.zero_grad()
        losses += [found.detach(), nll]
    return [*losses, *(parameter.detach() for parameter in model.parameters())]


@pytest.mark.parametrize("wiring", ["gnmt", "input_feeding", "bahdanau"])
@pytest.mark.parametrize("cell", ["lstm_ln", "gru_reset_before", "ssru", "mlstm"])
def test_training_is_the_same_with_graphs_as_without(cell, wiring, graphs):
    def made():
        torch.manual_seed(0)
        return toy.model(cell, wiring, "additive", dropout=0.4, initial_dropout=0.1)

    model = made()
    by_graphs = GraphedLoss(model)
    found = trained(model, by_graphs)
    assert sum(entry.graph is not None for entry in by_graphs.graphs.entries.values()) >= 1
    other = made()
    plain = trained(other, lambda batch, alignment, **of: other.loss(*batch[:-1], None, alignment, **of))
    torch.testing.assert_close(found, plain, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("cell", "wiring"),
    [*((cell, "gnmt") for cell in sorted(toy.CELL_KINDS)), ("lstm", "input_feeding"), ("lstm", "bahdanau")],
)
def test_nothing_of_a_training_step_is_out_of_place_in_a_graph(cell, wiring, graphs):
    model = toy.model(cell, wiring, "additive", dropout=0.2, initial_dropout=0.1).to(DEVICE).train()
    loss, (batch, *_) = GraphedLoss(model), batches()
    batch = type(batch)(*(part.to(DEVICE) for part in batch))
    loss(batch, smoothing=0.1, r_drop=5.0)  # the first time, which may try kernels
    with Met(WAITED_FOR | NOT_PINNED) as mode:
        loss(batch, smoothing=0.1, r_drop=5.0)[0].backward()
    assert mode.found == []


def test_the_gradient_is_handed_over_as_often_as_it_is_asked_for_and_adds_up(graphs):
    model = toy.model().to(DEVICE).train()
    loss, (batch, *_) = GraphedLoss(model), batches()
    batch = type(batch)(*(part.to(DEVICE) for part in batch))
    for _ in range(3):
        (loss(batch, smoothing=0.0, r_drop=0.0)[0] * 2).backward()
    once = torch.autograd.grad(model.loss(*batch)[0], list(model.parameters()))
    for parameter, grad in zip(model.parameters(), once, strict=True):
        torch.testing.assert_close(parameter.grad, 6 * grad)
