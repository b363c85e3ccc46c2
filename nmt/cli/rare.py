"""nmt-evaluate --rare: scores of numbers, names, unseen words and compounds, and hallucinated words."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from nmt.cli.options import translated
from nmt.common.shown import shown
from nmt.data.readers import read_lines

if TYPE_CHECKING:
    from nmt.metrics.measure import Measure, References
    from nmt.translation.translator import Translator

NOISE = 200  # source texts to make noise from
WIDTH = 24  # of a name in the table; longer names of files make it wider


def add_rare_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("rare things").add_argument
    add(
        "--rare",
        action="store_true",
        help="also count the numbers and names that are right, and the words that nothing in the source supports, in "
        "translations of the text and of noise",
    )
    add(
        "--train",
        type=Path,
        metavar="FILE",
        help="with --rare: source side of the training text: adds unseen words and compounds",
    )
    add(
        "--foreign",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="with --rare: text in other languages, for the unsupported words of its translations; may be repeated",
    )


def check_rare_options(options: argparse.Namespace) -> None:
    """Raises ValueError for an option without effect, and for two texts of one name."""
    for name, value in (("--train", options.train), ("--foreign", options.foreign)):
        if value and not options.rare:
            raise ValueError(f"{name} needs --rare")
    names = {"translations", "references", "noise"}
    for path in options.foreign:
        if path.name in names:
            raise ValueError(f"{path}: another text of the report is called {path.name}; give the file its own name")
        names.add(path.name)


class RareTexts(NamedTuple):
    """What the report needs besides the test set."""

    known: set[str] | None  # the words of the training text
    others: dict[str, list[str]]  # texts in other languages, by name


def rare_texts(options: argparse.Namespace) -> RareTexts:
    """Reads the texts of the options. Raises ValueError for one that cannot be read."""
    from nmt.metrics.rare import known_words

    known = known_words(read_lines(options.train)) if options.train else None
    return RareTexts(known, {path.name: list(read_lines(path)) for path in options.foreign})


def rare_report(
    options: argparse.Namespace,
    given: RareTexts,
    translator: Translator,
    measure: Measure,
    srcs: Sequence[str],
    hyps: Sequence[str],
    refs: References,
) -> dict[str, Any]:
    """The data for scores.json: "things" by kind, and "unsupported" words by text."""
    from nmt.bundle import load_bundle
    from nmt.inspection.support import noise, support
    from nmt.metrics.rare import rare_things

    others = {"noise": noise(srcs[:NOISE])} | given.others
    things = rare_things(measure, srcs, hyps, refs, given.known)
    report: dict[str, Any] = {
        "things": {kind: found._asdict() | {"share": found.share} for kind, found in things.items()}
    }
    lexicon = translator.lexicon or load_bundle(options.model[0]).lexicon
    if lexicon is None:  # optional in a model
        return report
    first = [next(ref for ref in of_sentence if ref is not None) for of_sentence in zip(*refs, strict=True)]
    pairs: dict[str, tuple[Sequence[str], Sequence[str]]] = {
        "translations": (srcs, hyps),
        "references": (srcs, first),
    }
    pairs |= {
        name: (texts, [one.text for one in translated(options, translator, texts, name)])
        for name, texts in others.items()
    }
    counts = {name: support(lexicon, translator.tokenizer, *pair) for name, pair in pairs.items()}
    report["unsupported"] = {name: found._asdict() | {"share": found.share} for name, found in counts.items()}
    return report


def rare_table(report: dict[str, Any]) -> list[str]:
    """The report's lines to print, after an empty one."""
    lines = ["", f"{'rare things':{WIDTH}}   sentences    BLEU   right, of the reference's"]
    for kind, row in report["things"].items():
        bleu = "" if row["bleu"] is None else f"{row['bleu']:.2f}"
        right = (
            "" if row["share"] is None else f"{row['right']} of {row['in_reference']} ({100 * row['share']:.1f} %)"
        )
        lines.append(f"{kind:{WIDTH}} {row['sentences']:>11} {bleu:>7}   {right}".rstrip())
    if "unsupported" in report:
        names = [shown(name) for name in report["unsupported"]]
        width = max(WIDTH, *map(len, names))
        lines += ["", f"{'unsupported words of':{width}}       words   share"]
        for name, row in zip(names, report["unsupported"].values(), strict=True):
            share = "" if row["share"] is None else f"{100 * row['share']:.1f} %"
            lines.append(f"{name:{width}} {row['words']:>11} {share:>7}".rstrip())
    return lines
