"""The lexicon: IBM model 1 against the plain loops of its definition, and what a sentence may use."""

from __future__ import annotations

import tracemalloc
from collections import defaultdict

import numpy as np
import pytest
import torch

from nmt.data import lexicon
from nmt.data.encoded import EncodedCorpus, write_encoded
from nmt.data.lexicon import Lexicon, ibm_model_1, learn_lexicon
from nmt.data.tokenizer import BOS_ID, EOS_ID, SPECIAL_IDS

SRC = [[4, 5], [4, 6], [5], [6, 4, 4]]
TGT = [[7, 8], [7, 9, 9], [8], [9, 7]]


def arrays(rows):
    return [np.array(row, np.int32) for row in rows]


def by_loops(iterations):
    """t(target | source), by the expectations of every link of every pair."""
    t = defaultdict(lambda: 1.0)
    for _ in range(iterations):
        counts, totals = defaultdict(float), defaultdict(float)
        for src, tgt in zip(SRC, TGT, strict=True):
            for target in tgt:
                norm = sum(t[source, target] for source in src)
                for source in src:
                    counts[source, target] += t[source, target] / norm
                    totals[source] += t[source, target] / norm
        t = defaultdict(float, {(s, w): c / totals[s] for (s, w), c in counts.items()})
    return t


@pytest.mark.parametrize("block", [3, lexicon.BLOCK])
def test_model_1_is_its_definition(monkeypatch, block):
    monkeypatch.setattr(lexicon, "BLOCK", block)
    expected = by_loops(lexicon.ITERATIONS)
    pieces, translations, probability = ibm_model_1(arrays(SRC), arrays(TGT), 11)
    found = {(s, t): p for s, t, p in zip(pieces.tolist(), translations.tolist(), probability.tolist(), strict=True)}
    assert found == pytest.approx(dict(expected))
    assert max(found, key=lambda pair: (pair[0] == 4, found[pair])) == (4, 7)


def test_model_1_keeps_one_number_a_link_and_the_rest_block_by_block(monkeypatch):
    monkeypatch.setattr(lexicon, "BLOCK", 1 << 17)
    rng = np.random.default_rng(0)
    src, tgt = ([rng.integers(4, 40, length, np.int32) for _ in range(120)] for length in (110, 130))
    tracemalloc.start()
    try:
        ibm_model_1(src, tgt, 41)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * 120 * 110 * 130 + 80 * lexicon.BLOCK  # bytes


@pytest.fixture
def corpus(tmp_path):
    pairs = [([*s, EOS_ID], [BOS_ID, *t, EOS_ID], 1, 0) for s, t in zip(SRC, TGT, strict=True)]
    write_encoded(tmp_path / "pairs.arrow", pairs)
    return EncodedCorpus(tmp_path / "pairs.arrow")


def test_each_piece_has_its_likeliest_translations_first(corpus, monkeypatch):
    monkeypatch.setattr(lexicon, "LIKELY", 2)
    monkeypatch.setattr(lexicon, "FREQUENT", 0.5)
    learned = learn_lexicon(corpus, 12, 11, joint=False)
    assert [learned.likely[piece, 0].item() for piece in (4, 5, 6)] == [7, 8, 9]
    assert learned.likely[10].tolist() == [EOS_ID, EOS_ID]  # never seen
    assert set(SPECIAL_IDS) < set(learned.frequent.tolist())


def test_with_a_joint_vocabulary_a_piece_may_translate_itself(corpus):
    learned = learn_lexicon(corpus, 11, 11, joint=True)
    assert learned.likely[:, 0].tolist() == list(range(11))


def test_a_sentence_may_use_what_is_frequent_and_what_its_own_pieces_need():
    made = Lexicon(torch.tensor([0, 1, 2, 3], dtype=torch.int32), torch.full((8, 2), 3, dtype=torch.int32))
    made.likely[5] = torch.tensor([6, 9])
    made.likely[6] = torch.tensor([7, 3])
    allowed = made.allowed(torch.tensor([[5, 3, 0], [6, 4, 3]]), 10)
    assert [row.nonzero()[:, 0].tolist() for row in allowed] == [[0, 1, 2, 3, 6, 9], [0, 1, 2, 3, 7]]
