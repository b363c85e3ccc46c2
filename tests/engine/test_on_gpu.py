"""A network made ready for a GPU, and searched as there: on a CPU, where there is no GPU."""

from __future__ import annotations

import pytest
import torch
import toy
from graphs_here import FakeGraph

from nmt.data.tokenizer import EOS_ID
from nmt.engine import Ensemble, Shortlist
from nmt.engine.network import TrainedNetwork
from nmt.engine.on_gpu import GPUNetwork
from nmt.kernels.graphs import Graphs
from nmt.model.wirings import DECODERS
from nmt.search import Beam, Greedy, Sample
from nmt.translation.searcher import Searcher
from nmt.translation.values import TranslationTask

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
LENGTHS = [6, 5, 3]
WIRINGS = [
    *[(cell, "gnmt", "additive") for cell in sorted(toy.CELL_KINDS)],
    *[("lstm", decoder, "general") for decoder in sorted(DECODERS)],
    ("lstm_ln", "bahdanau", "none"),
]


@torch.inference_mode()
@pytest.mark.filterwarnings("ignore:In CPU autocast, but the target dtype is not supported")
@pytest.mark.parametrize(("cell", "decoder", "attention"), WIRINGS)
def test_it_makes_the_logits_of_the_model(cell, decoder, attention):
    """Also in float32, which would show what narrow numbers hide."""
    model = toy.model(cell, decoder, attention, num_layers=2).float().eval().to(DEVICE)
    src, src_len = (part.to(DEVICE) for part in toy.sources(LENGTHS))
    networks = TrainedNetwork(model), GPUNetwork(model, torch.bfloat16), GPUNetwork(model, torch.float32)
    states = [network.start(src, src_len) for network in networks]
    for ids in ([4, 5, 6], [7, 4, 5], [5, 5, 8]):
        steps = [
            network.step(torch.tensor(ids, device=DEVICE), state)
            for network, state in zip(networks, states, strict=True)
        ]
        states = [state.select(torch.tensor([1, 0, 2], device=DEVICE)) for _, state in steps]
        exact, narrow, wide = (logits.float() for logits, _ in steps)
        torch.testing.assert_close(narrow, exact, rtol=0, atol=0.2)
        torch.testing.assert_close(wide, exact, rtol=0, atol=1e-4)


@torch.inference_mode()
def test_it_takes_a_shortlist():
    model = toy.model(attention="additive").float().eval().to(DEVICE)
    src, src_len = (part.to(DEVICE) for part in toy.sources(LENGTHS))
    allowed = torch.arange(toy.VOCAB, device=DEVICE) < torch.tensor([[8], [9], [10]], device=DEVICE)
    shortlist, ids = Shortlist(torch.arange(8, device=DEVICE), allowed), torch.tensor([4, 5, 6], device=DEVICE)
    exact, narrow = (
        network.step(ids, network.start(src, src_len, shortlist))[0].float()
        for network in (TrainedNetwork(model), GPUNetwork(model, torch.bfloat16))
    )
    assert exact.shape == (3, 10)
    torch.testing.assert_close(narrow, exact, rtol=0, atol=0.2)


@pytest.mark.parametrize("sees_attention", [False, True])
@pytest.mark.parametrize("decoder", sorted(DECODERS))
def test_the_search_on_the_device_finds_what_the_other_finds(decoder, sees_attention):
    model = toy.model("gru", decoder, "additive", **toy.OPTIONS["coverage"]).float().eval().to(DEVICE)
    other = toy.model("lstm").float().eval().to(DEVICE)
    searcher = Searcher([model, other], DEVICE, compute="float32")
    searcher.network = Ensemble([TrainedNetwork(model), TrainedNetwork(other)])
    sources = [[*range(4, 4 + length), EOS_ID] for length in (1, 5, 2, 3, 4, 1, 2, 3, 4)]
    searches, run = (Greedy(), Beam(beam_size=3, coverage=0.2 * sees_attention)), Graphs("search", FakeGraph).run
    for search in searches:
        task = TranslationTask(search, search.width, False, False, None)
        searcher.run = None
        expected = searcher.hypotheses(task, sources)
        searcher.run = run
        for _ in range(2):  # the second time by what stands for graphs
            found = searcher.hypotheses(task, sources)
            assert [[h.ids for h in one] for one in found] == [[h.ids for h in one] for one in expected]
            scores = [
                torch.tensor([[h.score, h.log_prob] for one in of_all for h in one]) for of_all in (found, expected)
            ]
            torch.testing.assert_close(*scores, rtol=1e-4, atol=1e-4)


def test_a_search_that_changes_a_step_is_not_run_as_a_whole(monkeypatch):
    model = toy.model("gru").float().eval()
    searcher, source, seen = Searcher([model], torch.device("cpu"), compute="float32"), [5, 6, EOS_ID], []
    searcher.run = Graphs("search", FakeGraph).run
    monkeypatch.setattr(searcher, "_found_on_device", lambda task, sources, run: seen.append(task.search) or [])
    searcher.hypotheses(TranslationTask(Greedy()), [source])
    assert seen == [Greedy()]
    (found,), *_ = searcher.hypotheses(TranslationTask(Greedy()), [source], [[7, 8]])
    assert found.ids[:2] == [7, 8]
    watched = []
    searcher.hypotheses(
        TranslationTask(Greedy()), [source], watch=lambda step, state, _: (watched.append(1) or step, state)
    )
    for ngram in (0, 1):
        (found,) = searcher.hypotheses(TranslationTask(Sample(samples=20, no_repeat_ngram=ngram)), [source])
        assert any(len({*one.ids}) < len(one.ids) for one in found) == (ngram == 0)
    searcher.hypotheses(TranslationTask(Greedy(repetition_penalty=1.5)), [source])
    monkeypatch.setattr(searcher, "uses_shortlist", lambda search: True)
    searcher.hypotheses(TranslationTask(Greedy()), [source])
    assert watched == [1]
    assert seen == [Greedy()]
