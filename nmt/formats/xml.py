"""Untrusted XML: trees that are written back without other changes, and text with inline elements.

A document that declares an entity is refused, so none can expand without bound, and none is loaded from elsewhere.
libxml2 bounds the depth and the length of a text (256 levels, 10 MB).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from copy import deepcopy
from typing import Any, Protocol
from xml.parsers import expat

from lxml import etree

from nmt.formats.files import MAX_BYTES, check_size
from nmt.formats.inline import Inline, InlineDocument
from nmt.text.tags import Piece, Tag, with_pairs

SPACE = "{http://www.w3.org/XML/1998/namespace}space"
LANG = "{http://www.w3.org/XML/1998/namespace}lang"
PAIRED = {"g", "pc", "mrk", "hi"}  # their content is text
CLOSING = {"ept", "ex", "ec", "em"}
HALVES = {"bpt", "bx", "sc", "sm", *CLOSING}  # each is one end of a pair
FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML cannot spell it
SAFE = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}
HEAD_BYTES = 1 << 16  # most bytes before the first element of a document

Element = Any  # of lxml, which has no type annotations


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _FirstElementError(Exception):
    """Ends parsing at the first element."""


def check_prolog(head: bytes, name: str) -> None:
    """Raises ValueError if the first bytes of a document declare an entity, or are not XML."""
    parser = expat.ParserCreate()
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)

    def declared(*_: Any) -> None:
        raise ValueError(f"{name} declares entities, which are not read: they can grow without bound")

    def begun(*_: Any) -> None:
        raise _FirstElementError

    parser.EntityDeclHandler, parser.StartElementHandler = declared, begun
    try:
        parser.Parse(head, False)
    except _FirstElementError:
        return
    except expat.ExpatError as error:
        raise ValueError(f"{name} is no XML: {error}") from None
    if len(head) >= HEAD_BYTES:
        raise ValueError(f"{name} has {HEAD_BYTES} bytes before its first element, which no document needs")


def parse(data: bytes, name: str) -> Element:
    """The tree of a document. Raises ValueError if it is too large, is not XML, or declares entities."""
    check_size(len(data), name)
    check_prolog(data[:HEAD_BYTES], name)
    try:
        return etree.fromstring(data, etree.XMLParser(strip_cdata=False, **SAFE)).getroottree()
    except etree.XMLSyntaxError as error:
        raise ValueError(f"{name} is no XML: {error.msg}") from None


def elements(file: Readable, name: str, wanted: str) -> Iterator[Element]:
    """The elements with this name, one after the other; only one is in memory."""
    head = file.read(HEAD_BYTES)
    check_prolog(head, name)
    parser = etree.XMLPullParser(events=("end",), tag=f"{{*}}{wanted}", **SAFE)
    held = 0  # bytes whose elements are in memory
    try:
        while head:
            parser.feed(head)
            held += len(head)
            for _, element in parser.read_events():
                held = 0
                yield element
                element.clear()
                while element.getprevious() is not None:
                    del element.getparent()[0]
            if held > MAX_BYTES:
                raise ValueError(f"{name} has {MAX_BYTES >> 20} MiB without the end of a <{wanted}>")
            head = file.read(HEAD_BYTES)
        parser.close()
    except etree.XMLSyntaxError as error:
        raise ValueError(f"{name} is no XML: {error.msg}") from None


def written(tree: Element, original: bytes) -> bytes:
    """The document, with the declaration, the byte order mark and the line ends of the original."""
    encoding = tree.docinfo.encoding or "UTF-8"
    if original[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return bytes(etree.tostring(tree, encoding=encoding, xml_declaration=True))
    declaration = re.match(rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*\?>\s*)?", original)
    assert declaration is not None
    body = bytes(etree.tostring(tree, encoding=encoding, xml_declaration=False)).replace(b"\r\n", b"\n")
    if b"\r\n" in original[:HEAD_BYTES]:
        body = body.replace(b"\n", b"\r\n")
    end = original[len(original.rstrip()) :]
    return declaration[0] + body.rstrip(b"\r\n") + end


def local(element: Element) -> str:
    """The name of an element without its namespace; "" for a comment and the like."""
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def namespace(element: Element) -> str:
    return str(etree.QName(element).namespace or "")


def qualified(element: Element, name: str) -> str:
    """A name in the namespace of an element."""
    return str(etree.QName(namespace(element) or None, name))


def children(element: Element, *names: str) -> list[Element]:
    return [child for child in element if local(child) in names]


def child(element: Element, name: str) -> Element | None:
    return next((child for child in element if local(child) == name), None)


def attribute(element: Element, name: str) -> str:
    """An attribute by its name without a namespace; "" if missing."""
    return next((str(value) for key, value in element.attrib.items() if key.rpartition("}")[2] == name), "")


def inherited(element: Element, attribute: str) -> str | None:
    """The attribute of an element, or of its nearest ancestor that has it."""
    while element is not None:
        if (value := element.get(attribute)) is not None:
            return str(value)
        element = element.getparent()
    return None


def sibling(element: Element, name: str) -> Element:
    """A new element after this one, with the same namespace and indentation."""
    made = etree.Element(qualified(element, name))
    parent, tail = element.getparent(), element.tail
    element.addnext(made)
    made.tail = tail
    is_last = made.getnext() is None and parent.text and not parent.text.strip()
    element.tail = parent.text if is_last else tail  # the last one's tail is the indentation of the closing tag
    return made


def inline(element: Element, preserve: bool) -> Inline:
    """The content of an element. Without `preserve`, a line end with the indentation around it becomes a space, or
    nothing at either end of the text."""
    pieces = list(_pieces(deepcopy(element)))
    halves = {
        i: ("close" if local(piece.value) in CLOSING else "open", _key(piece.value))
        for i, piece in enumerate(pieces)
        if isinstance(piece, Tag) and piece.kind == "alone" and local(piece.value) in HALVES
    }
    pieces = with_pairs(pieces, halves)
    if not preserve and pieces:
        pieces = [_without_indentation(piece) if isinstance(piece, str) else piece for piece in pieces]
        pieces[0] = pieces[0].removeprefix("\n") if isinstance(pieces[0], str) else pieces[0]
        pieces[-1] = pieces[-1].removesuffix("\n") if isinstance(pieces[-1], str) else pieces[-1]
        pieces = [piece.replace("\n", " ") if isinstance(piece, str) else piece for piece in pieces]
    return Inline(pieces)


def _without_indentation(text: str) -> str:
    """The text with each run of blank space that has line ends replaced by one line end."""
    first, *others = text.split("\n")
    if not others:
        return text
    inner = [line.strip() for line in others[:-1]]
    return "\n".join([first.rstrip(), *filter(None, inner), others[-1].lstrip()])


def text_of(element: Element | None) -> str:
    """The text of an element on one line, without tags and their content."""
    if element is None:
        return ""
    return " ".join("".join(piece for piece in _pieces(element) if isinstance(piece, str)).split())


def fill(element: Element, pieces: Iterable[Piece]) -> None:
    """Replace the content of an element by pieces. Their elements are moved, not copied: a note in one has paragraphs
    that are filled later."""
    at = [_emptied(element)]
    for piece in pieces:
        value = piece if isinstance(piece, str) else piece.value
        if isinstance(value, str):
            append_text(at[-1], value)
        elif value is None:
            at.pop()
        else:
            value.tail = None
            at[-1].append(value)
            if isinstance(piece, Tag) and piece.kind == "open" and local(value) not in HALVES:
                at.append(_emptied(value))


def _emptied(element: Element) -> Element:
    del element[:]
    element.text = None
    return element


def append_text(element: Element, text: str) -> None:
    """Append text to the content of an element, with U+FFFD for characters that XML cannot spell."""
    text = FORBIDDEN.sub("\ufffd", text)
    if len(element):
        element[-1].tail = (element[-1].tail or "") + text
    else:
        element.text = (element.text or "") + text


def _pieces(element: Element) -> Iterator[Piece]:
    """The pieces of an element's content. The value of a tag is its element, or None for the end of an element with
    content."""
    if element.text:
        yield str(element.text)
    for node in element:
        if local(node) in PAIRED and not _is_protected(node):
            yield Tag("open", node)
            yield from _pieces(node)
            yield Tag("close", None)
        else:
            yield Tag("alone", node)
        if node.tail:
            yield str(node.tail)


def _is_protected(node: Element) -> bool:
    return local(node) == "mrk" and (node.get("mtype") == "protected" or node.get("translate") == "no")


def _key(node: Element) -> tuple[str, str | None]:
    """A key that both halves of a pair share, such as bpt and ept."""
    ids = (node.get(key) for key in ("startRef", "rid", "i", "id"))
    return local(node)[1:], next((found for found in ids if found is not None), None)


class XmlDocument(InlineDocument):
    """A tree in which translations are stored."""

    def __init__(self, tree: Element, original: bytes, languages: tuple[str, str]) -> None:
        super().__init__()
        self.tree, self.original, self.languages = tree, original, languages

    def written(self) -> bytes:
        return written(self.tree, self.original)
