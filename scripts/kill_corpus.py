#!/usr/bin/env python3
"""SIGKILL workers, and the command at random moments, during a corpus translation: the result must stay the same.

    scripts/kill_corpus.py --lines 20000 --kills 20 --engine processes

Hostile lines (see hunts/lines.py) are translated by nmt-translate, and then into folders of parts: while each worker
is killed once; by commands that are killed and restarted; by two commands at once, on all parts, on two shares, and
on the same share. The joined parts must equal the output of nmt-translate, and no finished part may be redone. As
root, it also tests a folder on a disk that becomes full. Prints the tests, and ends with 1 at the first difference.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch

from hunts.forks import Fork
from hunts.lines import fail, hostile_lines
from hunts.model import make_model

import nmt
from nmt.distribution.corpus_translation import translate_corpus
from nmt.distribution.folder import DONE, STATE
from nmt.distribution.plan import Layout

PROGRAM = Path(sys.executable).with_name("nmt-translate")
WORKERS = 2


def started(translate: Callable[..., Any], folder: Path, **options: Any) -> Fork:
    return Fork(lambda: translate(output=folder, **options))


def at_work(folder: Path) -> set[int]:
    """The processes that have claimed a part."""
    try:
        inode = str((folder / STATE).stat().st_ino)
    except OSError:
        return set()
    locks = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    return {int(lock[4]) for lock in locks if lock[1] == "POSIX" and lock[5].rpartition(":")[2] == inode}


def done_in(folder: Path) -> dict[str, int]:
    """The records of finished parts, each with its inode, which changes when the record is rewritten."""
    return {path.name: path.stat().st_ino for path in folder.glob(f"{DONE}/*.json")}


def check(what: str, code: int, folder: Path, expected: bytes) -> None:
    found = b"".join(path.read_bytes() for path in sorted(folder.glob("part-*")))
    if code or found != expected:
        fail(f"{what}: exit code {code}, {len(found)} bytes of {len(expected)}")
    if drafts := [path.name for path in folder.rglob(".*")]:
        fail(f"{what}: {drafts} are left")
    print(f"{what}: the same {len(found)} bytes", flush=True)


def kill_workers(translate: Callable[..., Any], folder: Path, expected: bytes) -> None:
    """Kill each worker at its first part."""
    command, killed = started(translate, folder), set[int]()
    while not command.is_over() and len(killed) < WORKERS:
        for pid in at_work(folder) - killed:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                killed.add(pid)
        time.sleep(0.01)
    check(f"{len(killed)} workers killed", command.wait(), folder, expected)


def kill_command(
    translate: Callable[..., Any], folder: Path, expected: bytes, kills: int, duration: float, rng: random.Random
) -> None:
    """Kill at random moments, in as many runs as necessary."""
    left, ends, kept = kills, 0, 0
    while left:
        before = done_in(folder)
        was_killed = started(translate, folder).kill_after(rng.uniform(0.0, 0.5) * duration)
        after = done_in(folder)
        if again := [name for name, inode in before.items() if after.get(name) != inode]:
            fail(f"{again} were done again")
        kept += len(before)
        left -= was_killed
        if not was_killed:
            ends += 1
            check(f"end {ends}", 0, folder, expected)
            folder = folder.with_name(f"{folder.name}-")
    before = done_in(folder)
    code = started(translate, folder).wait()
    if any(done_in(folder)[name] != inode for name, inode in before.items()):
        fail("a part that was done was done again")
    check(
        f"{kills} kills of the command ({kept + len(before)} parts found done, none done again)",
        code,
        folder,
        expected,
    )


def together(
    translate: Callable[..., Any], folder: Path, expected: bytes, what: str, *options: dict[str, Any]
) -> None:
    commands = [started(translate, folder, **each) for each in options]
    check(what, max(abs(command.wait()) for command in commands), folder, expected)


def fill_disk(translate: Callable[..., Any], folder: Path, expected: bytes) -> None:
    """Translate to a disk with room for half of the output, and then enlarge the disk."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={len(expected) // 2 // 4096 * 4096}", "tmpfs", str(folder)]
    if os.getuid() or subprocess.run(mount, capture_output=True).returncode:
        print("no disk can be mounted here; a full one was not tried")
        return
    try:
        code = started(translate, folder / "out").wait()
        whole = [path.read_bytes() for path in sorted((folder / "out").glob("part-*"))]
        if not code or not whole or any(part not in expected for part in whole):
            fail(f"a full disk: exit code {code}, {len(whole)} parts")
        subprocess.run(["mount", "-o", "remount,size=1g", str(folder)], check=True)
        what = f"a full disk held {len(whole)} parts, all whole; made larger"
        check(what, started(translate, folder / "out").wait(), folder / "out", expected)
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=20_000)
    parser.add_argument("--lines-per-part", type=int, default=700)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--engine", default="processes")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        model, kinds = make_model(root / "model"), hostile_lines(rng)
        (root / "input").write_bytes(b"".join(rng.choice(kinds) + b"\n" for _ in range(options.lines)))
        with (root / "input").open("rb") as file:
            filtered: list[str | Path] = [PROGRAM, model, "--compute", "float32", "--workers", "1"]
            expected = subprocess.run(filtered, stdin=file, capture_output=True, check=True).stdout
        translator = nmt.load(model, device="cpu", compute="float32")

        def translate(output: Path, **further: Any) -> None:
            layout = Layout(lines_per_part=options.lines_per_part)
            setting = {"layout": layout, "engine": options.engine, "workers": WORKERS} | further
            translate_corpus(translator, [root / "input"], output, **setting)

        begun = time.monotonic()
        check("nobody killed", started(translate, root / "whole").wait(), root / "whole", expected)
        duration = time.monotonic() - begun
        kill_workers(translate, root / "workers", expected)
        if options.kills:
            kill_command(translate, root / "command", expected, options.kills, duration, rng)
        together(translate, root / "two", expected, "two commands", {}, {})
        together(translate, root / "shares", expected, "two shares", {"share": (0, 2)}, {"share": (1, 2)})
        three = ({"share": (0, 2)}, {"share": (0, 2)}, {"share": (1, 2)})
        together(translate, root / "same", expected, "two shares, one of them twice", *three)
        fill_disk(translate, root / "disk", expected)


if __name__ == "__main__":
    main()
