"""Find the pairs among the tags of a text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable


def nested_pairs(tags: Iterable[tuple[str, Hashable]]) -> dict[int, int]:
    """Match opening and closing tags of the same name whose pairs do not cross others: index of the opening tag ->
    index of its partner.

    Each tag is `("open", name)` or `("close", name)`. A name of None belongs to an existing pair, which is not
    crossed either; any other kind is no end of a pair. Takes time linear in the number of tags.
    """
    found: dict[int, int] = {}
    opened: list[list[tuple[Hashable, int]]] = [[]]  # in each existing pair: open tags without a partner
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
