"""nmt-compare: which of several systems is better, and whether the difference is significant."""

from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nmt.cli.errors import Parser, command
from nmt.cli.evaluation_set import (
    add_measure_options,
    check_length,
    measure_for,
    order_note,
    read_test_set,
    warn_of_cut,
)
from nmt.cli.options import (
    MAX_RESAMPLES,
    add_common,
    add_search_options,
    open_translator,
    positive,
    translated,
    up_to,
)
from nmt.common.bars import seen
from nmt.common.json_text import to_json
from nmt.common.shown import shown
from nmt.data.readers import read_lines
from nmt.hub import local
from nmt.languages import unit

if TYPE_CHECKING:
    from nmt.metrics.measure import References

COMMAND = "nmt-compare"
WIDTH = 40  # of a system's name in the tables, unless names must be longer to differ


def parser() -> Parser:
    parser = Parser(
        prog=COMMAND,
        description="Compare systems by sacreBLEU's paired tests. A system is a model directory, which translates "
        "--src, or a file of translations, one a line. The first is the baseline.",
    )
    add = parser.add_argument
    add("systems", nargs="+", type=Path, metavar="SYSTEM", help="a model directory or a file of translations")
    add(
        "--src",
        type=Path,
        required=True,
        metavar="FILE",
        help="source sentences, one a line; or a file of both sides (TMX, XLIFF, PO, XLSX, CSV, TSV), given as --ref "
        "too; where no SYSTEM is a model, --from and --to say in which languages",
    )
    add_measure_options(parser)
    add("--train", type=Path, metavar="FILE", help="source side of the training text: adds BLEU by the rarest word")
    add(
        "--test",
        choices=["bs", "ar"],
        default="bs",
        help="paired bootstrap, with one-sided p, or approximate randomisation, with two-sided p (bs)",
    )
    add("--samples", type=up_to(MAX_RESAMPLES), metavar="N", help="resamples (1000) or trials (10000)")
    add(
        "--examples",
        type=positive,
        default=3,
        metavar="N",
        help="of sentences that differ most, a system (%(default)s)",
    )
    add("--json", action="store_true", help="print one JSON object instead of tables")
    add_search_options(parser)
    add_common(parser)
    return parser


def main() -> None:
    """Entry point."""
    with command(parser()) as options, seen(not options.quiet):
        report = compare_systems(options)
        print(to_json(report, 2) if options.json else text(report))


def compare_systems(options: argparse.Namespace) -> dict[str, Any]:
    """All results of the command. Raises ValueError for files that do not match."""
    from nmt.metrics.buckets import bleu_by_length, bleu_by_rarest_word
    from nmt.metrics.comparison import compare, meaning
    from nmt.metrics.measure import sentence_chrf
    from nmt.metrics.rare import bare

    if len(set(options.systems)) < max(len(options.systems), 2):
        raise ValueError("give two systems or more, each once")
    if not options.ref:
        raise ValueError("give --ref FILE: the reference translations")
    _, srcs, refs = read_test_set(options)
    measure = measure_for(options, refs)
    counts = Counter(word for line in read_lines(options.train) for word in bare(line)) if options.train else None
    systems = translations(srcs, options)
    found, signatures = compare(measure, systems, refs, options.test, options.samples or 0, ("bleu", "chrf"))
    report: dict[str, Any] = {
        "test": options.test,
        "signatures": signatures,
        "notes": [*meaning(options.test, len(systems)), *order_note(refs)],
        "systems": {name: {metric: asdict(one) for metric, one in of.items()} for name, of in found.items()},
        f"bleu_by_src_{unit(srcs)}": {
            name: bleu_by_length(measure, srcs, hyps, refs) for name, hyps in systems.items()
        },
    }
    if counts is not None:
        report["bleu_by_rarest_word"] = {
            name: bleu_by_rarest_word(measure, srcs, counts, hyps, refs) for name, hyps in systems.items()
        }
    scores = {name: sentence_chrf(hyps, refs) for name, hyps in systems.items()}
    baseline, *others = systems
    report["differ_most"] = {
        name: differ_most(srcs, refs, (systems[baseline], systems[name]), (scores[baseline], scores[name]))[
            : options.examples
        ]
        for name in others
    }
    return report


def differ_most(
    srcs: Sequence[str], refs: References, hyps: tuple[list[str], list[str]], chrf: tuple[list[float], list[float]]
) -> list[dict[str, Any]]:
    """The sentences that two systems translate differently, with both chrF scores, the largest difference first."""
    first, second = hyps
    different = [i for i in range(len(srcs)) if first[i] != second[i]]
    return [
        {
            "line": i + 1,
            "chrf": [round(of_system[i], 1) for of_system in chrf],
            "src": srcs[i],
            "ref": next(column[i] for column in refs if column[i] is not None),
            "hyps": [first[i], second[i]],
        }
        for i in sorted(different, key=lambda i: -abs(chrf[1][i] - chrf[0][i]))
    ]


def translations(srcs: list[str], options: argparse.Namespace) -> dict[str, list[str]]:
    """What each system translates, by its name. Raises ValueError for a system that cannot be read, before any model
    translates."""
    found: dict[str, list[str]] = {}
    models: dict[str, str | Path] = {}
    for path in options.systems:
        if Path(folder := local(path)).is_dir():
            from nmt.bundle import load_config, model_folder  # imports torch, which files of translations do not need

            load_config(model_folder(folder))  # refuses what is no model
            models[str(path)] = folder
            found[str(path)] = []  # keeps the order
        else:
            found[str(path)] = list(read_lines(path))
            check_length(found[str(path)], path, len(srcs), options.src)
    for name, folder in models.items():
        options.model = [folder]
        by_model = translated(options, open_translator(options), srcs, f"by {name}")
        warn_of_cut(COMMAND, by_model, name)
        found[name] = [translation.text for translation in by_model]
    return found


def text(report: dict[str, Any]) -> str:
    """The tables. Control characters in text from files or models are escaped."""
    names = short_names(list(report["systems"]))
    titles = {
        "bleu_by_src_words": "BLEU by source words",
        "bleu_by_src_characters": "BLEU by source characters",
        "bleu_by_rarest_word": "BLEU by rarest word",
    }
    lines, width = [], max(map(len, [*names.values(), *titles.values()]))
    for metric, signature in report["signatures"].items():
        lines += [f"{metric.upper()}   {signature}", ""]
        for name, of in report["systems"].items():
            one = of[metric]
            against = "baseline" if one["p_value"] is None else p_words(one["p_value"])
            lines.append(f"{names[name]:{width}} {one['score']:6.2f} ± {one['interval']:.2f}   {against}")
        lines.append("")
    if report["notes"]:
        lines += [*report["notes"], ""]
    for key, title in titles.items():
        if key in report:
            tables = report[key]
            buckets = next(iter(tables.values()))
            lines.append(f"{title:{width}} " + " ".join(f"{bucket:>8}" for bucket in buckets))
            lines.append(f"{'sentences':{width}} " + " ".join(f"{row['sentences']:8}" for row in buckets.values()))
            for name, table in tables.items():
                lines.append(f"{names[name]:{width}} " + " ".join(f"{row['bleu']:8.2f}" for row in table.values()))
            lines.append("")
    for name, examples in report["differ_most"].items():
        for example in examples:
            lines.append(f"line {example['line']}, chrF {example['chrf'][0]} and {example['chrf'][1]}")
            lines += [f"  src  {shown(example['src'])}", f"  ref  {shown(example['ref'])}"]
            first = next(iter(report["systems"]))
            lines += [
                f"  {names[one]}: {shown(hyp)}" for one, hyp in zip((first, name), example["hyps"], strict=True)
            ]
    return "\n".join(lines).rstrip()


def p_words(p: float) -> str:
    return f"p = {p:.4f}" if p >= 0.00005 else "p < 0.0001"


def short_names(names: list[str]) -> dict[str, str]:
    """What each of several different names is called in the tables: itself if all are short, else without the start
    and end that all share. Paths are shortened by whole parts, unless those are too long."""
    found = names
    for parts in ([re.split(r"(?<=[/\\])", name) for name in names], names):
        if max(map(len, found)) > WIDTH:
            found = _unshared(parts)
    return {name: shown(one, None) for name, one in zip(names, found, strict=True)}


def _unshared(names: Sequence[Sequence[str]]) -> list[str]:
    start, least = 0, min(map(len, names)) - 1  # one part of each name stays
    while start < least and len({name[start] for name in names}) == 1:
        start += 1
    end = 0
    while start + end < least and len({name[-1 - end] for name in names}) == 1:
        end += 1
    return ["…" * (start > 0) + "".join(name[start : len(name) - end]) + "…" * (end > 0) for name in names]
