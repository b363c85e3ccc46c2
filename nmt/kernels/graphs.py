"""Work on a GPU as CUDA graphs: the device starts hundreds of small kernels by itself, without Python.

A graph always works on the same memory, so there is one for each set of shapes. Work seen for the first time runs as
it is, which also compiles its kernels; work seen again is captured. A graph starts the same kernels and draws the
same random numbers as the work itself, so the results are the same.

Captured work must not wait for the GPU, copy from the host's memory, or read numbers that the GPU computes.
"""

from __future__ import annotations

import gc
import logging
import sys
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

log = logging.getLogger(__name__)

MOST = 512  # graphs of one kind of work
ENOUGH = 1 / 4  # of a GPU's memory: if less is free, torch releases its cache before the next capture
SHARE = 1 / 8  # of a GPU's memory, for the graphs' inputs and outputs

Work = Callable[..., Sequence[Tensor]]  # of tensors


class CapturedGraph(Protocol):
    def replay(self) -> None: ...


# Captures what the function does, without running it. Takes memory from the pool of the given graph.
Capture = Callable[[Callable[[], None], CapturedGraph | None], CapturedGraph]


@dataclass
class _Entry:
    """Work on tensors of certain shapes. A graph, once there is one, reads `inputs` and writes `outputs`."""

    outputs: list[Tensor]
    inputs: list[Tensor] = field(default_factory=list)
    graph: CapturedGraph | None = None


class Graphs:
    """The graphs of one kind of work on one device; the least recently used go first. One thread at a time."""

    def __init__(self, what: str, capture: Capture, most: int = MOST, most_bytes: int = sys.maxsize) -> None:
        self.what, self.capture, self.most, self.most_bytes = what, capture, most, most_bytes
        self.entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self.outputs: dict[Hashable, list[Tensor]] = {}  # shared by all graphs whose outputs have the same shapes
        self.is_off = False

    def run(self, key: Hashable, work: Work, *inputs: Tensor) -> Sequence[Tensor]:
        """work(*inputs); valid until the next run. `key` identifies the work, apart from the shapes of its inputs."""
        if self.is_off:
            return work(*inputs)
        key = key, shapes(inputs)
        entry = self.entries.get(key)
        if entry is None:
            outputs = work(*inputs)
            self.entries[key] = _Entry(self._place_of(outputs))
            self._keep_few()
            return outputs
        self.entries.move_to_end(key)
        if entry.graph is None:
            try:
                entry.graph = self._captured(entry, work, inputs)
            except Exception as error:  # whatever a driver may raise
                self._fails(error)
                return work(*inputs)
            self._keep_few()
        torch._foreach_copy_(entry.inputs, list(inputs))
        entry.graph.replay()
        return entry.outputs

    def _captured(self, entry: _Entry, work: Work, inputs: Sequence[Tensor]) -> CapturedGraph:
        with torch.inference_mode(False):  # it may be on now and off the next time
            entry.inputs = [torch.empty_like(part) for part in inputs]
        torch._foreach_copy_(entry.inputs, list(inputs))
        others = (other.graph for other in self.entries.values() if other.graph is not None)

        def done() -> None:
            torch._foreach_copy_(entry.outputs, list(work(*entry.inputs)))

        return self.capture(done, next(others, None))

    def _place_of(self, outputs: Sequence[Tensor]) -> list[Tensor]:
        key = shapes(outputs)
        if key not in self.outputs:
            with torch.inference_mode(False):
                self.outputs[key] = [torch.empty_like(part) for part in outputs]
        return self.outputs[key]

    def _keep_few(self) -> None:
        while len(self.entries) > 1 and (len(self.entries) > self.most or self._size_bytes() > self.most_bytes):
            self.entries.popitem(last=False)
        written = {id(entry.outputs) for entry in self.entries.values()}
        self.outputs = {key: place for key, place in self.outputs.items() if id(place) in written}

    def _size_bytes(self) -> int:
        places = {id(place): place for entry in self.entries.values() for place in (entry.inputs, entry.outputs)}
        return sum(part.numel() * part.itemsize for place in places.values() for part in place)

    def _fails(self, error: Exception) -> None:
        self.is_off = True
        self.entries.clear()
        self.outputs.clear()
        log.warning("%s goes on without CUDA graphs, which fail here: %s", self.what, str(error).partition("\n")[0])


def shapes(parts: Sequence[Tensor]) -> Hashable:
    return tuple((part.shape, part.dtype) for part in parts)


def graphs_on(device: torch.device, what: str) -> Graphs:
    """The graphs for a GPU that has been used before."""
    generator = torch.cuda.default_generators[torch.cuda.current_device() if device.index is None else device.index]
    stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def capture(done: Callable[[], None], beside: CapturedGraph | None) -> CapturedGraph:
        graph, before = torch.cuda.CUDAGraph(), generator.clone_state()
        pool = beside.pool() if isinstance(beside, torch.cuda.CUDAGraph) else None  # freed with its last graph
        free, total = torch.cuda.mem_get_info(device)
        if free < ENOUGH * total:
            torch.cuda.empty_cache()  # impossible during a capture
        current, collects = torch.cuda.current_stream(device), gc.isenabled()
        stream.wait_stream(current)
        gc.disable()  # it might free a graph, which is not allowed during a capture
        try:
            with torch.cuda.stream(stream):
                # "thread_local": other threads, such as one that copies batches, go on.
                graph.capture_begin(pool, "thread_local")
                try:
                    done()
                finally:
                    graph.capture_end()
        except Exception:
            generator.graphsafe_set_state(before)  # else it believes that it is being captured, and draws no more
            raise
        finally:
            if collects:
                gc.enable()
        current.wait_stream(stream)
        return graph

    memory = torch.cuda.get_device_properties(device).total_memory
    return Graphs(what, capture, most_bytes=int(memory * SHARE))
