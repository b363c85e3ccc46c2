"""Beams in tensors, and in C, against each other over random models; with and without what stands for a graph."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import instruction_sets
import pytest
import torch
from graphs_here import FakeGraph

from nmt import native
from nmt.kernels.graphs import Graphs
from nmt.search import Beam, Greedy, Sample, SearchRequest, beam_state, on_device
from nmt.search.changed import as_beam, is_plain_beam

BOS, EOS, V, MAX, S = 2, 3, 7, 9, 4


@dataclass(frozen=True)
class Chain:
    """The rows' sentence, and the token before the last; what they attend to is made up of both."""

    table: torch.Tensor  # (B, V, V, V) of the sentences
    before: torch.Tensor
    attended: torch.Tensor | None = None

    def select(self, rows, sentences=None):
        table = self.table if sentences is None else self.table[sentences]
        return Chain(table, self.before[rows], None if self.attended is None else self.attended[rows])

    def parts(self):
        return [self.table], [part for part in (self.before, self.attended) if part is not None]

    def with_parts(self, read, changed):
        return Chain(next(read), next(changed), self.attended if self.attended is None else next(changed))


def step(ids, state):
    width = len(ids) // len(state.table)
    logits = state.table[torch.arange(len(ids)) // width, state.before, ids]
    attended = None if state.attended is None else state.attended + logits[:, :S].sigmoid() / 3
    return logits.clone(), Chain(state.table, ids, attended)


def model(sentences, seed, sees_attention):
    table = torch.randn(sentences, V, V, V, generator=torch.Generator().manual_seed(seed)) * 2
    table[..., BOS] = -math.inf
    table[..., EOS] += 1
    table[:1, :, 5] = -math.inf  # of the first sentence, after a 5 nothing is likely
    table[5 % sentences, 4, :, :] = math.nan
    before = torch.full((sentences,), BOS)
    return Chain(table, before, torch.zeros(sentences, S) if sees_attention else None)


def both(search, sentences, seed, run):
    limits = torch.arange(sentences) % (MAX + 1)
    limits[limits == 0] = 1
    request = SearchRequest(limits, BOS, EOS)
    expected = search(step, model(sentences, seed, search.sees_attention), request)
    search = as_beam(search)
    state = model(sentences, seed, search.sees_attention)
    state = state.select(torch.arange(sentences * search.beam_size) // search.beam_size)
    beams = beam_state.begun(limits, BOS, search.beam_size, MAX)
    return expected, search.sorted_hypotheses(on_device.find(search.rule(EOS), step, state, beams, run))


def assert_alike(found, expected):
    assert [[(h.ids, h.length) for h in one] for one in found] == [
        [(h.ids, h.length) for h in one] for one in expected
    ]
    numbers = [
        torch.tensor([[h.score, h.log_prob, h.coverage] for one in of_all for h in one], dtype=torch.double)
        for of_all in (found, expected)
    ]
    torch.testing.assert_close(*numbers, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "search",
    [
        Greedy(),
        Beam(beam_size=1, normalisation="none"),
        Beam(beam_size=3),
        Beam(beam_size=4, patience=0.0),
        Beam(beam_size=4, patience=100.0),
        Beam(beam_size=3, normalisation="none"),
        Beam(beam_size=4, normalisation="gnmt", alpha=0.6, coverage=0.2),
        Beam(beam_size=12, alpha=2.0),  # wider than the vocabulary
    ],
    ids=repr,
)
def test_it_finds_what_the_search_of_a_cpu_finds(search):
    graphs = Graphs("search", FakeGraph)
    for seed, sentences in enumerate((1, 2, 20, 20, 20)):
        expected, found = both(search, sentences, seed, graphs.run)
        assert_alike(found, expected)
    assert sum(entry.graph is not None for entry in graphs.entries.values()) >= 1


def best_in_c(logits, log_probs):
    totals, places = instruction_sets.extend(logits, log_probs.flatten(), *log_probs.shape)
    return totals, places // V, places % V


@pytest.mark.skipif(not native.is_here(), reason="not compiled, or not for this processor")
@pytest.mark.parametrize("sentences", [1, 2, 20, 45])
def test_the_books_in_c_are_those_in_tensors_to_the_bit(sentences, monkeypatch):
    settings = itertools.product((1, 3, 12), (0.0, 1.5, 100.0), (0.0, 0.2), (0, 2), (True, False))
    for seed, (beam, patience, beta, ngram, forced) in enumerate(settings):
        search = Beam(
            beam_size=beam, patience=patience, coverage=beta, no_repeat_ngram=ngram, normalisation="gnmt", alpha=0.6
        )
        start = -torch.rand(sentences, generator=torch.Generator().manual_seed(seed)) if forced else None
        request = SearchRequest(torch.arange(sentences) * 7 % (MAX + 2), BOS, EOS, start=start)
        state = model(sentences, seed, search.sees_attention)
        found = search(step, state, request)
        with monkeypatch.context() as tensors:
            tensors.setattr(native, "is_here", lambda: False)
            tensors.setattr(beam_state, "_best", best_in_c)
            assert found == search(step, state, request)


def test_sentences_that_are_done_leave_the_others():
    sizes, before = [], []

    def run(key, work, *tensors):
        """As a graph, into whose tensors the next run writes."""
        sizes.append(len(tensors[2]))
        found = work(*(part.clone() for part in tensors))
        for part in before:
            part.zero_()
        before[:] = found
        return found

    expected, found = both(Beam(beam_size=2), 70, 0, run)
    assert_alike(found, expected)
    assert sizes[0] == 70
    assert sizes[-1] < 70
    searched = [[place < count for place in range(70)] for count in (1, 8, 9, 32, 33)]
    assert [len(on_device._half_to_keep(some)) for some in searched] == [8, 8, 16, 32, 70]


def test_narrow_logits_are_added_up_in_float32():
    logits, log_probs = torch.randn(6, 50).half(), -torch.rand(2, 3)
    expected = beam_state._best(logits.float(), log_probs)
    for found, part in zip(beam_state._best(logits, log_probs), expected, strict=True):
        assert found.equal(part)


def test_a_plain_beam_changes_no_step():
    @dataclass(frozen=True)
    class Own(Beam):
        pass

    assert all(map(is_plain_beam, [Greedy(), Beam(), Beam(beam_size=1)]))
    others = [Beam(no_repeat_ngram=2), Beam(repetition_penalty=1.2), Greedy(repetition_penalty=1.2), Own(), Sample()]
    assert not any(map(is_plain_beam, others))


@pytest.mark.parametrize("normalisation", ["none", "average"])
@pytest.mark.parametrize("beam", [1, 3])
def test_the_kernels_find_what_torch_finds(beam, normalisation, monkeypatch):
    pytest.importorskip("triton_here")
    monkeypatch.setattr(beam_state, "by_torch", beam_state.by_triton)
    graphs = Graphs("search", FakeGraph)
    search = Beam(beam_size=beam, normalisation=normalisation, coverage=0.2 * (beam > 1))
    for _ in range(2):
        expected, found = both(search, 4, 0, graphs.run)
        assert_alike(found, expected)


def test_the_kernels_are_tried_and_trusted(caplog):
    pytest.importorskip("triton_here")
    assert beam_state._has_triton.__wrapped__(torch.device("cuda" if torch.cuda.is_available() else "cpu"))
    assert caplog.messages == []


@pytest.mark.parametrize("each", [2, 6, 9])
def test_the_best_extensions_are_found_in_several_blocks(each, monkeypatch):
    pytest.importorskip("triton_here")
    from nmt.kernels import triton_beam

    monkeypatch.setattr(triton_beam, "BLOCK", 8)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    logits, before = torch.randn(3, 20, device=device), torch.tensor([0.0, -1.5, -math.inf], device=device)
    logits[1, 3:] = -math.inf
    gains, tokens = triton_beam.extensions(logits.clone(), before, each, 0)
    expected = logits.log_softmax(-1) + before[:, None]
    expected[:, 0] = -math.inf
    expected, best = expected.topk(each)
    torch.testing.assert_close(gains, expected)
    assert tokens[gains > -math.inf].equal(best[gains > -math.inf])
