"""XLSX: the sheets of a workbook, with a column of source and one of translations.

Only the cells of translations change, in the XML of their sheets; formulas, charts, pictures, macros and styles,
which a library that writes workbooks anew would lose in part, stay to the byte. A new cell has its source's style.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from typing import IO, NamedTuple

from lxml import etree

from nmt.formats.archives import content, opened, replaced, stream
from nmt.formats.columns import Columns, column_of, columns_of, unknown
from nmt.formats.document import DocumentOptions, Segment
from nmt.formats.xml import FORBIDDEN, SPACE, Element, child, children, elements, local, parse, written

MAX_CELLS = 20_000_000  # of a workbook, those that stand in it
MAX_ROW, MAX_COLUMN = 1_048_576, 16_384  # of the format itself
WORKBOOK, STRINGS = "xl/workbook.xml", "xl/sharedStrings.xml"


class Row(NamedTuple):
    number: int
    cells: dict[int, str]  # by the column from 0; those that have text


class Workbook:
    """Raises ValueError for what is no workbook."""

    def __init__(self, file: IO[bytes] | bytes, name: str) -> None:
        self.name, self.archive = name, opened(file, name)
        self.sheets = _sheets(self.archive, name)
        self.strings = _strings(self.archive, name)
        self.count = 0

    def rows(self, member: str) -> Iterator[Row]:
        """The rows of a sheet that have a cell with text."""
        with stream(self.archive, member, self.name) as file:
            number = 0
            for row in elements(file, f"{self.name}: {member}", "row"):
                number = _number(row.get("r"), number + 1)
                if not 1 <= number <= MAX_ROW:
                    raise ValueError(f"{self.name}: {member} has a row {number}; there are {MAX_ROW} at most")
                cells = {column: text for column, cell in _cells(row) if (text := self.text(cell))}
                self.count += len(row)
                if self.count > MAX_CELLS:
                    raise ValueError(f"{self.name} has more than {MAX_CELLS} cells")
                if cells:
                    yield Row(number, cells)

    def text(self, cell: Element) -> str:
        kind, value = cell.get("t"), child(cell, "v")
        if kind == "inlineStr":
            return _text(child(cell, "is"))
        text = "" if value is None else str(value.text or "")
        if kind != "s":
            return text
        index = _number(text, -1)
        return self.strings[index] if 0 <= index < len(self.strings) else ""


class WorkbookDocument:
    languages = ("", "")

    def __init__(self, data: bytes, name: str, options: DocumentOptions) -> None:
        self.book, self.kept = Workbook(data, name), 0
        self.todo: list[tuple[str, int, int, str]] = []  # sheet, row, column of the translation, text
        self.columns: dict[str, tuple[Columns, int]] = {}  # and the number of the first row
        problem: ValueError | None = None
        for title, member in self.book.sheets:
            rows = self.book.rows(member)
            first = next(rows, None)
            if first is None:
                continue
            cells, where = as_list(first, 0), f"{name}, sheet {title!r}, row {first.number}"
            columns = columns_of(cells, options, where)
            if columns is None:
                problem = problem or unknown(cells, options, where)
                continue
            self.columns[member] = columns, first.number
            self._find(member, columns, first, rows, options)
        if not self.columns and problem is not None:
            raise problem

    def _find(self, member: str, columns: Columns, first: Row, rows: Iterator[Row], options: DocumentOptions) -> None:
        for row in rows if columns.header else (row for some in ([first], rows) for row in some):
            if text := row.cells.get(columns.src, "").strip() and row.cells[columns.src]:
                if not options.retranslate and row.cells.get(columns.tgt, "").strip():
                    self.kept += 1
                else:
                    self.todo.append((member, row.number, columns.tgt, text))

    @property
    def segments(self) -> Sequence[Segment]:
        return [Segment(text) for *_, text in self.todo]

    def with_targets(self, targets: Sequence[str]) -> bytes:
        by_sheet: dict[str, dict[int, str]] = {member: {} for member in self.columns}
        for (member, row, _, _), target in zip(self.todo, targets, strict=True):
            by_sheet[member][row] = target
        changed = {}
        for member, texts in by_sheet.items():
            columns, first = self.columns[member]
            if texts and columns.name is not None:
                texts = {first: columns.name} | texts
            if texts:
                data = content(self.book.archive, member, self.book.name)
                changed[member] = _with_texts(data, f"{self.book.name}: {member}", columns, texts)
        return replaced(self.book.archive, changed, self.book.name)


def read(data: bytes, name: str, options: DocumentOptions) -> WorkbookDocument:
    """Raises ValueError for what is no workbook, or where the columns of no sheet can be told."""
    return WorkbookDocument(data, name, options)


def as_list(row: Row, width: int) -> list[str]:
    return [row.cells.get(i, "") for i in range(max(width, max(row.cells) + 1))]


def _with_texts(data: bytes, name: str, columns: Columns, texts: dict[int, str]) -> bytes:
    tree = parse(data, name)
    number = 0
    for row in tree.getroot().iter("{*}row"):
        number = _number(row.get("r"), number + 1)
        if number in texts:
            places = _cells(row)
            cell = next((cell for column, cell in places if column == columns.tgt), None)
            if cell is None:
                cell = row.makeelement(
                    f"{{{etree.QName(row).namespace}}}c", {"r": f"{_letters(columns.tgt)}{number}"}
                )
                row.insert(sum(column < columns.tgt for column, _ in places), cell)
                style = next((cell.get("s") for column, cell in places if column == columns.src), None)
                if style is not None:
                    cell.set("s", style)
                row.attrib.pop("spans", None)  # a hint, which may be wrong now
            _set(cell, texts[number])
    extent = child(tree.getroot(), "dimension")
    if extent is not None:
        extent.set("ref", _wider(extent.get("ref", ""), columns.tgt))
    return written(tree, data)


def _set(cell: Element, text: str) -> None:
    for old in list(cell):
        cell.remove(old)
    cell.set("t", "inlineStr")
    namespace = etree.QName(cell).namespace
    holder = etree.SubElement(cell, f"{{{namespace}}}is")
    inner = etree.SubElement(holder, f"{{{namespace}}}t")
    inner.set(SPACE, "preserve")
    inner.text = FORBIDDEN.sub("\ufffd", text)


def _sheets(archive: zipfile.ZipFile, name: str) -> list[tuple[str, str]]:
    """The title of each sheet, in order, and the member that holds it."""
    book = parse(content(archive, WORKBOOK, name), f"{name}: {WORKBOOK}").getroot()
    relations = parse(content(archive, "xl/_rels/workbook.xml.rels", name), f"{name}: relations").getroot()
    targets = {
        relation.get("Id"): relation.get("Target", "") for relation in relations if local(relation) == "Relationship"
    }
    found, members = [], set(archive.namelist())
    for sheet in book.iter("{*}sheet"):
        key = next((value for attribute, value in sheet.attrib.items() if attribute.endswith("}id")), None)
        target = targets.get(key, "")
        member = target[1:] if target.startswith("/") else f"xl/{target}"
        if member in members and "/worksheets/" in f"/{member}":
            found.append((sheet.get("name", ""), member))
    if not found:
        raise ValueError(f"{name} has no worksheet")
    return found


def _strings(archive: zipfile.ZipFile, name: str) -> list[str]:
    if STRINGS not in archive.namelist():
        return []
    with stream(archive, STRINGS, name) as file:
        return [_text(item) for item in elements(file, f"{name}: {STRINGS}", "si")]


def _text(holder: Element | None) -> str:
    """Of a string and its runs, without how it is read aloud (rPh)."""
    if holder is None:
        return ""
    runs = [child(run, "t") for run in children(holder, "r")] or [child(holder, "t")]
    return "".join(str(run.text or "") for run in runs if run is not None)


def _cells(row: Element) -> list[tuple[int, Element]]:
    """Each cell with its column from 0. Raises ValueError for one beyond the format's own bounds."""
    found, column = [], -1
    for cell in children(row, "c"):
        match = re.match("([A-Z]{1,3})[0-9]", cell.get("r") or "")
        column = column_of(match[1]) if match else column + 1
        if column >= MAX_COLUMN:
            raise ValueError(f"a cell is {cell.get('r')}; there are {MAX_COLUMN} columns at most")
        found.append((column, cell))
    return found


def _letters(column: int) -> str:
    column += 1
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _wider(extent: str, column: int) -> str:
    match = re.fullmatch("([A-Z]{1,3})([0-9]+)(?::([A-Z]{1,3})([0-9]+))?", extent)
    if match is None or column_of(match[3] or match[1]) >= column:
        return extent
    return f"{match[1]}{match[2]}:{_letters(column)}{match[4] or match[2]}"


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text and re.fullmatch("[0-9]{1,9}", text) else otherwise


def tables(book: Workbook) -> Iterator[tuple[str, Iterator[tuple[int, list[str]]]]]:
    """Each sheet that has text: where it stands, and its rows as wide as the first at least."""
    for title, member in book.sheets:
        rows = book.rows(member)
        first = next(rows, None)
        if first is not None:
            yield f"{book.name}, sheet {title!r}", _rows(first, rows)


def _rows(first: Row, others: Iterator[Row]) -> Iterator[tuple[int, list[str]]]:
    names = as_list(first, 0)
    yield first.number, names
    for row in others:
        yield row.number, as_list(row, len(names))
