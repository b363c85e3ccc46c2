from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import nmt
from nmt.search import Greedy
from nmt.workers import Workers

TEXTS = ["Der Hund sieht den Ball.", "", "Anna mag kein Boot und sucht das Haus.", "Paul.", "Die Katze"] * 3


@pytest.fixture
def translator(bundle_dir):
    return nmt.load(bundle_dir, device="cpu", compute="float32")


def test_workers_give_what_one_process_gives_in_order(translator):
    expected = translator.translate(TEXTS, batch_size=2)
    with Workers(translator, 2) as workers:
        for _ in range(2):
            found = workers.translate(TEXTS, batch_size=2)
            assert [t.text for t in found] == [t.text for t in expected]
            assert [t.tokens for t in found] == [t.tokens for t in expected]


def test_a_single_batch_starts_no_process(translator):
    with Workers(translator, 2) as workers:
        workers.translate(TEXTS[:2])
        assert workers.pool is None


def test_options_reach_the_workers(translator):
    with Workers(translator, 2) as workers:
        found = workers.translate(TEXTS, search=Greedy(max_ratio=0.0, max_extra=2), batch_size=2, nbest=1)
    assert max(len(t.tokens) for t in found) <= 2
    assert all(len(t.alternatives) == 1 for t in found if t.text)


def test_a_worker_that_is_killed_is_an_error_of_the_machines(translator):
    with Workers(translator, 2) as workers:
        workers.translate(TEXTS, batch_size=2)
        for process in list(workers.pool._processes.values()):
            process.kill()
            process.join()
        with pytest.raises(ChildProcessError, match="try --workers 1"):
            workers.translate(TEXTS, batch_size=2)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks into /proc")
def test_workers_end_with_a_process_that_is_killed(bundle_dir):
    code = (
        "import sys, time, nmt\n"
        "from nmt.workers import Workers\n"
        f"workers = Workers(nmt.load({str(bundle_dir)!r}, device='cpu'), 2)\n"
        "workers.translate(['Der Hund', 'Paul.', 'Anna'], batch_size=1)\n"
        "print(*workers.pool._processes, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        children = [int(pid) for pid in process.stdout.readline().split()]
        assert len(children) == 2
        os.kill(process.pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while any(_lives(pid) for pid in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(_lives(pid) for pid in children)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
