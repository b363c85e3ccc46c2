#!/usr/bin/env python3
"""Compare the speed of nmt-translate-corpus and nmt-translate, and measure whether memory use stays constant.

    scripts/bench_corpus.py runs/five/model --src FOLDER/train.de --lines 1000000 --engine processes dask ray

Both commands take turns to translate the text, repeated up to --lines lines. Prints wall time and processor time (of
all processes; the reliable figure on a shared machine) in seconds, the medians of the ratios, and for memory (PSS of
all processes, every second) the medians of the four quarters of a run.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

from processes import memory_bytes

CALL = "from nmt.cli.{} import main; main()"


class Run:
    """A command, with its time and memory."""

    def __init__(self, command: list[str], source: Path | None, output: Path) -> None:
        before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        self.memory: list[int] = []
        with output.open("wb") as out, (source or Path(os.devnull)).open("rb") as text:
            process = subprocess.Popen(command, stdin=text, stdout=out)
            while process.poll() is None:
                self.memory.append(memory_bytes(process.pid))
                time.sleep(1)
        if process.returncode:
            raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}")
        self.wall = time.monotonic() - begun
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.processors = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def __str__(self) -> str:
        quarters = [self.memory[i * len(self.memory) // 4 : (i + 1) * len(self.memory) // 4] for i in range(4)]
        medians = [round(statistics.median(quarter) / 1e6) for quarter in quarters if quarter]
        most = max(self.memory) / 1e6
        times = f"{self.wall:7.1f} s, {self.processors:7.1f} s of processors"
        return f"{times}, memory {medians} MB, {most:.0f} at most"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--src", type=Path, required=True)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--engine", nargs="+", default=["processes"])
    parser.add_argument("--options", default="--beam-size 1", help="of both commands (%(default)s)")
    options = parser.parse_args()
    shared = [options.model, "--workers", "2", *options.options.split()]
    ratios: dict[str, list[tuple[float, float]]] = {engine: [] for engine in options.engine}
    with tempfile.TemporaryDirectory() as name:
        root, lines = Path(name), options.src.read_bytes().splitlines(keepends=True)
        source = root / "text"
        with source.open("wb") as file:
            file.writelines(islice(cycle(lines), options.lines))
        for _ in range(options.times):
            plain = Run([sys.executable, "-c", CALL.format("translate"), *shared], source, root / "plain")
            print(f"{'nmt-translate':>13} {plain}", flush=True)
            for engine in options.engine:
                command = [sys.executable, "-c", CALL.format("translate_corpus"), *shared, "--engine", engine]
                command += ["--input", str(source), "--output", str(root / "out"), "--join", str(root / "joined")]
                run = Run(command, None, root / "nothing")
                same = (root / "joined").read_bytes() == (root / "plain").read_bytes()
                print(f"{engine:>13} {run}; {'the same bytes' if same else 'OTHER bytes'}", flush=True)
                ratios[engine].append((plain.wall / run.wall, plain.processors / run.processors))
                shutil.rmtree(root / "out")
    for engine, pairs in ratios.items():
        wall, processors = (statistics.median(one) for one in zip(*pairs, strict=True))
        print(f"{engine}: {wall:.3f} of nmt-translate's speed; by processors' time {processors:.3f}")


if __name__ == "__main__":
    main()
