"""Forced prefixes, over the toy language of test_search.py."""

from __future__ import annotations

import pytest
import torch
from test_search import BOS, EOS, MAX, Chain, every_sentence, log_prob, search, step

from nmt.search import FREE, Beam, ForcedPrefix, Greedy, Sample, SearchRequest, forced
from nmt.search.score import length_penalty

PREFIXES = [[3, 2], [], [4]]


def search_with(with_, prefixes, sentences=(0, 1, 2)):
    sentence = torch.tensor(sentences)
    longest = max(map(len, prefixes))
    prefix = torch.tensor([[*ids, *[FREE] * (longest - len(ids))] for ids in prefixes])
    state = ForcedPrefix(Chain(sentence, torch.full_like(sentence, BOS)), prefix)
    start = torch.tensor([log_prob(s, ids) for s, ids in zip(sentences, prefixes, strict=True)])
    return with_(forced(step), state, SearchRequest(torch.full_like(sentence, MAX), BOS, EOS, start=start))


@pytest.mark.parametrize("with_", [Greedy(), Beam(beam_size=3), Sample(samples=4)])
def test_every_translation_begins_as_it_must_whatever_stands_beside_it(with_):
    together = search_with(with_, PREFIXES)
    for sentence, (prefix, hypotheses) in enumerate(zip(PREFIXES, together, strict=True)):
        assert all(h.ids[: len(prefix)] == prefix for h in hypotheses)
        (alone,) = search_with(with_, [prefix], [sentence])
        assert [h.ids for h in alone] == [h.ids for h in hypotheses]
        for hypothesis in hypotheses:
            ended = [*hypothesis.ids, EOS][: hypothesis.length]
            assert hypothesis.log_prob == pytest.approx(log_prob(sentence, ended), abs=1e-5)


def test_a_wide_beam_finds_the_best_of_all_that_begin_so():
    for sentence, (prefix, hypotheses) in enumerate(
        zip(PREFIXES, search_with(Beam(beam_size=400, patience=1000), PREFIXES), strict=True)
    ):
        ranked = sorted(
            (
                (log_prob(sentence, ids) / length_penalty("average", len(ids), 1.0), ids)
                for ids in every_sentence(MAX)
                if list(ids[: len(prefix)]) == prefix
            ),
            reverse=True,
        )
        assert len(hypotheses) == len(ranked)
        assert hypotheses[0].score == pytest.approx(ranked[0][0], abs=1e-5)
        assert hypotheses[0].ids == [token for token in ranked[0][1] if token != EOS]


def test_the_beginning_of_a_greedy_translation_gives_that_translation():
    (free,) = search(Greedy(), (1,))
    for length in range(len(free[0].ids) + 1):
        ((again,),) = search_with(Greedy(), [free[0].ids[:length]], [1])
        assert again.ids == free[0].ids
        assert again.log_prob == pytest.approx(free[0].log_prob, abs=1e-5)
