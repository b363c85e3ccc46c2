"""What a search may not repeat, over the toy language of test_search.py."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest
import torch
from test_search import BOS, EOS, TABLES, Chain, V, every_sentence, search, step

from nmt.search import FREE, Beam, ForcedPrefix, Greedy, Sample, SearchRequest, forced
from nmt.search.score import length_penalty
from nmt.search.step import PADDING

LIMIT = 12
SEARCHES = [Greedy(), Beam(beam_size=3), Sample(samples=6, seed=2)]


def with_limits(search, ngram=0, penalty=1.0):
    return type(search)(**vars(search) | {"no_repeat_ngram": ngram, "repetition_penalty": penalty})


def repeats(tokens, ngram):
    grams = Counter(tuple(tokens[i : i + ngram]) for i in range(len(tokens) - ngram + 1))
    return any(count > 1 for count in grams.values())


def penalised(sentence, tokens, penalty):
    """The log-probability by its definition."""
    total, before, last = 0.0, BOS, BOS
    for i, token in enumerate(tokens):
        one = TABLES[sentence, before, last].log_softmax(-1)[token].item()
        total += one * penalty if token in tokens[:i] else one
        before, last = last, token
    return total


def ended(hypothesis):
    return [*hypothesis.ids, EOS][: hypothesis.length]


@pytest.mark.parametrize("ngram", [1, 2, 3])
@pytest.mark.parametrize("with_", SEARCHES)
def test_no_ngram_comes_twice_and_log_probabilities_stay_the_models(with_, ngram):
    freely = [h for free in SEARCHES for found in search(free, limits=[LIMIT] * 3) for h in found]
    assert any(repeats(h.ids, ngram) for h in freely)
    for sentence, found in enumerate(search(with_limits(with_, ngram), limits=[LIMIT] * 3)):
        for hypothesis in found:
            assert not repeats(hypothesis.ids, ngram)
            assert hypothesis.log_prob == pytest.approx(penalised(sentence, ended(hypothesis), 1.0), abs=1e-4)


@pytest.mark.parametrize(("ngram", "penalty"), [(1, 1.0), (2, 1.0), (0, 1.7), (0, 4.0), (2, 1.3)])
def test_a_wide_beam_finds_the_best_of_all_that_do_not_repeat(ngram, penalty):
    beam = Beam(beam_size=700, patience=10_000, no_repeat_ngram=ngram, repetition_penalty=penalty)
    for sentence, found in enumerate(search(beam, limits=[5] * 3)):
        ranked = sorted(
            (
                (penalised(sentence, ids, penalty) / length_penalty("average", len(ids), 1.0), ids)
                for ids in every_sentence(5)
                if not ngram or not repeats([token for token in ids if token != EOS], ngram)
            ),
            reverse=True,
        )
        assert len(found) == len(ranked)
        for hypothesis, (score, ids) in zip(found[:30], ranked, strict=False):
            assert hypothesis.score == pytest.approx(score, abs=1e-4)
            assert ended(hypothesis) == list(ids)


@pytest.mark.parametrize("with_", SEARCHES)
def test_a_penalty_counts_once_for_each_token_that_had_come(with_):
    for sentence, found in enumerate(search(with_limits(with_, penalty=1.8), limits=[LIMIT] * 3)):
        for hypothesis in found:
            assert hypothesis.log_prob == pytest.approx(penalised(sentence, ended(hypothesis), 1.8), abs=1e-4)


def test_samples_are_drawn_from_what_is_left_as_often_as_it_is_likely():
    many = 1000
    (drawn,) = search(Sample(samples=many, no_repeat_ngram=1), (1,), [LIMIT] * 3)
    second = Counter(h.ids[1] for h in drawn if h.ids[:1] == [2] and len(h.ids) > 1)
    second[EOS] = sum(h.ids == [2] for h in drawn)
    probability = TABLES[1, BOS, 2].softmax(-1)
    probability[2] = 0
    probability /= probability.sum()
    for token in (EOS, 3, 4):
        share, p = second[token] / second.total(), probability[token].item()
        assert abs(share - p) < 4 * (p * (1 - p) / second.total()) ** 0.5 + 1e-3
    assert not second[2]


@pytest.mark.parametrize("with_", SEARCHES)
@pytest.mark.parametrize(("ngram", "penalty"), [(2, 1.0), (0, 1.5), (3, 1.2)])
def test_no_sentence_depends_on_the_others_when_it_may_not_repeat(with_, ngram, penalty):
    limits = (2, LIMIT, 4)
    limited = with_limits(with_, ngram, penalty)
    together = search(limited, (0, 1, 2), limits)
    for sentence in range(3):
        assert search(limited, (sentence,), limits) == [together[sentence]]
    assert search(limited, (2, 1, 0, 1), limits) == [together[i] for i in (2, 1, 0, 1)]


@pytest.mark.parametrize("with_", SEARCHES)
def test_what_must_come_comes_though_it_repeats_and_what_follows_does_not(with_):
    prefixes = [[2, 3, 2, 3], [4, 4, 4], []]
    longest = max(map(len, prefixes))
    prefix = torch.tensor([[*ids, *[FREE] * (longest - len(ids))] for ids in prefixes])
    sentence = torch.arange(3)
    state = ForcedPrefix(Chain(sentence, torch.full_like(sentence, BOS)), prefix)
    found = with_limits(with_, 2, 1.5)(forced(step), state, SearchRequest(sentence * 0 + 9, BOS, EOS))
    for must, hypotheses in zip(prefixes, found, strict=True):
        for hypothesis in hypotheses:
            assert hypothesis.ids[: len(must)] == must
            for i in range(len(must), len(hypothesis.ids)):
                last = hypothesis.ids[i - 1 : i + 1]
                assert last not in [hypothesis.ids[j : j + 2] for j in range(i - 1)]


def test_where_nothing_else_may_come_it_may_come_again():
    """A language without an end, of one token, and of others that a shortlist leaves out."""

    def only(ids, state):
        logits = torch.full((len(ids), V), -torch.inf)
        logits[:, PADDING], logits[:, 3] = 0.0, 0.5
        return logits, Chain(state.sentence, ids)

    for with_ in SEARCHES:
        for found in search(with_limits(with_, 1, 2.0), step=only):
            assert all(h.ids == [3] * len(h.ids) and h.ids for h in found)


def test_logits_need_be_known_but_for_a_constant_a_row():
    def shifted(ids, state):
        logits, after = step(ids, state)
        return logits + 7 * (ids[:, None] + 1), after

    for with_, (ngram, penalty) in itertools.product(SEARCHES, [(2, 1.0), (0, 1.5)]):
        limited = with_limits(with_, ngram, penalty)
        for one, other in zip(search(limited), search(limited, step=shifted), strict=True):
            assert [h.ids for h in one] == [h.ids for h in other]
            assert [h.log_prob for h in one] == pytest.approx([h.log_prob for h in other], abs=1e-4)


def test_narrow_logits_are_limited_in_float32():
    narrow = torch.randn(3, V).half()
    step, state = Greedy(no_repeat_ngram=2).unrepeated(lambda ids, state: (narrow, state), None)
    log_probs, _ = step(torch.full((3,), BOS), state)
    torch.testing.assert_close(log_probs, narrow.float().log_softmax(-1))


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"no_repeat_ngram": -1}, "no_repeat_ngram is -1"), ({"repetition_penalty": 0.5}, "repetition_penalty is 0.5")],
)
def test_limits_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        Greedy(**settings)
