from __future__ import annotations

import itertools
import random
import subprocess
import sys
from collections import Counter
from math import exp

import pytest

from nmt.data.tokenizer import Tokenizer, TokenizerConfig
from nmt.data.tokenizer_training import train_tokenizer

WORDS = "▁wiederholen", "▁mit"
TEXT = [f"Satz {i} mit Wörtern, die {'sich ' * (i % 5)}wiederholen." for i in range(200)]


@pytest.fixture(scope="module")
def tokenizers():
    return {
        kind: train_tokenizer(TokenizerConfig(vocab_size=300, kind=kind), TEXT, TEXT) for kind in ("bpe", "unigram")
    }


def test_the_kind_of_a_model_is_seen_in_its_scores(tokenizers):
    assert tokenizers["bpe"].samplers[0].is_bpe
    assert not tokenizers["unigram"].samplers[0].is_bpe


def test_bpe_that_drops_nothing_is_bpe(tokenizers):
    tokenizer = tokenizers["bpe"]
    for ids in tokenizer.encode_src([*TEXT, "Neue  Wörter\twie 汉字, naïve ẞ"]):
        assert tokenizer.samplers[0](ids, 0.0, 1) == ids


def test_bpe_that_drops_every_merge_spells(tokenizers):
    tokenizer = tokenizers["bpe"]
    (ids,) = tokenizer.encode_src(["Satz mit"])
    assert tokenizer.src_pieces(tokenizer.samplers[0](ids, 1.0, 1)) == [*"▁Satz▁mit", "</s>"]


def test_unigrams_are_drawn_with_their_probabilities():
    chance, smoothing = random.Random(1), 0.2
    text = ["".join(chance.choices("ab ", k=24)) for _ in range(300)]  # whose words have many splits
    tokenizer = train_tokenizer(TokenizerConfig(vocab_size=280, kind="unigram"), text, text)
    (ids,) = tokenizer.encode_src(["aabba"])
    sampler = tokenizer.samplers[0]
    splits = list(every_split("▁aabba", sampler.scores))
    weights = [exp(smoothing * sum(sampler.scores[piece] for piece in split)) for split in splits]
    drawn = Counter(
        tuple(tokenizer.src_pieces(tokenizer.samplers[0](ids, smoothing, seed)[:-1])) for seed in range(4000)
    )
    assert set(drawn) <= set(splits)
    for split, weight in zip(splits, weights, strict=True):
        assert drawn[split] / 4000 == pytest.approx(weight / sum(weights), abs=0.03)


def test_merges_are_dropped_with_their_probability(tokenizers):
    tokenizer, dropout = tokenizers["bpe"], 0.3
    (ids,) = tokenizer.encode_src(["wiederholen mit"])
    scores = tokenizer.samplers[0].scores
    expected = Counter()
    for (first, p), (second, q) in itertools.product(*(every_merge(list(w), scores, dropout) for w in WORDS)):
        expected[*first, *second] += p * q
    drawn = Counter(
        tuple(tokenizer.src_pieces(tokenizer.samplers[0](ids, dropout, seed)[:-1])) for seed in range(4000)
    )
    assert sum(expected.values()) == pytest.approx(1)
    assert set(drawn) <= set(expected)
    for split, probability in expected.items():
        assert drawn[split] / 4000 == pytest.approx(probability, abs=0.03)


def every_merge(pieces, scores, dropout):
    """Every way that BPE-dropout may go: the pieces that it ends with, and its probability."""
    able = sorted((-scores[a + b], i) for i, (a, b) in enumerate(itertools.pairwise(pieces)) if a + b in scores)
    for rank, (_, i) in enumerate(able):  # the best that is kept
        probability = dropout**rank * (1 - dropout)
        for end, p in every_merge([*pieces[:i], pieces[i] + pieces[i + 1], *pieces[i + 2 :]], scores, dropout):
            yield end, probability * p
    yield tuple(pieces), dropout ** len(able)


def every_split(word, pieces):
    if not word:
        yield ()
    for end in range(1, len(word) + 1):
        if word[:end] in pieces:
            yield from ((word[:end], *rest) for rest in every_split(word[end:], pieces))


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_another_process_draws_the_same(tokenizers, kind, tmp_path):
    tokenizer = tokenizers[kind]
    (name, model), (ids,) = *tokenizer.models.items(), tokenizer.encode_src(TEXT[:1])
    (tmp_path / name).write_bytes(model)
    command = (
        "from pathlib import Path; from nmt.data.tokenizer import Tokenizer; "
        f"print(Tokenizer({{{name!r}: Path({str(tmp_path / name)!r}).read_bytes()}}).samplers[0]({ids}, 0.3, 7))"
    )
    printed = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == str(Tokenizer({name: model}).samplers[0](ids, 0.3, 7))
