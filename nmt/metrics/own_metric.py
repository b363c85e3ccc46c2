"""Names a metric of a user's own that fails on some lines only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from nmt.common.own_parts import is_own, own_part_error
from nmt.common.process import is_memory_shortage
from nmt.common.shown import brief


@contextmanager
def own_metric_named(
    name: str, scorer: Any, metric: Any, hyps: Sequence[str], refs: Sequence[Sequence[str | None]]
) -> Iterator[None]:
    """Within this context an error of `metric`, sacreBLEU's object, becomes an OwnPartError with the first line on
    which it fails alone, if the function `scorer` that gave it is a user's own."""
    try:
        yield
    except Exception as error:
        if not is_own(scorer) or is_memory_shortage(error):
            raise
        on = ""
        for line, (hyp, *of_hyp) in enumerate(zip(hyps, *refs, strict=True), 1):
            try:
                metric.corpus_score([hyp], [[ref] for ref in of_hyp])
            except Exception as alone:  # a user's code may raise anything
                error, on = alone, f" on line {line}, {brief(hyp)},"
                break
        raise own_part_error(f"the metric {name!r}", on, scorer, error) from error
