"""PPTX: the text of slides, notes, charts and diagrams, and what slides show of layouts and masters, is translated in
place. The prompts of layouts stay."""

from __future__ import annotations

import re

from nmt.formats.document import DocumentOptions
from nmt.formats.office import OfficeDocument
from nmt.formats.xml import Element, child, namespace

# In the order of translating. PowerPoint shows the stored drawing of a diagram until somebody edits the diagram.
KINDS = (
    "slides/slide",
    "diagrams/data",
    "diagrams/drawing",
    "charts/chart",
    "charts/chartEx",
    "drawings/drawing",  # in charts
    "slideLayouts/slideLayout",
    "slideMasters/slideMaster",
    "notesSlides/notesSlide",
)
PARTS = re.compile(rf"ppt/({'|'.join(KINDS)})([0-9]*)\.xml")


class Presentation(OfficeDocument):
    """Raises ValueError if the file is not PPTX."""

    def __init__(self, data: bytes, name: str, options: DocumentOptions) -> None:
        super().__init__(data, name)
        found = [part for part in map(PARTS.fullmatch, self.archive.members) if part]
        if not any(part[1] == "slides/slide" for part in found):
            raise ValueError(f"{name} is no PPTX: it has no ppt/slides")
        found.sort(key=lambda part: (KINDS.index(part[1]), int(part[2] or 0)))
        for part, root in zip(found, self.roots([part[0] for part in found]), strict=True):
            for paragraph in list(root.iter("{*}p")):
                is_prompt = part[1].startswith(("slideLayouts", "slideMasters")) and _is_of_placeholder(paragraph)
                if "drawingml" in namespace(paragraph) and not is_prompt:
                    self.add_paragraph(paragraph)


def _is_of_placeholder(paragraph: Element) -> bool:
    """Whether a paragraph is in a placeholder, whose text a slide replaces."""
    shape = next(paragraph.iterancestors("{*}sp"), None)
    named = child(shape, "nvSpPr") if shape is not None else None
    return named is not None and next(named.iter("{*}ph"), None) is not None
