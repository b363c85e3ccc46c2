"""How hypotheses of different lengths are compared (Wu et al., 2016, arXiv:1609.08144, equation 14):

    score = log-probability / penalty(length) + β coverage      coverage = Σ_s log min(Σ_t α_ts, 1)

with the attention's weights α of T target and S source tokens: what a translation has left out costs it.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

LEAST = 1e-6  # of a source token's weight, so that its logarithm is finite

NORMALISATIONS: dict[str, Callable[[float, float], float]] = {
    # sum: the plain log-probability, which favours short translations
    "none": lambda length, alpha: 1.0,
    # the mean over tokens when alpha is 1
    "average": lambda length, alpha: length**alpha,
    # Wu et al. (2016)
    "gnmt": lambda length, alpha: ((5 + length) / 6) ** alpha,
}


def length_penalty(name: str, length: float, alpha: float) -> float:
    """What the log-probability of `length` tokens (EOS included) is divided by."""
    return NORMALISATIONS[name](length, alpha)


def coverage(attended: Tensor) -> Tensor:
    """The weight that source tokens have had (N,S), 1 on padding -> coverage (N,), 0 at best."""
    return attended.clamp(LEAST, 1).log().sum(1)
