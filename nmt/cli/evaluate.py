"""nmt-evaluate: translate a test set and score it with sacreBLEU."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from nmt.cli.errors import Parser, command
from nmt.cli.evaluation_set import (
    EvaluationSet,
    add_measure_options,
    first_config,
    measure_for,
    order_note,
    read_test_set,
    warn_of_cut,
    without_empty,
)
from nmt.cli.options import (
    MAX_RESAMPLES,
    add_common,
    add_model,
    add_search_options,
    open_translator,
    translated,
    up_to,
)
from nmt.cli.rare import add_rare_options, check_rare_options, rare_report, rare_table, rare_texts
from nmt.common.bars import seen
from nmt.common.files import check_writable, write_folder
from nmt.common.json_text import digest_of, to_json
from nmt.common.shown import shown
from nmt.hub import is_remote
from nmt.languages import unit

if TYPE_CHECKING:
    from nmt.metrics.buckets import Buckets
    from nmt.metrics.measure import Score
    from nmt.translation.translator import Translator

COMMAND = "nmt-evaluate"
SCORES = "scores.json"


def parser() -> Parser:
    parser = Parser(prog=COMMAND, description="Translate a test set and score it with sacreBLEU.")
    add = parser.add_argument
    add_model(parser)
    add(
        "--src",
        type=Path,
        metavar="FILE",
        help="source sentences, one a line; or a file of both sides (TMX, XLIFF, PO, XLSX, CSV, TSV), given as --ref "
        "too",
    )
    add_measure_options(parser)
    add("--testset", metavar="NAME", help="a test set of sacreBLEU's instead, such as wmt14")
    add("--langpair", metavar="SRC-TGT", help="its languages, such as de-en")
    add(
        "--output",
        type=Path,
        metavar="DIR",
        help="for hyp.txt and scores.json; default: beside the first MODEL, or of one on the hub here",
    )
    add("--bootstrap", type=up_to(MAX_RESAMPLES), default=1000, metavar="N", help="resamples (%(default)s)")
    add("--json", action="store_true", help="print scores.json instead of a table")
    add_search_options(parser)
    add_rare_options(parser)
    tuning = parser.add_argument_group("tuning")
    tuning.add_argument(
        "--tune",
        action="store_true",
        help="instead: print the BLEU of every length normalisation and weight of the coverage, and which is best; "
        "the text should be validation text, never the test text",
    )
    tuning.add_argument(
        "--save",
        action="store_true",
        help="with --tune: write the best into the first MODEL's config.json, with the beam size it was found at",
    )
    add_common(parser)
    return parser


def main() -> None:
    """Entry point."""
    with command(parser()) as options, seen(not options.quiet):
        print(tuned(options) if options.tune else evaluated(options))


def tuned(options: argparse.Namespace) -> str:
    """The output of --tune."""
    from nmt.cli.ranking import tune_search

    if options.rare:
        raise ValueError("--tune scores no rare things; leave --rare out")
    check_rare_options(options)
    take_direction(options)
    _, srcs, refs = evaluation_set(options)
    return tune_search(options, open_translator(options), measure_for(options, refs), srcs, refs)


def evaluated(options: argparse.Namespace) -> str:
    """Translate, score and save the results -> the text to print."""
    if options.save:
        raise ValueError("--save needs --tune")
    check_rare_options(options)
    take_direction(options)
    name, srcs, refs = evaluation_set(options)
    translator = open_translator(options)
    src = "" if options.testset else str(options.src.resolve())
    output = options.output or own_folder(output_folder(options.model, translator, name), src)
    measure = measure_for(options, refs)

    from nmt.metrics.buckets import bleu_by_length
    from nmt.plain_data import to_dict

    check_writable(output)  # before the work, which would be lost
    texts = rare_texts(options) if options.rare else None
    translations = translated(options, translator, srcs)
    hyps = [translation.text for translation in translations]
    write_folder(output, {"hyp.txt": "".join(f"{hyp}\n" for hyp in hyps).encode()})  # saved even if scoring fails
    names = tuple(dict.fromkeys(("bleu", "chrf", "ter", *measure.names)))
    scores = measure.scores(hyps, refs, names, options.bootstrap)
    by_length = bleu_by_length(measure, srcs, hyps, refs)
    report = {
        "test_set": name,
        "src": src,
        "models": options.model,
        "sentences": len(srcs),
        "search": to_dict(translator.search),
        "mbr": translator.mbr,
        "scores": {metric: vars(score) for metric, score in scores.items()},
        f"bleu_by_src_{unit(srcs)}": by_length,
        "cut": warn_of_cut(COMMAND, translations),
    }
    if texts:
        report["rare"] = rare_report(options, texts, translator, measure, srcs, hyps, refs)
    write_folder(output, {SCORES: f"{to_json(report, 2)}\n".encode()})
    if options.json:
        return to_json(report, 2)
    lines = table(name, scores, by_length, unit(srcs), order_note(refs), output)
    return "\n".join([*lines, *(rare_table(report["rare"]) if options.rare else [])])


def output_folder(models: list[str], translator: Translator, name: str) -> Path:
    """The folder of a test set beside the first model. Its name tells the output from that of another model there, of
    an ensemble and of another direction."""
    first, *others = (one if is_remote(one) else str(Path(one).resolve()) for one in models)
    beside = Path() if is_remote(first) else Path(first).parent
    direction = str(translator.direction)
    parts = []
    if translator.directions.only is None and not name.endswith(f"_{direction}"):  # as that of a published set may
        parts.append(direction)
    if is_remote(first) or Path(first).name != "model":
        parts.append("-".join(Path(first).parts[-2 if is_remote(first) else -1 :]))
    if others:
        parts.append(f"ensemble-{digest_of(sorted(others))[:8]}")
    return beside / "evaluation" / "_".join([name, *(re.sub(r"[^\w.+-]+", "-", part) for part in parts)])


def own_folder(folder: Path, src: str) -> Path:
    """The folder, or one beside it, named by the path too, if it has the scores of another file of the same name."""
    try:
        before = json.loads((folder / SCORES).read_bytes()).get("src", src)
    except (OSError, ValueError, AttributeError):  # none, or not ours
        return folder
    return folder if before == src else folder.with_name(f"{folder.name}_{digest_of(src)[:8]}")


def take_direction(options: argparse.Namespace) -> None:
    """Take the direction of a model with several from --langpair, unless --to is given."""
    if options.langpair and "-" in options.langpair and not options.to:
        config = first_config(options)
        if config and config.every_direction.only is None:
            options.from_, options.to = options.langpair.split("-", 1)


def evaluation_set(options: argparse.Namespace) -> EvaluationSet:
    """The test set. Raises ValueError for mismatched or unavailable files."""
    if options.testset:
        if options.src or options.ref:
            raise ValueError("give --src and --ref, or --testset and --langpair, not both")
        from nmt.metrics.published import published_test_set

        if not options.langpair:
            raise ValueError("--testset needs --langpair, such as de-en")
        srcs, every = published_test_set(options.testset, options.langpair)
        return EvaluationSet(f"{options.testset}_{options.langpair}".replace("/", "_"), srcs, without_empty(every))
    if not options.src or not options.ref:
        raise ValueError("give --src and --ref, or --testset and --langpair")
    return read_test_set(options)


def table(
    name: str, scores: dict[str, Score], by_length: Buckets, unit: str, notes: list[str], output: Path
) -> list[str]:
    lines = [shown(f"{name}: translations and scores are in {output}"), ""]
    for metric, score in scores.items():
        interval = "" if score.interval is None else f" ± {score.interval:.2f}"
        lines.append(f"{metric.upper():5} {score.score:6.2f}{interval}   {score.signature}")
    title = f"source {unit}"
    lines += [*notes, "", f"{title}   sentences    BLEU"]
    lines += [
        f"{bucket:>{len(title)}} {row['sentences']:>11} {row['bleu']:>7.2f}" for bucket, row in by_length.items()
    ]
    return lines
