#!/usr/bin/env python3
"""Hostile lines through nmt-translate: all come out, in order, in constant memory, whatever happens at either end.

    scripts/stress_stream.py --lines 1000000

The input is a random mix of several hundred kinds of lines. The expected translation of each kind is determined
beforehand, line by line. The tiny model with random weights translates each kind differently. First one process
translates all lines, then several, some of which are killed at random. Prints the tests. Ends with 1 at the first
line that is lost, moved or cut, or when memory grows.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from hunts.lines import fail, hostile_lines, huge_lines
from hunts.model import make_model
from processes import children, memory_bytes

PROGRAM = Path(sys.executable).with_name("nmt-translate")
MAX_GROWTH = 50_000_000  # bytes per process, after WARM lines
WARM = 10_000
RARE = 5000  # one line in 5000 has a megabyte


class Translate(subprocess.Popen[bytes]):
    """nmt-translate, with pipes for input and output."""

    stdin: IO[bytes]
    stdout: IO[bytes]

    def __init__(self, model: Path, *options: str, stderr: int = subprocess.DEVNULL) -> None:
        arguments = [str(PROGRAM), str(model), "--compute", "float32", *options]
        super().__init__(arguments, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr)


def translations(model: Path, lines: list[bytes]) -> list[bytes]:
    """The translation of each line alone."""
    with Translate(model, "--batch-size", "1", "--workers", "1") as process:
        found = []
        out = os.fdopen(os.dup(process.stdout.fileno()), "rb")
        # An empty line first: at the start of a stream a BOM would not be part of the line.
        for line in [b"", *lines]:
            process.stdin.write(line + b"\n") if len(line) < 60_000 else write_all(process.stdin, line + b"\n")
            found.append(out.readline())
        process.stdin.close()
    return found[1:]


def write_all(file: IO[bytes], content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[file.write(view) :]


def feed(process: Translate, chosen: Iterator[bytes], pause_s: float = 0.0) -> threading.Thread:
    """Write the lines in chunks of random size, with one pause of `pause_s`, and close the pipe."""

    def run() -> None:
        rng, pending = random.Random(7), bytearray()
        try:
            for number, line in enumerate(chosen):
                pending += line + b"\n"
                if len(pending) > rng.randrange(200_000):
                    write_all(process.stdin, bytes(pending))
                    pending.clear()
                if pause_s and number == 100:
                    write_all(process.stdin, bytes(pending))
                    pending.clear()
                    time.sleep(pause_s)
            write_all(process.stdin, bytes(pending))
            process.stdin.close()
        except (BrokenPipeError, ValueError):
            pass

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def stress(model: Path, kinds: list[bytes], answers: list[bytes], lines: int, workers: int, deaths: int) -> None:
    rng = random.Random(3)
    huge = [i for i, kind in enumerate(kinds) if len(kind) > 500_000]
    small = [i for i, kind in enumerate(kinds) if len(kind) <= 500_000]
    plan = [rng.choice(huge) if i % RARE == RARE // 2 else rng.choice(small) for i in range(lines)]
    base, most, start = 0, 0, time.monotonic()
    deadly = set(rng.sample(range(lines // 10, lines), deaths if workers > 1 else 0))
    with Translate(model, "--workers", str(workers)) as process:
        feed(process, (kinds[i] for i in plan))
        with os.fdopen(os.dup(process.stdout.fileno()), "rb") as out:
            for number, kind in enumerate(plan, 1):
                answer = out.readline()
                if answer != answers[kind]:
                    fail(f"line {number} ({kinds[kind][:40]!r}) gave {answer[:80]!r}, not {answers[kind][:80]!r}")
                if number in deadly:
                    os.kill(rng.choice(children(process.pid)), rng.choice([signal.SIGKILL, signal.SIGSEGV]))
                if number >= WARM and number % 1000 == 0:
                    now = memory_bytes(process.pid)
                    base, most = base or now, max(most, now)
            if rest := out.read():
                fail(f"{rest[:80]!r} came after the last line")
        if process.wait():
            fail(f"exit code {process.returncode}")
    # The memory that processes share shrinks over time; the replacement of a dead process shares least.
    processes = 1 if workers == 1 else workers + 1
    if not deadly and most - base > processes * MAX_GROWTH:
        fail(f"memory grew by {(most - base) / 1e6:.0f} MB")
    speed = lines / (time.monotonic() - start)
    tried = f"{lines} lines in and out, in order; {len(deadly)} workers killed; --workers {workers}"
    print(f"{tried}; memory {base / 1e6:.0f} MB, {most / 1e6:.0f} at most; {speed:.0f} lines/s")


def faults(model: Path, kinds: list[bytes], answers: list[bytes], lines: int, pause_s: float, times: int) -> None:
    """Faults at the input and the output."""
    small = [i for i, kind in enumerate(kinds) if len(kind) < 500_000]
    for time_ in range(times):
        rng = random.Random(time_)
        plan = [rng.choice(small) for _ in range(100_000)]
        stop_at = rng.randrange(1, min(lines, 20_000))
        with Translate(model) as process:
            feed(process, (kinds[i] for i in plan))
            with os.fdopen(os.dup(process.stdout.fileno()), "rb") as out:
                found = [out.readline() for _ in range(stop_at)]
                process.send_signal(signal.SIGTERM)
                found += out.readlines()
            code = process.wait()
        if code != 143 or found != [answers[i] for i in plan[: len(found)]]:
            fail(f"SIGTERM after line {stop_at}: exit code {code}, {len(found)} lines")
    print(f"{times} times SIGTERM in the middle: every line that came was whole and in its place, exit code 143")
    for time_ in range(times):
        with Translate(model, stderr=subprocess.PIPE) as process:
            feed(process, (line for _ in range(500) for line in kinds[17:37]))
            os.read(process.stdout.fileno(), 1 + time_)
            process.stdout.close()
            error = process.stderr.read() if process.stderr else b""
            if process.wait() != 141 or b"Traceback" in error:
                fail(f"a consumer that goes: exit code {process.returncode}, {error!r}")
    print(f"{times} times a consumer that goes: exit code 141")
    with Translate(model) as process:
        plan = small * 2
        feed(process, (kinds[i] for i in plan), pause_s)
        found = process.stdout.readlines()
        if process.wait() or found != [answers[i] for i in plan]:
            fail(f"a producer that pauses: exit code {process.returncode}, {len(found)} of {len(plan)} lines")
    print(f"a producer that pauses for {pause_s:g} s: every line")
    if Path("/dev/full").exists():
        with Path("/dev/full").open("wb") as full:
            result = subprocess.run([PROGRAM, model], input=b"a\nb\n", stdout=full, stderr=subprocess.PIPE)
        if result.returncode != 2 or result.stderr != b"nmt-translate: stdout: No space left on device\n":
            fail(f"a full disk: exit code {result.returncode}, {result.stderr!r}")
        print("no space left on stdout: one line on stderr, exit code 2")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--deaths", type=int, default=3, help="workers to kill, where there are some")
    parser.add_argument("--pause", type=float, default=60.0, metavar="S", help="of the producer that pauses")
    parser.add_argument("--times", type=int, default=20, help="how often to interrupt")
    options = parser.parse_args()
    rng = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        model = make_model(Path(folder) / "model")
        kinds = [*hostile_lines(rng), *huge_lines(rng)]
        answers = translations(model, kinds)
        if not all(answer.endswith(b"\n") for answer in answers):
            fail("a line alone was not answered")
        print(f"{len(kinds)} kinds of lines, {len(set(answers))} different translations")
        stress(model, kinds, answers, options.lines, workers=1, deaths=0)
        if options.workers > 1:
            stress(model, kinds, answers, options.lines, options.workers, options.deaths)
        faults(model, kinds, answers, options.lines, options.pause, options.times)


if __name__ == "__main__":
    main()
