"""Random mutations of a model directory."""

from __future__ import annotations

import json
import os
import pickle
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from nmt.bundle import CONFIG, LEXICON, WEIGHTS, seal
from nmt.common.files import sha256
from nmt.data.tokenizer import JOINT

FILES = [CONFIG, WEIGHTS, LEXICON, JOINT]


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


def regular(path: Path) -> Path:
    """A regular file to read and write. Raises FileNotFoundError for a link or a pipe from an earlier mutation: a
    link could lead to another file, and a pipe would block forever."""
    if path.is_symlink() or not path.is_file():
        raise FileNotFoundError(path)
    return path


class Bomb:
    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.system, ("touch boom",)


def flip(rng: random.Random, folder: Path) -> None:
    path = regular(folder / rng.choice(FILES))
    content = bytearray(path.read_bytes())
    head = min(len(content), 4000) if rng.random() < 0.5 else len(content)  # the part with the structure
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
    """Change names, types, shapes, offsets and lengths in the header of a safetensors file."""
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
    """Make weights or lexicon ids NaN, infinite or out of range."""
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
        except OSError:  # an earlier mutation removed the file
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
    """Overwrite files in use in place, like copying over them, or truncate them."""
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
