"""The table and the picture of a comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from nmt.pictures.charts import Curve, LineChart
from nmt.pictures.page import markdown_row

Result = Mapping[str, Any]


class Comparison(NamedTuple):
    """Systems trained for the same time on the same text. Results that do not exist yet are missing."""

    pairs: int
    minutes: float
    trained: Mapping[str, Result]
    tested: Mapping[str, Result]
    compared: Result | None


def table(comparisons: Sequence[Comparison], tests: Sequence[str]) -> str:
    """A Markdown table, one row per system; `p` compares its BLEU on the first test set with nmt's."""
    header = ["pairs", "minutes", "system", "used (processor)", "parameters", "peak memory", "valid"]
    header += [f"{test} {metric}" for test in tests for metric in ("BLEU", "chrF")] + ["sentences/s", "p"]
    lines = [markdown_row(header), markdown_row(["---"] * len(header))]
    for one in comparisons:
        for name, trained in one.trained.items():
            tested = one.tested.get(name)
            size = trained["parameters"]
            row = [f"{one.pairs:,}", f"{one.minutes:g}", f"{name} {trained['version']}"]
            row += [f"{trained['minutes']:.1f} ({trained['cpu_minutes']:.1f})"]
            row += [f"{size / 1e6:.2f} M" if size else "", f"{trained['peak_bytes'] / 1e9:.2f} GB"]
            row += [f"{trained['valid_bleu']:.2f}"]
            row += [
                f"{tested['tests'][test][metric]:.2f}" if tested else ""
                for test in tests
                for metric in ("bleu", "chrf")
            ]
            row += [speed(tested) if tested else "", p_value(one.compared, tests, name)]
            lines.append(markdown_row(row))
    return "\n".join(lines)


def speed(tested: Result) -> str:
    """Sentences/s, followed by those of the same model in CTranslate2 if it was tested there."""
    fast = tested.get("ctranslate2")
    return f"{tested['sentences_per_cpu_s']:,.0f}" + (f" ({fast['sentences_per_cpu_s']:,.0f})" if fast else "")


def p_value(compared: Result | None, tests: Sequence[str], name: str) -> str:
    found = compared["tests"][tests[0]].get(name) if compared and tests else None
    value = found["bleu"]["p_value"] if found else None
    return "" if value is None else f"{value:.4f}"


def picture(comparisons: Sequence[Comparison]) -> LineChart:
    """BLEU against minutes, one line per system and text size, from the longest training."""
    lines = []
    for pairs in dict.fromkeys(one.pairs for one in comparisons):
        longest = max((one for one in comparisons if one.pairs == pairs), key=lambda one: one.minutes)
        for name, trained in longest.trained.items():
            x, y = ([point[what] for point in trained["curve"]] for what in ("minutes", "bleu"))
            lines.append(Curve(f"{name}, {pairs:,} pairs", x, y, dashed=trained["kind"] == "Transformer"))
    return LineChart("BLEU of the validation text", "minutes of training", "BLEU, greedy", lines)
