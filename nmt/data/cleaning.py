"""Which pairs are fit for training, and a count of those that are not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from hashlib import blake2b

from nmt.data.corpus import CleaningConfig, Pair

RATIO_FROM = 10  # characters; shorter sides may differ as they like ("Ja." - "Yes, I would.")


def _digest(*texts: str) -> bytes:
    return blake2b("\t".join(texts).encode(), digest_size=8).digest()


def clean(
    pairs: Iterable[Pair], config: CleaningConfig, held_out: Iterable[Pair], dropped: Counter[str]
) -> Iterator[Pair]:
    """The pairs worth training on; `dropped` counts the others by reason."""
    held_src, held_tgt = set[bytes](), set[bytes]()
    if config.decontaminate:
        for pair in held_out:
            held_src.add(_digest(pair.src))
            held_tgt.add(_digest(pair.tgt))
    seen = set[bytes]()
    for pair in pairs:
        reason = _unfit(pair, config)
        if reason is None and (_digest(pair.src) in held_src or _digest(pair.tgt) in held_tgt):
            reason = "stands in valid or test"
        if reason is None and config.deduplicate:
            key = _digest(pair.src, pair.tgt)
            reason = "duplicate" if key in seen else None
            seen.add(key)
        if reason is None:
            yield pair
        else:
            dropped[reason] += 1


def _unfit(pair: Pair, config: CleaningConfig) -> str | None:
    src, tgt = len(pair.src.strip()), len(pair.tgt.strip())
    if not src or not tgt:
        return "empty side"
    if max(src, tgt) > config.max_chars:
        return "too long"
    if min(src, tgt) >= RATIO_FROM and max(src, tgt) > config.max_ratio * min(src, tgt):
        return "length ratio"
    return None
