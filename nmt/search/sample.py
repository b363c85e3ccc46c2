"""Sampling: tokens drawn with the model's probabilities, from all or only from the likelier ones.

A draw depends only on the seed, the sentence (its key), the number of the sample and the number of the token. So a
sentence has the same samples in any batch.

Dims: N rows, V vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nmt.common.ranges import check_ranges
from nmt.search.base import Hypothesis, Search, SearchRequest
from nmt.search.step import S, SearchStep
from nmt.search.walk import walk

Words = NDArray[np.uint64]
GOLDEN = 0x9E3779B97F4A7C15  # 2**64 over the golden ratio


@dataclass(frozen=True)
class Sample(Search):
    """`samples` translations per sentence, in the order drawn; duplicates are kept.

    `temperature` divides the logits first. `top_k` (Fan et al., 2018, arXiv:1805.04833) keeps this many of the
    likeliest tokens, `top_p` (Holtzman et al., 2020, arXiv:1904.09751) the fewest that together have this
    probability. With both, `top_p` applies to those that `top_k` keeps.
    """

    is_random: ClassVar[bool] = True

    samples: int = 1  # translations a sentence
    temperature: float = 1.0  # below 1 likely tokens are drawn more often
    top_k: int = 0  # draw from this many of the likeliest tokens; 0: all
    top_p: float = 1.0  # draw from the likeliest tokens that together have this probability
    seed: int = 1  # the same seed draws the same for the same sentence

    def __post_init__(self) -> None:
        super().__post_init__()
        check_ranges(
            self,
            samples=(1, 1000),
            temperature=(0.01, 100),
            top_k=(0, 1_000_000),
            top_p=(1e-6, 1),
            seed=(0, 2**63 - 1),
        )

    @property
    def width(self) -> int:
        return self.samples

    def find(self, step: SearchStep[S], state: S, request: SearchRequest) -> list[list[Hypothesis]]:
        keys = [0] * len(request.max_length) if request.keys is None else request.keys
        sentences = np.array(keys, np.uint64)
        own = mix(sentences ^ mix(np.array([self.seed], np.uint64)))  # (B,)
        number = np.arange(self.samples, dtype=np.uint64) * np.uint64(GOLDEN)
        own = mix(own[:, None] + number).ravel()  # (B * samples,)

        def choose(logits: Tensor, walks: list[int], t: int) -> Tensor:
            chance = uniform(own[walks], t)
            return draw(self.filtered(logits), torch.from_numpy(chance).to(logits.device))

        return walk(step, state, request, choose, self.samples)

    def filtered(self, logits: Tensor) -> Tensor:
        """Logits (N,V) -> weights to draw with (N,V)."""
        probability = (logits.float() / self.temperature).softmax(-1)
        if not self.top_k and self.top_p == 1:
            return probability
        ranked, order = probability.sort(dim=-1, descending=True, stable=True)
        if self.top_k:
            ranked[:, self.top_k :] = 0
        before = ranked.cumsum(-1) - ranked  # the probability of all likelier tokens
        ranked[before >= self.top_p * ranked.sum(-1, keepdim=True)] = 0
        return torch.zeros_like(probability).scatter_(1, order, ranked)


def draw(weights: Tensor, chance: Tensor) -> Tensor:
    """Weights (N,V), not all zero in a row, and numbers (N,) in [0, 1) -> a column for each row (N,), drawn as often
    as its share of the weight."""
    mass = weights.double().cumsum(-1)
    # right=True: a column without weight is never hit.
    place = torch.searchsorted(mass, (chance * mass[:, -1])[:, None], right=True)[:, 0]
    last = (weights > 0).cumsum(-1).argmax(-1)  # limits a place that rounding puts beyond the end
    return torch.minimum(place, last)


def uniform(own: Words, t: int) -> NDArray[np.float64]:
    """A number in [0, 1) for each of these, a new one at each t."""
    words = mix(own + np.uint64((t + 1) * GOLDEN % 2**64))
    return (words >> np.uint64(11)).astype(np.float64) * 2.0**-53


def mix(x: Words) -> Words:
    """Every bit of the result depends on every bit of x: the finaliser of SplitMix64 (Steele et al., 2014, "Fast
    splittable pseudorandom number generators")."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
