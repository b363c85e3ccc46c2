"""How hypotheses of different lengths are compared (Wu et al., 2016, arXiv:1609.08144, equation 14):

    score = log-probability / penalty(length) + β coverage      coverage = Σ_s log min(Σ_t α_ts, 1)

with the attention weights α of T target and S source tokens: a translation is penalised for what it leaves out.

Beams of any size, one included, use the same function.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from nmt.common.ranges import check_ranges
from nmt.search.base import Search

LEAST = 1e-6  # lower bound of a source token's weight, so that its logarithm is finite

NORMALISATIONS: dict[str, Callable[[float, float], float]] = {
    # sum: the plain log-probability, which favours short translations
    "none": lambda length, alpha: 1.0,
    # the mean over tokens when alpha is 1
    "average": lambda length, alpha: length**alpha,
    # Wu et al. (2016)
    "gnmt": lambda length, alpha: ((5 + length) / 6) ** alpha,
}


def length_penalty(name: str, length: float, alpha: float) -> float:
    """The divisor of the log-probability of `length` tokens (EOS included)."""
    return NORMALISATIONS[name](length, alpha)


def coverage(attended: Tensor) -> Tensor:
    """The weight that source tokens have received (N,S), 1 on padding -> coverage (N,), at most 0."""
    return attended.clamp(LEAST, 1).log().sum(1)


@dataclass(frozen=True)
class RankedSearch(Search):
    """A search for the best hypothesis, with the score that ranks them."""

    # Divides the log-probability by: "average" length^alpha, "gnmt" ((5 + length) / 6)^alpha, "none" nothing.
    normalisation: str = "average"
    alpha: float = 1.0  # higher values prefer longer translations
    coverage: float = 0.0  # weight of coverage in the score; must be 0 if the model has no attention

    def __post_init__(self) -> None:
        super().__post_init__()
        check_ranges(self, alpha=(0, 10), coverage=(0, 10))
        if self.normalisation not in NORMALISATIONS:
            choices = ", ".join(sorted(NORMALISATIONS))
            raise ValueError(f"normalisation is {self.normalisation!r}; choose one of: {choices}")

    @property
    def sees_attention(self) -> bool:
        return self.coverage > 0

    def score(self, log_prob: float, length: int, coverage: float) -> float:
        """The score of a hypothesis (see above)."""
        return log_prob / length_penalty(self.normalisation, length, self.alpha) + self.coverage * coverage
