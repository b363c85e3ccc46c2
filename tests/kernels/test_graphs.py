"""The loop in graphs: here what stands for a graph is the work itself, done anew."""

from __future__ import annotations

import pytest
import torch
import toy

from nmt.kernels.graphs import Graphs, graphs_of
from nmt.model import loop as loop_module
from nmt.model.recurrent import Recurrent, loop

B, T, E, H = 2, 5, 3, 4
CPU = torch.device("cpu")
on_a_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="it takes a GPU")


class FakeGraph:
    def __init__(self, work, beside):
        self.replay, self.beside = work, beside


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


def test_a_graph_shares_memory_with_one_that_is_there(graphs):
    def graph_of(name, count):
        for _ in range(2):
            with graphs.space(name) as here:
                here.new(count, dtype=torch.float32)
                here.run(lambda: None)
        return graphs.entries[name].graph

    first, second = graph_of("first", 300), graph_of("second", 300)
    assert (first.beside, second.beside) == (None, first)
    assert graph_of("larger than both", 3000).beside is None  # for which these are gone


@on_a_gpu
def test_on_a_gpu_graphs_give_what_the_work_gives_also_after_all_are_gone():
    device = torch.device("cuda", 0)
    graphs = graphs_of(device, -1)
    for size in (3, 3, 3, 50_000, 50_000, 3, 3):
        with graphs.space(size) as here:
            x = here.put(torch.ones(size, device=device))
            here.run(lambda x=x: x.add_(x * 2))
            assert here.take(x).eq(3).all()
    assert captured(graphs) == 2
    assert not graphs.is_off


@on_a_gpu
def test_on_a_gpu_a_failing_capture_leaves_random_numbers_and_all_else_as_they_were(caplog):
    device = torch.device("cuda", 0)
    graphs = graphs_of(device, -2)
    torch.cuda.manual_seed(1)
    expected = torch.rand(5, device=device)
    torch.cuda.manual_seed(1)
    for _ in range(3):
        with graphs.space("not to be captured") as here:
            x = here.put(torch.ones(3, device=device))
            here.run(lambda x=x: x.mul_(x.sum().item()))
            assert here.take(x).tolist() == [3, 3, 3]
    assert graphs.is_off
    assert len(caplog.records) == 1
    assert torch.rand(5, device=device).equal(expected)


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
    graphs.capture = lambda work, beside: FakeGraph(lambda: None, beside)
    first_in_search(cell)
    assert captured(graphs) == 1
    for _ in range(3):
        layer = Recurrent(cell, E, H)
        loop([layer], [torch.randn(B, T, E)], [layer.initial_state(B)], [None])[0].sum().backward()


def test_a_device_that_cannot_capture_goes_on_without_after_one_warning(graphs, caplog):
    def fails(work, beside):
        raise RuntimeError("operation not permitted\nwhen a stream is capturing")

    cell = toy.CELL_KINDS["lstm_ln"]
    expected = values_and_gradients(cell, 7)
    graphs.capture = fails
    found = [values_and_gradients(cell, 7) for _ in range(3)]
    assert [record.message for record in caplog.records] == [
        "the loop over time runs on cpu without CUDA graphs, which fail here: operation not permitted"
    ]
    assert all(x.equal(y) for one in found for x, y in zip(one, expected, strict=True))
