#!/usr/bin/env python3
"""Mutated model directories: each is refused in one line, or translates.

    scripts/fuzz_bundle.py --cases 10000

A case changes a sound directory in one to three ways (bits, lengths, JSON values, tensors, kinds of files), half of
them with checksums that fit again, and opens it. Then its files are written over, or cut, and it must translate as it
did. An audit hook looks on: no code is compiled or run, nothing is imported, no process started, no connection made,
no file opened but the directory's own. Prints the counts, and ends with 1 at the first crash, code, strange file,
other translation, case of more than a minute, or memory beyond twice the files' size.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import random
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from stress_stream import make_model

from nmt.bundle import CONFIG, LEXICON, WEIGHTS, load_bundle, seal
from nmt.common.files import sha256
from nmt.data.tokenizer import JOINT
from nmt.plain_data import CHOICES, from_dict
from nmt.translation.translator import Translator

FILES = [CONFIG, WEIGHTS, LEXICON, JOINT]
MAX_SECONDS = 60  # of a case
SLACK = 32_000_000  # bytes that the interpreter and torch take for themselves


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


NASTY: list[Any] = [
    *(None, True, False, 0, -1, 1, 2, 3, 10**9, 10**30, 1e308, 0.5, -0.0, float("nan"), float("inf")),
    *(10**400, -(10**400), 10**4000, 2**63, 2**64, -(2**63), 5e-324, float("-inf")),
    *("", "lstm", "os.system", "../x", "\x00", "\ud800", "x" * 10_000, [], {}, [[]], {"_target_": "os.system"}),
    *(nested(10), nested(300), nested(900), [None] * 1000, {"name": "lstm"}, {"name": "os.system"}, "1", "NaN"),
]
FORBIDDEN = (
    "exec",
    "compile",
    "import",
    "os.system",
    "subprocess.",
    "socket.",
    "pickle.",
    "ctypes.dlopen",
    "os.exec",
)


def regular(path: Path) -> Path:
    """A file to read and write. A link or a pipe, which an earlier change may have put there, would lead to somebody
    else's file, or wait for ever: raises FileNotFoundError."""
    if path.is_symlink() or not path.is_file():
        raise FileNotFoundError(path)
    return path


class Bomb:
    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.system, ("touch boom",)


def flip(rng: random.Random, folder: Path) -> None:
    path = regular(folder / rng.choice(FILES))
    content = bytearray(path.read_bytes())
    head = min(len(content), 4000) if rng.random() < 0.5 else len(content)  # where the structure is
    for _ in range(rng.choice([1, 1, 1, 2, 8, 64])):
        if content:
            content[rng.randrange(head)] ^= 1 << rng.randrange(8)
    path.write_bytes(content)


def resize(rng: random.Random, folder: Path) -> None:
    path = regular(folder / rng.choice(FILES))
    content = path.read_bytes()
    size = rng.choice([0, 1, 7, 8, 9, rng.randrange(len(content) + 1), max(0, len(content) - 1)])
    path.write_bytes(rng.choice([content[:size], content + content[:size], content[size:]]))


def alter_config(rng: random.Random, folder: Path) -> None:
    path = regular(folder / CONFIG)
    try:
        node = data = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return
    while isinstance(node, dict) and node:
        key = rng.choice(list(node))
        if isinstance(node[key], dict) and rng.random() < 0.8:
            node = node[key]
            continue
        what = rng.random()
        if what < 0.6:
            node[key] = rng.choice(NASTY)
        elif what < 0.8:
            del node[key]
        else:
            node[rng.choice(["_target_", "code", "x", "", "name"])] = rng.choice(NASTY)
        break
    path.write_text(json.dumps(data))


def alter_header(rng: random.Random, folder: Path) -> None:
    """Of a safetensors file: other names, types, shapes, offsets, lengths."""
    path = regular(folder / rng.choice([WEIGHTS, LEXICON]))
    content = path.read_bytes()
    try:
        size = struct.unpack("<Q", content[:8])[0]
        header = json.loads(content[8 : 8 + size])
        name = rng.choice(list(header))
        field = rng.choice(list(header[name]))
    except (struct.error, ValueError, RecursionError, KeyError, IndexError, TypeError):
        return
    header[name][field] = rng.choice(
        [*NASTY, "F64", "F16", "I8", "BOOL", [2**40], [2**31, 2**31], [0], [-1], [0, 2**60], [4, 0], []]
    )
    if rng.random() < 0.3:
        header[rng.choice(["x", "", name + "x"])] = header.pop(name)
    new = json.dumps(header).encode()
    length = rng.choice([len(new), len(new), len(new), 2**63, 2**40, 0, len(new) + 1])
    path.write_bytes(struct.pack("<Q", length) + new + content[8 + size :])


def alter_numbers(rng: random.Random, folder: Path) -> None:
    """Weights or lexicon ids that are NaN, infinite or out of range."""
    path = regular(folder / rng.choice([WEIGHTS, LEXICON]))
    content = bytearray(path.read_bytes())
    if len(content) > 5000:
        place = rng.randrange(4000, len(content) - 4) // 4 * 4
        content[place : place + 4] = struct.pack(
            "<I", rng.choice([0x7FC00000, 0x7F800000, 0xFF800000, 0xFFFFFFFF, 1])
        )
    path.write_bytes(content)


def replace_file(rng: random.Random, folder: Path) -> None:
    path, other = folder / rng.choice(FILES), folder / rng.choice(FILES)
    kind = rng.randrange(8)
    content = regular(other).read_bytes()
    path.unlink()
    if kind == 0:
        path.write_bytes(pickle.dumps(Bomb()))
    elif kind == 1:
        torch.save({"x": torch.zeros(3)}, path)
    elif kind == 2:
        path.mkdir()
    elif kind == 3:
        path.symlink_to(rng.choice(["/etc/passwd", "/dev/zero", "/dev/stdin", path.name, "..", "nowhere"]))
    elif kind == 4:
        os.mkfifo(path)
    elif kind == 5:
        path.write_bytes(content)
    elif kind == 6:
        path.write_text(rng.choice(["[" * 100_000, '{"a":' * 50_000, "9" * 9_999, "null", '"x"']))


MUTATIONS = [flip, flip, resize, alter_config, alter_config, alter_header, alter_header, alter_numbers, replace_file]


def mutate(rng: random.Random, folder: Path) -> None:
    for mutation in rng.choices(MUTATIONS, k=rng.randrange(1, 4)):
        try:
            mutation(rng, folder)
        except OSError:  # the one before has taken the file away
            break
    if rng.random() < 0.5:
        try:
            config = json.loads(regular(folder / CONFIG).read_bytes())
            present = [name for name in FILES[1:] if (folder / name).is_file()]
            sums = {name: [sha256(regular(folder / name))] for name in present}
            if isinstance(config, dict):
                (folder / CONFIG).write_text(json.dumps(seal(config, sums)))
        except (OSError, ValueError, RecursionError):
            pass


def disturb(rng: random.Random, folder: Path) -> None:
    """Write over files that are in use, in place, as a copy over them does, or cut them."""
    for name in FILES:
        try:
            path = regular(folder / name)
        except FileNotFoundError:
            continue
        size = path.stat().st_size
        if rng.random() < 0.3:
            os.truncate(path, rng.randrange(size + 1))
            continue
        with path.open("r+b") as file:
            file.seek(rng.randrange(size + 1))
            file.write(rng.choice([bytes(size), rng.randbytes(size)]))


class Watch:
    """What happens while a stranger's directory is opened."""

    def __init__(self) -> None:
        self.folder: str | None = None
        self.seen: list[str] = []
        sys.addaudithook(self.hook)

    def hook(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.folder is None:
            return
        if event.startswith(FORBIDDEN):
            self.seen.append(f"{event} {arguments!r:.200}")
        elif event == "open" and isinstance(arguments[0], str | bytes | os.PathLike):
            path = os.path.realpath(os.fsdecode(arguments[0]))
            if not path.startswith(self.folder) and not path.startswith("/proc/"):
                self.seen.append(f"open {path}")


def meet_choices() -> None:
    """Python compiles a dataclass' types the first time that it is asked for them."""
    for base, table in CHOICES.items():
        for name in table:
            with suppress(ValueError):
                from_dict(base, {"name": name})


def run(cases: range, seed: int) -> None:
    """Work through the cases in this process, which a crash of native code would end."""
    torch.set_num_threads(1)
    meet_choices()
    watch, counts = Watch(), Counter[str]()
    with tempfile.TemporaryDirectory() as root:
        sound = make_model(Path(root) / "sound")
        size = sum(path.stat().st_size for path in sound.iterdir())
        base = 0
        for case in (None, *cases):  # the first one is sound, and does not count: everything is loaded once
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
