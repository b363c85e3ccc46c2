"""Batches for Lightning, sharded by rank: no pair twice, and every rank as many training batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import lightning.pytorch as pl
import numpy as np
from torch.utils.data import DataLoader, Dataset

from nmt.data.batching import Batch, Lengths, check_budget, collate, token_batches
from nmt.data.encoded import EncodedCorpus
from nmt.data.preparation import Prepared


class _Rows(Dataset[Batch]):
    """A "sample" is a whole batch, and its index the rows that it holds."""

    def __init__(self, corpus: EncodedCorpus) -> None:
        self.corpus = corpus

    def __getitem__(self, rows: Lengths) -> Batch:
        return self.corpus.batch(rows)


class EpochBatches:
    """The row numbers of this rank's batches of one epoch; `set_epoch` is called by Lightning."""

    def __init__(self, corpus: EncodedCorpus, max_tokens: int, seed: int, rank: int, world_size: int) -> None:
        self.corpus, self.max_tokens, self.seed = corpus, max_tokens, seed
        self.rank, self.world_size = rank, world_size
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def batches(self) -> list[Lengths]:
        seed = (self.seed, self.epoch)
        every = token_batches(self.corpus.src_len, self.corpus.tgt_len, self.max_tokens, seed, self.world_size)
        return every[self.rank :: self.world_size]

    def __iter__(self) -> Iterator[Lengths]:
        return iter(self.batches())

    def __len__(self) -> int:
        return len(self.batches())


class DataModule(pl.LightningDataModule):
    """Raises ValueError when a batch of `max_tokens` cannot hold the longest training pair."""

    def __init__(self, prepared: Prepared, max_tokens: int, seed: int, num_workers: int = 0) -> None:
        super().__init__()
        self.prepared, self.max_tokens, self.seed, self.num_workers = prepared, max_tokens, seed, num_workers
        train = prepared.train
        check_budget(int(max(train.src_len.max(), train.tgt_len.max())), max_tokens)

    def train_dataloader(self) -> DataLoader[Batch]:
        rank, world_size = (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)
        batches = EpochBatches(self.prepared.train, self.max_tokens, self.seed, rank, world_size)
        return DataLoader(
            _Rows(self.prepared.train),
            sampler=batches,
            batch_size=None,
            num_workers=self.num_workers,
            persistent_workers=self.num_workers > 0,
        )

    def val_dataloader(self) -> DataLoader[Batch]:
        """This rank's share of the validation pairs."""
        rank, world_size = (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)
        tokenizer, pairs = self.prepared.tokenizer, self.prepared.valid[rank::world_size]
        src = tokenizer.encode_src([pair.src for pair in pairs])
        tgt = tokenizer.encode_tgt([pair.tgt for pair in pairs])
        src_len, tgt_len = (np.array([len(ids) for ids in side]) for side in (src, tgt))
        groups = token_batches(src_len, tgt_len, self.max_tokens, seed=(0,))
        batches = [collate([src[i] for i in rows], [tgt[i] for i in rows]) for rows in groups]
        return DataLoader(cast(Dataset[Batch], batches), batch_size=None)
