"""CSV (RFC 4180, with commas or semicolons) and TSV (in which quotes have no special meaning), with a column of
source and one of translations. Every other cell stays to the letter, quotes included."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial

from nmt.formats.columns import columns_of, unknown
from nmt.formats.document import Document, DocumentOptions, Segment
from nmt.formats.encodings import read_text


class TableDocument(Document):
    """Raises ValueError if the columns cannot be told, or the file is not UTF-8 or UTF-16, or not CSV."""

    def __init__(self, kind: str, data: bytes, name: str, options: DocumentOptions) -> None:
        self.file = read_text(data, name)
        text = self.file.text
        self.delimiter = "\t" if kind == "tsv" else delimiter_of(text[: 1 << 16])
        self.quotes = kind == "csv"
        self.records = list(_records(text, self.delimiter, self.quotes, name))
        rows = [cells for cells, _ in self.records if len(cells) > 1 or cells[0].strip()]
        self.todo: list[tuple[list[str], str]] = []  # cells of a row, and its text
        if rows:
            self._find(rows, f"{name}, line 1", options)
        self.segments = [Segment(text) for _, text in self.todo]

    def _find(self, rows: Sequence[list[str]], where: str, options: DocumentOptions) -> None:
        first = list(map(self._text, rows[0]))
        columns = columns_of(first, options, where)
        if columns is None:
            raise unknown(first, options, where)
        src, self.tgt, header, new = columns
        if new is not None:
            self._set(rows[0], new)
        for cells in rows[1:] if header else rows:
            text = self._text(cells[src]) if src < len(cells) else ""
            if not text.strip():
                if self.tgt >= len(first):  # a new column
                    self._set(cells, "")
            elif not options.retranslate and self.tgt < len(cells) and self._text(cells[self.tgt]).strip():
                self.kept += 1
            else:
                self.todo.append((cells, text))

    def with_targets(self, targets: Sequence[str]) -> bytes:
        for (cells, _), target in zip(self.todo, targets, strict=True):
            self._set(cells, target)
        text = "".join(self.delimiter.join(cells) + end for cells, end in self.records)
        return self.file.written(text)

    def _text(self, cell: str) -> str:
        return cell[1:-1].replace('""', '"') if self.quotes and cell.startswith('"') else cell

    def _set(self, cells: list[str], text: str) -> None:
        cells += [""] * (self.tgt + 1 - len(cells))
        if not self.quotes:
            cells[self.tgt] = re.sub(r"[\t\r\n]+", " ", text)
        elif cells[self.tgt].startswith('"') or re.search(f'[{self.delimiter}"\r\n]|^\\s|\\s$', text):
            cells[self.tgt] = '"{}"'.format(text.replace('"', '""'))
        else:
            cells[self.tgt] = text


read_csv, read_tsv = partial(TableDocument, "csv"), partial(TableDocument, "tsv")


def delimiter_of(text: str) -> str:
    """The delimiter of a CSV, by its first line: in half of Europe, spreadsheets write semicolons."""
    first = re.sub('"[^"]*"', "", text).split("\n")[0]
    return ";" if first.count(";") > first.count(",") else ","


def _records(text: str, delimiter: str, quotes: bool, name: str) -> Iterator[tuple[list[str], str]]:
    """The cells of each row as they are written, and the line end."""
    quoted = r'"(?:[^"]|"")*"|' if quotes else ""
    cell = re.compile(rf"({quoted}(?:[^{delimiter}\r\n]|\r(?!\n))*)({delimiter}|\r?\n|\Z)?")  # a lone \r is content
    cells: list[str] = []
    place = 0
    while place < len(text) or cells:
        match = cell.match(text, place)
        assert match is not None
        place = match.end()
        cells.append(match[1])
        if match[2] is None:
            line = text.count("\n", 0, place) + 1
            raise ValueError(
                f"{name}, line {line} is no row of CSV: {text[place : place + 20]!r} after a quoted cell"
            )
        if match[2] != delimiter:
            yield cells, match[2]
            cells = []
