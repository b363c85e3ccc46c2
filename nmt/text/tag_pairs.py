"""Which tags of a text are pairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable


def nested_pairs(tags: Iterable[tuple[str, Hashable]]) -> dict[int, int]:
    """Of tags that open and close something of a name, those that have a partner and do not cross other pairs: the
    place of the one that opens, and the place of its partner.

    Each is `("open", name)` or `("close", name)`. Without a name (None) it is of a pair that is one already, which is
    not crossed either; anything else is no end of a pair. Takes a time that grows with the number of tags only.
    """
    found: dict[int, int] = {}
    opened: list[list[tuple[Hashable, int]]] = [[]]  # in each pair that is one already: tags without a partner
    counts = [Counter[Hashable]()]  # of their names
    for place, (kind, name) in enumerate(tags):
        if kind == "open" and name is None:
            opened.append([])
            counts.append(Counter())
        elif kind == "close" and name is None:
            opened.pop()
            counts.pop()
        elif kind == "open":
            opened[-1].append((name, place))
            counts[-1][name] += 1
        elif kind == "close" and counts[-1][name]:
            other, start = None, place
            while other != name:
                other, start = opened[-1].pop()
                counts[-1][other] -= 1
            found[start] = place
    return found
