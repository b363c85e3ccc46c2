"""Copy batches to a GPU ahead of time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch.utils.data import DataLoader

from nmt.data.batching import Batch


class CopiedAhead:
    """The same batches on a GPU, each after `change`: while one is computed with, the next is copied.

    The copy comes from pinned memory, which the GPU reads by itself, and has a stream of its own. So neither the
    process nor the computation waits. All tensors of a batch are copied as one, because each copy has a fixed cost.
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
        """The batch on the GPU, and the event that its copy is complete."""
        with torch.cuda.stream(stream):
            pinned = torch.cat([part.flatten() for part in batch]).pin_memory()
            parts = torch.split(pinned.to(self.device, non_blocking=True), [part.numel() for part in batch])
            moved = Batch(*(part.view(like.shape) for part, like in zip(parts, batch, strict=True)))
            return moved, stream.record_event()

    def _receive(self, batch: Batch, is_there: torch.cuda.Event) -> Batch:
        current = torch.cuda.current_stream(self.device)
        current.wait_event(is_there)
        batch.src.record_stream(current)  # all share its memory, which stays reserved until the stream is done
        return batch
