"""nmt-evaluate --tune: finds the best length normalisation and coverage weight of a beam search."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace

from nmt.bundle import check_search_can_be_saved, save_search
from nmt.cli.options import translated
from nmt.common.json_text import to_json
from nmt.metrics.measure import Measure, References
from nmt.plain_data import to_dict
from nmt.ranking import Result, searching_all, tune
from nmt.search import Beam
from nmt.translation.translator import Translator


def tune_search(
    options: argparse.Namespace, translator: Translator, measure: Measure, srcs: Sequence[str], refs: References
) -> str:
    """Try every setting, keep the best with --save -> the report. The measure decides, or BLEU if it is nll, which no
    search changes. Raises ValueError if the search is not a beam search."""
    own = translator.search
    if not isinstance(own, Beam):
        raise ValueError("--tune is for beam search; give --beam-size 2 or more")
    if translator.mbr:
        raise ValueError("--tune finds how a beam ranks, and --mbr ranks otherwise; leave one of them out")
    if translator.split != "none":
        raise ValueError("--tune ranks the hypotheses of a sentence; leave --split out")
    if measure.name == "nll":
        measure = replace(measure, name="bleu")
    if options.save:
        check_search_can_be_saved(options.model[0])
    found = translated(options, translator, srcs, search=searching_all(own), nbest=own.beam_size, plain=False)
    results = tune(measure, own, found, refs)
    best, _ = results[0]
    if options.save:
        path = save_search(options.model[0], best)
    signature = measure.signature(refs)
    if options.json:
        listed = [
            {"search": to_dict(beam), measure.name: measure.figure(worth), "signature": signature}
            for beam, worth in results
        ]
        return to_json(listed, 2)
    kept = f"written to {path}: nmt-translate searches so from now on" if options.save else "to keep it, add --save"
    parts = [table(measure, own, results), outcome(measure, own, results), f"{measure.label}   {signature}"]
    return "\n\n".join([*parts, f"{described(best)}: {kept}"])


def outcome(measure: Measure, own: Beam, results: Sequence[Result]) -> str:
    """The current and the best setting."""
    both = ("now", (own, dict(results)[own])), ("best", results[0])
    return "\n".join(f"{name:5} {measure.figure(worth):.2f}   {described(beam)}" for name, (beam, worth) in both)


def table(measure: Measure, own: Beam, results: Sequence[Result]) -> str:
    """The score of every setting: a row for each length normalisation, a column for each weight of the coverage."""
    figures = {beam: measure.figure(worth) for beam, worth in results}
    columns = sorted({beam.coverage for beam in figures})
    rows = dict.fromkeys((beam.normalisation, beam.alpha) for beam in sorted(figures, key=described))
    lines = [
        f"length            {measure.label} with coverage",
        " " * 13 + "".join(f"{beta:>8g}" for beta in columns),
    ]
    for normalisation, alpha in rows:
        of_row = [replace(own, normalisation=normalisation, alpha=alpha, coverage=beta) for beta in columns]
        cells = "".join(f"{figures[beam]:8.2f}" if beam in figures else " " * 8 for beam in of_row)
        lines.append(f"{normalisation:8} {alpha:>4g}{cells}")
    return "\n".join(lines)


def described(beam: Beam) -> str:
    return (
        f"beam_size={beam.beam_size} normalisation={beam.normalisation} alpha={beam.alpha:g} "
        f"coverage={beam.coverage:g}"
    )
