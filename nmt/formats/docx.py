"""DOCX: the text of paragraphs (in tables, headers, footers, notes and text boxes, too), in place; or, of a table
whose first row names both languages, the one column into the other.

What is text in a paragraph, and what is a tag in it, docx_text.py says. All else in the archive stays to the byte.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import IO, Any

from lxml import etree

from nmt.formats.archives import content, opened, replaced
from nmt.formats.document import DocumentOptions, Segment
from nmt.formats.docx_marks import is_range_mark
from nmt.formats.docx_text import fill, pieces_of
from nmt.formats.headers import named_columns
from nmt.formats.inline import Inline
from nmt.formats.xml import Element, children, local, parse, written

PARTS = re.compile(r"word/(document|header|footer|footnotes|endnotes)[0-9]*\.xml")


class WordDocument:
    languages = ("", "")

    def __init__(self, data: bytes, name: str, options: DocumentOptions) -> None:
        self.archive, self.name = opened(data, name), name
        self.kept = 0
        self.trees: dict[str, tuple[Element, bytes]] = {}
        self.slots: list[tuple[Inline, Element]] = []  # a text, and the paragraph that it becomes
        for member in _parts(self.archive, name):
            original = content(self.archive, member, name)
            tree = parse(original, f"{name}: {member}")
            self.trees[member] = tree, original
            done = set()
            for table in list(tree.getroot().iter("{*}tbl")):
                done |= self._bilingual(table, options)
            for paragraph in list(tree.getroot().iter("{*}p")):
                if paragraph not in done and _is_words(paragraph):
                    self._add(paragraph, paragraph)

    def _add(self, source: Element, target: Element) -> None:
        text = Inline(pieces_of(source))
        if text.segment.text.strip():
            self.slots.append((text, target))

    def _bilingual(self, table: Element, options: DocumentOptions) -> set[Any]:
        """The paragraphs of a table with a column of each language: none of them is translated in place."""
        rows = [children(row, "tc") for row in children(table, "tr")]
        names = [_cell_text(cell) for cell in rows[0]] if rows else []
        columns = named_columns(names, (options.src, options.tgt), self.name) if options.src and options.tgt else None
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
                self._add(copy, copy)
        return set(table.iter("{*}p"))

    @property
    def segments(self) -> Sequence[Segment]:
        return [text.segment for text, _ in self.slots]

    def with_targets(self, targets: Sequence[str]) -> bytes:
        for (text, paragraph), target in zip(self.slots, targets, strict=True):
            fill(paragraph, text.target(target))
        changed = {member: written(tree, original) for member, (tree, original) in self.trees.items()}
        return replaced(self.archive, changed, self.name)


def read(data: bytes, name: str, options: DocumentOptions) -> WordDocument:
    """Raises ValueError for what is no DOCX."""
    return WordDocument(data, name, options)


def tables(file: IO[bytes], name: str) -> Iterator[list[list[str]]]:
    """The text of the cells of each table."""
    archive = opened(file, name)
    for member in _parts(archive, name):
        root = parse(content(archive, member, name), f"{name}: {member}").getroot()
        for table in root.iter("{*}tbl"):
            yield [[_cell_text(cell) for cell in children(row, "tc")] for row in children(table, "tr")]


def _parts(archive: zipfile.ZipFile, name: str) -> list[str]:
    found = sorted(
        (name for name in archive.namelist() if PARTS.fullmatch(name)), key=lambda name: "document" not in name
    )
    if not found:
        raise ValueError(f"{name} is no DOCX: it has no word/document.xml")
    return found


def _cell_text(cell: Element) -> str:
    """As one line, without what was moved away."""
    words = []
    for node in cell.iter("{*}p", "{*}t", "{*}tab", "{*}br"):
        if next(node.iterancestors("{*}moveFrom"), None) is None:
            words.append(str(node.text or "") if local(node) == "t" else " ")
    return " ".join("".join(words).split())


def _copied(paragraph: Element) -> Element:
    """Without what must be there once in a document."""
    copy = deepcopy(paragraph)
    for node in [node for node in copy.iter() if is_range_mark(local(node)) or local(node) == "commentReference"]:
        node.getparent().remove(node)
    for attribute in [name for name in copy.attrib if name.endswith(("}paraId", "}textId"))]:
        del copy.attrib[attribute]
    return copy


def _is_words(paragraph: Element) -> bool:
    """Whether it is a paragraph of WordprocessingML, and not of a drawing (a:p) or an equation."""
    return "wordprocessingml" in (etree.QName(paragraph).namespace or "")
