"""Match language tags by BCP 47 (RFC 4647): `de` takes `de-DE`.

Tags are compared in any case, with "-" or "_" between their parts. The codes of ISO 639-2 and 639-3 stand for those
of ISO 639-1 (`deu` for `de`).
"""

from __future__ import annotations

from collections.abc import Iterable

from nmt.languages import CODE_OF

VARIANT = 1  # rank of a more particular tag, between the tag itself and a less particular one


def matching(wanted: str, tags: Iterable[str]) -> list[str]:
    """The tags that `wanted` takes, the best first: the same, of several the one that is spelt alike; then more
    particular ones (filtering: `de` takes `de-DE`, `zh-TW` takes `zh-Hant-TW`); then less particular ones (lookup:
    `de-CH` takes `de`)."""
    return [tag for *_, tag in _ranked(wanted, tags)]


def only_match(wanted: str, tags: Iterable[str], where: str) -> str | None:
    """The best of the tags that `wanted` takes, if any. Raises ValueError if the choice is between several more
    particular ones: `sr` takes `sr-Cyrl` and `sr-Latn`."""
    found = _ranked(wanted, tags)
    variants = [tag for rank, *_, tag in found if rank == VARIANT]
    if found and found[0][0] == VARIANT and len(variants) > 1:
        raise ValueError(f"{where} has {wanted!r} {len(variants)} times: {', '.join(variants)}; say which is meant")
    return found[0][-1] if found else None


def _ranked(wanted: str, tags: Iterable[str]) -> list[tuple[int, int, int, str]]:
    """The matching tags, each after its sort key, the best first."""
    parts = _parts(wanted)
    ranked = []
    for place, tag in enumerate(dict.fromkeys(tags)):
        there = _parts(tag)
        if there == parts:
            ranked.append((0, int(tag.casefold() != wanted.casefold()), place, tag))
        elif _filters(parts, there):
            ranked.append((VARIANT, len(there), place, tag))
        elif parts[: len(there)] == there:
            ranked.append((2, -len(there), place, tag))
    return sorted(ranked)


def same_language(one: str, other: str) -> bool:
    """Whether two tags are of the same language; an empty tag matches any."""
    return not one or not other or _parts(one)[0] == _parts(other)[0]


def _parts(tag: str) -> list[str]:
    first, *others = tag.strip().casefold().replace("_", "-").split("-")
    return [CODE_OF.get(first, first), *others]


def _filters(wanted: list[str], tag: list[str]) -> bool:
    """Extended filtering, RFC 4647 3.3.2: other parts may be between the wanted ones, except a single letter."""
    if wanted[0] != tag[0]:
        return False
    left = wanted[1:]
    for part in tag[1:]:
        if left and part == left[0]:
            left = left[1:]
        elif left and len(part) == 1:
            return False
    return not left
