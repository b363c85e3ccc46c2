"""The folder of parts: which are done, which are being worked on, and what unfinished ones left behind.

    manifest.json   input, models and settings of the translation (plan.py)
    parts.tsv       the position of each part in the input
    part-000000.txt ... written as a draft, synced, renamed: a part is complete or absent
    done/000000.json  the record of a part that is done: its size and SHA-256, lines, seconds, faults, failures
    state           a byte for each part: the number of unfinished attempts; its worker locks it
    failed.jsonl    lines that cannot be translated, if any      summary.tsv   a line for each part
    input/          copies of the parts of compressed input, until they are done

It holds all the state that several commands share, so they may work together on one machine or several.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from nmt.common.files import claimed, sha256, write_atomically
from nmt.common.json_text import to_json

TWO_LEVELS = 10_000  # files in a folder at most
DRAFT = re.compile(r"\.(?:part-)?(\d{6,})\.")  # of a part, its record or its copy
MANIFEST, PARTS, LOCK, STATE, DONE, COPIES = "manifest.json", "parts.tsv", "lock", "state", "done", "input"
FAILED, SUMMARY = "failed.jsonl", "summary.tsv"


@dataclass(frozen=True)
class Record:
    """The record of a part that is done."""

    part: int
    lines: int  # of input
    size_bytes: int  # of the file
    sha256: str
    seconds: float
    faults: dict[str, list[int]] = field(default_factory=dict)  # fault or doubt -> line numbers
    failed: list[dict[str, Any]] = field(default_factory=list)  # line, error and text of those with an empty answer


@dataclass(frozen=True)
class Folder:
    """The folder of `count` parts, whose files have a `suffix` such as .txt.gz."""

    path: Path
    suffix: str
    count: int

    def part(self, number: int) -> Path:
        return self._place(self.path, number) / f"part-{number:06}{self.suffix}"

    def record(self, number: int) -> Path:
        return self._place(self.path / DONE, number) / f"{number:06}.json"

    def copy(self, number: int) -> Path:
        return copy_in(self.path, number)

    def _place(self, folder: Path, number: int) -> Path:
        return folder / f"{number // TWO_LEVELS:04}" if self.count > TWO_LEVELS else folder

    def whole(self, number: int) -> Record | None:
        """The record of a part, if it is done and its file has not changed since."""
        record, path = self.read(number), self.part(number)
        with suppress(OSError):
            if record and path.stat().st_size == record.size_bytes and sha256(path) == record.sha256:
                return record
        return None

    def read(self, number: int) -> Record | None:
        try:
            return Record(**json.loads(self.record(number).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, RecursionError):
            return None

    def finish(self, record: Record) -> None:
        """Mark a part as done; its file is already there."""
        path = self.record(record.part)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, (to_json(asdict(record)) + "\n").encode())
        self.copy(record.part).unlink(missing_ok=True)

    @contextmanager
    def claimed(self, number: int) -> Iterator[int | None]:
        """Lock a part for this process. Yields the number of attempts that began and did not finish, or None when
        another process works on the part."""
        with claimed(self.path / STATE, number) as file:
            if file is None:
                yield None
                return
            os.lseek(file, number, os.SEEK_SET)
            begun = (os.read(file, 1) or b"\0")[0]
            _put(file, number, min(begun + 1, 255))
            yield begun
            _put(file, number, 0)

    def sweep(self) -> None:
        """Remove the drafts of dead processes. No part may be in progress in this process."""
        with claimed(self.path / LOCK, 0, wait=True):
            for path in self.path.rglob(".*-????????"):
                found = DRAFT.match(path.name)
                with claimed(self.path / STATE, int(found[1])) if found else nullcontext(0) as mine:
                    if mine is not None:
                        path.unlink(missing_ok=True)
            with suppress(OSError):  # it is missing, or not empty
                (self.path / COPIES).rmdir()

    def report(self) -> None:
        """Write failed.jsonl and summary.tsv for all parts that are done."""
        with claimed(self.path / LOCK, 0, wait=True):
            records = [record for number in range(self.count) if (record := self.read(number))]
            failed = [{"part": record.part, **line} for record in records for line in record.failed]
            write_atomically(self.path / SUMMARY, "".join(_summary(records)).encode())
            if failed:
                write_atomically(self.path / FAILED, "".join(f"{to_json(line)}\n" for line in failed).encode())
            else:
                (self.path / FAILED).unlink(missing_ok=True)


def _put(file: int, place: int, number: int) -> None:
    """Write a byte. Windows has no pwrite."""
    os.lseek(file, place, os.SEEK_SET)
    os.write(file, bytes([number]))


def copy_in(folder: Path, number: int) -> Path:
    """The path of the copy of a part of compressed input."""
    return folder / COPIES / f"{number:06}.gz"


def _summary(records: list[Record]) -> Iterator[str]:
    yield "part\tlines\tseconds\tlines_per_s\tbytes\tfaulty\tfailed\n"
    for record in records:
        speed, faulty = record.lines / max(record.seconds, 1e-9), sum(map(len, record.faults.values()))
        cells = record.part, record.lines, f"{record.seconds:.2f}", f"{speed:.0f}", record.size_bytes, faulty
        yield "\t".join(map(str, (*cells, len(record.failed)))) + "\n"
