"""Clusters whose workers come and go, and whose scheduler ends, without a cluster."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from nmt.distribution.engines.dask import _shared as shared_by_dask
from nmt.distribution.engines.ray import _shared as shared_by_ray


class Cluster:
    """Each part is done when it is asked for. Workers are as many as there are parts done, up to 3."""

    def __init__(self):
        self.waiting, self.done, self.most = [], 0, 0

    def workers(self):
        return min(self.done, 3)

    def submit(self, work, number, **_):
        self.waiting.append(SimpleNamespace(result=lambda: work(number), release=lambda: None))
        self.most = max(self.most, len(self.waiting))
        return self.waiting[-1]

    def next(self):
        self.done += 1
        return self.waiting.pop(0)


def parts_by_dask(cluster, monkeypatch, work):
    distributed = pytest.importorskip("distributed")

    class Completed:
        def __init__(self, futures):
            self.add = lambda future: None
            self.count = lambda: len(cluster.waiting)

        def __iter__(self):
            while cluster.waiting:
                yield cluster.next()

    monkeypatch.setattr(distributed, "as_completed", Completed)
    client = SimpleNamespace(submit=cluster.submit, nthreads=lambda: dict.fromkeys(range(cluster.workers()), 1))
    return shared_by_dask(client, work, range(20))


def parts_by_ray(cluster, monkeypatch, work):
    core = SimpleNamespace(
        cluster_resources=lambda: {"CPU": float(cluster.workers())},
        wait=lambda running: ([cluster.next()], list(cluster.waiting)),
        get=lambda future: future.result(),
        exceptions=SimpleNamespace(WorkerCrashedError=OSError),
    )
    return shared_by_ray(core, SimpleNamespace(remote=cluster.submit), work, range(20))


@pytest.mark.parametrize("shared", [parts_by_dask, parts_by_ray])
def test_workers_that_come_later_have_work(shared, monkeypatch):
    cluster = Cluster()
    assert list(shared(cluster, monkeypatch, lambda number: number)) == list(range(20))
    assert cluster.most == 2 * 3


def test_a_scheduler_that_ends_is_an_error_in_one_line(monkeypatch):
    client = pytest.importorskip("distributed.client")

    def lost(number):
        raise client.FutureCancelledError(str(number), "scheduler-connection-lost")

    with pytest.raises(ChildProcessError, match="scheduler cannot be reached any more; the same command goes on"):
        list(parts_by_dask(Cluster(), monkeypatch, lost))
