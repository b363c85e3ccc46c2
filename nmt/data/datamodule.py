"""Batches for Lightning, shared out among processes: no pair twice, and the same number for every process.

An epoch's batches are made for N shards: N batches in a row belong to the same update. W processes, where W divides
N, each take every W-th batch, so N / W of these. The content of an update therefore does not depend on W.
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
    """A "sample" is a whole batch; its index is the epoch and the rows of the batch.

    With `sampling` (TokenizerConfig) a row has other pieces in each epoch, which depend on (seed, epoch, row).
    Batches are planned with the usual pieces, so they exceed their size by the share of tokens that sampling adds.
    """

    def __init__(self, prepared: Prepared, sampling: float, seed: int) -> None:
        self.prepared, self.sampling, self.seed = prepared, sampling, seed

    def __getitem__(self, index: tuple[int, Lengths]) -> Batch:
        epoch, rows = index
        train = self.prepared.train
        if not self.sampling:
            return train.batch(rows)
        src_sampler, tgt_sampler = self.prepared.tokenizer.samplers
        src, tgt = [], []
        for row in rows.tolist():
            of_src, of_tgt = np.random.SeedSequence((self.seed, epoch, row)).generate_state(2).tolist()
            src_ids, tgt_ids = train.pair(row)
            src.append(src_sampler(src_ids.tolist(), self.sampling, of_src))
            tgt.append(tgt_sampler(tgt_ids.tolist(), self.sampling, of_tgt))
        return collate(src, tgt)


class EpochBatches:
    """Indices of this process's batches for TrainingBatches: the epoch and the row numbers."""

    def __init__(self, datamodule: DataModule, rank: int, world_size: int) -> None:
        self.datamodule, self.rank, self.world_size = datamodule, rank, world_size

    def since(self, number: int) -> Iterator[Lengths]:
        """The rows of this process's batches of the current epoch, from batch `number` on."""
        every = self.datamodule.plan.batches(self.datamodule.epoch, number * self.world_size)
        return islice(every, self.rank, None, self.world_size)

    def __iter__(self) -> Iterator[tuple[int, Lengths]]:
        """The remaining ones of the current epoch."""
        epoch = self.datamodule.epoch
        return ((epoch, rows) for rows in self.since(self.datamodule.batches_done))

    def __len__(self) -> int:
        return self.datamodule.plan.count(self.datamodule.epoch) // self.world_size


class DataModule(pl.LightningDataModule):
    """Raises ValueError when a batch of `max_tokens` cannot hold the longest training pair, or the texts cannot be
    mixed as configured.

    `epoch` is the epoch of the next batch; `batches_done` counts the batches that this process has finished in it.
    training/module.py updates both here, because a resumed Trainer asks for batches before it knows its position.
    """

    trainer: pl.Trainer  # set by Lightning before any other call

    def __init__(
        self, prepared: Prepared, max_tokens: int, seed: int, num_workers: int, sampling: float, shards: int
    ) -> None:
        super().__init__()
        self.prepared, self.max_tokens, self.seed, self.num_workers = prepared, max_tokens, seed, num_workers
        self.sampling, self.shards = sampling, shards
        self.epoch = self.batches_done = 0
        train = prepared.train
        check_budget(train.longest, max_tokens)
        self.texts = mixed(train, prepared.corpus.mix, prepared.parts)  # empty: no mixing
        self.plan = BatchPlan(train, max_tokens, seed, shards, self.texts)

    def state_dict(self) -> dict[str, Any]:
        """The position of the run, independent of the number of processes: the batches done of each shard, in whole
        updates."""
        done = self.batches_done - self.unfinished(self.batches_done)
        return {"epoch": self.epoch, "batches_done": done // self.shards_each, "shards": self.shards}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Raises ValueError for a position inside an epoch that was planned for another number of shards."""
        self.epoch, self.batches_done = state_dict["epoch"], state_dict["batches_done"] * self.shards_each
        shards = state_dict["shards"]
        if self.batches_done and shards != self.shards:
            raise ValueError(
                f"the run stopped inside an epoch that {shards} device(s) shared; trainer.shards={shards} goes on, "
                f"not {self.shards}"
            )

    @property
    def shards_each(self) -> int:
        """The number of shards for each process."""
        return self.shards // self.trainer.world_size

    def unfinished(self, batches: int) -> int:
        """How many of a process's first `batches` belong to an incomplete update. Training with a time limit may end
        inside one."""
        return batches % self.trainer.accumulate_grad_batches

    def place(self, batch: int) -> tuple[int, int]:
        """For a batch of this process in the epoch: its number in its shard, and the number of the shard."""
        return divmod(self.trainer.global_rank + batch * self.trainer.world_size, self.shards)

    def lines(self, batches: range) -> list[tuple[str, int]]:
        """The lines of the training text in these batches of this process in the current epoch, sorted: the name of
        the text's part, and the line's number in it."""
        wanted = islice(self._own().since(batches.start), len(batches))
        places = sorted(self.prepared.train.origin(int(row)) for rows in wanted for row in rows)
        return [(self.prepared.parts[part], line) for part, line in places]

    def updates(self, accumulate: int) -> int:
        """Updates in the first epoch. Others have about as many; exactly as many if each takes the whole text in one
        window (plan.py)."""
        return -(-self.plan.count(0) // (self.shards * accumulate))

    def _own(self) -> EpochBatches:
        return EpochBatches(self, self.trainer.global_rank, self.trainer.world_size)

    def largest_batches(self) -> list[Batch]:
        """The batches of the current epoch that need the most memory."""
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
