"""OpenDocument: the paragraphs of a text (ODT), of slides (ODP), and of the cells of a spreadsheet (ODS), in place.

The text of a paragraph has tags in it (inline.py): its spans and links are pairs; a tab, a break, a note, a picture,
a field or the mark of a range stands alone. A span whose look nobody sees, such as those by which LibreOffice knows
when something was written, is none. What a spreadsheet computes, and cells of another kind than text, stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from nmt.formats.document import DocumentOptions
from nmt.formats.office import OfficeDocument
from nmt.formats.pieces import Piece, Tag
from nmt.formats.xml import FORBIDDEN, Element, children, local

PARTS = ("content.xml", "styles.xml")  # the body; headers and footers
PARAGRAPHS = ("{*}p", "{*}h")
PAIRED = {"span", "a", "meta"}
UNREAD = {"tracked-changes", "annotation"}  # what was deleted, and what readers say of it
UNSEEN = "http://openoffice.org/2009/office"  # the namespace of LibreOffice's own marks
BLANKS = re.compile(r"[ \t\r\n]+")  # of which a reader makes one


class OpenDocument(OfficeDocument):
    def __init__(self, data: bytes, name: str, options: DocumentOptions) -> None:
        super().__init__(data, name)
        parts = [part for part in PARTS if part in self.archive.namelist()]
        if not parts:
            raise ValueError(f"{name} is no OpenDocument: it has no content.xml")
        self._unseen: set[str] = set()  # names of styles
        for root in self.roots(parts):
            styles = filter(_is_unseen, root.iter("{*}style"))
            self._unseen = {str(style.get(_own(style, "name"))) for style in styles}
            for paragraph in list(root.iter(*PARAGRAPHS)):
                if _is_read(paragraph):
                    self.add(paragraph, paragraph)

    def pieces_of(self, paragraph: Element) -> list[Piece]:
        joined: list[Piece] = []
        for piece in self._pieces(paragraph):
            if isinstance(piece, str) and joined and isinstance(joined[-1], str):
                joined[-1] = BLANKS.sub(" ", joined[-1] + piece)
            else:
                joined.append(piece)
        return joined

    def fill(self, paragraph: Element, pieces: Sequence[Piece]) -> None:
        at = [_emptied(paragraph)]
        for piece in pieces:
            value = piece if isinstance(piece, str) else piece.value
            if isinstance(value, str):
                _append(at[-1], FORBIDDEN.sub("\ufffd", value))
            elif isinstance(piece, Tag) and piece.kind == "close":
                at.pop()
            else:
                value.tail = None
                at[-1].append(value)
                if isinstance(piece, Tag) and piece.kind == "open":
                    at.append(_emptied(value))

    def _pieces(self, holder: Element) -> Iterator[Piece]:
        if holder.text:
            yield BLANKS.sub(" ", str(holder.text))
        for node in list(holder):
            if local(node) not in PAIRED:
                yield Tag("alone", node)
            elif str(node.get(_own(node, "style-name"))) in self._unseen:
                yield from self._pieces(node)
            else:
                yield Tag("open", node)
                yield from self._pieces(node)
                yield Tag("close", node)
            if node.tail:
                yield BLANKS.sub(" ", str(node.tail))


def read(data: bytes, name: str, options: DocumentOptions) -> OpenDocument:
    """Raises ValueError for what is no OpenDocument."""
    return OpenDocument(data, name, options)


def _is_read(paragraph: Element) -> bool:
    """Whether a paragraph is text of the document, and not a number, a formula's result, or a comment."""
    for node in paragraph.iterancestors():
        name = local(node)
        if name in UNREAD:
            return False
        if name == "table-cell":
            found = {key.rpartition("}")[2]: value for key, value in node.attrib.items()}
            return "formula" not in found and found.get("value-type", "string") == "string"
    return True


def _is_unseen(style: Element) -> bool:
    """Whether a style of text says nothing that is seen."""
    properties = children(style, "text-properties")
    attributes = [name for one in properties for name in one.attrib]
    is_text = style.get(_own(style, "family")) == "text"
    return is_text and len(style) == len(properties) and all(name.startswith(f"{{{UNSEEN}}}") for name in attributes)


def _own(element: Element, name: str) -> str:
    """The name of an attribute in the namespace of its element."""
    return f"{{{element.tag[1:].partition('}')[0]}}}{name}"


def _emptied(element: Element) -> Element:
    element.text = None
    for node in list(element):
        element.remove(node)
    return element


def _append(element: Element, text: str) -> None:
    if len(element):
        element[-1].tail = (element[-1].tail or "") + text
    else:
        element.text = (element.text or "") + text
