"""Run a command under a time limit, and measure its time and memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

TICK_S = 0.2
GRACE_S = 30.0  # from the signal until the kill
STOPPED = threading.Event()  # kills every command


Clock = Literal["wall", "processor"]  # a limit on running time, or on processor time per thread
Tick = Callable[[float], None]  # called with the seconds that a command has run


def no_tick(seconds: float) -> None:
    """Do nothing."""


@dataclass(frozen=True)
class Usage:
    seconds: float
    cpu_seconds: float  # including all threads and the processes that it waited for
    peak_bytes: int
    ended_well: bool
    timed_out: bool


def run(
    command: Sequence[str | Path],
    log: Path,
    cwd: Path,
    threads: int,
    cores: Collection[int] = (),
    limit_s: float | None = None,
    stop: signal.Signals = signal.SIGTERM,
    tick: Tick = no_tick,
    clock: Clock = "wall",
    stdin: Path | None = None,
    stdout: Path | None = None,
) -> Usage:
    """Run a command with `threads` threads, pinned to `cores` if given and supported. Calls `tick` a few times per
    second with the elapsed seconds by `clock`. After `limit_s` sends the signal `stop`; if the command does not end,
    kills it."""
    env = {**os.environ, "OMP_NUM_THREADS": str(threads), "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1"}
    with ExitStack() as opened:
        output = opened.enter_context(log.open("ab"))
        source = opened.enter_context(stdin.open("rb")) if stdin else subprocess.DEVNULL
        target = opened.enter_context(stdout.open("wb")) if stdout else output
        began = time.monotonic()
        files: dict[str, Any] = {"stdin": source, "stdout": target, "stderr": output}
        process = subprocess.Popen(list(map(str, command)), cwd=cwd, env=env, start_new_session=True, **files)
        if cores and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(process.pid, cores)
        told = None  # time of the signal
        while True:
            pid, status, used = os.wait4(process.pid, os.WNOHANG)
            seconds = time.monotonic() - began
            if pid:
                break
            spent = seconds if clock == "wall" else computed(process.pid) / threads
            tick(spent)
            if STOPPED.is_set() or (told is not None and seconds > told + GRACE_S):
                os.killpg(process.pid, signal.SIGKILL)
            elif limit_s is not None and spent > limit_s and told is None:
                told = seconds
                os.kill(process.pid, stop)
            time.sleep(TICK_S)
        process.returncode = os.waitstatus_to_exitcode(status)  # keeps its destructor from waiting
    scale = 1 if sys.platform == "darwin" else 1024
    cpu = used.ru_utime + used.ru_stime
    return Usage(seconds, cpu, used.ru_maxrss * scale, process.returncode == 0, told is not None)


def computed(pid: int) -> float:
    """Processor seconds of a process, all its threads, and the children that it waited for."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:  # it has ended
        return 0.0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
