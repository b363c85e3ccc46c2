"""Find the best ranking of a beam's hypotheses for a validation text.

Length normalisation and coverage do not influence which hypotheses a beam finds (see search/beam.py). So one search
serves all settings: trying one only chooses among its hypotheses again. This costs almost nothing and is exact:
translating with that setting gives the chosen hypothesis.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from nmt.metrics.choices import scores_of_each
from nmt.metrics.measure import Measure, References
from nmt.search import Beam
from nmt.translation.values import Translation

ALPHAS = {"none": (1.0,), "average": (0.4, 0.6, 0.8, 1.0, 1.2, 1.4), "gnmt": (0.2, 0.4, 0.6, 0.8, 1.0, 1.2)}
COVERAGES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4)

Worth = tuple[float, ...]  # greater is better; `Measure.figure` is the number behind it
Result = tuple[Beam, Worth]


def settings(own: Beam) -> Iterator[Beam]:
    """The settings to try: the present one, and every other combination of the lists above."""
    yield own
    for normalisation, alphas in ALPHAS.items():
        for alpha in alphas:
            for coverage in COVERAGES:
                other = replace(own, normalisation=normalisation, alpha=alpha, coverage=coverage)
                if other != own:
                    yield other


def searching_all(own: Beam) -> Beam:
    """The beam whose hypotheses serve all settings."""
    return replace(own, coverage=1.0)


def tune(measure: Measure, own: Beam, translations: Sequence[Translation], refs: References) -> list[Result]:
    """Translations with all their `alternatives`, found with `searching_all` -> every setting, the best first by the
    metric of the measure. Ties are broken by chrF, then by the order of `settings`."""
    of = {beam: tuple(choose(beam, translation) for translation in translations) for beam in settings(own)}
    different = list(dict.fromkeys(of.values()))
    figures = [measure.sign * one for one in scores_of_each(measure, measure.name, different, refs)]
    alike = Counter(figures)  # chrF takes as long as all the rest, and few need it
    tied = [hyps for hyps, one in zip(different, figures, strict=True) if alike[one] > 1]
    chrf = dict(zip(tied, scores_of_each(measure, "chrf", tied, refs), strict=True)) if tied else {}
    exact: dict[tuple[str, ...], Worth] = {
        hyps: (one, chrf[hyps]) if hyps in chrf else (one,) for hyps, one in zip(different, figures, strict=True)
    }
    return sorted(((beam, exact[hyps]) for beam, hyps in of.items()), key=lambda result: result[1], reverse=True)


def choose(beam: Beam, translation: Translation) -> str:
    """The text that this beam ranks first."""
    found = translation.alternatives or (translation,)
    return max(
        found, key=lambda hypothesis: beam.score(hypothesis.log_prob, max(hypothesis.length, 1), hypothesis.coverage)
    ).text
