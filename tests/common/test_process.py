from __future__ import annotations

import os

from nmt.common.process import usable_cores


def test_the_cores_of_this_process_are_counted_on_every_system(monkeypatch):
    assert 1 <= usable_cores() <= os.cpu_count()
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)  # macOS and Windows have none
    assert usable_cores() == os.cpu_count()
