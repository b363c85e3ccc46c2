"""XLIFF 1.0 to 1.2 and 2.0 to 2.2: the targets of units are filled in, and their states set.

A translation is `translated`, never approved. In XLIFF 2 this means not yet reviewed. In XLIFF 1.2 the
state-qualifier leveraged-mt adds that it is a machine translation, and with DocumentOptions.state "review" the state
is needs-review-translation. A unit keeps a target in any state but new, needs-translation, needs-adaptation,
needs-l10n and (XLIFF 2) initial, and a target without a state unless it repeats the source. Units with translate="no"
are not changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import BinaryIO

from nmt.formats.document import DocumentOptions, Unit
from nmt.formats.files import whole
from nmt.formats.inline import Inline
from nmt.formats.xml import (
    SPACE,
    Element,
    XmlDocument,
    child,
    children,
    fill,
    inherited,
    inline,
    local,
    parse,
    sibling,
    text_of,
)
from nmt.text.tags import Piece

_LANGUAGES = (("source-language", "target-language"), ("srcLang", "trgLang"))  # attributes in XLIFF 1 and 2
TODO = {"new", "needs-translation", "needs-adaptation", "needs-l10n", "initial"}


def read(data: bytes, name: str, options: DocumentOptions) -> XmlDocument:
    """Raises ValueError if the file is not XLIFF."""
    tree, two = _tree(data, name)
    root = tree.getroot()
    source, target = _LANGUAGES[two]
    places = [root] if two else children(root, "file")
    said = [next((value for place in places if (value := place.get(key))), "") for key in (source, target)]
    for place in places:
        if not place.get(target) and options.tgt:
            place.set(target, options.tgt)
    document = XmlDocument(tree, data, (said[0], said[1]))
    for unit in _units(root, two):
        if inherited(unit, "translate") != "no":
            (_segment if two else _trans_unit)(document, unit, options)
    return document


def units(file: BinaryIO, name: str, src: str, tgt: str) -> Iterator[Unit]:
    """The translated units, with the languages that their file names."""
    tree, two = _tree(whole(file, name), name)
    keys = _LANGUAGES[two]
    for number, unit in enumerate(_units(tree.getroot(), two), 1):
        of_src, target = text_of(child(unit, "source")), child(unit, "target")
        state = unit.get("state") if two else target is not None and target.get("state")
        if (of_tgt := text_of(target)) and of_src and state not in TODO:
            languages = inherited(unit, keys[0]) or "", inherited(unit, keys[1]) or ""
            yield Unit(of_src, of_tgt, number, languages)


def _tree(data: bytes, name: str) -> tuple[Element, bool]:
    tree = parse(data, name)
    root = tree.getroot()
    version = root.get("version", "")
    if local(root) != "xliff" or version.split(".")[0] not in ("1", "2"):
        raise ValueError(f"{name} is no XLIFF 1 or 2: it begins with <{local(root)}>, version {version!r}")
    return tree, version.startswith("2")


def _units(root: Element, two: bool) -> Iterator[Element]:
    return (unit for unit in root.iter("{*}segment" if two else "{*}trans-unit") if child(unit, "source") is not None)


def _stays(unit: Element, target: Element | None, state: str | None, options: DocumentOptions) -> bool:
    if options.retranslate or target is None or not "".join(target.itertext()).strip():
        return False
    if state is None:
        return unit.get("approved") == "yes" or text_of(target) != text_of(child(unit, "source"))
    return state not in TODO


def _text(source: Element) -> Inline:
    return inline(source, inherited(source, SPACE) == "preserve")


def _new_target(source: Element) -> Element:
    made = sibling(source, "target")
    if (space := source.get(SPACE)) is not None:
        made.set(SPACE, space)
    return made


def _segment(document: XmlDocument, segment: Element, options: DocumentOptions) -> None:
    """Add a segment of XLIFF 2."""
    source, target = child(segment, "source"), child(segment, "target")
    assert source is not None

    def put(pieces: list[Piece]) -> None:
        fill(_new_target(source) if target is None else target, pieces)
        segment.attrib.pop("subState", None)
        segment.set("state", "translated")

    document.add(put, _text(source), stays=_stays(segment, target, segment.get("state"), options))


def _trans_unit(document: XmlDocument, unit: Element, options: DocumentOptions) -> None:
    """Add a unit of XLIFF 1. A divided one (seg-source) has a text for each segment; some may already be
    translated."""
    source, divided, target = child(unit, "source"), child(unit, "seg-source"), child(unit, "target")
    assert source is not None
    parts = _marks(divided)
    texts = {i: text for i, text in enumerate(map(_text, parts or [source])) if not text.is_blank}
    before: dict[str | None, Element] = {}  # translations of segments, by their number
    if _stays(unit, target, None if target is None else target.get("state"), options):
        if parts:
            before = {number: mark for mark in _marks(target) if (number := mark.get("mid")) and text_of(mark)}
        todo = {i: text for i, text in texts.items() if before and parts[i].get("mid") not in before}
        document.kept += len(texts) - len(todo)
        texts = todo

    def put(*pieces: list[Piece]) -> None:
        made = _new_target(source if divided is None else divided) if target is None else target
        if divided is None or not parts:
            fill(made, pieces[0])
        else:
            _fill_divided(made, divided, dict(zip(texts, pieces, strict=True)), before)
        review = options.state == "review"
        made.set("state", "needs-review-translation" if review else "translated")
        made.set("state-qualifier", "leveraged-mt")
        if unit.get("approved"):
            unit.set("approved", "no")

    document.add(put, *texts.values())


def _marks(holder: Element | None) -> list[Element]:
    """The marks of segments."""
    return [] if holder is None else [mark for mark in holder.iter("{*}mrk") if mark.get("mtype") == "seg"]


def _fill_divided(
    target: Element, divided: Element, translated: Mapping[int, list[Piece]], before: Mapping[str | None, Element]
) -> None:
    """Fill a target with the marks of a seg-source and the text between them; translations in `before` stay."""
    copy = deepcopy(divided)
    for i, mark in enumerate(_marks(copy)):
        if i in translated:
            fill(mark, translated[i])
        elif (old := before.get(mark.get("mid"))) is not None:
            kept = deepcopy(old)
            kept.tail = mark.tail
            mark.getparent().replace(mark, kept)
    fill(target, [])
    target.text = copy.text
    target.extend(list(copy))
