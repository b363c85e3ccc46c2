"""Read the text of a DOCX or PPTX paragraph with tags, and fill the paragraph with another text.

The formatting of most of the text counts as the paragraph's. A run that differs becomes a pair of tags, and a
picture, a tab, a line break or a footnote mark a single tag (inline.py), so that they follow their words in the
translation. A field that Word computes is a single tag with its result; a link, a bookmark or a comment's range is a
pair (docx_marks.py). Marks of the spelling checker, old page breaks and soft hyphens are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import Any

from lxml import etree

from nmt.formats.docx_marks import Item, ItemGroup, RunChild, folded, in_order, is_link
from nmt.formats.xml import SPACE, Element, append_text, attribute, child, children, local, namespace, qualified
from nmt.text.tags import Piece, Tag, joined

LAST = "endParaRPr"  # PowerPoint has it after the content
CONTAINERS = {"hyperlink", "ins", "moveTo", "smartTag", "customXml", "dir", "bdo"}
PROPERTIES = {"pPr", "smartTagPr", "customXmlPr", "fldData", LAST}  # of the whole, beside its content
DROPPED = {"proofErr", "lastRenderedPageBreak", "softHyphen"}
TEXT = {"t", "noBreakHyphen"}
UNSEEN = {"lang", "noProof", "altLang", "dirty", "err", "smtClean"}  # invisible formatting


class Look(str):
    """The formatting of the text that follows, as XML."""

    __slots__ = ()


def pieces_of(paragraph: Element) -> list[Piece]:
    """The text and the tags of a paragraph, or of an element that has such content."""
    return list(joined(_of_looks(folded(list(_items(paragraph))))))


def fill(paragraph: Element, pieces: Sequence[Piece]) -> None:
    """Replace the content of a paragraph by pieces; it keeps its properties."""
    _empty(paragraph)
    at, look = [paragraph], ""
    for piece in in_order(pieces):
        if isinstance(piece, str):
            at[-1].append(_text_run(paragraph, piece, look))
        elif isinstance(piece.value, Look):
            look = str(piece.value)
        elif isinstance(piece.value, str):
            at[-1].append(_text_run(paragraph, piece.value, look))
        else:
            value = piece.value
            _append(at, value.items if isinstance(value, ItemGroup) else [Item(piece.kind, value)])
    if (last := child(paragraph, LAST)) is not None:
        paragraph.append(last)  # moves it to the end


def _append(at: list[Element], items: Sequence[Item]) -> None:
    """Append items to the innermost element of the stack `at`, which they push and pop."""
    run = None
    for item in items:
        if isinstance(item.value, RunChild):
            if run is None or item.value.run is not run:
                run = item.value.run
                at[-1].append(_like(run))
            at[-1][-1].append(item.value.node)
            continue
        run = None
        if item.kind == "close":
            at.pop()
            continue
        at[-1].append(item.value)
        if item.kind == "open":
            at.append(_inner(item.value))
            _empty(at[-1])


def _like(run: Element) -> Element:
    """A run with the formatting of another one. Content is moved, not copied: a text box in it has paragraphs."""
    made, own = etree.Element(run.tag, run.attrib, nsmap=run.nsmap), child(run, "rPr")
    if own is not None:
        made.append(deepcopy(own))
    return made


def _empty(holder: Element) -> None:
    for old in [node for node in holder if local(node) not in {*PROPERTIES, ""}]:
        holder.remove(old)


def _inner(node: Element) -> Any:
    """The element that holds the text of a container, such as a link; None for other elements."""
    name = local(node)
    if name == "sdt":
        return child(node, "sdtContent")
    return node if name in CONTAINERS or (name == "fldSimple" and is_link(attribute(node, "instr"))) else None


def _items(holder: Element) -> Iterator[Item]:
    """The items of a paragraph's content."""
    for node in holder:
        name = local(node)
        if name in PROPERTIES or name in DROPPED:
            continue
        inner = _inner(node)
        if inner is not None:
            yield Item("open", node)
            yield from _items(inner)
            yield Item("close", node)
        elif name == "r":
            yield from _run(node)
        else:
            yield Item("alone", node)


def _run(run: Element) -> Iterator[Item]:
    look = _look(child(run, "rPr"))
    for node in run:
        name = local(node)
        if name in TEXT:
            yield Item("text", RunChild(run, node), look)
        elif name not in ("rPr", *DROPPED):
            yield Item("alone", RunChild(run, node))


def _look(own: Element | None) -> str:
    """The visible formatting of a run in canonical form, for comparison."""
    if own is None:
        return ""
    seen = deepcopy(own)
    for node in children(seen, *UNSEEN):
        seen.remove(node)
    for name in UNSEEN & set(seen.attrib):
        del seen.attrib[name]
    return etree.tostring(seen, method="c14n").decode() if len(seen) or seen.attrib else ""


def _of_looks(items: Sequence[Item]) -> list[Piece]:
    """Pieces with text of the same look joined. Text that looks different from most of it gets tags with its look."""
    pieces = [(item.look, _piece(item)) for item in items]
    sizes: dict[str, int] = {}
    for look, piece in pieces:
        if isinstance(piece, str):
            sizes[look] = sizes.get(look, 0) + len(piece.strip())
    usual = max(sizes, key=lambda look: sizes[look], default="")
    found: list[Piece] = [Tag("alone", Look(usual))] if usual else []
    now = usual
    for look, piece in pieces:
        if isinstance(piece, Tag):
            look = usual
        elif not piece.strip():
            look = now  # the look of a blank is invisible
        if look != now:
            if now != usual:
                found.append(Tag("close", Look(usual)))
            if look != usual:
                found.append(Tag("open", Look(look)))
            now = look
        found.append(piece)
    return [*found, Tag("close", Look(usual))] if now != usual else found


def _piece(item: Item) -> Piece:
    if item.kind == "text":
        node = item.value.node
        return "\u2011" if local(node) == "noBreakHyphen" else str(node.text or "")
    return Tag("alone" if item.kind == "loose" else item.kind, item.value)


def _text_run(paragraph: Element, text: str, look: str) -> Element:
    of_word = "wordprocessingml" in namespace(paragraph)
    run = etree.Element(qualified(paragraph, "r"), nsmap={"w" if of_word else "a": namespace(paragraph)})
    if look:
        run.append(etree.fromstring(look))
    inner = etree.SubElement(run, qualified(run, "t"))
    append_text(inner, text)
    if of_word:
        inner.set(SPACE, "preserve")  # PowerPoint does not need it
    return run
