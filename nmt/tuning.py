"""The ranking of a beam's hypotheses that is best for a validation text.

Where all of its hypotheses are wanted, neither length normalisation nor coverage has a say in what a beam finds (see
search/beam.py). So one search finds the hypotheses of every setting, and trying a setting is choosing among them once
more, nearly for nothing. A translation wants one hypothesis, and its search may end sooner and find another: what was
chosen is searched again, as the present setting is, before one is called better than the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from nmt.metrics.measure import Measure, References
from nmt.search import Beam
from nmt.translation import Translation

ALPHAS = {"none": (1.0,), "average": (0.4, 0.6, 0.8, 1.0, 1.2, 1.4), "gnmt": (0.2, 0.4, 0.6, 0.8, 1.0, 1.2)}
COVERAGES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4)

Result = tuple[Beam, float]  # a setting and its BLEU


def settings(own: Beam) -> Iterator[Beam]:
    """What is tried: as it is, and every other of the lists above."""
    yield own
    for normalisation, alphas in ALPHAS.items():
        for alpha in alphas:
            for coverage in COVERAGES:
                other = replace(own, normalisation=normalisation, alpha=alpha, coverage=coverage)
                if other != own:
                    yield other


def searching_all(own: Beam) -> Beam:
    """The beam whose hypotheses tell of all settings."""
    return replace(own, coverage=1.0)


def tune(measure: Measure, own: Beam, translations: Sequence[Translation], refs: References) -> list[Result]:
    """The translations with all their `alternatives`, found with `searching_all` -> every setting, the best first;
    of equals the present one, or what is tried first."""
    known: dict[tuple[str, ...], float] = {}
    results = []
    for beam in settings(own):
        hyps = tuple(choose(beam, translation) for translation in translations)
        if hyps not in known:
            known[hyps] = measure.scores(hyps, refs, ("bleu",))["bleu"].score
        results.append((beam, known[hyps]))
    return sorted(results, key=lambda result: -result[1])


def confirmed(own: Beam, results: Sequence[Result], searched: Callable[[Beam], float]) -> list[Result]:
    """The present setting and, when that is another, the best of the results, the better first, with what `searched`
    finds each of them to be worth when translations are searched with it; of equals the present one."""
    both = dict.fromkeys((own, results[0][0]))
    return sorted(((beam, searched(beam)) for beam in both), key=lambda result: -result[1])


def choose(beam: Beam, translation: Translation) -> str:
    """What this beam gives when all of its hypotheses are wanted."""
    found = translation.alternatives or (translation,)
    return max(found, key=lambda one: beam.score(one.log_prob, max(one.length, 1), one.coverage)).text
