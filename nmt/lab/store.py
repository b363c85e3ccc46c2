"""Experiments as many small jobs with stored results. A stored result is not computed again, so an interrupted
experiment continues. The key of a result is a hash of its job and of nmt's version, so it is never mistaken for
another's. Each also records the versions and the machine that made it, which summaries show."""

from __future__ import annotations

import json
import logging
import os
import platform
import re
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import torch

from nmt import __version__
from nmt.cells import Cell
from nmt.common.bars import clock, tracked
from nmt.common.files import check_writable, write_atomically
from nmt.common.json_text import digest_of, finite, to_json
from nmt.common.process import usable_cores
from nmt.lab.words import cell_label
from nmt.plain_data import from_dict
from nmt.translation.forks import Worker, shared

log = logging.getLogger(__name__)

MAX_DEATHS = 2  # of processes over one job
SUMMARY = 1  # raise it when what a summary holds changes

Job = dict[str, Any]  # plain data: everything that the result depends on


def run_jobs(
    work: Callable[[Job], dict[str, Any]],
    jobs: Sequence[Job],
    folder: Path,
    processes: int | None = None,
    shows_itself: bool = False,
    size: Callable[[Job], int] = lambda _: 0,
) -> list[dict[str, Any]]:
    """The result of each job, in order. Jobs run in forked processes with one thread each, but in this one if there
    is to be one, or the system cannot fork. Each result is stored in `folder` under the job's name and hash; a
    damaged one is computed again, with a warning. The largest jobs by `size` start first, so none is left running
    alone at the end. A bar shows progress, unless the work `shows_itself`: then the log does. Raises
    ChildProcessError when a job kills every process."""
    check_writable(folder)
    folder.mkdir(parents=True, exist_ok=True)
    missing = sorted((job for job in jobs if _stored(job, folder) is None), key=size, reverse=True)
    for path in (path_of(job, folder) for job in missing):
        if path.exists():
            log.warning("%s is damaged; it is made anew", path)
    if len(missing) < len(jobs):
        log.info("%d of %d results are there already", len(jobs) - len(missing), len(jobs))
    count = min(processes or usable_cores(), max(1, len(missing)))
    began = time.monotonic()
    with closing(_results(work, missing, count)) as found:
        followed = found if shows_itself else tracked(found, "experiment", len(missing), "jobs")
        for number, (job, result) in enumerate(followed, 1):
            result = finite(result)
            content = {"job": job, "made": provenance(), "sha256": digest_of(result), "result": result}
            write_atomically(path_of(job, folder), to_json(content, 1).encode())
            left = (time.monotonic() - began) / number * (len(missing) - number)
            log.info("%d/%d %s%s", number, len(missing), job["name"], f", {clock(left)} left" if left else "")
    return [_of(job, folder)["result"] for job in jobs]


def _results(
    work: Callable[[Job], dict[str, Any]], jobs: Sequence[Job], processes: int
) -> Generator[tuple[Job, dict[str, Any]], None, None]:
    """Each job with its result, in order of completion. However the iteration ends, all running jobs end at once."""
    if processes == 1 or not hasattr(os, "fork"):
        yield from ((job, work(job)) for job in jobs)
        return
    pool: list[Worker] = []
    try:
        names = [job["name"] for job in jobs]
        found = shared(
            pool, processes, work, "__call__", enumerate(jobs), MAX_DEATHS, names.__getitem__, "processes="
        )
        yield from ((jobs[i], result) for i, result in found)
    finally:
        while pool:
            pool.pop().end()


def run_cells(
    name: str, work: Callable[[Job], dict[str, Any]], jobs: Sequence[Job], lab_dir: Path, processes: int | None
) -> list[dict[str, Any]]:
    """A row for each job of an experiment (one cell and lag each), also saved as its summary."""
    results = run_jobs(
        work, jobs, lab_dir / name, processes, size=lambda job: int(job["lag"] * job["learning"]["max_steps"])
    )
    rows = [
        {**job, "label": cell_label(from_dict(Cell, job["cell"])), **result}
        for job, result in zip(jobs, results, strict=True)
    ]
    save_summary(lab_dir, name, made_by(jobs, lab_dir / name), {"rows": rows})
    return rows


def _of(job: Job, folder: Path) -> dict[str, Any]:
    stored = _stored(job, folder)
    if stored is None:
        raise ValueError(f"{path_of(job, folder)} was changed by another program while the experiment ran")
    return stored


def _stored(job: Job, folder: Path) -> dict[str, Any] | None:
    """The stored result of a job, if it exists and is sound."""
    try:
        content = json.loads(path_of(job, folder).read_bytes())
        is_sound = (
            content["job"] == json.loads(to_json(job))
            and content["sha256"] == digest_of(content["result"])
            and isinstance(content["result"], dict)
            and isinstance(content["made"], dict)
        )
    except (FileNotFoundError, ValueError, TypeError, LookupError, RecursionError):  # not JSON, or another shape
        return None
    return dict(content) if is_sound else None


def path_of(job: Job, folder: Path) -> Path:
    """A readable path that no other job and no other version of nmt shares."""
    readable = re.sub(r"[^\w.=-]+", "-", job["name"])
    return folder / f"{readable}-{digest_of([job, __version__])[:12]}.json"


def provenance() -> dict[str, str]:
    """The versions and the machine of this process, on which figures depend besides the settings."""
    return {
        "nmt": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
    }


def made_by(jobs: Sequence[Job], folder: Path) -> dict[str, str]:
    """The provenance of the results of these jobs, which may come from several machines."""
    found: dict[str, dict[str, None]] = {}
    for job in jobs:
        for key, value in _of(job, folder)["made"].items():
            found.setdefault(key, {})[str(value)] = None
    return {key: " and ".join(values) for key, values in found.items()}


def save_summary(folder: Path, name: str, made: Mapping[str, str], data: Mapping[str, Any]) -> None:
    """Save an experiment's results, and the provenance (`made`) of them."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {"provenance": made, **data}
    text = to_json({"sha256": digest_of([SUMMARY, content]), **content}, 1)
    write_atomically(folder / f"{name}.json", text.encode())


def load_summary(folder: Path, name: str) -> dict[str, Any] | None:
    """None if the experiment was not run. Raises ValueError that names the file if it is not as it was saved."""
    path = folder / f"{name}.json"
    try:
        data = dict(json.loads(path.read_bytes()))
        if data.pop("sha256") == digest_of([SUMMARY, data]):
            return data
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, LookupError, RecursionError):  # not JSON, or not a mapping
        pass
    raise ValueError(f"{path} is damaged, or of another version; run nmt-lab {name} again, or delete it")
