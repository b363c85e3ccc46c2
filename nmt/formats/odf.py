"""OpenDocument: paragraphs of texts (ODT), slides (ODP) and spreadsheet cells (ODS) are translated in place.

The text of a paragraph has tags (inline.py): spans and links are pairs; a tab, a break, a note, a picture, a field or
the mark of a range stands alone. Spans without visible formatting are left out, such as those with which LibreOffice
records when text was written. Results of formulas, and cells that are not text, stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from nmt.formats.document import DocumentOptions
from nmt.formats.office import OfficeDocument
from nmt.formats.xml import Element, attribute, children, fill, local
from nmt.text.tags import Piece, Tag, joined

PARTS = ("content.xml", "styles.xml")  # the body; headers and footers
CHART = re.compile(r"(?:\./)?Object [0-9]+/content\.xml")  # or a formula, or a picture's source
# Headers and footers of slides are not paragraphs, nor is the title that a contents table gets when it is updated.
PARAGRAPHS = ("{*}p", "{*}h", "{*}header-decl", "{*}footer-decl", "{*}index-title-template")
TITLES = {"title", "subtitle", "footer"}  # of a chart; its other text comes from its table
PAIRED = {"span", "a", "meta"}
DROPPED = {"soft-page-break"}  # the end of a page when the file was saved
UNREAD = {"tracked-changes", "annotation"}  # deleted text, and comments
CELLS = {"table-cell", "covered-table-cell"}
SHOWN_AS_TEXT = {"text-box", "custom-shape", "table"}  # may be in a cell, but are not part of its value
MANIFEST = "META-INF/manifest.xml"
# Attributes that are not visible: LibreOffice's own marks, and the language of the text.
UNSEEN = re.compile(
    r"\{http://openoffice\.org/2009/office\}.*|\{.*\}(?:language|country|script|rfc-language-tag)(?:-asian|-complex)?"
)
BLANKS = re.compile(r"[ \t\r\n]+")  # read as one blank


class OpenDocument(OfficeDocument):
    """Raises ValueError if the file is not OpenDocument."""

    def __init__(self, data: bytes, name: str, options: DocumentOptions) -> None:
        super().__init__(data, name)
        if MANIFEST in self.archive.members and b":encryption-data" in self.archive.content(MANIFEST):
            raise ValueError(f"{name} is encrypted; save it without a password")
        parts = [part for part in PARTS if part in self.archive.members]
        if not parts:
            raise ValueError(f"{name} is no OpenDocument: it has no content.xml")
        charts = [part for part in self.archive.members if CHART.fullmatch(part)]
        self._unseen: set[str] = set()  # names of styles
        for part, root in zip([*parts, *charts], self.roots([*parts, *charts]), strict=True):
            self._unseen = {attribute(style, "name") for style in filter(_is_unseen, root.iter("{*}style"))}
            for paragraph in list(root.iter(*PARAGRAPHS)):
                if _is_read(paragraph) and (part in parts or local(paragraph.getparent()) in TITLES):
                    self.add_paragraph(paragraph)

    def pieces_of(self, paragraph: Element) -> list[Piece]:
        pieces = joined(self._pieces(paragraph))
        return [BLANKS.sub(" ", piece) if isinstance(piece, str) else piece for piece in pieces]

    def fill(self, paragraph: Element, pieces: Sequence[Piece]) -> None:
        cell = paragraph.getparent()
        for name in [name for name in cell.attrib if name.endswith("}string-value") and local(cell) in CELLS]:
            del cell.attrib[name]  # it would override the paragraphs
        fill(paragraph, pieces)

    def _pieces(self, holder: Element) -> Iterator[Piece]:
        if holder.text:
            yield str(holder.text)
        for node in list(holder):
            name = local(node)
            if name == "ruby":  # a translation has no pronunciation guide
                for base in children(node, "ruby-base"):
                    yield from self._pieces(base)
            elif name not in PAIRED:
                if name not in DROPPED:
                    yield Tag("alone", node)
            elif attribute(node, "style-name") in self._unseen:
                yield from self._pieces(node)
            else:
                yield Tag("open", node)
                yield from self._pieces(node)
                yield Tag("close", None)
            if node.tail:
                yield str(node.tail)


def _is_read(paragraph: Element) -> bool:
    """Whether a paragraph is text of the document, and not a number, a formula's result, or a comment."""
    is_value = True  # whether it is the value of the cell around it, if any
    for node in paragraph.iterancestors():
        name = local(node)
        if name in UNREAD:
            return False
        is_number = attribute(node, "formula") or attribute(node, "value-type") not in ("", "string")
        if name in CELLS and is_value and is_number:
            return False
        is_value = is_value and name not in SHOWN_AS_TEXT
    return True


def _is_unseen(style: Element) -> bool:
    """Whether a text style has no visible effect."""
    properties = children(style, "text-properties")
    attributes = [name for one in properties for name in one.attrib]
    is_text = attribute(style, "family") == "text" and not attribute(style, "parent-style-name")
    return is_text and len(style) == len(properties) and all(map(UNSEEN.fullmatch, attributes))
