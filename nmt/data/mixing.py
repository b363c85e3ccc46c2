"""Mix several training texts: the share that each has of an epoch.

Weights set the share of each text in the pairs of an epoch. With a temperature T, a text of n pairs has a share in
proportion to n ** (1 / T) (Arivazhagan et al., 2019, arXiv:1907.05019): T = 1 keeps the natural shares, a larger T
makes them more even. An epoch has as many pairs as all texts together. A text with less than its natural share is
read in parts: each epoch goes on where the one before ended (plan.py).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nmt.data.corpora import MixConfig
from nmt.data.encoded import EncodedCorpus
from nmt.data.plan import Text


def check_weights(mix: MixConfig, parts: Sequence[str]) -> None:
    """Raises ValueError unless there are as many weights as parts, or none."""
    if mix.weights and len(mix.weights) != len(parts):
        raise ValueError(
            f"data.mix.weights has {len(mix.weights)} number(s), but the training text has {len(parts)} part(s): "
            f"{', '.join(parts)}"
        )


def mixed(corpus: EncodedCorpus, mix: MixConfig, parts: Sequence[str]) -> list[Text]:
    """The texts that an epoch draws from, one for each of the `parts`; [] if nothing is mixed. Raises ValueError when
    the weights do not match the parts."""
    if not mix.weights and mix.temperature == 1:
        return []
    check_weights(mix, parts)
    spans = corpus.spans_by_part()
    if mix.weights and (empty := [part for number, part in enumerate(parts) if number not in spans]):
        raise ValueError(f"no training pair of {empty[0]} is left, so that data.mix.weights cannot have one for it")
    sizes = np.array([(of[:, 1] - of[:, 0]).sum() for of in spans.values()])
    shares = np.array(mix.weights) if mix.weights else sizes ** (1 / mix.temperature)
    # Round to whole numbers without changing the sum.
    drawn = np.diff((sizes.sum() * shares / shares.sum()).cumsum().round().astype(np.int64), prepend=0)
    return [
        Text(spans[part], number, parts[part]) for part, number in zip(spans, drawn.tolist(), strict=True) if number
    ]


def describe_share(text: Text, total: int) -> str:
    """A text's share of an epoch of `total` pairs, in words."""
    return (
        f"{text.drawn} of {text.name} ({text.drawn / total:.1%}), which has {text.pairs} "
        f"({text.drawn / text.pairs:.3g} times an epoch)"
    )
