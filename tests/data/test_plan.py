"""The plan of an epoch, a window at a time, of one text or of several."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmt.data import encoded
from nmt.data import plan as plan_module
from nmt.data.batching import token_batches
from nmt.data.corpora import MixConfig
from nmt.data.datamodule import EpochBatches
from nmt.data.encoded import EncodedCorpus, write_encoded
from nmt.data.mixing import describe_share, mixed
from nmt.data.plan import BatchPlan, Text

BLOCK, SEED, MAX = 8, 3, 60
SIZES = {"news": 100, "talks": 21, "web": 5}


class Stub:
    """Lengths in blocks, as EncodedCorpus has them."""

    block_size = BLOCK

    def __init__(self, src_len, tgt_len):
        self.sides = src_len, tgt_len

    def __len__(self):
        return len(self.sides[0])

    def spans(self):
        return EncodedCorpus.spans(
            SimpleNamespace(num_blocks=-(-len(self) // BLOCK), block_size=BLOCK, rows=len(self))
        )

    def lengths(self, rows):
        assert (np.diff(rows) >= 0).all()
        return self.sides[0][rows], self.sides[1][rows]


@given(
    st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), min_size=1, max_size=200),
    st.integers(40, 900),
    st.integers(1, 4),
    st.integers(1, 3),
    st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 99)),
    st.integers(0, 50),
    st.sampled_from([9, 50, 10**6]),
)
def test_an_epoch_has_every_pair_once_within_the_budget_from_wherever_it_goes_on(
    pairs, max_tokens, world_size, shards_each, seed, done, window
):
    src_len, tgt_len = np.array(pairs).T
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan_module, "WINDOW", window)
        plan = BatchPlan(Stub(src_len, tgt_len), max_tokens, seed[0], world_size * shards_each)
    data = SimpleNamespace(plan=plan, epoch=seed[1], batches_done=0)
    ranks = [EpochBatches(data, rank, world_size) for rank in range(world_size)]
    refusal = ""
    try:
        epochs = [[(epoch, rows.tolist()) for epoch, rows in rank] for rank in ranks]
    except ValueError as error:
        refusal = str(error)
    if refusal:
        assert "batches of one sentence do not fill" in refusal
        assert world_size * shards_each > 1
        return
    assert sorted(row for batches in epochs for _, rows in batches for row in rows) == list(range(len(pairs)))
    assert {len(batches) for batches in epochs} == {len(rank) for rank in ranks} == {len(epochs[0])}
    assert len(epochs[0]) % shards_each == 0
    for _, rows in [batch for batches in epochs for batch in batches]:
        assert len(rows) * max(src_len[rows].max(), tgt_len[rows].max()) <= max_tokens
    data.batches_done = done
    assert [[(epoch, rows.tolist()) for epoch, rows in rank] for rank in ranks] == [b[done:] for b in epochs]


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    """Three texts in blocks of 8 rows."""
    monkeypatch.setattr(encoded, "BLOCK_ROWS", BLOCK)
    rng = np.random.default_rng(0)
    parts = [number for number, size in enumerate(SIZES.values()) for _ in range(size)]
    lengths = rng.integers(2, 15, (len(parts), 2)).tolist()
    rows = [
        ([5] * src, [2, *[6] * tgt], i, part) for i, ((src, tgt), part) in enumerate(zip(lengths, parts, strict=True))
    ]
    write_encoded(tmp_path / "x.arrow", rows)
    return EncodedCorpus(tmp_path / "x.arrow")


def test_a_text_of_one_window_is_shuffled_whole(corpus):
    plan = BatchPlan(corpus, MAX, SEED, shards=2)
    assert plan.windows == 1
    for epoch in (0, 5):
        batches = token_batches(*corpus.lengths(np.arange(len(corpus))), MAX, (SEED, epoch), 2)
        assert [rows.tolist() for rows in plan.batches(epoch)] == [rows.tolist() for rows in batches]


def test_windows_are_other_ones_in_each_epoch_and_few_blocks_are_open(corpus, monkeypatch):
    monkeypatch.setattr(plan_module, "WINDOW", 24)
    plan = BatchPlan(corpus, MAX, SEED)
    assert plan.windows == 6
    first = [frozenset(plan.rows(epoch, 0).tolist()) for epoch in range(3)]
    assert len(set(first)) == 3
    assert all(18 <= len(rows) <= 24 for rows in first)
    reads, read = Counter(), EncodedCorpus.read
    for number, rows in enumerate(plan.batches(0)):
        if number == 0:  # the plan of the window is made
            monkeypatch.setattr(EncodedCorpus, "read", lambda self, of: (reads.update([of]), read(self, of))[1])
        corpus.batch(rows)
        assert len(corpus._open) <= corpus.most_open == 5
    assert plan.survey(0).batches == [len(plan.window(0, number).batches) for number in range(6)]
    src_len, tgt_len = corpus.lengths(np.arange(len(corpus)))
    sizes = [len(rows) * (src_len[rows].max() + tgt_len[rows].max()) for rows in plan.batches(0)]
    largest = plan.survey(0).largest[0]
    assert len(largest) * (src_len[largest].max() + tgt_len[largest].max()) == max(sizes)


@pytest.mark.parametrize("window", [30, 10**6])
@pytest.mark.parametrize("mix", [MixConfig(weights=(1, 1, 2)), MixConfig(temperature=3)])
def test_texts_are_mixed_by_their_shares_and_no_pair_comes_twice_before_all_came_once(
    corpus, monkeypatch, mix, window
):
    monkeypatch.setattr(plan_module, "WINDOW", window)
    texts = mixed(corpus, mix, list(SIZES))
    shares = np.array(mix.weights) if mix.weights else np.array(list(SIZES.values())) ** (1 / 3)
    assert [text.drawn for text in texts] == pytest.approx(126 * shares / shares.sum(), abs=1)
    assert sum(text.drawn for text in texts) == 126
    plan = BatchPlan(corpus, MAX, SEED, 2, texts)
    drawn = Counter()
    for epoch in range(5):
        of_epoch = [row for rows in plan.batches(epoch) for row in rows.tolist()]
        assert [
            sum(first <= row < last for row in of_epoch) for first, last in ((0, 100), (100, 121), (121, 126))
        ] == [text.drawn for text in texts]
        drawn.update(of_epoch)
        for text in texts:
            times = [drawn[row] for first, last in text.spans.tolist() for row in range(first, last)]
            assert max(times) - min(times) <= 1


def test_a_window_has_of_each_text_what_the_epoch_has(corpus, monkeypatch):
    monkeypatch.setattr(plan_module, "WINDOW", 42)
    plan = BatchPlan(corpus, MAX, SEED, 1, mixed(corpus, MixConfig(weights=(1, 1, 1)), list(SIZES)))
    assert [(plan.rows(2, window) < 100).sum() for window in range(3)] == [14] * 3


def test_shares_are_told(corpus):
    assert mixed(corpus, MixConfig(), list(SIZES)) == []
    text = mixed(corpus, MixConfig(weights=(1, 1, 1)), list(SIZES))[1]
    assert describe_share(text, 126) == "42 of talks (33.3%), which has 21 (2 times an epoch)"
    assert Text(corpus.spans(), 3).pairs == 126


@pytest.mark.parametrize(
    ("weights", "parts", "message"),
    [
        ((1, 2), list(SIZES), r"weights has 2 number\(s\), but the training text has 3 part\(s\): news, talks, web"),
        ((1, 2, 3, 4), [*SIZES, "empty"], "no training pair of empty is left"),
    ],
)
def test_weights_are_those_of_the_texts(corpus, weights, parts, message):
    with pytest.raises(ValueError, match=message):
        mixed(corpus, MixConfig(weights=weights), parts)


def test_weights_or_a_temperature():
    with pytest.raises(ValueError, match=r"weights is \[1, 0\]; each must be more than 0"):
        MixConfig(weights=(1, 0))
    with pytest.raises(ValueError, match="give one of them"):
        MixConfig(weights=(1, 2), temperature=5)
