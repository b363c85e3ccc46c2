"""DOCX: the text of paragraphs (in tables, headers, footers, notes and text boxes, too), in place; or, of a table
whose first row names both languages, the one column into the other.

The formatting of most of a paragraph's text is the paragraph's; a run that differs is a pair of tags, and a picture,
a tab, a line break or a note's mark a single one (inline.py), so that both go where the translation has their words.
Marks of the spelling checker, and of where a page ended when the file was saved, are left out of what is translated.
All else in the archive stays to the byte.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import IO, Any, NamedTuple

from lxml import etree

from nmt.formats.archives import content, opened, replaced
from nmt.formats.document import DocumentOptions, Segment
from nmt.formats.headers import named_columns
from nmt.formats.inline import Inline
from nmt.formats.pieces import Piece, Tag
from nmt.formats.xml import FORBIDDEN, SPACE, Element, child, children, local, parse, written

PARTS = re.compile(r"word/(document|header|footer|footnotes|endnotes)[0-9]*\.xml")
CONTAINERS = {"hyperlink", "ins", "smartTag"}
DROPPED = {"proofErr", "lastRenderedPageBreak"}
UNSEEN = {"lang", "noProof"}  # formatting that nobody sees


class Look(str):
    """The formatting of the text that follows, as XML."""

    __slots__ = ()


class Single(NamedTuple):
    """What stands in a run and is no text."""

    run: Element
    node: Element


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
        text = Inline(_joined(_pieces(source)))
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
            _fill(paragraph, text.target(target))
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
    """As one line."""
    words = []
    for node in cell.iter("{*}p", "{*}t", "{*}tab", "{*}br"):
        words.append(str(node.text or "") if local(node) == "t" else " ")
    return " ".join("".join(words).split())


def _copied(paragraph: Element) -> Element:
    """Without what must be there once in a document."""
    copy = deepcopy(paragraph)
    for node in list(copy.iter("{*}bookmarkStart", "{*}bookmarkEnd")):
        node.getparent().remove(node)
    for attribute in [name for name in copy.attrib if name.endswith(("}paraId", "}textId"))]:
        del copy.attrib[attribute]
    return copy


def _is_words(paragraph: Element) -> bool:
    """Whether it is a paragraph of WordprocessingML, and not of a drawing (a:p) or an equation."""
    return "wordprocessingml" in (etree.QName(paragraph).namespace or "")


def _pieces(holder: Element) -> Iterator[tuple[str, Piece]]:
    """The pieces of a paragraph's content, each with the formatting of its run as text ("" of what is no run)."""
    for node in holder:
        name = local(node)
        if name == "pPr" or name in DROPPED:
            continue
        inner = child(node, "sdtContent") if name == "sdt" else node if name in CONTAINERS else None
        if inner is not None:
            yield "", Tag("open", node)
            yield from _pieces(inner)
            yield "", Tag("close", node)
        elif name == "r":
            yield from _run(node)
        else:
            yield "", Tag("alone", node)


def _run(run: Element) -> Iterator[tuple[str, Piece]]:
    own = child(run, "rPr")
    look = _look(own)
    for node in run:
        name = local(node)
        if name == "t":
            yield look, str(node.text or "")
        elif name == "noBreakHyphen":
            yield look, "\u2011"
        elif name not in ("rPr", *DROPPED):
            yield "", Tag("alone", Single(run, node))


def _look(own: Element | None) -> str:
    """What a run looks like, so that equal ones are equal."""
    if own is None:
        return ""
    seen = deepcopy(own)
    for node in list(seen):
        if local(node) in UNSEEN:
            seen.remove(node)
    return etree.tostring(seen, method="c14n").decode() if len(seen) else ""


def _joined(found: Iterator[tuple[str, Piece]]) -> list[Piece]:
    """Text of one look as one piece; what looks otherwise than most of the text between tags, which hold its look."""
    pieces = list(found)
    sizes: dict[str, int] = {}
    for look, piece in pieces:
        if isinstance(piece, str):
            sizes[look] = sizes.get(look, 0) + len(piece.strip())
    usual = max(sizes, key=lambda look: sizes[look], default="")
    joined: list[Piece] = [Tag("alone", Look(usual))] if usual else []
    now = usual
    for look, piece in pieces:
        if isinstance(piece, Tag):
            look = usual
        elif not piece.strip():
            look = now  # nobody sees how a blank looks
        if look != now:
            if now != usual:
                joined.append(Tag("close", Look(usual)))
            if look != usual:
                joined.append(Tag("open", Look(look)))
            now = look
        if isinstance(piece, str) and joined and isinstance(joined[-1], str):
            joined[-1] += piece
        elif piece != "":
            joined.append(piece)
    return [*joined, Tag("close", Look(usual))] if now != usual else joined


def _fill(paragraph: Element, pieces: Sequence[Piece]) -> None:
    """Make pieces the content of a paragraph, which keeps its properties."""
    namespace = etree.QName(paragraph).namespace
    for old in children(paragraph, *{local(node) for node in paragraph} - {"pPr", ""}):
        paragraph.remove(old)
    at, look = [paragraph], ""
    for piece in pieces:
        if isinstance(piece, str):
            at[-1].append(_text_run(namespace, piece, look))
        elif isinstance(piece.value, Look):
            look = str(piece.value)
        elif isinstance(piece.value, str):
            at[-1].append(_text_run(namespace, piece.value, look))
        elif piece.kind == "close":
            at.pop()
        elif piece.kind == "open":
            at[-1].append(piece.value)
            inner = child(piece.value, "sdtContent")
            at.append(piece.value if inner is None else inner)
            for old in list(at[-1]):
                at[-1].remove(old)
        elif isinstance(piece.value, Single):
            at[-1].append(_single_run(piece.value))
        else:
            at[-1].append(piece.value)


def _single_run(single: Single) -> Element:
    """A run of its own for what stood among others. The node itself goes there: a text box has paragraphs in it."""
    run, own = etree.Element(single.run.tag, single.run.attrib, nsmap=single.run.nsmap), child(single.run, "rPr")
    if own is not None:
        run.append(deepcopy(own))
    run.append(single.node)
    return run


def _text_run(namespace: str, text: str, look: str) -> Element:
    run = etree.Element(f"{{{namespace}}}r", nsmap={"w": namespace})
    if look:
        run.append(etree.fromstring(look))
    inner = etree.SubElement(run, f"{{{namespace}}}t")
    inner.text = FORBIDDEN.sub("\ufffd", text)
    inner.set(SPACE, "preserve")
    return run
