"""How hypotheses of different lengths are compared: log-probability divided by a penalty of the length."""

from __future__ import annotations

from collections.abc import Callable

NORMALISATIONS: dict[str, Callable[[float, float], float]] = {
    # sum: the plain log-probability, which favours short translations
    "none": lambda length, alpha: 1.0,
    # the mean over tokens when alpha is 1
    "average": lambda length, alpha: length**alpha,
    # Wu et al. (2016), arXiv:1609.08144, equation 14
    "gnmt": lambda length, alpha: ((5 + length) / 6) ** alpha,
}


def length_penalty(name: str, length: float, alpha: float) -> float:
    """What the log-probability of `length` tokens (EOS included) is divided by."""
    return NORMALISATIONS[name](length, alpha)
