#!/usr/bin/env python3
"""Tag a wheel with the oldest glibc that its libraries run on (PEP 600), as package indexes require. scripts/wheels
calls this with the wheel and a folder.

Raises SystemExit if a library needs more than the C library and its math library, which every Linux has.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import struct
import zipfile
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path

OLDEST = {"x86_64": (2, 17), "aarch64": (2, 17)}  # the oldest versions that the tag allows
ALLOWED = {"libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}
DT_NEEDED, DT_STRTAB, SHT_DYNAMIC, SHT_VERNEED = 1, 5, 6, 0x6FFFFFFE


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("folder", type=Path, help="where the tagged wheel is written")
    options = parser.parse_args()
    wheel, folder = options.wheel, options.folder
    name, machine = re.sub(r"-linux_(\w+)\.whl$", "", wheel.name), wheel.stem.rpartition("-linux_")[2]
    if machine not in OLDEST:
        raise SystemExit(f"{wheel.name} has nothing compiled in it")
    least = OLDEST[machine]
    with zipfile.ZipFile(wheel) as archive:
        files = {info.filename: archive.read(info) for info in archive.infolist()}
    for path, content in files.items():
        if path.endswith(".so"):
            needed, versions = needs(content)
            if others := needed - ALLOWED:
                raise SystemExit(f"{path} needs {', '.join(sorted(others))}")
            least = max([least, *versions])
    tag = f"manylinux_{least[0]}_{least[1]}_{machine}"
    target = folder / f"{name}-{tag}.whl"
    write(target, {path: retagged(path, content, f"linux_{machine}", tag) for path, content in files.items()})
    print(target)


def needs(library: bytes) -> tuple[set[str], set[tuple[int, int]]]:
    """The libraries that a 64-bit ELF library loads, and the glibc versions that it requires."""
    assert library[:6] == b"\x7fELF\x02\x01", "64 bits, little-endian"
    (offset,), (size, count) = struct.unpack_from("<Q", library, 40), struct.unpack_from("<HH", library, 58)
    sections = [struct.unpack_from("<IIQQQQIIQQ", library, offset + size * i) for i in range(count)]
    needed, versions = set[str](), set[tuple[int, int]]()
    for _, kind, _, _, start, length, link, *_ in sections:
        names = sections[link][4] if kind in (SHT_DYNAMIC, SHT_VERNEED) else 0
        if kind == SHT_DYNAMIC:
            for at in range(start, start + length, 16):
                tag, value = struct.unpack_from("<qQ", library, at)
                if tag == DT_NEEDED:
                    needed.add(string(library, names + value))
        elif kind == SHT_VERNEED:
            versions |= {
                (int(found[1]), int(found[2]))
                for one in version_names(library, start, names)
                if (found := re.fullmatch(r"GLIBC_(\d+)\.(\d+)(?:\.\d+)?", one))
            }
    return needed, versions


def version_names(library: bytes, at: int, names: int) -> Iterator[str]:
    """The names in the section of required versions, which lists libraries, each with a list of versions."""
    while True:
        _, count, _, first, after = struct.unpack_from("<HHIII", library, at)
        inner = at + first
        for _ in range(count):
            _, _, _, name, beside = struct.unpack_from("<IHHII", library, inner)
            yield string(library, names + name)
            inner += beside
        if not after:
            return
        at += after


def string(library: bytes, at: int) -> str:
    return library[at : library.index(b"\0", at)].decode()


def retagged(path: str, content: bytes, old: str, new: str) -> bytes:
    return content.replace(f"-{old}".encode(), f"-{new}".encode()) if path.endswith(".dist-info/WHEEL") else content


def write(target: Path, files: dict[str, bytes]) -> None:
    """Write a wheel of these files, with a new RECORD."""
    (record,) = (path for path in files if path.endswith(".dist-info/RECORD"))
    lines = [
        f"{path},sha256={urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b'=').decode()},{len(content)}"
        for path, content in files.items()
        if path != record
    ]
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in {**files, record: "\n".join([*lines, f"{record},,", ""]).encode()}.items():
            archive.writestr(zipfile.ZipInfo(path, (2020, 2, 2, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    main()
