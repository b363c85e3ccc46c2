"""Put the values of symbols, and required terms, into a translation."""

from __future__ import annotations

from collections.abc import Sequence

from nmt.languages import is_word
from nmt.text.edits import Edit, Edited, edited
from nmt.text.pieces import Link, word_spans
from nmt.text.placement import Element, placed, spaced
from nmt.text.protection import SYMBOL, Masked


def unmasked(source: Masked, translation: str, links: Sequence[Link], prefix: str = "") -> Edited:
    """The translation with the value of each of the source's symbols, once. It replaces the symbol; if there are
    several, the one in the forced prefix, else the one closest to the place that the links give. If there is none,
    the value is inserted at that place, but after the prefix. Surplus symbols are removed."""
    fixed = _fixed(translation, prefix)
    found: dict[int, list[tuple[int, int]]] = {}
    for symbol in SYMBOL.finditer(translation):
        found.setdefault(int(symbol[0][1]), []).append(symbol.span())
    values = dict(enumerate(source.kept, 1))
    unclear = [number for number in values if len(found.get(number, ())) != 1]
    places = _places(source, unclear, translation, links) if unclear else {}
    edits: list[Edit] = []
    for number, spans in found.items():
        place = places.get(number, 0)
        chosen = min(spans, key=lambda span: (span[0] >= fixed, abs(span[0] - place) if span[0] >= fixed else 0))
        for start, end in spans:
            if number in values and (start, end) == chosen:
                edits.append((start, end, _apart(source, number, translation, start, end)))
            else:
                edits.append(_left_out(translation, start, end))
    for number in unclear:
        if number not in found:
            place = max(places[number], fixed)
            place = next((end for start, end, _ in edits if start < place < end), place)
            edits.append((place, place, spaced(values[number], translation, place)))
    return edited(translation, edits)


def _fixed(translation: str, prefix: str) -> int:
    """The number of characters of a translation that are its forced prefix."""
    return len(prefix.rstrip()) if translation.startswith(prefix.rstrip()) else 0


def _apart(source: Masked, number: int, translation: str, start: int, end: int) -> str:
    """The value of a symbol, with a blank where the source had one but the translation has a letter."""
    first, last, *_ = source.edits[number - 1]
    left, right = source.text[:first][-1:], source.text[last : last + 1]
    before, after = translation[:start][-1:], translation[end : end + 1]
    return f"{_blank(left, before)}{source.kept[number - 1]}{_blank(right, after)}"


def _blank(was: str, now: str) -> str:
    if was and not was.isspace():
        return ""
    return " " if now and (now.isalnum() or now in "-_⟧⟦") and not is_word(now) else ""


def _left_out(translation: str, start: int, end: int) -> Edit:
    """The edit that removes a symbol and a blank beside it."""
    at_start, at_end = not translation[:start].strip(), end == len(translation)
    after = at_start and translation[end : end + 1] == " "
    before = not after and translation[:start].endswith(" ") and (at_end or translation[end] == " ")
    return start - before, end + after, ""


def _places(source: Masked, numbers: Sequence[int], translation: str, links: Sequence[Link]) -> dict[int, int]:
    """The places that the links give for symbols: before the word that they precede, or after the word that they
    follow. Links of the symbols themselves are not reliable."""
    places = [source.edits[number - 1][1] for number in numbers]
    places = [place + source.text[place : place + 1].isspace() for place in places]
    elements = [Element("", "", place, place, -1) for place in places]
    spans = placed(elements, source.text, translation, links)
    return {number: place for number, (place, _) in zip(numbers, spans, strict=True)}


def forced(
    src: str, terms: Sequence[tuple[int, int, str]], translation: str, links: Sequence[Link], prefix: str = ""
) -> Edited:
    """The translation with the terms that it lacks, in place of the translation of their source spans; the forced
    prefix is not changed."""
    count = {term: translation.count(term) for _, _, term in terms}
    elements: list[Element] = []  # for the missing terms
    for start, end, term in terms:
        count[term] -= 1
        if count[term] < 0:
            most = len(word_spans(src[start:end])) + 1
            elements.append(Element(term, term, start, end, -1, most=most))
    edits, fixed = [], _fixed(translation, prefix)
    for element, span in zip(elements, placed(elements, src, translation, links), strict=True):
        start, end = (max(place, fixed) for place in span)
        is_whole = end > start and start == span[0]  # it replaces whole words, which already have blanks around them
        others = translation[:start] + translation[end:]
        edits.append((start, end, element.open if is_whole else spaced(element.open, others, start)))
    return edited(translation, edits)
