#!/usr/bin/env python3
"""Translation quality of this project and other toolkits after equal training time, on equal text and cores.

    scripts/bench_quality.py FOLDER SRC TGT --test test_2016 --minutes 5,15 --pairs 2000,10000 --together
    scripts/bench_quality.py FOLDER SRC TGT --systems nmt,opennmt-transformer --for 29000:experiment=multi30k ...

FOLDER holds train, valid and the tests, as FOLDER/train.SRC. For each number of --pairs (the first of a seeded
shuffle) nmt-train learns the SentencePiece pieces, from the text alone or with the settings of --for. All systems use
these pieces, and batches as large as nmt-train's. Then each system trains for each of --minutes, measured from the
start of its command to its end:

- `nmt`: nmt-train with its defaults and the settings of --for;
- `opennmt-rnn`, `opennmt-transformer`, `joeynmt-transformer`, `fairseq-transformer`: with the settings of NAME.yaml
  in scripts/bench/quality (fairseq's options are in systems.py there). This script installs each toolkit in its own
  environment under --peer-dir.

At --points times the system's newest saved model is kept. Each of these translates the validation text (greedily),
and the one with the best BLEU is tested. The systems of a comparison translate the tests (beam 5) once, after all of
them have trained. Prints a table in Markdown, and writes it to OUTPUT/table.md beside curves.svg. Its columns are the
minutes used (with processor minutes), parameters, peak memory of the training process, BLEU and chrF, sentences per
second of processor time (first test, excluding the start; in brackets the same Transformer in CTranslate2, int8), and
p: nmt-compare's paired bootstrap of the system's BLEU against nmt's on the first test. The exit code is 1 if a system
failed.

A system has --threads threads, on as many cores of its own. With --together two systems run at a time, so other load
slows down both. With --clock processor the minutes are processor time per thread, independent of other load. Each
cell of the table is a folder with its result, OUTPUT/PAIRS/MINUTES/SYSTEM. The same command continues with the
missing cells; an interrupted training starts again.
"""

from __future__ import annotations

import argparse
import os
import platform
import queue
import signal
import sys
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar, get_args

from bench.quality.cells import Cell, FailedError, compared
from bench.quality.process import STOPPED, Clock
from bench.quality.report import Comparison, picture, table
from bench.quality.systems import SYSTEMS, Place
from bench.quality.text import make_text

import nmt
from nmt.cli.errors import Parser, one_line_errors
from nmt.cli.options import positive
from nmt.common.files import write_atomically
from nmt.pictures.page import save_svg

T = TypeVar("T")
Lanes = queue.SimpleQueue[Collection[int]]  # the cores of each running system
OURS = "nmt"


def main() -> None:
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("src")
    parser.add_argument("tgt")
    parser.add_argument(
        "--test", action="append", default=[], metavar="NAME", help="FOLDER/NAME.SRC; may be repeated"
    )
    parser.add_argument("--minutes", type=numbers(float), default=[5.0, 15.0, 45.0], metavar="N,...")
    parser.add_argument("--pairs", type=numbers(int), default=[2000, 10000, 29000], metavar="N,...")
    parser.add_argument("--systems", type=lambda text: text.split(","), default=list(SYSTEMS), metavar="NAME,...")
    parser.add_argument(
        "--for",
        action="append",
        default=[],
        dest="overrides",
        metavar="PAIRS:OVERRIDE",
        help="of nmt-train, at a size",
    )
    parser.add_argument("--points", type=positive, default=5, help="models of a training (%(default)s)")
    parser.add_argument("--valid-lines", type=positive, metavar="N", help="that they translate (default: all)")
    parser.add_argument("--threads", type=positive, default=1, help="of a system (%(default)s)")
    parser.add_argument("--together", action="store_true", help="two systems at a time, each on cores of its own")
    parser.add_argument("--clock", choices=get_args(Clock), default="wall", help="of the minutes (%(default)s)")
    parser.add_argument("--output", type=Path, default=Path("runs/quality"))
    parser.add_argument("--peer-dir", type=Path, default=Path("runs/.peers"))
    arguments = parser.parse_args()
    before = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # ends running systems too
    with one_line_errors(parser.prog):
        try:
            run(arguments)
        finally:
            signal.signal(signal.SIGTERM, before)


def numbers(kind: Callable[[str], float]) -> Callable[[str], list[float]]:
    def parsed(text: str) -> list[float]:
        found = [kind(part) for part in text.split(",")]
        if min(found) <= 0:
            raise argparse.ArgumentTypeError(f"{text!r}: each must be above 0")
        return found

    return parsed


def run(arguments: argparse.Namespace) -> None:
    """Raises ValueError, before any training, for arguments that cannot be compared."""
    if unknown := set(arguments.systems) - set(SYSTEMS):
        raise ValueError(f"--systems has {min(unknown)!r}; choose among: {', '.join(SYSTEMS)}")
    for one in arguments.overrides:
        if not one.partition(":")[0].isdigit() or "=" not in one:
            raise ValueError(f"--for is {one!r}; it must be PAIRS:OVERRIDE, such as 29000:experiment=multi30k")
    if arguments.clock == "processor" and not Path("/proc/self/stat").exists():
        raise ValueError("--clock processor needs /proc, which this system lacks")
    lanes = lanes_of(arguments.threads, 2 if arguments.together else 1)
    output = arguments.output.absolute()
    comparisons = []
    for pairs in arguments.pairs:
        overrides = [one.partition(":")[2] for one in arguments.overrides if one.startswith(f"{pairs}:")]
        languages = arguments.src, arguments.tgt
        text = make_text(
            output / f"{pairs}/text",
            arguments.folder,
            languages,
            tuple(arguments.test),
            pairs,
            overrides,
            arguments.valid_lines,
        )
        for minutes in arguments.minutes:
            folder = output / f"{pairs}/{minutes:g}"
            places = {
                name: Place(
                    folder / name, text, minutes, arguments.threads, arguments.peer_dir.absolute(), arguments.clock
                )
                for name in arguments.systems
            }
            for name, place in places.items():
                SYSTEMS[name].python(place)  # installs it before the clock starts
            cells = {name: Cell(name, SYSTEMS[name], place) for name, place in places.items()}
            comparisons.append(one_comparison(cells, folder, lanes, arguments.points, pairs, minutes))
            write(arguments, output, comparisons)
    print(write(arguments, output, comparisons))
    if any(set(one.trained) != set(arguments.systems) for one in comparisons):
        raise SystemExit(1)  # failures are already reported


def lanes_of(threads: int, number: int) -> Lanes:
    """The cores of each running system. Raises ValueError if there are too few."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if (there := len(cores) or os.cpu_count() or 1) < threads * number:
        raise ValueError(f"{number} system(s) of {threads} thread(s) at a time need more cores than the {there} here")
    lanes: Lanes = queue.SimpleQueue()
    for lane in range(number):
        lanes.put(cores[lane * threads : (lane + 1) * threads])
    return lanes


def one_comparison(
    cells: dict[str, Cell],
    folder: Path,
    lanes: Lanes,
    points: int,
    pairs: int,
    minutes: float,
) -> Comparison:
    """Train all, then test all. Failures are reported and left out."""

    def in_lanes(what: str, work: Callable[[Cell], T]) -> dict[str, T]:
        def of(cell: Cell) -> T | None:
            cell.cores = lanes.get()
            try:
                say(f"{pairs} pairs, {minutes:g} minutes, {cell.name}: {what}")
                return work(cell)
            except FailedError as error:
                say(f"FAILED: {error}")
                return None
            finally:
                lanes.put(cell.cores)

        with ThreadPoolExecutor(max(1, lanes.qsize())) as pool:
            try:
                results = dict(zip(cells, pool.map(of, cells.values()), strict=True))
            except BaseException:
                STOPPED.set()  # before the pool waits for running systems
                raise
        return {name: result for name, result in results.items() if result is not None}

    trained = in_lanes("training", lambda cell: cell.train(points))
    cells = {name: cells[name] for name in trained}
    tested = in_lanes("test", Cell.test) if all(cell.place.text.tests for cell in cells.values()) else {}
    cells = {name: cells[name] for name in tested}
    against = compared(cells, folder, OURS) if OURS in cells and len(cells) > 1 else None
    return Comparison(pairs, minutes, trained, tested, against)


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {text}", file=sys.stderr, flush=True)


def write(arguments: argparse.Namespace, output: Path, comparisons: list[Comparison]) -> str:
    """Write the table, with version, date and machine, and the picture to `output` -> the table."""
    made = f"nmt {nmt.__version__}, {time.strftime('%Y-%m-%d')}, {machine()}, {arguments.threads} thread(s) a system"
    text = f"{table(comparisons, arguments.test)}\n\n{made}{', two at a time' if arguments.together else ''}"
    text += ", minutes of the processor" if arguments.clock == "processor" else ""
    write_atomically(output / "table.md", f"{text}\n".encode())
    save_svg(picture(comparisons), output / "curves.svg")
    return text


def machine() -> str:
    names = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    name = next((line.partition(": ")[2] for line in names if line.startswith("model name")), platform.processor())
    return f"{os.cpu_count()} cores of {name or platform.machine()}"


if __name__ == "__main__":
    main()
