"""Writes the answers of a part in the output format, and joins parts into one file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from nmt.common.files import check_writable, output_at
from nmt.distribution.compression import chunks_of, compression_of, writing
from nmt.distribution.inputs import KINDS
from nmt.distribution.parts import PARQUET, TEXT, TSV, OutputFormat

BLANKS = str.maketrans("\t\n", "  ")  # a cell stays on one line and in one column


Write = Callable[[Any, Sequence[Sequence[str]]], object]  # rows, and the output lines for each


@contextmanager
def _writer(output: OutputFormat, file: BinaryIO, schema: Any) -> Iterator[Write]:
    if output.format == PARQUET:
        from nmt.distribution.parquet import ParquetWriter, text_schema

        writer = ParquetWriter(file, text_schema(schema) if isinstance(schema, list) else schema, output.name)
        yield writer.write
        writer.close()
    else:
        spelt = _as_text if output.format == TEXT else _as_tsv
        yield lambda rows, answers: file.write("".join(f"{line}\n" for line in spelt(rows, answers)).encode())


def _as_text(rows: Any, answers: Sequence[Sequence[str]]) -> Iterator[str]:
    """The answers alone."""
    return chain.from_iterable(answers)


def _as_tsv(rows: Any, answers: Sequence[Sequence[str]]) -> Iterator[str]:
    """The cells of a row and then the answer; an n-best list gives a row for each of its lines."""
    if not isinstance(rows, list):
        from nmt.distribution.parquet import cells_of

        rows = cells_of(rows)
    for row, lines in zip(rows, answers, strict=True):
        for line in lines:
            yield "\t".join(cell.translate(BLANKS) for cell in (*row, line))


def write_answers(file: BinaryIO, output: OutputFormat, schema: Any, answered: Any) -> None:
    """Write pairs (group, answers). `schema` is the rows' Parquet schema, or the names of their columns."""
    with writing(file, output.compress) as content, _writer(output, content, schema) as write:
        for group, answers in answered:
            write(group.rows, [answer.lines for answer in answers])


def check_parts_can_be_written(folder: Path) -> None:
    """Raises ValueError for what is no folder, or one that cannot be written or made."""
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is no folder; parts need one of their own")
    try:
        check_writable(folder)
    except OSError as error:
        raise ValueError(f"the parts cannot be written to {folder}: {error.strerror}") from None


def check_join(path: Path, inputs: Sequence[Path], folder: Path, kind: str) -> None:
    """Raises ValueError for a file into which parts of this kind cannot be joined: an input, a file in the folder of
    parts, one with another kind's suffix, or one in a folder that is missing or cannot be written."""
    real = Path(os.path.realpath(path))
    if path.exists() and any(path.samefile(one) for one in inputs):
        raise ValueError(f"the parts cannot be joined to {path}, which is the input")
    if real.is_relative_to(os.path.realpath(folder)):
        raise ValueError(f"the parts cannot be joined to {path}, which is in their own folder")
    if path.is_dir():
        raise ValueError(f"the parts cannot be joined to {path}, which is a folder")
    if not real.parent.is_dir():
        raise ValueError(f"the parts cannot be joined to {path}: there is no folder {real.parent}")
    if path.is_file() or not path.exists():
        try:
            check_writable(real.parent)
        except OSError as error:
            raise ValueError(f"the parts cannot be joined to {path}: {error.strerror}") from None
    compression = compression_of(path)
    suffix = Path(path.name.removesuffix(f".{compression}")).suffix
    if KINDS.get(suffix, kind) != kind or (kind == PARQUET and compression):
        raise ValueError(f"the parts are {kind}, and {path} has another suffix; --format says what they are")


def join(parts: Sequence[Path], path: Path, kind: str, header: Sequence[str]) -> None:
    """Join all parts, in order, into one file, atomically, compressed by its suffix. `header` becomes the first line
    of a TSV; for Parquet without parts it names columns of text."""
    with output_at(path) as file:
        if kind == PARQUET:
            from nmt.distribution.parquet import join

            join(parts, file, header)
            return
        compression = compression_of(path)
        same = not parts or compression_of(parts[0]) == compression
        first = ("\t".join(header) + "\n").encode() if kind == TSV and header else b""
        with writing(file, compression) if first or not same else nullcontext(file) as content:
            content.write(first)
            if not same:
                for part in parts:
                    with part.open("rb") as opened:
                        for chunk in chunks_of(opened, compression_of(part), str(part)):
                            content.write(chunk)
        for part in parts if same else ():  # members and frames can be concatenated
            with part.open("rb") as opened:
                shutil.copyfileobj(opened, file)
