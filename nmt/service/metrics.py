"""Counts and times for Prometheus, in its text format. They contain no text, key or address."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
SIZES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True)
class Family:
    kind: str
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


FAMILIES = {
    "nmt_requests_total": Family("counter", "Requests that were answered.", ("route", "status")),
    "nmt_request_seconds": Family("histogram", "From a request's body to its answer.", ("route",), SECONDS),
    "nmt_batch_segments": Family("histogram", "Segments in a batch.", ("pair",), SIZES),
    "nmt_batch_seconds": Family("histogram", "Time of a batch.", ("pair",), SECONDS),
    "nmt_characters_total": Family("counter", "Characters of source text translated.", ("pair",)),
    "nmt_tokens_total": Family("counter", "Pieces of source text translated.", ("pair",)),
    "nmt_cached_total": Family("counter", "Segments that were answered from the cache.", ("pair",)),
    "nmt_reloads_total": Family("counter", "Times that the models were loaded again.", ("result",)),
    "nmt_dropped_segments_total": Family("counter", "Segments not translated, since their client had gone."),
    "nmt_worker_deaths_total": Family("counter", "Workers that ended and were replaced."),
    "nmt_waiting_segments": Family("gauge", "Segments that wait for a batch."),
    "nmt_jobs": Family("gauge", "Requests at work, by pairs of languages."),
    "nmt_files": Family("gauge", "Files that are read, translated or written."),
    "nmt_kept_bytes": Family("gauge", "Bytes of translated files that can be fetched."),
}


class Metrics:
    """`now` has functions that return values kept elsewhere, of families without labels."""

    def __init__(self) -> None:
        self.now: dict[str, Callable[[], float]] = {}
        self._counts: dict[str, dict[tuple[str, ...], float]] = {}
        self._histograms: dict[str, dict[tuple[str, ...], list[float]]] = {}  # count of each bucket, and the sum

    def count(self, name: str, *labels: str, by: float = 1.0) -> None:
        counts = self._counts.setdefault(name, {})
        counts[labels] = counts.get(labels, 0.0) + by

    def observe(self, name: str, value: float, *labels: str) -> None:
        buckets = FAMILIES[name].buckets
        found = self._histograms.setdefault(name, {}).setdefault(labels, [0.0] * (len(buckets) + 2))
        found[bisect_left(buckets, value)] += 1
        found[-1] += value

    def text(self) -> str:
        lines: list[str] = []
        for name, family in FAMILIES.items():
            lines += [f"# HELP {name} {family.help}", f"# TYPE {name} {family.kind}"]
            if name in self.now:
                lines.append(f"{name} {self.now[name]():g}")
            for labels, value in self._counts.get(name, {}).items():
                lines.append(f"{name}{_braced(family.labels, labels)} {value:.17g}")
            for labels, values in self._histograms.get(name, {}).items():
                count = 0.0
                for bound, inside in zip([*map("{:g}".format, family.buckets), "+Inf"], values, strict=False):
                    count += inside
                    lines.append(f"{name}_bucket{_braced((*family.labels, 'le'), (*labels, bound))} {count:.17g}")
                lines.append(f"{name}_sum{_braced(family.labels, labels)} {values[-1]:.17g}")
                lines.append(f"{name}_count{_braced(family.labels, labels)} {count:.17g}")
        return "\n".join(lines) + "\n"


def _braced(names: tuple[str, ...], values: tuple[str, ...]) -> str:
    if not names:
        return ""
    escaped = (value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for value in values)
    return "{" + ",".join(f'{name}="{value}"' for name, value in zip(names, escaped, strict=True)) + "}"
