from __future__ import annotations

import numpy as np
import pytest
import torch

from nmt.data.batching import check_budget, collate, token_batches

ROWS, MAX = 500, 64


@pytest.fixture
def lengths():
    rng = np.random.default_rng(0)
    src = rng.integers(1, 30, ROWS)
    return src, np.clip(src + rng.integers(-3, 4, ROWS), 1, None)


@pytest.mark.parametrize("shards", [1, 2, 3, 7])
def test_every_pair_stands_in_one_batch_and_every_shard_gets_as_many(lengths, shards):
    batches = token_batches(*lengths, MAX, seed=(1, 0), shards=shards)
    assert len(batches) % shards == 0
    assert sorted(np.concatenate(batches).tolist()) == list(range(ROWS))


def test_no_batch_exceeds_its_budget_padding_included(lengths):
    for rows in token_batches(*lengths, MAX, seed=(1, 0)):
        for side in lengths:
            assert side[rows].max() * len(rows) <= MAX


def test_the_order_depends_on_seed_and_epoch_alone(lengths):
    make = lambda *seed: [rows.tolist() for rows in token_batches(*lengths, MAX, seed=seed)]  # noqa: E731
    assert make(1, 0) == make(1, 0)
    assert make(1, 0) != make(1, 1)
    assert make(1, 0) != make(2, 0)


def test_sentences_of_like_length_go_together(lengths):
    batches = token_batches(*lengths, 512, seed=(1, 0))
    padded = sum(side[rows].max() * len(rows) for rows in batches for side in lengths)
    assert sum(side.sum() for side in lengths) / padded > 0.85


def test_batches_come_in_few_sizes(lengths):
    sizes = [len(rows) for rows in token_batches(*lengths, 512, seed=(1, 0))]
    assert sum(size > 16 and size % 16 != 0 for size in sizes) <= 1  # the last one takes what is left


def test_more_shards_than_sentences_is_an_error():
    with pytest.raises(ValueError, match="2 batches of one sentence do not fill 3 shards evenly; raise trainer.max_"):
        token_batches(np.array([1, 1]), np.array([1, 1]), 10, seed=(0,), shards=3)


def test_a_budget_smaller_than_a_sentence_is_an_error():
    check_budget(9, 9)
    with pytest.raises(ValueError, match="trainer.max_tokens is 8, but the longest .* has 9 tokens"):
        check_budget(9, 8)


def test_targets_are_shifted_by_one():
    batch = collate([[7, 8, 3], [9, 3]], [[2, 5, 6, 3], [2, 3]])
    assert batch.src.tolist() == [[7, 8, 3], [9, 3, 0]]
    assert batch.src_len.tolist() == [3, 2]
    assert batch.tgt_in[0].tolist() == [2, 5, 6]
    assert batch.tgt_out[0].tolist() == [5, 6, 3]
    assert batch.tgt_len.tolist() == [3, 1]
    assert torch.equal(batch.tgt_out[1, :1], torch.tensor([3]))
    assert batch.tgt_out.flatten()[batch.real].tolist() == [5, 6, 3, 3]
