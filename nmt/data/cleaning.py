"""Which pairs are fit for training, and a count of those that are not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Literal
from unicodedata import category

from nmt.data.duplicates import Duplicates, digest
from nmt.data.readers import Pair
from nmt.ranges import check_ranges

# Why a pair is left out.
CONTAMINATED = "stands in valid or test"
HELD_OUT = "held out for validation"
MALFORMED = "malformed"
OF_OTHERS = "of other languages"
IN_WORDS = {  # of several pairs, where the reason alone would not read as that
    CONTAMINATED: "that stand in the validation or test text",
    "duplicate": "duplicates",
    "empty side": "with an empty side",
    "length ratio": "with sides of very different length",
    "too many pieces": "of too many pieces",
}
RATIO_FROM = 10  # characters; shorter sides may differ as they like ("Ja." - "Yes, I would.")


@dataclass(frozen=True)
class CleaningConfig:
    """What training pairs must be like; validation and test text is never touched."""

    max_chars: int = 2000  # of either side
    max_ratio: float = 9.0  # of the sides' characters, where both have at least 10
    max_pieces: int = 250  # of either side, BOS and EOS included
    deduplicate: bool = True  # keep the first of equal pairs
    # Drop pairs of which either side stands in the validation or test text (true), both stand there as one pair
    # ("pair"), or that side does ("src", "tgt"); false drops none.
    decontaminate: Literal[True, "pair", "src", "tgt", False] = True

    def __post_init__(self) -> None:
        check_ranges(self, max_chars=(1, 1_000_000), max_ratio=(1, 1000), max_pieces=(3, 100_000))


@dataclass
class Tally:
    """What was met where pairs were read."""

    dropped: Counter[str] = field(default_factory=Counter)  # pairs left out, by reason
    faults: list[str] = field(default_factory=list)  # such as "train.de, line 3 is not UTF-8"
    equal: int = 0  # pairs with the same text on both sides


def clean(
    pairs: Iterable[Pair],
    config: CleaningConfig,
    evaluation: Iterable[Pair],
    dropped: Counter[str],
    held_out: Collection[bytes] = (),
    duplicates: Duplicates | None = None,
) -> Iterator[Pair]:
    """The pairs worth training on; `dropped` counts the others by reason. `evaluation` is the validation and test
    text, `held_out` are hashes of pairs of this text that are validated with; `duplicates` are those of this text."""
    seen = {key for pair in evaluation for key in _keys(pair, config)} if config.decontaminate else set[bytes]()
    repeats = (duplicates or Duplicates()).check()
    for number, pair in enumerate(pairs):
        reason = _unfit(pair, config)
        if reason is None and held_out and both_sides(pair) in held_out:
            reason = HELD_OUT
        if reason is None and any(key in seen for key in _keys(pair, config)):
            reason = CONTAMINATED
        if reason is None and config.deduplicate and repeats(number, pair):
            reason = "duplicate"
        if reason is None:
            yield pair
        else:
            dropped[reason] += 1


def _keys(pair: Pair, config: CleaningConfig) -> list[bytes]:
    """What a training pair must not have in common with one of the validation or test text."""
    src, tgt = pair.languages
    match config.decontaminate:
        case True:
            return [digest(src or "src", pair.src), digest(tgt or "tgt", pair.tgt)]
        case "pair":
            return [both_sides(pair)]
        case "src":
            return [digest(pair.src, *filter(None, [src]))]
        case "tgt":
            return [digest(pair.tgt, *filter(None, [tgt]))]
        case _:
            return []


def both_sides(pair: Pair) -> bytes:
    """A hash of a pair. Of several languages a text is known by its own, on whichever side it stands."""
    src, tgt = pair.languages
    return digest(*chain(*sorted([(src, pair.src), (tgt, pair.tgt)]))) if src else digest(pair.src, pair.tgt)


def contamination_note(kept: int, dropped: Mapping[str, int]) -> str:
    """What to say when most training pairs were left out because of the validation and test text; else nothing."""
    total = kept + sum(dropped.values())
    lost = dropped.get(CONTAMINATED, 0)
    if 2 * lost <= total:
        return ""
    return (
        f"{lost} of {total} training pairs are left out because they stand in the validation or test text; "
        "data.cleaning.decontaminate says what counts: true either side, pair both, src or tgt one, false nothing"
    )


def reasons(dropped: Mapping[str, int]) -> str:
    """How many pairs were left out for what, in words; nothing where none was."""
    return ", ".join(f"{count} {IN_WORDS.get(reason, reason)}" for reason, count in dropped.items())


def has_blank_side(pair: Pair) -> bool:
    """Whether there is nothing to see on a side: spaces, and marks such as those of direction."""
    return not all(any(map(_is_seen, side)) for side in pair[:2])


def _is_seen(character: str) -> bool:
    return not character.isspace() and category(character) not in ("Cc", "Cf")


def _unfit(pair: Pair, config: CleaningConfig) -> str | None:
    if has_blank_side(pair):
        return "empty side"
    src, tgt = len(pair.src.strip()), len(pair.tgt.strip())
    if max(src, tgt) > config.max_chars:
        return "too long"
    if min(src, tgt) >= RATIO_FROM and max(src, tgt) > config.max_ratio * min(src, tgt):
        return "length ratio"
    return None
