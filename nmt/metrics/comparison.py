"""Whether one system is better than another, or only seems so by chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nmt.common.bars import clocked
from nmt.metrics.config import Name
from nmt.metrics.measure import Measure, References, check_references
from nmt.metrics.resampling import RESAMPLES, bootstrap, random_seed, randomisation

TESTS = {"bs": (bootstrap, RESAMPLES), "ar": (randomisation, 10_000)}  # with sacreBLEU's number of samples


@dataclass(frozen=True)
class Comparison:
    score: float
    interval: float  # ± of the 95 % bootstrap confidence interval
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
    hyps = [check_references(of_system, refs)[0] for of_system in systems.values()]
    tested = clocked(
        f"testing {len(systems)} systems",
        lambda: [_compared(measure, name, hyps, refs, test, samples) for name in names],
    )
    found: dict[str, dict[str, Comparison]] = {system: {} for system in systems}
    for name, (comparisons, _) in zip(names, tested, strict=True):
        for of_system, comparison in zip(found.values(), comparisons, strict=True):
            of_system[name] = comparison
    return found, {name: signature for name, (_, signature) in zip(names, tested, strict=True)}


def _compared(
    measure: Measure, name: Name, hyps: Sequence[Sequence[str]], refs: References, test: str, samples: int
) -> tuple[list[Comparison], str]:
    """How each system compares with the first in one metric, and the signature."""
    metric, seed = measure.metric(name, [list(ref) for ref in refs]), random_seed()
    tested, usual = TESTS[test]
    counts = [metric._extract_corpus_statistics(of_system, None) for of_system in hyps]
    scores = [float(metric._aggregate_and_compute(of_system).score) for of_system in counts]
    found = tested(metric, counts, scores, samples or usual, seed)
    signature = metric.get_signature()
    for key, value in (("seed", str(seed).lower()), ("bs", RESAMPLES), (test, samples or usual)):
        signature.update(key, value)
    return [Comparison(*one) for one in zip(scores, *found, strict=True)], str(signature)


def meaning(test: str, systems: int) -> list[str]:
    """What a reader of the p-values of this test must know. sacreBLEU's bootstrap, like Moses', takes absolute values
    before it subtracts their mean, so it counts large differences in the direction of the one found."""
    notes = ["p of the bootstrap is one-sided: a two-sided p is about twice as large (--test ar)"] * (test == "bs")
    if systems > 2:
        notes.append("each p is of one comparison by itself: the more systems, the likelier a small one by chance")
    return notes
