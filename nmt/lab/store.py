"""Experiments as many small jobs whose results stay: what is there is not done again, so an interrupted experiment
continues."""

from __future__ import annotations

import hashlib
import json
import logging
import multiprocessing
import os
import platform
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import torch

from nmt import __version__
from nmt.files import write_atomically

log = logging.getLogger(__name__)

Job = dict[str, Any]  # plain data: all that its result depends on


def run_jobs(
    work: Callable[[Job], dict[str, Any]], jobs: Sequence[Job], folder: Path, processes: int | None = None
) -> list[dict[str, Any]]:
    """The result of each job, in order. `work` is a function of a module; jobs run in processes of their own, one
    thread each, unless there is but one. Each result is kept in `folder` under the job's name and a hash of it."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [job for job in jobs if not path_of(job, folder).exists()]
    if len(missing) < len(jobs):
        log.info("%d of %d results are there already", len(jobs) - len(missing), len(jobs))
    count = min(processes or len(os.sched_getaffinity(0)), max(1, len(missing)))
    for number, (job, result) in enumerate(_results(work, missing, count), 1):
        content = json.dumps({"job": job, "nmt": __version__, "result": result}, indent=1)
        write_atomically(path_of(job, folder), content.encode())
        log.info("%d/%d %s", number, len(missing), job["name"])
    return [json.loads(path_of(job, folder).read_text(encoding="utf-8"))["result"] for job in jobs]


def _results(
    work: Callable[[Job], dict[str, Any]], jobs: Sequence[Job], count: int
) -> Iterator[tuple[Job, dict[str, Any]]]:
    if count == 1:
        for job in jobs:
            yield job, work(job)
        return
    with ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), torch.set_num_threads, (1,)) as pool:
        futures = {pool.submit(work, job): job for job in jobs}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def path_of(job: Job, folder: Path) -> Path:
    digest = hashlib.sha256(json.dumps(job, sort_keys=True).encode()).hexdigest()[:12]
    readable = re.sub(r"[^\w.=-]+", "-", job["name"])
    return folder / f"{readable}-{digest}.json"


def provenance() -> dict[str, str]:
    """What figures depend on beside the settings."""
    return {
        "nmt": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
    }


def save_summary(folder: Path, name: str, data: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    content = json.dumps({"provenance": provenance(), **data}, indent=1, ensure_ascii=False)
    write_atomically(folder / f"{name}.json", content.encode())


def load_summary(folder: Path, name: str) -> dict[str, Any] | None:
    """None where the experiment has not been run."""
    path = folder / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
