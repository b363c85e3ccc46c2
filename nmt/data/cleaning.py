"""Select the pairs that are fit for training, and count the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Literal
from unicodedata import category

from nmt.common.ranges import check_ranges
from nmt.data.duplicates import Duplicates, digest
from nmt.data.readers import Pair

# Why a pair is left out.
CONTAMINATED = "stands in valid or test"
HELD_OUT = "held out for validation"
DUPLICATE = "duplicate"
EMPTY, LONG, RATIO = "empty side", "too long", "length ratio"
REASONS = None, EMPTY, LONG, RATIO, HELD_OUT, CONTAMINATED, DUPLICATE  # of `clean`; None: the pair is fit
FIT = REASONS.index(None)
MALFORMED = "malformed"
OF_OTHERS = "of other languages"
IN_WORDS = {  # plurals, for reasons that do not read well after a number
    CONTAMINATED: "that stand in the validation or test text",
    DUPLICATE: "duplicates",
    EMPTY: "with an empty side",
    RATIO: "with sides of very different length",
    "too many pieces": "of too many pieces",
}
RATIO_FROM = 10  # characters; the ratio of shorter sides is not checked ("Ja." - "Yes, I would.")


@dataclass(frozen=True)
class CleaningConfig:
    """Conditions for training pairs; validation and test text is never touched."""

    max_chars: int = 2000  # characters of either side
    max_ratio: float = 9.0  # ratio of the sides' lengths in characters, where both have at least 10
    max_pieces: int = 250  # pieces of either side, BOS and EOS included
    deduplicate: bool = True  # keep only the first of equal pairs
    # Drop a pair when either side occurs in the validation or test text (true), when both occur there as one pair
    # ("pair"), or when the named side does ("src", "tgt"); false drops none.
    decontaminate: Literal[True, "pair", "src", "tgt", False] = True

    def __post_init__(self) -> None:
        check_ranges(self, max_chars=(1, 1_000_000), max_ratio=(1, 1000), max_pieces=(3, 100_000))


@dataclass
class Tally:
    """Counts and faults from reading pairs."""

    dropped: Counter[str] = field(default_factory=Counter)  # pairs left out, by reason
    faults: list[str] = field(default_factory=list)  # such as "train.de, line 3 is not UTF-8"
    equal: int = 0  # pairs with the same text on both sides


def clean(
    pairs: Iterable[Pair],
    config: CleaningConfig,
    evaluation: Iterable[Pair],
    dropped: Counter[str],
    duplicates: Duplicates,
    held_out: Collection[bytes] = (),
    known: bytearray | None = None,
) -> Iterator[Pair]:
    """The pairs worth training on; `dropped` counts the others by reason. `evaluation` is the validation and test
    text; `duplicates` finds repeated pairs; `held_out` has hashes of pairs of this text that serve for validation.
    `known` gets the index of each pair's reason once all are read, from which a later call with the same text takes
    the reasons."""
    known = bytearray() if known is None else known
    for pair, reason in _judged(pairs, config, evaluation, duplicates, held_out, known):
        if reason is None:
            yield pair
        else:
            dropped[reason] += 1


def _judged(
    pairs: Iterable[Pair],
    config: CleaningConfig,
    evaluation: Iterable[Pair],
    duplicates: Duplicates,
    held_out: Collection[bytes],
    known: bytearray,
) -> Iterator[tuple[Pair, str | None]]:
    """Each pair, and why it is left out, if it is."""
    if known:
        yield from zip(pairs, map(REASONS.__getitem__, known), strict=False)  # a changed text is found out in the end
        return
    seen = {key for pair in evaluation for key in _keys(pair, config)} if config.decontaminate else set[bytes]()
    repeats, found = duplicates.check(), bytearray()
    for number, pair in enumerate(pairs):
        reason = _unfit(pair, config)
        if reason is None and held_out and both_sides(pair) in held_out:
            reason = HELD_OUT
        if reason is None and any(key in seen for key in _keys(pair, config)):
            reason = CONTAMINATED
        if reason is None and config.deduplicate and repeats(number, pair):
            reason = DUPLICATE
        found.append(REASONS.index(reason))
        yield pair, reason
    known += found


def _keys(pair: Pair, config: CleaningConfig) -> list[bytes]:
    """Keys that a training pair must not share with a pair of the validation or test text."""
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
    """A hash of a pair. If the pair names its languages, the hash is the same in both directions."""
    src, tgt = pair.languages
    return digest(*chain(*sorted([(src, pair.src), (tgt, pair.tgt)]))) if src else digest(pair.src, pair.tgt)


def contamination_note(kept: int, dropped: Mapping[str, int]) -> str:
    """A warning when most training pairs were dropped because of the validation and test text; else ""."""
    total = kept + sum(dropped.values())
    lost = dropped.get(CONTAMINATED, 0)
    if 2 * lost <= total:
        return ""
    return (
        f"{lost} of {total} training pairs are left out because they stand in the validation or test text; "
        "data.cleaning.decontaminate says what counts: true either side, pair both, src or tgt one, false nothing"
    )


def reasons(dropped: Mapping[str, int]) -> str:
    """The numbers of dropped pairs by reason, in words; "" if none was."""
    return ", ".join(f"{count} {IN_WORDS.get(reason, reason)}" for reason, count in dropped.items())


def has_blank_side(pair: Pair) -> bool:
    """Whether a side has no visible character, only spaces and invisible marks such as those of direction."""
    return not all(any(map(_is_seen, side)) for side in pair[:2])


def _is_seen(character: str) -> bool:
    return not character.isspace() and category(character) not in ("Cc", "Cf")


def _unfit(pair: Pair, config: CleaningConfig) -> str | None:
    if has_blank_side(pair):
        return EMPTY
    src, tgt = len(pair.src.strip()), len(pair.tgt.strip())
    if max(src, tgt) > config.max_chars:
        return LONG
    if min(src, tgt) >= RATIO_FROM and max(src, tgt) > config.max_ratio * min(src, tgt):
        return RATIO
    return None
