"""Processes that work for long: none is left over, whatever ends their parent, and no result is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path

import pytest

from nmt.common.pool import finished, results

# Its processes write who they are. A launcher of Python may stand between the parent and who starts it.
PARENT = """
import os, sys
from pathlib import Path
from test_pool import for_ever
from nmt.common.pool import results
try:
    list(results(for_ever, [Path(sys.argv[1], str(i)) for i in range(2)], 2))
except KeyboardInterrupt:
    os._exit(130)
"""


def for_ever(path: Path) -> None:
    path.with_suffix(".new").write_text(str(os.getpid()))
    path.with_suffix(".new").rename(path)
    time.sleep(600)


def killed(path: Path) -> int:
    """What a process does that is killed while another one is at work; then nothing."""
    if path.name == "0":
        while not path.with_name("1").exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGKILL)
    for_ever(path)
    return 0


def is_at_work(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def has_ended(pids: list[int]) -> bool:
    deadline = time.monotonic() + 20
    while any(map(is_at_work, pids)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not any(map(is_at_work, pids))


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells which processes are at work")
@pytest.mark.parametrize(
    ("number", "of_group"), [(signal.SIGKILL, False), (signal.SIGTERM, False), (signal.SIGINT, True)]
)
def test_what_ends_the_parent_ends_its_processes_at_once_and_without_a_word(tmp_path, number, of_group):
    words = [sys.executable, "-c", PARENT, str(tmp_path)]
    paths = [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    with subprocess.Popen(words, env=environment, stderr=subprocess.PIPE, start_new_session=True) as parent:
        deadline = time.monotonic() + 60
        while not all((tmp_path / name).exists() for name in "01") and time.monotonic() < deadline:
            time.sleep(0.02)
        pids = [int((tmp_path / name).read_text()) for name in "01"]
        (os.killpg if of_group else os.kill)(parent.pid, number)
        has_ended_too = has_ended([parent.pid, *pids])
        for pid in filter(is_at_work, pids):
            os.kill(pid, signal.SIGKILL)
        said = parent.stderr.read().decode()
    assert has_ended_too
    assert parent.returncode == (130 if of_group else -number)
    assert "Traceback" not in said


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells which processes are at work")
def test_a_process_that_is_killed_is_told_in_a_line_and_ends_the_others(tmp_path):
    with pytest.raises(ChildProcessError, match="a process was killed, perhaps for want of memory"):
        list(results(killed, [tmp_path / name for name in "01"], 2))
    assert has_ended([int((tmp_path / "1").read_text())])


def test_an_error_waits_for_the_results_that_are_there():
    futures: list[Future[int]] = [Future() for _ in range(5)]
    for i, future in enumerate(futures[:4]):
        future.set_exception(ValueError("bad")) if i in (0, 2) else future.set_result(i)
    found = []
    with pytest.raises(ValueError, match="bad"):
        found.extend(finished(futures))
    assert sorted(found) == [(1, 1), (3, 3)]
