from __future__ import annotations

import numpy as np
import pytest
import torch

from nmt.data.corpora import FileCorpus
from nmt.data.datamodule import TrainingBatches
from nmt.data.preparation import prepare
from nmt.data.tokenizer import TokenizerConfig

SEED = 7


@pytest.fixture
def prepared(corpus_dir, tmp_path):
    return prepare(FileCorpus("de", "en", dir=str(corpus_dir)), TokenizerConfig(vocab_size=320), tmp_path)


def texts(prepared, batch):
    sources = zip(batch.src, batch.src_len - 1, strict=True)
    return [prepared.tokenizer.decode_tgt(ids[:length].tolist()) for ids, length in sources]


def test_sampled_batches_say_the_same_in_other_pieces_each_epoch(prepared):
    rows = np.array([3, 0, 8])
    plain, sampled = (TrainingBatches(prepared, sampling, SEED) for sampling in (0.0, 0.3))
    first, again, next_epoch = (sampled[epoch, rows] for epoch in (0, 0, 1))
    assert texts(prepared, first) == texts(prepared, next_epoch) == texts(prepared, plain[0, rows])
    assert all(torch.equal(*parts) for parts in zip(first, again, strict=True))
    assert first.src_len.tolist() != next_epoch.src_len.tolist()
    assert first.tgt_len.tolist() != next_epoch.tgt_len.tolist()


def test_the_pieces_of_a_line_do_not_depend_on_its_batch(prepared):
    sampled = TrainingBatches(prepared, 0.3, SEED)
    alone, among = sampled[2, np.array([8])], sampled[2, np.array([3, 0, 8])]
    assert alone.src[0].tolist() == among.src[2, : among.src_len[2]].tolist()
