"""The base of Word, PowerPoint and LibreOffice documents: paragraphs in members of an archive are translated in
place, and everything else stays byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from nmt.formats.archives import Archive
from nmt.formats.inline import Inline, InlineDocument
from nmt.formats.office_text import fill, pieces_of
from nmt.formats.xml import Element, parse, written


class OfficeDocument(InlineDocument):
    pieces_of = staticmethod(pieces_of)  # for Word and PowerPoint; OpenDocument has its own
    fill = staticmethod(fill)

    def __init__(self, data: bytes, name: str) -> None:
        self.archive = Archive(data, name)
        super().__init__()
        self._trees: dict[str, tuple[Element, bytes]] = {}

    def roots(self, members: Sequence[str]) -> Iterator[Element]:
        """The root elements of members; changes in them are written back."""
        for member in members:
            original = self.archive.content(member)
            tree = parse(original, f"{self.archive.name}: {member}")
            self._trees[member] = tree, original
            yield tree.getroot()

    def add_paragraph(self, paragraph: Element) -> None:
        """Add a paragraph to be translated in place."""
        self.add(partial(self.fill, paragraph), Inline(self.pieces_of(paragraph)))

    def written(self) -> bytes:
        changed = {member: written(tree, original) for member, (tree, original) in self._trees.items()}
        return self.archive.replaced(changed)
