"""Warnings about a corpus that can be trained on but probably has a mistake in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain

from nmt.data.cleaning import contamination_note, has_blank_side
from nmt.data.corpora import Corpus, Pair
from nmt.languages import has_dotless_i
from nmt.text.protection import TextRules


def blank_sides(valid: Sequence[Pair]) -> int:
    """The number of validation pairs with a blank side. Raises ValueError when no pair has text on both sides."""
    blank = sum(map(has_blank_side, valid))
    if blank == len(valid):
        what = "is empty" if not valid else f"is blank: none of its {blank} pair(s) has text on both sides"
        raise ValueError(f"the validation text {what}")
    return blank


def equal_sides(pair: Pair) -> bool:
    return pair.src.strip() == pair.tgt.strip()


def oddities(
    corpus: Corpus, valid: Sequence[Pair], kept: int, equal: int, dropped: Mapping[str, int], rules: TextRules
) -> list[str]:
    """The warnings, one sentence each. `kept` training pairs are left, `equal` of them with equal sides."""
    found = []
    languages = dict.fromkeys(chain(*corpus.every_direction.every))
    if rules.casing == "marked" and (dotless := list(filter(has_dotless_i, languages))):
        found.append(
            f"tokenizer.casing=marked makes I an i, which is another letter in {', '.join(dotless)}: use kept"
        )
    for src, tgt in corpus.every_direction.every:
        if src == tgt:
            found.append(f"data.src and data.tgt are both {src!r}: the model learns to copy")
    for split, number, total in (
        ("training", equal, kept),
        ("validation", sum(map(equal_sides, valid)), len(valid)),
    ):
        if 2 * number > total:
            found.append(f"{number} of {total} {split} pairs have the same text on both sides")
    if blank := blank_sides(valid):
        found.append(f"{blank} of {len(valid)} validation pairs have a blank side")
    if lost := contamination_note(kept, dropped):
        found.append(lost)
    return found
