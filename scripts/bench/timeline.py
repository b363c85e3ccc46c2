"""When things happen on a device, and what was started on it; a GPU is not waited for until someone asks."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

from bench.limits import Work

STARTS = ("cudaLaunch", "cuLaunch", "cudaGraphLaunch", "hipLaunch", "hipExtLaunch", "hipModuleLaunch")
COPIES = ("Memcpy", "Memset")


class Timeline:
    """Spans of time by name, on "cpu" by its clock and on "cuda" by events in its stream."""

    def __init__(self, device: str) -> None:
        self.device = device
        self.spans: list[tuple[str, Any, Any]] = []

    def mark(self) -> Any:
        if self.device != "cuda":
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        event.record()
        return event

    def add(self, name: str, begin: Any) -> Any:
        """A span from a mark to now -> the mark of now."""
        end = self.mark()
        self.spans.append((name, begin, end))
        return end

    def seconds(self, begin: Any, end: Any) -> float:
        """Between two marks."""
        if self.device != "cuda":
            return float(end - begin)
        end.synchronize()
        return float(begin.elapsed_time(end)) / 1000

    def totals(self) -> dict[str, float]:
        """Seconds of each name; the spans are forgotten."""
        found: dict[str, float] = defaultdict(float)
        for name, begin, end in self.spans:
            found[name] += self.seconds(begin, end)
        self.spans.clear()
        return found

    def watch(self, module: nn.Module, name: str) -> Callable[[], None]:
        """Spans of the module's passes, "NAME forward" and "NAME backward", until what is returned is called."""
        begun: list[Any] = []

        def begin(*_: Any) -> None:
            begun.append(self.mark())

        def end(of: str) -> Callable[..., None]:
            return lambda *_: void(self.add(f"{name} {of}", begun.pop()))

        handles = [
            module.register_forward_pre_hook(begin),
            module.register_forward_hook(end("forward")),
            module.register_full_backward_pre_hook(begin),
            module.register_full_backward_hook(end("backward")),
        ]

        def stop() -> None:
            for handle in handles:
                handle.remove()

        return stop


def void(_: object) -> None:
    """For a callable that must give nothing, as a hook, which else would change what a module gives."""


def started(device: str, steps: Callable[[], None], count: int, step_s: float) -> dict[str, float]:
    """What each of `count` steps starts. On a GPU "kernels" it computes by, "launches" by the process (of a graph of
    kernels one), and the share of a step of `step_s` seconds that it is "busy"; on a CPU torch's "operations"."""
    if device != "cuda":
        with Work() as work:
            steps()
        return {"operations": round(work.operations / count, 1)}
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA], acc_events=True) as profiler:
        steps()
        torch.cuda.synchronize()
    events = profiler.events() or []
    on_device = [event for event in events if event.device_type.name == "CUDA"]
    launches = [event for event in events if event.device_type.name == "CPU" and event.name.startswith(STARTS)]
    kernels = [event for event in on_device if not event.name.startswith(COPIES)]
    busy = covered((event.time_range.start, event.time_range.end) for event in kernels) / 1e6
    return {
        "kernels": round(len(kernels) / count, 1),
        "launches": round(len(launches) / count, 1),
        "busy": round(busy / count / step_s, 3),
    }


def covered(intervals: Iterable[tuple[float, float]]) -> float:
    """The length of all together, where they overlap once."""
    total, until = 0.0, -float("inf")
    for begin, end in sorted(intervals):
        total += max(0.0, end - max(begin, until))
        until = max(until, end)
    return total
