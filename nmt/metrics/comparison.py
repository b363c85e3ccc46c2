"""Whether one system is better than another, or only seems so by chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from numpy.typing import NDArray
from sacrebleu import significance

from nmt.common.bars import clocked
from nmt.metrics.config import Name
from nmt.metrics.measure import Measure, References, check_references
from nmt.metrics.resampling import in_little_memory


@dataclass(frozen=True)
class Comparison:
    score: float
    interval: float | None  # ± of the 95 % bootstrap confidence interval
    p_value: float | None  # of the difference from the first system; None for the first itself


def compare(
    measure: Measure,
    systems: Mapping[str, Sequence[str]],
    refs: References,
    test: str,
    samples: int,
    names: Sequence[Name],
) -> tuple[dict[str, dict[str, Comparison]], dict[str, str]]:
    """Systems' translations, the baseline first -> system -> metric -> how it compares; metric -> signature.

    `test` is "bs", paired bootstrap resampling (Koehn, 2004), or "ar", paired approximate randomisation (Riezler &
    Maxwell, 2005). A small p means that so large a difference would be rare between equally good systems: with "ar"
    in either direction, with "bs" in this one alone (see `meaning`). Each p is of one comparison by itself.

    Raises ValueError when a system does not have one translation per reference.
    """
    for hyps in systems.values():
        check_references(hyps, refs)

    def tested() -> Any:
        with in_little_memory(), patch.object(significance, "_compute_p_value", p_value):
            return significance.PairedTest(
                [(name, list(hyps)) for name, hyps in systems.items()],
                {name: measure.metric(name, [list(ref) for ref in refs]) for name in names},
                None,
                test,
                samples,
                n_ar_confidence=1000 if test == "ar" else -1,
            )()

    signatures, columns = clocked(f"testing {len(systems)} systems", tested)
    # sacreBLEU's own names (chrF2) are in our order, after the column of the systems.
    results = dict(zip(names, [*columns.values()][1:], strict=True))
    found: dict[str, dict[str, Comparison]] = {
        system: {name: _comparison(results[name][i]) for name in names} for i, system in enumerate(systems)
    }
    return found, {name: str(signature) for name, signature in zip(names, signatures.values(), strict=True)}


def p_value(differences: NDArray[Any], found: float) -> float:
    """The share of the differences that are at least as large as the one found, which counts as one of them.

    sacreBLEU counts only larger ones. So where few sentences differ, and most trials of a randomisation give the same
    difference again, it finds its smallest p, even for a single sentence."""
    return (int((differences >= found).sum()) + 1) / (len(differences) + 1)


def meaning(test: str, systems: int) -> list[str]:
    """What a reader of the p-values of this test must know. sacreBLEU's bootstrap, like Moses', takes absolute values
    before it subtracts their mean, so it counts large differences in the direction of the one found."""
    notes = ["p of the bootstrap is one-sided: a two-sided p is about twice as large (--test ar)"] * (test == "bs")
    if systems > 2:
        notes.append("each p is of one comparison by itself: the more systems, the likelier a small one by chance")
    return notes


def _comparison(result: Any) -> Comparison:
    interval, p = (None if n is None else float(n) for n in (result.ci, result.p_value))
    return Comparison(float(result.score), interval, p)
