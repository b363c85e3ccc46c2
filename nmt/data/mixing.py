"""How much an epoch has of each text, where the training text is put together from several.

By weights each has its share of the pairs of an epoch. By a temperature T a text of n pairs has a share in proportion
to n ** (1 / T) (Arivazhagan et al., 2019, arXiv:1907.05019): 1 takes them as they are, and the larger T is, the more
alike are the shares. An epoch has as many pairs as there are in all; of a text that has a smaller share than it would
by its size an epoch draws a part, and the next epoch the pairs after that (plan.py).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nmt.data.corpora import MixConfig
from nmt.data.encoded import EncodedCorpus
from nmt.data.plan import Text


def mixed(corpus: EncodedCorpus, mix: MixConfig, parts: Sequence[str]) -> list[Text]:
    """The texts that an epoch draws from, one for each of the `parts` by its number; none where pairs are taken as
    they are. Raises ValueError when the weights are not those of the parts."""
    if not mix.weights and mix.temperature == 1:
        return []
    if mix.weights and len(mix.weights) != len(parts):
        raise ValueError(
            f"data.mix.weights has {len(mix.weights)} number(s), but the training text has {len(parts)} part(s): "
            f"{', '.join(parts)}"
        )
    spans = corpus.spans_by_part()
    if mix.weights and (empty := [part for number, part in enumerate(parts) if number not in spans]):
        raise ValueError(f"no training pair of {empty[0]} is left, so that data.mix.weights cannot have one for it")
    sizes = np.array([(of[:, 1] - of[:, 0]).sum() for of in spans.values()])
    shares = np.array(mix.weights) if mix.weights else sizes ** (1 / mix.temperature)
    # Whole numbers, with the sum that the shares have.
    drawn = np.diff((sizes.sum() * shares / shares.sum()).cumsum().round().astype(np.int64), prepend=0)
    return [
        Text(spans[part], number, parts[part]) for part, number in zip(spans, drawn.tolist(), strict=True) if number
    ]


def describe_share(text: Text, total: int) -> str:
    """What an epoch of so many pairs has of a text."""
    return (
        f"{text.drawn} of {text.name} ({text.drawn / total:.1%}), which has {text.pairs} "
        f"({text.drawn / text.pairs:.3g} times an epoch)"
    )
