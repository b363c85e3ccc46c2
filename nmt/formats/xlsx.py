"""XLSX: the sheets of a workbook, with a column of source and one of translations.

Only the cells of translations change, in the XML of their sheets. Formulas, charts, pictures, macros and styles,
which a library that rewrites workbooks would lose in part, stay byte for byte. A new cell has the style of its source
cell. Numbers, dates (numbers with a style), truth values and errors are not text, and are not translated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import IO, NamedTuple

from lxml import etree

from nmt.common.stream import valid
from nmt.formats.archives import Archive
from nmt.formats.columns import Columns, column_of, columns_of, unknown
from nmt.formats.document import Document, DocumentOptions, Segment, Table
from nmt.formats.xml import FORBIDDEN, SPACE, Element, child, children, elements, local, parse, qualified, written

MAX_CELLS = 20_000_000  # cells that a workbook may have
MAX_ROW, MAX_COLUMN = 1_048_576, 16_384  # of the format itself
WORKBOOK, STRINGS = "xl/workbook.xml", "xl/sharedStrings.xml"
TEXTS = {"s", "str", "inlineStr"}  # types of cells with text: shared, result of a formula, inline
ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")  # a UTF-16 unit by its number, such as one that XML cannot spell
LIKE_ESCAPE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")  # the first character of text that would be read as an escape


class SheetCell(NamedTuple):
    value: str  # "" for a formula that was not computed
    is_text: bool
    is_formula: bool

    @property
    def is_blank(self) -> bool:
        return not (self.is_formula or self.value.strip())


NO_CELL = SheetCell("", False, False)


class SheetRow(NamedTuple):
    number: int
    cells: dict[int, SheetCell]  # column from 0 -> cell with a value or a formula

    def values(self, width: int = 0) -> list[str]:
        """The values from the first column to the last one in use, or to `width`, if that is more."""
        return [self.cells.get(i, NO_CELL).value for i in range(max(width, max(self.cells) + 1))]


class Workbook:
    """Raises ValueError if the file is not a workbook."""

    def __init__(self, file: IO[bytes] | bytes, name: str) -> None:
        self.archive = Archive(file, name)
        self.sheets = _sheets(self.archive)
        self.strings = _strings(self.archive)
        self.count = 0

    def rows(self, member: str) -> Iterator[SheetRow]:
        """The rows of a sheet that have a cell with a value."""
        with self.archive.stream(member) as file:
            number = 0
            for row in elements(file, file.name, "row"):
                number = _number(row.get("r"), number + 1)
                if not 1 <= number <= MAX_ROW:
                    raise ValueError(f"{file.name} has a row {number}; there are {MAX_ROW} at most")
                found = ((column, self._cell(cell)) for column, cell in _cells(row))
                cells = {column: cell for column, cell in found if cell.value or cell.is_formula}
                self.count += len(row)
                if self.count > MAX_CELLS:
                    raise ValueError(f"{self.archive.name} has more than {MAX_CELLS} cells")
                if any(cell.value for cell in cells.values()):
                    yield SheetRow(number, cells)

    def _cell(self, cell: Element) -> SheetCell:
        kind, value = cell.get("t"), child(cell, "v")
        text = "" if value is None else str(value.text or "")
        if kind == "inlineStr":
            text = _text(child(cell, "is"))
        elif kind == "str":
            text = unescaped(text)
        elif kind == "s":
            index = _number(text, -1)
            text = self.strings[index] if 0 <= index < len(self.strings) else ""
        return SheetCell(text, kind in TEXTS, child(cell, "f") is not None)


class WorkbookDocument(Document):
    """Raises ValueError if the file is not a workbook, or the columns of no sheet can be told."""

    def __init__(self, data: bytes, name: str, options: DocumentOptions) -> None:
        self.book = Workbook(data, name)
        self.todo: list[tuple[str, int, str]] = []  # sheet, row, text
        self.columns: dict[str, tuple[Columns, int]] = {}  # sheet -> columns, number of the first row
        problem: ValueError | None = None
        for title, member in self.book.sheets:
            rows = self.book.rows(member)
            first = next(rows, None)
            if first is None:
                continue
            cells, where = first.values(), f"{name}, sheet {title!r}, row {first.number}"
            columns = columns_of(cells, options, where)
            if columns is None:
                problem = problem or unknown(cells, options, where)
                continue
            self.columns[member] = columns, first.number
            for row in rows if columns.header else chain([first], rows):
                source, target = (row.cells.get(column, NO_CELL) for column in (columns.src, columns.tgt))
                if not source.is_text or not source.value.strip():
                    continue
                if options.retranslate or target.is_blank:
                    self.todo.append((member, row.number, source.value))
                else:
                    self.kept += 1
        if not self.columns and problem is not None:
            raise problem
        self.segments = [Segment(text) for *_, text in self.todo]

    def with_targets(self, targets: Sequence[str]) -> bytes:
        by_sheet: dict[str, dict[int, str]] = {}
        for (member, row, _), target in zip(self.todo, targets, strict=True):
            by_sheet.setdefault(member, {})[row] = target
        archive, changed = self.book.archive, {}
        for member, texts in by_sheet.items():
            columns, first = self.columns[member]
            if columns.name is not None:
                texts[first] = columns.name
            changed[member] = _with_texts(archive.content(member), f"{archive.name}: {member}", columns, texts)
        return archive.replaced(changed)


def unescaped(text: str) -> str:
    """A text with its escapes decoded, such as "_" for "_x005F_"."""
    return valid(ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), text))


def escaped(text: str) -> str:
    """A text with the escapes of a workbook, also for carriage returns, which XML would read as line feeds."""
    found = LIKE_ESCAPE.sub("_x005F_", text).replace("\r", "_x000D_")
    return FORBIDDEN.sub(lambda character: f"_x{ord(character[0]):04X}_", found)


def _with_texts(data: bytes, name: str, columns: Columns, texts: dict[int, str]) -> bytes:
    tree = parse(data, name)
    number = 0
    for row in tree.getroot().iter("{*}row"):
        number = _number(row.get("r"), number + 1)
        if number in texts:
            places = _cells(row)
            cell = next((cell for column, cell in places if column == columns.tgt), None)
            if cell is None:
                cell = row.makeelement(qualified(row, "c"), {"r": f"{_letters(columns.tgt)}{number}"})
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
    del cell[:]
    cell.set("t", "inlineStr")
    inner = etree.SubElement(etree.SubElement(cell, qualified(cell, "is")), qualified(cell, "t"))
    inner.set(SPACE, "preserve")
    inner.text = escaped(text)


def _sheets(archive: Archive) -> list[tuple[str, str]]:
    """The title of each sheet, in order, and the member that holds it."""
    book = parse(archive.content(WORKBOOK), f"{archive.name}: {WORKBOOK}").getroot()
    relations = parse(archive.content("xl/_rels/workbook.xml.rels"), f"{archive.name}: relations").getroot()
    targets = {one.get("Id"): one.get("Target", "") for one in children(relations, "Relationship")}
    found, members = [], set(archive.members)
    for sheet in book.iter("{*}sheet"):
        key = next((value for attribute, value in sheet.attrib.items() if attribute.endswith("}id")), None)
        target = targets.get(key, "")
        member = target[1:] if target.startswith("/") else f"xl/{target}"
        if member in members and "/worksheets/" in f"/{member}":
            found.append((sheet.get("name", ""), member))
    if not found:
        raise ValueError(f"{archive.name} has no worksheet")
    return found


def _strings(archive: Archive) -> list[str]:
    if STRINGS not in archive.members:
        return []
    with archive.stream(STRINGS) as file:
        return [_text(item) for item in elements(file, file.name, "si")]


def _text(holder: Element | None) -> str:
    """The text of a string and its runs, without phonetic guides (rPh)."""
    if holder is None:
        return ""
    texts = [child(node, "t") if local(node) == "r" else node for node in children(holder, "r", "t")]
    return "".join(unescaped(str(text.text or "")) for text in texts if text is not None)


def _cells(row: Element) -> list[tuple[int, Element]]:
    """Each cell with its column from 0. Raises ValueError for a cell beyond the limits of the format."""
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


def tables(file: IO[bytes], name: str) -> Iterator[Table]:
    """The sheets with values; each row is at least as wide as the first. After the first, which may name the columns,
    only text counts."""
    book = Workbook(file, name)
    for title, member in book.sheets:
        rows = book.rows(member)
        first = next(rows, None)
        if first is not None:
            yield Table(f"{name}, sheet {title!r}", _rows(first, rows))


def _rows(first: SheetRow, others: Iterator[SheetRow]) -> Iterator[tuple[int, list[str]]]:
    names = first.values()
    yield first.number, names
    for row in others:
        texts = {column: cell for column, cell in row.cells.items() if cell.is_text}
        if texts:
            yield row.number, SheetRow(row.number, texts).values(len(names))
