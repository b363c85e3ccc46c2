"""The loop in graphs: here what stands for a graph is the work itself, done anew."""

from __future__ import annotations

import pytest
import torch
import toy

from nmt.kernels.graphs import Graphs
from nmt.model import loop as loop_module
from nmt.model.recurrent import Recurrent, loop

B, T, E, H = 2, 5, 3, 4
CPU = torch.device("cpu")


class FakeGraph:
    def __init__(self, work):
        self.replay = work


@pytest.fixture
def graphs(monkeypatch):
    made = Graphs(CPU, FakeGraph, 1 << 20, most=4)
    monkeypatch.setattr(loop_module, "space", lambda device, can_be_captured, key: made.space(key))
    return made


def captured(graphs):
    return sum(entry.graph is not None for entry in graphs.entries.values())


def values_and_gradients(cell, seed, steps=T):
    torch.manual_seed(seed)
    layers = [Recurrent(cell, E, H) for _ in range(2)]
    inputs = [torch.randn(B, steps, E, requires_grad=True) for _ in layers]
    states = [cell.start(*torch.randn(cell.given, B, H)) for _ in layers]
    masks = [torch.randint(0, 2, (B, H)) * 2.0 for _ in layers]
    outputs = torch.stack(list(loop(layers, inputs, states, masks)))
    (outputs * torch.randn(outputs.shape)).sum().backward()
    gradients = [x.grad for x in inputs] + [parameter.grad for one in layers for parameter in one.parameters()]
    return [outputs, *gradients]


@pytest.mark.parametrize("name", ["gru, depth 3", "gru_reset_before", "lstm_ln, depth 2"])
def test_with_a_graph_all_is_as_without(name, request):
    expected = [values_and_gradients(toy.CELL_KINDS[name], seed) for seed in range(5)]
    graphs = request.getfixturevalue("graphs")
    found = [values_and_gradients(toy.CELL_KINDS[name], seed) for seed in range(5)]
    assert captured(graphs) == 2  # forward and backward; the first time without
    for pair in zip(expected, found, strict=True):
        assert all(x.equal(y) for x, y in zip(*pair, strict=True))


def test_those_not_used_for_longest_go_first(graphs):
    cell = toy.CELL_KINDS["rnn"]
    for steps in (1, 1, 2, 2, 1, 3):
        values_and_gradients(cell, 0, steps)
    assert [key[0] for key in graphs.entries] == ["forward", "backward"] * 2
    assert captured(graphs) == 2  # of 1 step; that of 2 is gone, and 3 was there once


def test_the_shared_memory_is_as_large_as_the_largest_needs(graphs):
    with graphs.space("small") as here:
        here.new(3, dtype=torch.float32)
    with graphs.space("large") as here:
        here.new(300, dtype=torch.float32)
    for key in ("small", "large", "small"):
        with graphs.space(key) as here:
            x = here.new(3, dtype=torch.float32).zero_()
            here.run(lambda x=x: x.add_(1))
            assert here.take(x).tolist() == [1, 1, 1]
    assert 1536 <= len(graphs.memory) <= 2 * 1536
    assert captured(graphs) == 2


def test_what_needs_too_much_memory_runs_without(graphs):
    graphs.most_bytes = 1000
    for _ in range(3):
        with graphs.space("large") as here:
            x = here.new(300, dtype=torch.float32).zero_()
            here.run(lambda x=x: x.add_(1))
            assert here.take(x).sum() == 300
    assert len(graphs.memory) == captured(graphs) == 0


@torch.inference_mode()
def first_in_search(cell):
    for _ in range(2):
        layer = Recurrent(cell, E, H)
        loop([layer], [torch.randn(B, T, E)], [layer.initial_state(B)], [None])


def test_memory_made_in_search_serves_in_training(graphs):
    cell = toy.CELL_KINDS["lstm_ln"]
    graphs.capture = lambda work: FakeGraph(lambda: None)
    first_in_search(cell)
    assert captured(graphs) == 1
    for _ in range(3):
        layer = Recurrent(cell, E, H)
        loop([layer], [torch.randn(B, T, E)], [layer.initial_state(B)], [None])[0].sum().backward()


def test_a_device_that_cannot_capture_goes_on_without_after_one_warning(graphs, caplog):
    def fails(work):
        raise RuntimeError("operation not permitted\nwhen a stream is capturing")

    cell = toy.CELL_KINDS["lstm_ln"]
    expected = values_and_gradients(cell, 7)
    graphs.capture = fails
    found = [values_and_gradients(cell, 7) for _ in range(3)]
    assert [record.message for record in caplog.records] == [
        "the loop over time runs on cpu without CUDA graphs, which fail here: operation not permitted"
    ]
    assert all(x.equal(y) for one in found for x, y in zip(one, expected, strict=True))
