"""PPTX: the text of slides and their notes, of charts and of diagrams, in place. The prompts of layouts stay."""

from __future__ import annotations

import re

from lxml import etree

from nmt.formats.document import DocumentOptions
from nmt.formats.office import OfficeDocument

PARTS = re.compile(r"ppt/(slides/slide|notesSlides/notesSlide|charts/chart|diagrams/data)([0-9]*)\.xml")
KINDS = ("slides/slide", "diagrams/data", "charts/chart", "notesSlides/notesSlide")  # in the order of translating


class Presentation(OfficeDocument):
    def __init__(self, data: bytes, name: str, options: DocumentOptions) -> None:
        super().__init__(data, name)
        found = [part for part in map(PARTS.fullmatch, self.archive.namelist()) if part]
        if not found:
            raise ValueError(f"{name} is no PPTX: it has no ppt/slides")
        found.sort(key=lambda part: (KINDS.index(part[1]), int(part[2] or 0)))
        for root in self.roots([part[0] for part in found]):
            for paragraph in list(root.iter("{*}p")):
                if "drawingml" in (etree.QName(paragraph).namespace or ""):
                    self.add(paragraph, paragraph)


def read(data: bytes, name: str, options: DocumentOptions) -> Presentation:
    """Raises ValueError for what is no PPTX."""
    return Presentation(data, name, options)
