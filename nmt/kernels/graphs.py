"""The loop over time as a CUDA graph: a GPU starts its hundreds of small kernels by itself, without Python.

A graph works on the same memory whenever it runs, so there must be one for each shape, and what it reads is copied in
and what it writes copied out. A shape that is met for the first time runs without; what is met again is captured. All
graphs of a device share one piece of memory, as large as the largest needs, because only one is at work at a time.
A graph starts the same kernels on numbers that are aligned alike, so results do not tell whether there was one.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from math import prod
from typing import Protocol

import torch
from torch import Tensor

log = logging.getLogger(__name__)

ALIGNED = 512  # bytes, as torch's own memory on a GPU is
MOST = 256  # graphs of a device
SHARE = 8  # of a device's memory they take at most one part of so many


class Graph(Protocol):
    def replay(self) -> None: ...


Work = Callable[[], None]
# Without doing the work; what it needs for itself it takes from where the other graph has it, if there is one.
Capture = Callable[[Work, Graph | None], Graph]


class Space:
    """Where the tensors of some work are, and how it is done. This one makes them anew."""

    def __init__(self, device: torch.device) -> None:
        self.device, self.size_bytes = device, 0

    def new(self, *shape: int, dtype: torch.dtype) -> Tensor:
        """Not filled."""
        self.size_bytes += _size_bytes(shape, dtype)
        return torch.empty(shape, dtype=dtype, device=self.device)

    def put(self, x: Tensor) -> Tensor:
        """What the work reads."""
        self.size_bytes += _size_bytes(x.shape, x.dtype)
        return x

    def run(self, work: Work) -> None:
        """Work that uses no tensors but those from here, and those that it makes itself."""
        work()

    def take(self, x: Tensor) -> Tensor:
        """A tensor from here, to keep."""
        return x


def _size_bytes(shape: tuple[int, ...], dtype: torch.dtype) -> int:
    return -(-prod(shape) * dtype.itemsize // ALIGNED) * ALIGNED


@dataclass
class _Entry:
    size_bytes: int
    graph: Graph | None = None


class _Shared(Space):
    """The shared memory, and a graph; asked for the same tensors in the same order they are in the same places."""

    def __init__(self, graphs: Graphs, entry: _Entry) -> None:
        super().__init__(graphs.device)
        self.graphs, self.entry, self.memory = graphs, entry, graphs.memory

    def new(self, *shape: int, dtype: torch.dtype) -> Tensor:
        first, count = self.size_bytes, prod(shape)
        self.size_bytes += _size_bytes(shape, dtype)
        return self.memory[first : first + count * dtype.itemsize].view(dtype).view(shape)

    def put(self, x: Tensor) -> Tensor:
        return self.new(*x.shape, dtype=x.dtype).copy_(x)

    def run(self, work: Work) -> None:
        if self.entry.graph is None:
            try:
                self.entry.graph = self.graphs.capture(work, self.graphs.any_graph())
            except Exception as error:  # whatever a driver may raise
                self.graphs.fails(error)
                work()
                return
        self.entry.graph.replay()

    def take(self, x: Tensor) -> Tensor:
        return x.clone()


class Graphs:
    """Of one device; those not used for longest go first. One thread at a time."""

    def __init__(self, device: torch.device, capture: Capture, most_bytes: int, most: int = MOST) -> None:
        self.device, self.capture, self.most_bytes, self.most = device, capture, most_bytes, most
        self.entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self.memory = torch.empty(0, dtype=torch.uint8, device=device)
        self.is_off = False
        self._lock = threading.RLock()

    @contextmanager
    def space(self, key: Hashable) -> Iterator[Space]:
        """For the work that `key` tells, shapes included. What is not taken is the next one's at the end."""
        with self._lock:
            entry = self.entries.get(key)
            if entry is None or self.is_off or entry.size_bytes > self.most_bytes:
                fresh = Space(self.device)
                yield fresh
                self.entries.setdefault(key, _Entry(fresh.size_bytes))
            else:
                self._make_room(entry.size_bytes)
                yield _Shared(self, entry)
            self.entries.move_to_end(key)
            if len(self.entries) > self.most:
                self.entries.popitem(last=False)

    def _make_room(self, size_bytes: int) -> None:
        if size_bytes > len(self.memory):
            for entry in self.entries.values():
                entry.graph = None  # it works on memory that goes
            self.memory = self.memory[:0].clone()
            with torch.inference_mode(False):  # which may be on now and off the next time
                self.memory = self.memory.new_empty(min(size_bytes * 5 // 4, self.most_bytes))

    def any_graph(self) -> Graph | None:
        return next((entry.graph for entry in self.entries.values() if entry.graph is not None), None)

    def fails(self, error: Exception) -> None:
        self.is_off = True
        reason = str(error).partition("\n")[0]
        log.warning("the loop over time runs on %s without CUDA graphs, which fail here: %s", self.device, reason)


@cache
def graphs_of(device: torch.device, stream: int) -> Graphs:
    """Of one stream, whose work is done in turn."""
    generator = torch.cuda.default_generators[device.index]

    def capture(work: Work, beside: Graph | None) -> Graph:
        graph = torch.cuda.CUDAGraph()
        # A pool is gone with the last graph that has its memory there.
        pool = beside.pool() if isinstance(beside, torch.cuda.CUDAGraph) else None
        before = generator.clone_state()
        try:
            # Other threads, such as one that copies batches, go on meanwhile.
            with torch.cuda.device(device), torch.cuda.graph(graph, pool=pool, capture_error_mode="thread_local"):
                work()
        except Exception:
            generator.graphsafe_set_state(before)  # else it takes itself to be captured, and draws no more
            raise
        return graph

    return Graphs(device, capture, torch.cuda.get_device_properties(device).total_memory // SHARE)


@contextmanager
def space(device: torch.device, can_be_captured: bool, key: Hashable) -> Iterator[Space]:
    """For the work that `key` tells, shapes included."""
    if not (can_be_captured and _may_capture(device)):
        yield Space(device)
        return
    with graphs_of(device, torch.cuda.current_stream(device).stream_id).space(key) as found:
        yield found


def _may_capture(device: torch.device) -> bool:
    return (
        device.type == "cuda"
        and not torch.are_deterministic_algorithms_enabled()
        and not torch.cuda.is_current_stream_capturing()
    )
