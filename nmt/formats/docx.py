"""DOCX: paragraphs (also in tables, headers, footers, notes and text boxes) are translated in place. In a table that
names both languages in its first row, one column is translated into the other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from itertools import count
from typing import IO, Any

from nmt.formats.archives import Archive
from nmt.formats.document import DocumentOptions, Table
from nmt.formats.docx_marks import is_range_mark
from nmt.formats.headers import named_columns
from nmt.formats.office import OfficeDocument
from nmt.formats.xml import Element, children, local, namespace, parse

PARTS = re.compile(r"word/(document|header|footer|footnotes|endnotes)[0-9]*\.xml")


class WordDocument(OfficeDocument):
    """Raises ValueError if the file is not DOCX."""

    def __init__(self, data: bytes, name: str, options: DocumentOptions) -> None:
        super().__init__(data, name)
        for root in self.roots(_parts(self.archive)):
            done = set()
            for table in list(root.iter("{*}tbl")):
                done |= self._bilingual(table, options)
            for paragraph in list(root.iter("{*}p")):
                if paragraph not in done and "wordprocessingml" in namespace(paragraph):  # not in drawings, equations
                    self.add_paragraph(paragraph)

    def _bilingual(self, table: Element, options: DocumentOptions) -> set[Any]:
        """The paragraphs of a table with a column for each language, which are not translated in place."""
        rows = [children(row, "tc") for row in children(table, "tr")]
        names = [_cell_text(cell) for cell in rows[0]] if rows else []
        wanted = options.src, options.tgt
        columns = named_columns(names, wanted, self.archive.name) if all(wanted) else None
        if columns is None:
            return set()
        for cells in rows[1:]:
            if len(cells) <= max(columns):
                continue
            source, target = (cells[column] for column in columns)
            if not _cell_text(source):
                continue
            if _cell_text(target) and not options.retranslate:
                self.kept += 1
                continue
            for old in children(target, "p"):
                target.remove(old)
            for paragraph in children(source, "p"):
                copy = _copied(paragraph)
                target.append(copy)
                self.add_paragraph(copy)
        return set(table.iter("{*}p"))


def tables(file: IO[bytes], name: str) -> Iterator[Table]:
    """The text of the cells of each table."""
    archive = Archive(file, name)
    numbers = count(1)
    for member in _parts(archive):
        root = parse(archive.content(member), f"{name}: {member}").getroot()
        for table, number in zip(root.iter("{*}tbl"), numbers, strict=False):
            rows = [[_cell_text(cell) for cell in children(row, "tc")] for row in children(table, "tr")]
            yield Table(f"{name}, table {number}", enumerate(rows, 1))


def _parts(archive: Archive) -> list[str]:
    found = sorted(filter(PARTS.fullmatch, archive.members), key=lambda member: "document" not in member)
    if not found:
        raise ValueError(f"{archive.name} is no DOCX: it has no word/document.xml")
    return found


def _cell_text(cell: Element) -> str:
    """The text of a cell on one line, without text that was moved away."""
    nodes = cell.iter("{*}p", "{*}t", "{*}tab", "{*}br")
    kept = (node for node in nodes if next(node.iterancestors("{*}moveFrom"), None) is None)
    words = (str(node.text or "") if local(node) == "t" else " " for node in kept)
    return " ".join("".join(words).split())


def _copied(paragraph: Element) -> Element:
    """A copy of a paragraph, without marks and ids that must be unique in a document."""
    copy = deepcopy(paragraph)
    for node in [node for node in copy.iter() if is_range_mark(local(node)) or local(node) == "commentReference"]:
        node.getparent().remove(node)
    for attribute in [name for name in copy.attrib if name.endswith(("}paraId", "}textId"))]:
        del copy.attrib[attribute]
    return copy
