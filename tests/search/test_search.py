"""Searches over a toy language that can be enumerated: a model whose next token depends on the last two."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import cache, cached_property

import pytest
import torch
import toy

from nmt import native
from nmt.engine.network import TrainedNetwork
from nmt.search import SEARCHES, Beam, Greedy, Sample, SearchRequest
from nmt.search.base import sentences_to_keep
from nmt.search.score import coverage, length_penalty

BOS, EOS, V, MAX = 0, 1, 5, 4
TABLES = (
    torch.randn(3, V, V, V, generator=torch.Generator().manual_seed(2)) * 2
)  # (sentence, before last, last, next)
TABLES[..., BOS] = -torch.inf


@dataclass(frozen=True)
class Chain:
    """The rows' sentence and the token before the last."""

    sentence: torch.Tensor
    before: torch.Tensor

    def select(self, rows, sentences=None):
        return Chain(self.sentence[rows], self.before[rows])


def step(ids, state):
    return TABLES[state.sentence, state.before, ids], Chain(state.sentence, ids)


def search(with_, sentences=(0, 1, 2), limits=(MAX, MAX, MAX), step=step):
    sentence = torch.tensor(sentences)
    limits = torch.tensor([limits[s] for s in sentences])
    return with_(step, Chain(sentence, torch.full_like(sentence, BOS)), SearchRequest(limits, BOS, EOS))


def log_prob(sentence, tokens):
    total, before, last = 0.0, BOS, BOS
    for token in tokens:
        total += TABLES[sentence, before, last].log_softmax(-1)[token].item()
        before, last = last, token
    return total


def every_sentence(limit):
    """All token sequences: those that end with EOS, and those cut at the limit."""
    for length in range(1, limit + 1):
        for body in itertools.product(range(2, V), repeat=length - 1):
            yield (*body, EOS)
    yield from itertools.product(range(2, V), repeat=limit)


def test_greedy_takes_the_likeliest_token_each_time():
    for sentence, (best,) in enumerate(search(Greedy())):
        tokens = []
        while len(tokens) < MAX and (not tokens or tokens[-1] != EOS):
            before, last = ([BOS, BOS, *tokens])[-2:]
            tokens.append(int(TABLES[sentence, before, last].argmax()))
        assert best.ids == [token for token in tokens if token != EOS]
        assert best.log_prob == pytest.approx(log_prob(sentence, tokens), abs=1e-5)


def test_a_beam_of_one_is_greedy():
    for greedy, beam in zip(search(Greedy()), search(Beam(beam_size=1)), strict=True):
        assert [h.ids for h in beam] == [h.ids for h in greedy]
        assert beam[0].log_prob == pytest.approx(greedy[0].log_prob, abs=1e-5)


@pytest.mark.parametrize(("name", "alpha"), [("none", 1.0), ("average", 1.0), ("average", 0.6), ("gnmt", 0.8)])
def test_a_beam_as_wide_as_the_tree_finds_the_best_of_all(name, alpha):
    wide = Beam(beam_size=400, normalisation=name, alpha=alpha, patience=1000)
    for sentence, hypotheses in enumerate(search(wide)):
        ranked = sorted(
            ((log_prob(sentence, ids) / length_penalty(name, len(ids), alpha), ids) for ids in every_sentence(MAX)),
            reverse=True,
        )
        assert len(hypotheses) == len(ranked)
        for found, (score, ids) in zip(hypotheses[:20], ranked, strict=False):
            assert found.score == pytest.approx(score, abs=1e-5)
            assert found.ids == [token for token in ids if token != EOS]


@pytest.mark.parametrize("with_", [Greedy(), Beam(beam_size=3)])
def test_no_sentence_depends_on_the_others(with_):
    limits = (2, 4, 3)
    together = search(with_, (0, 1, 2), limits)
    for sentence in range(3):
        assert search(with_, (sentence,), limits) == [together[sentence]]
    assert search(with_, (2, 1, 0, 1), limits) == [together[i] for i in (2, 1, 0, 1)]


@dataclass(frozen=True)
class Seen(Chain):
    """Of a language of one sentence, with what the tokens so far have attended to."""

    attended: torch.Tensor

    def select(self, rows, sentences=None):
        return Seen(self.sentence[rows], self.before[rows], self.attended[rows])


@dataclass(frozen=True, eq=False)
class Language:
    """A random chain, whose tokens, BOS at the first step, attend each to the source in their own way."""

    chain: torch.Tensor  # (V, V, V)
    attention: torch.Tensor  # (V, S)

    @classmethod
    @cache
    def of(cls, seed):
        generator = torch.Generator().manual_seed(seed)
        chain = torch.randn(V, V, V, generator=generator) * 2
        chain[..., BOS] = -torch.inf
        return cls(chain, torch.rand(V, 3, generator=generator) / 2)

    def step(self, ids, state):
        attended = state.attended + self.attention[ids]
        return self.chain[state.before, ids], Seen(state.sentence, ids, attended)

    def search(self, beam, limit):
        one = torch.zeros(1, dtype=torch.long)
        start = Seen(one, one + BOS, torch.zeros(1, 3))
        (found,) = beam(self.step, start, SearchRequest(one + limit, BOS, EOS))
        return found

    def log_prob(self, tokens):
        padded = (BOS, BOS, *tokens)
        return sum(self.log_probs[padded[i : i + 3]] for i in range(len(tokens)))

    @cached_property
    def log_probs(self):
        table = self.chain.log_softmax(-1).tolist()
        return {path: table[path[0]][path[1]][path[2]] for path in itertools.product(range(V), repeat=3)}

    def scored(self, beam, tokens):
        """Tokens, EOS included where it came -> their score by its definition."""
        attended = sum((self.attention[last] for last in (BOS, *tokens[:-1])), torch.zeros(3))
        penalty = {"none": 1.0, "average": len(tokens), "gnmt": (5 + len(tokens)) / 6}[beam.normalisation]
        coverage = attended.clamp(1e-6, 1).log().sum().item()
        return self.log_prob(tokens) / penalty**beam.alpha + beam.coverage * coverage

    def by_the_rule(self, beam, limit):
        """What nmt/search/beam.py says that it does, sentence by sentence and extension by extension."""
        ended = ended_by_the_rule(self, beam.beam_size, beam.patience, limit)
        return sorted(ended, key=lambda ids: self.scored(beam, ids), reverse=True)


@cache
def ended_by_the_rule(language, beam_size, patience, limit):
    """What a beam finds, whatever ranks it."""
    live, ended, best = [()], [], -math.inf
    for length in range(1, limit + 1):
        free = beam_size - len(ended)
        extensions = ((*ids, token) for ids in live for token in range(1, V))
        taken = sorted(extensions, key=language.log_prob, reverse=True)[:free]
        new = [ids for ids in taken if ids[-1] == EOS or length == limit]
        ended += new
        best = max([best, *(language.log_prob(ids) / length for ids in new)])
        live = [ids for ids in taken if ids not in new and language.log_prob(ids) >= best * (length + patience)]
    return ended


RANKINGS = [("none", 1.0), ("average", 1.0), ("average", 0.6), ("gnmt", 0.8), ("gnmt", 0.0), ("average", 0.0)]


@pytest.mark.parametrize("beta", [0.0, 0.3])
@pytest.mark.parametrize(("name", "alpha"), RANKINGS)
def test_a_score_means_the_same_of_a_greedy_search_and_of_a_beam(name, alpha, beta):
    ranking = {"normalisation": name, "alpha": alpha, "coverage": beta}
    for seed in range(20):
        language = Language.of(seed)
        (greedy,), (beam,) = (
            language.search(with_, 10) for with_ in (Greedy(**ranking), Beam(beam_size=1, **ranking))
        )
        assert greedy.ids == beam.ids
        assert greedy.coverage == pytest.approx(beam.coverage, abs=1e-5)
        assert greedy.score == pytest.approx(beam.score, abs=1e-4)
        tokens = [*greedy.ids, EOS][: greedy.length]
        assert greedy.score == pytest.approx(language.scored(Beam(**ranking), tokens), abs=1e-4)


@pytest.mark.parametrize("kernels", [True, False])
@pytest.mark.parametrize("beta", [0.0, 0.3])
@pytest.mark.parametrize(("name", "alpha"), RANKINGS)
def test_a_beam_ends_by_its_rule_whatever_ranks(name, alpha, beta, kernels, monkeypatch):
    if not kernels:
        monkeypatch.setattr(native, "kernels", lambda: None)
    sizes = set()
    for seed, size, patience in itertools.product(range(12), (2, 3, 5), (0, 1.5, 1000)):
        language = Language.of(seed)
        beam = Beam(beam_size=size, patience=patience, normalisation=name, alpha=alpha, coverage=beta)
        found = language.search(beam, 7)
        assert [(*h.ids, EOS)[: h.length] for h in found] == language.by_the_rule(beam, 7)
        for h in found:
            assert h.score == pytest.approx(language.scored(beam, [*h.ids, EOS][: h.length]), abs=1e-4)
        sizes.add(len(found))
    assert len(sizes) > 2


@pytest.mark.parametrize("patience", [0, 1, 2.5])
@pytest.mark.parametrize(("name", "alpha"), RANKINGS)
def test_what_is_given_up_could_come_first_only_with_more_tokens_than_the_patience(name, alpha, patience):
    """Of a beam as wide as the tree, where nothing else is lost."""
    better = 0
    for seed in range(12):
        language, beam = Language.of(seed), Beam(beam_size=400, normalisation=name, alpha=alpha, patience=patience)
        best, *_ = found = language.search(beam, MAX)
        shortest = min(h.length for h in found)
        for ids in every_sentence(MAX):
            if language.scored(beam, ids) > best.score + 1e-4:
                better += 1
                assert len(ids) > shortest + patience
    assert better == 0 or (name != "none" and alpha > 0)


@pytest.mark.parametrize("with_", [Greedy(), Beam(beam_size=4)])
def test_no_translation_is_longer_than_its_limit(with_):
    for limit, hypotheses in zip((1, 3, 2), search(with_, limits=(1, 3, 2)), strict=True):
        assert hypotheses
        assert max(len(h.ids) for h in hypotheses) <= limit


def test_hypotheses_come_best_first_and_all_differ():
    for hypotheses in search(Beam(beam_size=4, patience=1000)):
        scores = [h.score for h in hypotheses]
        assert len(scores) == 4
        assert scores == sorted(scores, reverse=True)
        assert len({tuple(h.ids) for h in hypotheses}) == 4


@pytest.mark.parametrize("with_", [Greedy(), Beam(beam_size=3), Sample(samples=3, seed=4)])
def test_place_0_is_never_taken_but_counts(with_):
    """It stands for what the logits leave out."""

    def leaving_out(ids, state):
        logits, after = step(ids, state)
        logits[:, 0] = 3 + logits[:, 1:].logsumexp(1)
        return logits, after

    less = -torch.tensor(3.0).exp().log1p().item()
    for whole, part in zip(search(with_), search(with_, step=leaving_out), strict=True):
        tokens = [[*h.ids, EOS][: h.length] for h in part]
        assert all(0 not in ids for ids in tokens)
        if not isinstance(with_, Beam):
            assert [h.ids for h in part] == [h.ids for h in whole]
            assert [h.log_prob - h.length * less for h in part] == pytest.approx(
                [h.log_prob for h in whole], abs=1e-4
            )
        assert all(h.log_prob <= h.length * less for h in part)


@pytest.mark.parametrize("kernels", [True, False])
@pytest.mark.parametrize("name", sorted(SEARCHES))
def test_nothing_to_search_gives_nothing(name, kernels, monkeypatch):
    if not kernels:
        monkeypatch.setattr(native, "kernels", lambda: None)
    empty = torch.zeros(0, dtype=torch.long)
    assert SEARCHES[name]()(step, Chain(empty, empty), SearchRequest(empty, BOS, EOS)) == []


@pytest.mark.parametrize("kernels", [True, False])
@pytest.mark.parametrize("number", [torch.nan, -torch.inf, torch.inf])
@pytest.mark.parametrize("after", [0, 2])
def test_a_model_whose_numbers_overflow_still_gives_a_translation(after, number, kernels, monkeypatch):
    if not kernels:
        monkeypatch.setattr(native, "kernels", lambda: None)
    steps = itertools.count()

    def overflowing(ids, state):
        logits, state = step(ids, state)
        return (torch.full_like(logits, number) if next(steps) >= after else logits), state

    for found in search(Beam(beam_size=3), step=overflowing):
        assert 1 <= len(found) <= 3
        assert all(len(hypothesis.ids) <= MAX for hypothesis in found)


def test_the_length_penalties_are_the_papers():
    assert length_penalty("gnmt", 7, 0.5) == pytest.approx(2**0.5)
    assert length_penalty("average", 9, 0.5) == pytest.approx(3)
    assert length_penalty("none", 9, 0.5) == 1


def test_what_no_token_attended_to_lowers_coverage_by_so_much():
    attended = torch.tensor([[0.0, 0.5, 1.0, 3.0], [1.0, 1.0, 1.0, 1.0]])
    assert coverage(attended).tolist() == pytest.approx([math.log(1e-6) + math.log(0.5), 0.0])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"beam_size": 0}, "beam_size is 0; it must be from 1 to 1000"),
        ({"normalisation": "wu"}, "normalisation is 'wu'; choose one of: average, gnmt, none"),
        ({"max_ratio": -1.0}, "max_ratio is -1.0"),
        ({"max_extra": 0}, "max_extra is 0; it must be from 1 to"),
        ({"alpha": -0.1}, "alpha is -0.1"),
        ({"coverage": -0.1}, "coverage is -0.1"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        Beam(**settings)


def test_a_search_that_needs_no_scores_gives_none_unasked():
    zero, limit = torch.zeros(1, dtype=torch.long), torch.tensor([MAX])
    for with_ in (Greedy(), Sample()):
        ((found,),) = with_(step, Chain(zero, zero + BOS), SearchRequest(limit, BOS, EOS, scored=False))
        assert found.ids == with_(step, Chain(zero, zero + BOS), SearchRequest(limit, BOS, EOS))[0][0].ids
        assert math.isnan(found.log_prob)
        assert math.isnan(found.score)


def test_a_limit_follows_the_source():
    assert Greedy(max_ratio=1.5, max_extra=3).max_length(torch.tensor([1, 2, 3])).tolist() == [4, 6, 7]


def test_a_real_model_is_searched_the_same_at_every_batch_size():
    model = TrainedNetwork(toy.model("gru", num_layers=2).eval())
    src, src_len = toy.sources([6, 5, 5, 3, 2])
    beam = Beam(beam_size=3)

    def run(rows):
        longest = int(src_len[rows].max())
        state = model.start(src[rows, :longest], src_len[rows])
        return beam(model.step, state, SearchRequest(beam.max_length(src_len[rows]), BOS + 2, EOS + 2))

    together = run(list(range(5)))
    for i in range(5):
        (alone,) = run([i])
        assert [h.ids for h in alone] == [h.ids for h in together[i]]


def test_a_batch_shrinks_through_few_sizes():
    sizes = {*range(8), *range(8, 16, 2), *range(16, 32, 4), *range(32, 64, 8), *range(64, 101, 16), 100}
    for searched in range(101):
        active = [i % 100 < searched for i in range(0, 700, 7)]  # spread over the batch
        stay = sentences_to_keep(active)
        assert {i for i, is_active in enumerate(active) if is_active} <= set(stay)
        assert stay == sorted(stay)
        assert len(stay) in sizes
        assert len(stay) <= 1.25 * searched
