"""nmt-evaluate --tune: which length normalisation and coverage a beam should rank by."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nmt.search import Beam
    from nmt.translator import Translator
    from nmt.tuning import Result


def tune_search(options: argparse.Namespace, translator: Translator, srcs: Sequence[str], refs: Sequence[str]) -> str:
    """Try every setting, keep the best with --save -> the report. Raises ValueError when the search is no beam."""
    from nmt.bundle import save_search
    from nmt.config import to_dict
    from nmt.metrics.config import MetricConfig
    from nmt.metrics.measure import Measure
    from nmt.search import Beam
    from nmt.tuning import searching_all, tune
    from nmt.workers import Workers

    own = translator.search
    if not isinstance(own, Beam):
        raise ValueError("--tune is for beam search; give --beam-size 2 or more")
    if translator.mbr:
        raise ValueError("--tune finds how a beam ranks, and --mbr ranks otherwise; leave one of them out")
    with Workers(translator, options.workers) as workers:
        found = workers.translate(srcs, search=searching_all(own), nbest=own.beam_size, batch_size=options.batch_size)
    results = tune(Measure.of(MetricConfig(), "", refs), own, found, [refs])
    best, _ = results[0]
    if options.save:
        path = save_search(options.model[0], best)
    if options.json:
        return json.dumps([{"search": to_dict(beam), "bleu": bleu} for beam, bleu in results], indent=2)
    kept = f"written to {path}: nmt-translate searches so from now on" if options.save else "to keep it, add --save"
    return f"{table(own, results)}\n\n{described(best)}: {kept}"


def table(own: Beam, results: Sequence[Result]) -> str:
    """BLEU, a row a length normalisation and a column a weight of the coverage."""
    bleu = dict(results)
    columns = sorted({beam.coverage for beam in bleu})
    rows = dict.fromkeys((beam.normalisation, beam.alpha) for beam in sorted(bleu, key=described))
    lines = ["length            BLEU with coverage", " " * 13 + "".join(f"{beta:>8g}" for beta in columns)]
    for normalisation, alpha in rows:
        of_row = [replace(own, normalisation=normalisation, alpha=alpha, coverage=beta) for beta in columns]
        cells = "".join(f"{bleu[beam]:8.2f}" if beam in bleu else " " * 8 for beam in of_row)
        lines.append(f"{normalisation:8} {alpha:>4g}{cells}")
    (best, most), present = results[0], bleu[own]
    return "\n".join([*lines, "", f"now   {present:.2f}   {described(own)}", f"best  {most:.2f}   {described(best)}"])


def described(beam: Beam) -> str:
    return (
        f"beam_size={beam.beam_size} normalisation={beam.normalisation} alpha={beam.alpha:g} "
        f"coverage={beam.coverage:g}"
    )
