"""Sampling, over the toy language of test_search.py."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from test_search import BOS, EOS, MAX, Chain, log_prob, search, step

from nmt.search import Greedy, Sample, SearchRequest
from nmt.search.sample import draw, uniform

MANY = 1000


def sample(with_, sentences, keys, limit=MAX):
    sentence = torch.tensor(sentences)
    limits = torch.full_like(sentence, limit)
    return with_(step, Chain(sentence, torch.full_like(sentence, BOS)), SearchRequest(limits, BOS, EOS, keys=keys))


def test_samples_are_as_frequent_as_they_are_likely():
    (drawn,) = sample(Sample(samples=MANY), [1], [77], limit=2)
    counts = Counter(tuple([*h.ids, EOS][: h.length]) for h in drawn)
    for tokens, count in counts.most_common():
        probability = np.exp(log_prob(1, tokens))
        assert abs(count / MANY - probability) < 4 * (probability * (1 - probability) / MANY) ** 0.5 + 1e-3
    assert sum(np.exp(log_prob(1, tokens)) for tokens in counts) > 0.97


def test_a_score_is_the_models_log_probability_whatever_was_drawn_with():
    sentences = (0, 2)
    with_ = Sample(samples=5, temperature=2.0, top_k=3)
    for sentence, hypotheses in zip(sentences, sample(with_, sentences, [1, 2]), strict=True):
        for hypothesis in hypotheses:
            tokens = [*hypothesis.ids, EOS][: hypothesis.length]
            assert hypothesis.log_prob == pytest.approx(log_prob(sentence, tokens), abs=1e-5)
            assert hypothesis.score == hypothesis.log_prob


@pytest.mark.parametrize("with_", [Sample(top_k=1, samples=3), Sample(temperature=0.01), Sample(top_p=1e-6)])
def test_to_draw_from_the_likeliest_alone_is_greedy(with_):
    for drawn, (best,) in zip(search(with_), search(Greedy()), strict=True):
        assert all(h.ids == best.ids for h in drawn)


def test_the_same_sentence_has_the_same_samples_in_any_batch():
    with_ = Sample(samples=4, temperature=1.5)
    together = sample(with_, [0, 1, 2, 1], [10, 11, 12, 11])
    assert together[1] == together[3]
    for sentence, key in ((0, 10), (1, 11), (2, 12)):
        assert sample(with_, [sentence], [key])[0] == together[sentence]
    assert sample(with_, [2, 0], [12, 10]) == [together[2], together[0]]


def test_fewer_samples_are_the_first_of_more():
    (more,) = sample(Sample(samples=7), [1], [5])
    assert sample(Sample(samples=3), [1], [5]) == [more[:3]]


def test_another_seed_or_key_draws_other_samples():
    (drawn,) = sample(Sample(samples=9), [1], [5])
    assert sample(Sample(samples=9, seed=2), [1], [5]) != [drawn]
    assert sample(Sample(samples=9), [1], [6]) != [drawn]
    assert sample(Sample(samples=9, seed=5), [1], [1]) != [drawn]
    assert len({tuple(h.ids) for h in drawn}) > 1


def test_top_k_and_top_p_keep_the_likeliest():
    logits = torch.tensor([[0.1, 0.4, 0.3, 0.2], [0.25, 0.05, 0.6, 0.1]]).log()
    expected = torch.tensor([[0, 0.4, 0.3, 0], [0.25, 0, 0.6, 0]])
    torch.testing.assert_close(Sample(top_k=2).filtered(logits), expected)
    torch.testing.assert_close(Sample(top_p=0.65).filtered(logits), expected)
    one_and_all = torch.tensor([[0, 0.4, 0, 0], [0, 0, 0.6, 0]])
    torch.testing.assert_close(Sample(top_p=0.39).filtered(logits), one_and_all)
    torch.testing.assert_close(Sample(top_k=2, top_p=0.5).filtered(logits), one_and_all)
    torch.testing.assert_close(Sample(top_k=4).filtered(logits), logits.softmax(-1))
    assert Sample(top_p=0.5).filtered(torch.zeros(1, 2)).tolist() == [[0.5, 0.0]]
    assert Sample(temperature=0.5).filtered(logits)[0].tolist() == pytest.approx([1 / 30, 16 / 30, 9 / 30, 4 / 30])


@pytest.mark.parametrize("wrong", [{"temperature": 0.0}, {"top_p": 0.0}, {"top_k": -1}, {"samples": 0}, {"seed": -1}])
def test_settings_out_of_range_are_refused(wrong):
    ((name, value),) = wrong.items()
    with pytest.raises(ValueError, match=f"^{name} is {value}; it must be from"):
        Sample(**wrong)
    assert Sample(seed=2**63 - 1, top_p=1e-6, temperature=0.01)


def test_a_draw_never_hits_what_has_no_weight():
    weights = torch.tensor([[0.0, 0.5, 0.0, 0.5, 0.0]]).repeat(4, 1)
    chance = torch.tensor([0.0, 0.499, 0.5, 1 - 2**-53], dtype=torch.float64)
    assert draw(weights, chance).tolist() == [1, 1, 3, 3]


def test_chance_is_uniform_and_independent_of_its_neighbours():
    own = np.arange(5000, dtype=np.uint64)
    numbers = np.stack([uniform(own, t) for t in range(4)])
    assert 0 <= numbers.min() < numbers.max() < 1
    assert np.abs(np.histogram(numbers, 10, (0, 1))[0] - 2000).max() < 200
    assert np.abs(np.corrcoef(numbers) - np.eye(4)).max() < 0.06
    assert np.abs(np.corrcoef(numbers[:, :-1].ravel(), numbers[:, 1:].ravel())[0, 1]) < 0.06
