"""Batches on a GPU before they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch.utils.data import DataLoader

from nmt.data.batching import Batch


class CopiedAhead:
    """The same batches, but for what `change` makes of each, on a GPU: while one is computed with, the next is on its
    way.

    It is copied from pinned memory, which the GPU reads by itself, on a stream of its own, so that neither the
    process nor the computation waits; and in one piece, as each costs what it costs to ask for one.
    """

    def __init__(
        self,
        batches: DataLoader[Batch],
        device: torch.device,
        change: Callable[[Batch], Batch] = lambda batch: batch,
    ) -> None:
        self.batches, self.device, self.change = batches, device, change

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[Batch]:
        stream = torch.cuda.Stream(self.device)  # type: ignore[no-untyped-call]
        ahead: tuple[Batch, torch.cuda.Event] | None = None
        for batch in self.batches:
            sent = self._send(self.change(batch), stream)
            if ahead is not None:
                yield self._receive(*ahead)
            ahead = sent
        if ahead is not None:
            yield self._receive(*ahead)

    def _send(self, batch: Batch, stream: torch.cuda.Stream) -> tuple[Batch, torch.cuda.Event]:
        """The batch on the GPU, and what tells that it is there."""
        with torch.cuda.stream(stream):
            pinned = torch.cat([part.flatten() for part in batch]).pin_memory()
            parts = torch.split(pinned.to(self.device, non_blocking=True), [part.numel() for part in batch])
            moved = Batch(*(part.view(like.shape) for part, like in zip(parts, batch, strict=True)))
            return moved, stream.record_event()

    def _receive(self, batch: Batch, is_there: torch.cuda.Event) -> Batch:
        current = torch.cuda.current_stream(self.device)
        current.wait_event(is_there)
        batch.src.record_stream(current)  # the memory of all is not given away before that stream is done with it
        return batch
