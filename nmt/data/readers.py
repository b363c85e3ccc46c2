"""Files of parallel text, as rows: pairs of strings with what is wrong with them.

Text is UTF-8; a line ends at "\\n" and nowhere else, one "\\r" before it is dropped, and so is a BOM at the start.
What a line should be and is not is told by its file and number. `READERS` has a reader for each suffix.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

BOM = b"\xef\xbb\xbf"
SURROGATE = re.compile("[\ud800-\udfff]")  # half of a character: JSON can spell it, UTF-8 cannot


class Pair(NamedTuple):
    src: str
    tgt: str
    line: int = 0  # where it stands, from 1
    part: int = 0  # of a split that has several, as `train+more` has: in which of them, from 0


class Row(NamedTuple):
    """A pair as it was found."""

    pair: Pair
    faults: Sequence[str] = ()  # such as "train.de, line 3 is not UTF-8"


def read_lines(path: Path) -> Iterator[str]:
    """The lines of a text file, gzipped or not. Raises ValueError with the line number where it is not UTF-8."""
    for text, faults in _decoded(path):
        if faults:
            raise ValueError(faults[0])
        yield text


def _decoded(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Each line, and what is wrong with it; U+FFFD stands for bytes that are not UTF-8."""
    if not path.is_file():
        raise ValueError(f"{path} is missing")
    opener = gzip.open if path.suffix == ".gz" else open
    with cast(BinaryIO, opener(path, "rb")) as file:
        lines = enumerate(file, 1)
        while True:
            try:
                number, line = next(lines)
            except StopIteration:
                return
            except (EOFError, OSError, zlib.error) as error:
                raise ValueError(f"{path} cannot be read: {error}") from None
            line = line.removesuffix(b"\n").removesuffix(b"\r").removeprefix(BOM if number == 1 else b"")
            try:
                yield line.decode(), []
            except UnicodeDecodeError:
                yield line.decode(errors="replace"), [f"{path}, line {number} is not UTF-8"]


def parallel_rows(src: Path, tgt: Path) -> Iterator[Row]:
    missing = object()
    numbers = {src: 0, tgt: 0}
    for number, sides in enumerate(zip_longest(_decoded(src), _decoded(tgt), fillvalue=missing), 1):
        for path, side in zip((src, tgt), sides, strict=True):
            numbers[path] += side is not missing
        if missing not in sides:
            (of_src, src_faults), (of_tgt, tgt_faults) = cast(Any, sides)
            yield Row(Pair(of_src, of_tgt, number), src_faults + tgt_faults)
    if numbers[src] != numbers[tgt]:
        raise ValueError(
            f"{src} has {numbers[src]} lines but {tgt} has {numbers[tgt]}; "
            "line i of one must translate line i of the other"
        )


def tsv_rows(path: Path, src: str, tgt: str) -> Iterator[Row]:
    columns = (0, 1)
    for number, (line, faults) in enumerate(_decoded(path), 1):
        cells = line.split("\t")
        if number == 1 and {src, tgt} <= set(cells):
            columns = (cells.index(src), cells.index(tgt))
            continue
        needed = max(columns) + 1
        if len(cells) < needed:
            faults.append(f"{path}, line {number} has {len(cells)} column(s); it needs {needed}")
            cells += [""] * needed
        yield Row(Pair(cells[columns[0]], cells[columns[1]], number), faults)


def jsonl_rows(path: Path, src: str, tgt: str) -> Iterator[Row]:
    for number, (line, faults) in enumerate(_decoded(path), 1):
        where = f"{path}, line {number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            yield Row(Pair("", "", number), [*faults, f"{where} is not JSON"])
            continue
        pair, more = row_of(row.get("translation", row) if isinstance(row, dict) else row, src, tgt, where, number)
        yield Row(pair, [*faults, *more])


def row_of(row: Any, src: str, tgt: str, where: str, number: int) -> Row:
    texts = [row.get(code) if isinstance(row, dict) else None for code in (src, tgt)]
    sound = [SURROGATE.sub("\ufffd", text) if isinstance(text, str) else "" for text in texts]
    what = "has no text for" if not all(isinstance(text, str) for text in texts) else "has half a character for"
    faults = [f"{where} {what} {src!r} and {tgt!r}"] if sound != texts else []
    return Row(Pair(sound[0], sound[1], number), faults)


READERS: dict[str, Callable[[Path, str, str], Iterator[Row]]] = {".tsv": tsv_rows, ".jsonl": jsonl_rows}
