"""Graphs: here what stands for one is the work itself, done anew."""

from __future__ import annotations

import pytest
import torch

from nmt.kernels.graphs import Graphs, graphs_on

on_a_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="it takes a GPU")


class FakeGraph:
    def __init__(self, done, beside):
        self.replay, self.beside = done, beside


@pytest.fixture
def graphs():
    return Graphs("training", FakeGraph, most=2)


def twice(x, y):
    return 2 * x, x + y


def captured(graphs):
    return [entry.graph for entry in graphs.entries.values() if entry.graph is not None]


def test_with_a_graph_results_are_what_they_are_without(graphs):
    for n in (3.0, 4.0, 5.0):
        found = graphs.run("twice", twice, torch.full((2,), n), torch.ones(2))
        assert [part.tolist() for part in found] == [[2 * n] * 2, [n + 1] * 2]
    assert len(captured(graphs)) == 1  # the first time without


def test_one_graph_a_shape_and_key_and_those_not_used_for_longest_go_first(graphs):
    for key, size in (("a", 1), ("a", 1), ("a", 2), ("a", 2), ("a", 1), ("b", 1)):
        assert graphs.run(key, twice, *torch.ones(2, size))[0].sum() == 2 * size
    assert [(key, shapes[0][0][0]) for key, shapes in graphs.entries] == [("a", 1), ("b", 1)]
    assert len(captured(graphs)) == 1  # that of ("a", 2) is gone, and ("b", 1) was there once


def test_graphs_share_memory(graphs):
    for key in ("a", "a", "b", "b"):
        graphs.run(key, twice, *torch.ones(2, 3))
    first, second = captured(graphs)
    assert (first.beside, second.beside) == (None, first)
    one, other = (entry.outputs for entry in graphs.entries.values())
    assert one is other


def test_what_graphs_read_and_write_is_bounded(graphs):
    graphs.most, graphs.most_bytes = 100, 4 * 4 * 300  # two inputs and two outputs of 300 numbers each
    for size in (300, 300, 200, 200, 300, 100):
        graphs.run("a", twice, *torch.ones(2, size))
    assert [shapes[0][0][0] for _, shapes in graphs.entries] == [300, 100]
    assert len(graphs.outputs) == 2


def test_a_graph_made_in_inference_serves_in_training(graphs):
    x = torch.ones(2, 3)
    with torch.inference_mode():
        for _ in range(2):
            graphs.run("a", twice, *x.clone())
    weight = torch.ones(3, requires_grad=True)
    (graphs.run("a", twice, *x)[0] * weight).sum().backward()
    assert weight.grad.tolist() == [2, 2, 2]


def test_a_device_that_cannot_capture_goes_on_without_and_keeps_nothing_after_one_warning(graphs, caplog):
    def fails(done, beside):
        raise RuntimeError("operation not permitted\nwhen a stream is capturing")

    graphs.capture = fails
    for _ in range(4):
        assert graphs.run("a", twice, *torch.ones(2, 3))[0].sum() == 6
    assert caplog.messages == ["training goes on without CUDA graphs, which fail here: operation not permitted"]
    assert not graphs.entries
    assert not graphs.outputs


@on_a_gpu
def test_on_a_gpu_results_and_random_numbers_are_what_they_are_without():
    x = torch.ones(2, 1000, device="cuda")
    graphs = graphs_on(x.device, "training")

    def drawn(x):
        return [x * torch.rand_like(x), x.bernoulli(0.5) + torch.rand(3, device=x.device).sum()]

    for seed in range(5):
        torch.manual_seed(seed)
        expected = [*drawn(x), torch.rand(2, device="cuda")]
        torch.manual_seed(seed)
        found = [*graphs.run("drawn", drawn, x), torch.rand(2, device="cuda")]
        assert all(map(torch.equal, found, expected))
    graphs.entries.clear()  # with it the memory of all goes
    for _ in range(3):
        assert graphs.run("twice", twice, *x)[0].sum() == 2000
    assert len(captured(graphs)) == 1


@on_a_gpu
def test_on_a_gpu_a_failing_capture_leaves_random_numbers_and_all_else_as_they_were(caplog):
    x = torch.ones(3, device="cuda")
    graphs = graphs_on(x.device, "training")
    torch.manual_seed(1)
    expected = torch.rand(5, device="cuda")
    torch.manual_seed(1)
    for _ in range(3):
        found = graphs.run("waits", lambda x: [x * x.sum().item()], x)
        assert found[0].tolist() == [3, 3, 3]
    assert graphs.is_off
    assert len(caplog.records) == 1
    assert torch.rand(5, device="cuda").equal(expected)
