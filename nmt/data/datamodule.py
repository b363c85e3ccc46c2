"""Batches for Lightning, of which each process takes its share: no pair twice, and every process as many.

An epoch's batches are made for so many shards, N of them in a row being learned from together. Of W processes, where
W divides N, each takes every W-th batch, N / W of which it learns from before the weights change. So what an update
is made of does not depend on W.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, cast

import lightning.pytorch as pl
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from nmt.data.ahead import CopiedAhead
from nmt.data.augmentation import with_rules
from nmt.data.batching import Batch, Lengths, check_budget, collate, in_few_shapes, token_batches
from nmt.data.mixing import mixed
from nmt.data.plan import BatchPlan
from nmt.data.preparation import Prepared


def datamodule_of(trainer: pl.Trainer | None) -> DataModule:
    assert trainer is not None
    return cast(DataModule, trainer.datamodule)  # type: ignore[attr-defined]


def is_copied_ahead(device: torch.device) -> bool:
    return device.type == "cuda"


class TrainingBatches(Dataset[Batch]):
    """A "sample" is a whole batch, and its index the epoch and the rows that it holds.

    With `sampling` (TokenizerConfig) a line has other pieces in each epoch, which depend on (seed, epoch, line).
    Batches are planned by the usual pieces, so they hold more tokens then, by the share that sampling makes of them.
    """

    def __init__(self, prepared: Prepared, sampling: float, seed: int) -> None:
        self.prepared, self.sampling, self.seed = prepared, sampling, seed

    def __getitem__(self, index: tuple[int, Lengths]) -> Batch:
        epoch, rows = index
        train, tokenizer = self.prepared.train, self.prepared.tokenizer
        if not self.sampling:
            return train.batch(rows)
        src, tgt = [], []
        for row in rows.tolist():
            of_src, of_tgt = np.random.SeedSequence((self.seed, epoch, row)).generate_state(2).tolist()
            src_ids, tgt_ids = train.pair(row)
            src.append(tokenizer.sample_src(src_ids.tolist(), self.sampling, of_src))
            tgt.append(tokenizer.sample_tgt(tgt_ids.tolist(), self.sampling, of_tgt))
        return collate(src, tgt)


class EpochBatches:
    """The epoch and the row numbers of this process's batches, anew in each epoch."""

    def __init__(self, datamodule: DataModule, rank: int, world_size: int) -> None:
        self.datamodule, self.rank, self.world_size = datamodule, rank, world_size

    def since(self, number: int) -> Iterator[Lengths]:
        """The rows of its batches of the current epoch, from this number on."""
        every = self.datamodule.plan.batches(self.datamodule.epoch, number * self.world_size)
        return islice(every, self.rank, None, self.world_size)

    def __iter__(self) -> Iterator[tuple[int, Lengths]]:
        """Those of the current epoch that are still to come."""
        epoch = self.datamodule.epoch
        return ((epoch, rows) for rows in self.since(self.datamodule.batches_done))

    def __len__(self) -> int:
        return self.datamodule.plan.count(self.datamodule.epoch) // self.world_size


class DataModule(pl.LightningDataModule):
    """Raises ValueError when a batch of `max_tokens` cannot hold the longest training pair, or the texts cannot be
    mixed so.

    `epoch` is the one whose batches come next, and `batches_done` of this process's are behind. Both are counted here
    (training/module.py does it) because a resumed Trainer asks for batches before it knows where it is.
    """

    trainer: pl.Trainer  # Lightning gives it before it asks for anything

    def __init__(
        self, prepared: Prepared, max_tokens: int, seed: int, num_workers: int, sampling: float, shards: int
    ) -> None:
        super().__init__()
        self.prepared, self.max_tokens, self.seed, self.num_workers = prepared, max_tokens, seed, num_workers
        self.sampling, self.shards = sampling, shards
        self.epoch = self.batches_done = 0
        train = prepared.train
        check_budget(train.longest, max_tokens)
        self.texts = mixed(train, prepared.corpus.mix, prepared.parts)  # none: all text as it is
        self.plan = BatchPlan(train, max_tokens, seed, shards, self.texts)

    def state_dict(self) -> dict[str, Any]:
        """Where the run is, whatever the number of processes: of each shard so many batches are behind, in whole
        updates."""
        done = self.batches_done - self.unfinished(self.batches_done)
        return {"epoch": self.epoch, "batches_done": done // self.shards_each, "shards": self.shards}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Raises ValueError inside an epoch that was made for another number of shards, by an earlier version."""
        self.epoch, self.batches_done = state_dict["epoch"], state_dict["batches_done"] * self.shards_each
        shards = state_dict.get("shards", state_dict.get("world_size"))  # of an earlier version
        if self.batches_done and shards != self.shards:
            raise ValueError(
                f"the run stopped inside an epoch that {shards} device(s) shared; trainer.shards={shards} goes on, "
                f"not {self.shards}"
            )

    @property
    def shards_each(self) -> int:
        """How many shards a process takes."""
        return self.shards // self.trainer.world_size

    def unfinished(self, batches: int) -> int:
        """How many of a process's first `batches` belong to an update that needs more. Training that ends by the
        clock may end there."""
        return batches % self.trainer.accumulate_grad_batches

    def place(self, batch: int) -> tuple[int, int]:
        """Of a batch of this process in its epoch: the number that it has in its shard, and the shard's."""
        return divmod(self.trainer.global_rank + batch * self.trainer.world_size, self.shards)

    def lines(self, batches: range) -> list[tuple[str, int]]:
        """Which lines of the training text this process's batches with these numbers of the current epoch come from,
        in order: each by the part of the text that it stands in and its number there."""
        wanted = islice(self._own().since(batches.start), len(batches))
        places = sorted(self.prepared.train.origin(int(row)) for rows in wanted for row in rows)
        return [(self.prepared.parts[part], line) for part, line in places]

    def updates(self, accumulate: int) -> int:
        """How many the first epoch has; others have about as many, and of all text as many."""
        return -(-self.plan.count(0) // (self.shards * accumulate))

    def _own(self) -> EpochBatches:
        return EpochBatches(self, self.trainer.global_rank, self.trainer.world_size)

    def largest_batches(self) -> list[Batch]:
        """Those of the current epoch that need the most memory."""
        return [self.prepared.train.batch(rows) for rows in self.plan.survey(self.epoch).largest]

    def train_dataloader(self) -> Iterable[Batch]:
        loader = DataLoader(
            TrainingBatches(self.prepared, self.sampling, self.seed),
            sampler=self._own(),
            batch_size=None,
            num_workers=self.num_workers,
            persistent_workers=self.num_workers > 0,
        )
        device = self.trainer.strategy.root_device
        return CopiedAhead(loader, device, in_few_shapes) if is_copied_ahead(device) else loader

    def val_dataloader(self) -> DataLoader[Batch]:
        """This rank's share of the validation pairs."""
        tokenizer = self.prepared.tokenizer
        own = self.prepared.valid[self.trainer.global_rank :: self.trainer.world_size]
        pairs = [with_rules(pair, tokenizer.rules) for pair in own]
        src = self.prepared.encode_src(pairs)
        tgt = tokenizer.encode_tgt([pair.tgt for pair in pairs])
        src_len, tgt_len = (np.array([len(ids) for ids in side]) for side in (src, tgt))
        groups = token_batches(src_len, tgt_len, self.max_tokens, seed=(0,))
        batches = [collate([src[i] for i in rows], [tgt[i] for i in rows]) for rows in groups]
        return DataLoader(cast(Dataset[Batch], batches), batch_size=None)
