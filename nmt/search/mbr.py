"""Minimum Bayes risk: choose the candidate most similar to the others, which count by weight (Kumar & Byrne, 2004;
for samples, Eikema & Aziz, 2020, arXiv:2005.10283).

chrF and sentence BLEU compare every candidate with every other, as in sacreBLEU; the caller tokenises for BLEU. The
k-th occurrence of an n-gram in a text is a feature, so one matrix product gives the clipped matches of all pairs.

Dims: N candidates, O orders of n-grams.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Tokens = Callable[[str], Sequence[str]]  # of a text
CHRF_ORDER, CHRF_BETA, BLEU_ORDER = 6, 2, 4


def expected_utility(
    texts: Sequence[str], weights: Sequence[float], utility: str, tokens: Tokens = str.split
) -> Floats:
    """The mean utility of each text (N,) over all texts as references, by their weights."""
    different = list(dict.fromkeys(texts))
    place = np.array([different.index(text) for text in texts])
    share = np.bincount(place, weights, len(different))
    mean: Floats = UTILITIES[utility](different, tokens) @ (share / share.sum())
    of_each: Floats = mean[place]
    return of_each


def chrf(texts: Sequence[str], tokens: Tokens = list) -> Floats:
    """chrF2 of each text against each (N,N), from 0 to 100. `tokens` is ignored: chrF counts characters."""
    matches, totals = overlaps([list("".join(text.split())) for text in texts], CHRF_ORDER)
    used = (totals[:, :, None] > 0) & (totals[:, None] > 0)  # (O, N, N)
    count = np.maximum(used.sum(0), 1)
    precision, recall = (
        np.where(used, matches / np.maximum(side, 1), 0).sum(0) / count
        for side in (totals[:, :, None], totals[:, None])
    )
    below = CHRF_BETA**2 * precision + recall
    score: Floats = 100 * (1 + CHRF_BETA**2) * precision * recall / np.where(below > 0, below, 1)
    return score


def bleu(texts: Sequence[str], tokens: Tokens) -> Floats:
    """Sentence BLEU of each text against each (N,N), from 0 to 100: exponential smoothing, effective order."""
    matches, totals = overlaps([tokens(text) for text in texts], BLEU_ORDER)
    total = totals[:, :, None]
    missed = (matches == 0) & (total > 0)
    smoothed = 0.5 ** np.cumsum(missed, 0) / np.maximum(total, 1)
    precision = np.where(matches > 0, matches / np.maximum(total, 1), np.where(total > 0, smoothed, 1))
    orders = np.maximum((total > 0).sum(0), 1)
    length = totals[0]
    brevity = np.exp(np.minimum(0, 1 - length[None] / np.maximum(length[:, None], 1)))
    return np.where(matches.any(0), 100 * brevity * np.exp(np.log(precision).sum(0) / orders), 0)


UTILITIES: dict[str, Callable[[Sequence[str], Tokens], Floats]] = {"chrf": chrf, "bleu": bleu}


def overlaps(rows: Sequence[Sequence[str]], order: int) -> tuple[Floats, Floats]:
    """Symbols of each text -> the clipped n-gram matches of every pair (O,N,N), and each text's n-grams (O,N)."""
    n = len(rows)
    names: dict[str, int] = {}
    symbols = np.array([names.setdefault(symbol, len(names)) for row in rows for symbol in row], np.int64)
    owner = np.repeat(np.arange(n), [len(row) for row in rows])
    matches, totals = np.zeros((order, n, n)), np.zeros((order, n))
    gram = symbols  # the n-gram of i + 1 symbols that begins here
    for i in range(order):
        if i:
            gram = np.unique(gram[:-1] * (len(names) + 1) + symbols[i:], return_inverse=True)[1]
        inside = owner[: len(gram)] == owner[i:]  # within one text
        of_text, grams = owner[: len(gram)][inside], gram[inside]
        totals[i] = np.bincount(of_text, minlength=n)
        pairs, counts = np.unique(grams * n + of_text, return_counts=True)
        for least in range(1, int(counts.max(initial=0)) + 1):
            grams_of, texts_of = np.divmod(pairs[counts >= least], n)
            columns, column = np.unique(grams_of, return_inverse=True)
            has = np.zeros((n, len(columns)), np.float32)
            has[texts_of, column] = 1
            matches[i] += has @ has.T
    return matches, totals
