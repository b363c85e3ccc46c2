from __future__ import annotations

import subprocess
import sys
from collections import Counter
from math import exp

import pytest

from nmt.data.tokenizer import Tokenizer, TokenizerConfig, train_tokenizer

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
        assert tokenizer.sample_src(ids, 0.0, 1) == ids


def test_bpe_that_drops_every_merge_spells(tokenizers):
    tokenizer = tokenizers["bpe"]
    (ids,) = tokenizer.encode_src(["Satz mit"])
    assert tokenizer.src_pieces(tokenizer.sample_src(ids, 1.0, 1)) == [*"▁Satz▁mit", "</s>"]


def test_unigrams_are_drawn_with_their_probabilities(tokenizers):
    tokenizer, smoothing = tokenizers["unigram"], 0.5
    (ids,) = tokenizer.encode_src(["wiederholen"])
    sampler = tokenizer.samplers[0]
    splits = list(every_split("▁wiederholen", sampler.scores))
    weights = [exp(smoothing * sum(sampler.scores[piece] for piece in split)) for split in splits]
    drawn = Counter(
        tuple(tokenizer.src_pieces(tokenizer.sample_src(ids, smoothing, seed)[:-1])) for seed in range(4000)
    )
    assert set(drawn) <= set(splits)
    for split, weight in zip(splits, weights, strict=True):
        assert drawn[split] / 4000 == pytest.approx(weight / sum(weights), abs=0.03)


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
        f"print(Tokenizer({{{name!r}: Path({str(tmp_path / name)!r}).read_bytes()}}).sample_src({ids}, 0.3, 7))"
    )
    printed = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == str(Tokenizer({name: model}).sample_src(ids, 0.3, 7))
