"""The columns of metrics.csv."""

from __future__ import annotations

import pytest

from nmt.data.directions import Directions
from nmt.training.metrics_file import COLUMNS, columns

BOTH = Directions.of("", "", ["de-en", "en-de"], True)


@pytest.mark.parametrize(
    ("metric", "directions", "more"),
    [
        ("bleu", Directions.of("de", "en"), []),
        ("nll", Directions.of("de", "en"), []),
        ("ter", Directions.of("de", "en"), ["ter"]),
        ("nll", BOTH, ["bleu/de-en", "chrf/de-en", "bleu/en-de", "chrf/en-de"]),
        (
            "chrf++",
            BOTH,
            ["chrf++", *(f"{name}/{way}" for way in ("de-en", "en-de") for name in ("bleu", "chrf", "chrf++"))],
        ),
    ],
)
def test_each_figure_that_is_logged_has_a_column(metric, directions, more):
    assert columns(metric, directions) == (*COLUMNS, *(f"val/{name}" for name in more))
