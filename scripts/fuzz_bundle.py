#!/usr/bin/env python3
"""Mutated model directories: each must be refused with a one-line message, or translate.

    scripts/fuzz_bundle.py --cases 10000

A case mutates a valid directory in one to three ways (bits, lengths, JSON values, tensors, file types), half of the
cases with recomputed checksums, and opens it. Then its files are overwritten or truncated, and its translations must
stay the same. An audit hook checks that no code is compiled or run, nothing is imported, no process is started, no
connection is made, and only the directory's files are opened. Prints the counts. Ends with 1 at the first crash,
violation of these rules, changed translation, case of more than a minute, or memory use above twice the files' size.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import torch
from hunts.model import make_model
from hunts.mutations import disturb, mutate
from hunts.watch import Watch, meet_choices

from nmt.bundle import load_bundle
from nmt.translation.translator import Translator

MAX_SECONDS = 60  # per case
SLACK = 32_000_000  # bytes that the interpreter and torch use themselves


def run(cases: range, seed: int) -> None:
    """Run the cases in this process, which a crash of native code would end."""
    torch.set_num_threads(1)
    meet_choices()
    watch, counts = Watch(), Counter[str]()
    with tempfile.TemporaryDirectory() as root:
        sound = make_model(Path(root) / "sound")
        size = sum(path.stat().st_size for path in sound.iterdir())
        base = 0
        for case in (None, *cases):  # the first is valid and not counted: it loads everything once
            rng = random.Random(f"{seed} {case}")
            folder = Path(root) / "case"
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(sound, folder)
            if case is not None:
                mutate(rng, folder)
            signal.alarm(MAX_SECONDS)  # ends this process, which counts as a crash
            watch.folder = None if case is None else os.path.realpath(folder)
            try:
                bundle = load_bundle(folder)
                watch.folder = None
                translator = Translator(bundle, torch.device("cpu"), "float32")
                texts = ["Ein Hund rennt.", "\u4e00 x"]
                found = translator.translate(texts), translator.score(texts, texts)
                if case is not None:
                    disturb(rng, folder)
                    if repr((translator.translate(texts), translator.score(texts, texts))) != repr(found):
                        print(f"CHANGED while it was open, in case {case}")
                        raise SystemExit(1)
                counts["opened, and translates"] += case is not None
            except ValueError as error:
                watch.folder = None
                what = " ".join(str(error).replace(str(folder), "").split())
                counts["refused"] += 1
                assert len(what) < 100_000, case
            if watch.seen or Path("boom").exists():
                print(f"CODE OR FILES in case {case}: {watch.seen[:3]}")
                raise SystemExit(1)
            most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
            base = base or most
            if most - base > 2 * size + SLACK:
                print(f"MEMORY grew by {(most - base) / 1e6:.0f} MB in case {case}")
                raise SystemExit(1)
    print(json.dumps(counts | Counter({"bytes": most - base})))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="the case to begin with")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    end = options.first + options.cases
    if options.here:
        run(range(options.first, end), options.seed)
        return
    total, most, step = Counter[str](), 0, 1000
    for first in range(options.first, end, step):
        count = min(step, end - first)
        arguments = ["--here", "--first", str(first), "--cases", str(count)]
        result = subprocess.run(
            [sys.executable, __file__, *arguments, "--seed", str(options.seed)], capture_output=True, text=True
        )
        if result.returncode:
            print(f"CRASH among the cases {first} to {first + count}: exit code {result.returncode}")
            print(result.stdout[-2000:] + result.stderr[-3000:])
            raise SystemExit(1)
        found = json.loads(result.stdout.splitlines()[-1])
        most = max(most, found.pop("bytes"))
        total.update(found)
        print(f"{first - options.first + count} of {options.cases}", file=sys.stderr, flush=True)
    print(f"{sum(total.values())} directories: {dict(total)}; no code, no strange file; memory +{most / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
