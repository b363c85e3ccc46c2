"""TMX: units with one text for each language. A text in the target language is added, or kept if there is one."""

from __future__ import annotations

from collections.abc import Iterator

from nmt.formats.document import DocumentOptions, Unit
from nmt.formats.language_tags import matching
from nmt.formats.xml import (
    LANG,
    Element,
    Readable,
    XmlDocument,
    child,
    children,
    elements,
    fill,
    inline,
    local,
    parse,
    sibling,
    text_of,
)
from nmt.text.tags import Piece


def read(data: bytes, name: str, options: DocumentOptions) -> XmlDocument:
    """Raises ValueError if the file is not TMX, or no unit has the source language."""
    tree = parse(data, name)
    root = tree.getroot()
    if local(root) != "tmx":
        raise ValueError(f"{name} is no TMX: it begins with <{local(root)}>")
    if not options.src or not options.tgt:
        raise ValueError(f"{name} has a text a language, and the model does not say which its own are")
    header = child(root, "header")
    of_file = "" if header is None else header.get("srclang", "")
    document = XmlDocument(tree, data, ("", ""))
    found: set[str] = set()
    for unit in root.iter("{*}tu"):
        texts = _texts(unit)
        found |= set(texts)
        source = _chosen(options.src, texts, unit.get("srclang") or of_file)
        others = {language: seg for language, seg in texts.items() if language != source}
        target = next(iter(matching(options.tgt, others)), None)
        if source is not None:
            _add(document, unit, texts[source], None if target is None else texts[target], options)
    if not document.segments and not document.kept:
        raise ValueError(f"{name} has no text in {options.src!r}; it has {_listed(found)}")
    return document


def units(file: Readable, name: str, src: str, tgt: str) -> Iterator[Unit]:
    """The units with text in both languages. Raises ValueError at the end if there was none."""
    found: set[str] = set()
    number = sound = 0
    for number, unit in enumerate(elements(file, name, "tu"), 1):
        texts = _texts(unit)
        found |= set(texts)
        source = _chosen(src, texts, unit.get("srclang") or "")
        target = next((language for language in matching(tgt, texts) if language != source), None)
        if source is not None and target is not None:
            pair = Unit(text_of(texts[source]), text_of(texts[target]), number, (source, target))
            if pair.src and pair.tgt:
                sound += 1
                yield pair
    if not sound:
        raise ValueError(f"{name} has {number} units, none in {src!r} and {tgt!r}; it has {_listed(found)}")


def _texts(unit: Element) -> dict[str, Element]:
    """The first text of each language."""
    found: dict[str, Element] = {}
    for variant in children(unit, "tuv"):
        seg = child(variant, "seg")
        if seg is not None:
            found.setdefault(variant.get(LANG) or variant.get("lang") or "", seg)
    return found


def _chosen(wanted: str, texts: dict[str, Element], usual: str) -> str | None:
    """The language that `wanted` means; of several, the one that the file names as its source."""
    found = matching(wanted, texts)
    return next((language for language in found if language.casefold() == usual.casefold()), next(iter(found), None))


def _listed(languages: set[str]) -> str:
    return ", ".join(map(repr, sorted(languages)[:20])) or "none"


def _add(
    document: XmlDocument, unit: Element, source: Element, target: Element | None, options: DocumentOptions
) -> None:
    def put(pieces: list[Piece]) -> None:
        seg = target
        if seg is None:
            of_source = source.getparent()
            variant = sibling(children(unit, "tuv")[-1], "tuv")
            variant.set("lang" if of_source.get(LANG) is None else LANG, options.tgt)
            variant.text = of_source.text
            seg = variant.makeelement(source.tag)
            variant.append(seg)
            seg.tail = of_source[-1].tail
        fill(seg, pieces)

    is_done = target is not None and text_of(target) != ""
    document.add(put, inline(source, preserve=True), stays=is_done and not options.retranslate)
