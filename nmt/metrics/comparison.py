"""Whether one system is better than another, or only seems so by chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sacrebleu.significance import PairedTest

from nmt.common.bars import clocked
from nmt.metrics.config import Name
from nmt.metrics.measure import Measure, References, check_references


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
    Maxwell, 2005). A small p means that so large a difference would be rare between equally good systems. For equal
    scores p is 1; sacreBLEU counts only larger differences and would give its smallest p.

    Raises ValueError when a system does not have one translation per reference.
    """
    for hyps in systems.values():
        check_references(hyps, refs)

    def tested() -> Any:
        return PairedTest(
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
        system: {name: _comparison(results[name][i], baseline=results[name][0]) for name in names}
        for i, system in enumerate(systems)
    }
    return found, {name: str(signature) for name, signature in zip(names, signatures.values(), strict=True)}


def _comparison(result: Any, baseline: Any) -> Comparison:
    interval, p_value = (None if n is None else float(n) for n in (result.ci, result.p_value))
    if p_value is not None and result.score == baseline.score:
        p_value = 1.0
    return Comparison(float(result.score), interval, p_value)
