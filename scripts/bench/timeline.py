"""Timing of work on a device, and counts of what was started on it. Waits for a GPU only when results are read."""

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
    """Named time spans, measured by the clock on "cpu" and by stream events on "cuda"."""

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
        """Add a span from a mark until now -> the mark of now."""
        end = self.mark()
        self.spans.append((name, begin, end))
        return end

    def seconds(self, begin: Any, end: Any) -> float:
        """The time between two marks."""
        if self.device != "cuda":
            return float(end - begin)
        end.synchronize()
        return float(begin.elapsed_time(end)) / 1000

    def totals(self) -> dict[str, float]:
        """The total seconds of each name. Clears the spans."""
        found: dict[str, float] = defaultdict(float)
        for name, begin, end in self.spans:
            found[name] += self.seconds(begin, end)
        self.spans.clear()
        return found

    def watch(self, module: nn.Module, name: str) -> Callable[[], None]:
        """Add spans "NAME forward" and "NAME backward" for the module's passes, until the returned function is
        called."""
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
    """Discard a value: a hook that returns one would change the module's output."""


def started(device: str, steps: Callable[[], None], count: int, step_s: float) -> dict[str, float]:
    """Counts per step, over `count` steps. On a GPU: the "kernels" that it runs, the "launches" by the process (one
    for a graph of kernels), and the share of a step of `step_s` seconds that it is "busy". On a CPU: torch's
    "operations"."""
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
    """The length of the union of the intervals."""
    total, until = 0.0, -float("inf")
    for begin, end in sorted(intervals):
        total += max(0.0, end - max(begin, until))
        until = max(until, end)
    return total
