"""The test set of the scoring commands: its sources, its references, and the measure for its language."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from nmt.answers import CROWDED, CUT
from nmt.cli.errors import warn
from nmt.cli.evaluation_documents import both_sides, is_document, one_side, sources, text_lines
from nmt.common.files import from_home
from nmt.data.pair_files import READERS
from nmt.formats import SUFFIXES, TEXT, TSV, format_of
from nmt.formats.headers import are_names, names_another, shown
from nmt.hub import local
from nmt.languages import CODE_OF
from nmt.metrics.config import TOKENIZATIONS, MetricConfig

if TYPE_CHECKING:
    from nmt.bundle import BundleConfig
    from nmt.metrics.measure import Measure, References
    from nmt.translation.values import Translation


LANGUAGE = re.compile("[a-z]{2}([-_][a-z0-9]+)*")  # such as de, zh-cn; longer codes could be other words


class EvaluationSet(NamedTuple):
    name: str
    srcs: list[str]
    refs: References  # one list per file or column; None where it has no reference for a sentence


def add_measure_options(parser: argparse.ArgumentParser) -> None:
    """Options for how references are given and how BLEU tokenises them."""
    add = parser.add_argument
    add(
        "--ref",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="their reference translations, line by line; given again, more references of the same sentences. Each "
        "column of a .tsv is a reference of its own, under a first line of names or none, unless it is named after "
        "another language. An empty one of several is ignored",
    )
    add(
        "--tokenize",
        choices=TOKENIZATIONS,
        metavar="NAME",
        help=f"BLEU's tokens: {', '.join(TOKENIZATIONS)}; default: as the model says, else by the target language",
    )
    add("--tgt", metavar="LANG", help="the target language, such as ja; default: --to, or the model's")


def read_test_set(options: argparse.Namespace) -> EvaluationSet:
    """`options.src` with `options.ref`. Raises ValueError for files that do not match."""
    src, refs = options.src, options.ref
    languages = languages_of(options) if any(map(is_document, (src, *refs))) else ("", "")
    both = [ref for ref in refs if ref.resolve() == src.resolve()] if is_document(src) else []
    srcs, own = both_sides(src, languages) if both else (sources(src, languages), [])
    if not srcs:
        raise ValueError(f"{src} is empty")
    columns: list[list[str]] = []
    for path in refs:
        found = [own] if path in both else references(path, len(srcs), languages)
        check_length(found[0], path, len(srcs), src)
        columns += found
    return EvaluationSet(set_name(src), srcs, without_empty(columns))


def set_name(src: Path) -> str:
    """The name of a file's test set: the file's name without its compression, format and language. The rest may
    distinguish it from others (dev.2016.de and dev.2017.de)."""
    name = Path(src.name.removesuffix(".gz"))
    while name.suffix.lower() in {*SUFFIXES, *READERS.names(), ".txt"}:
        name = name.with_suffix("")
    code = name.suffix[1:].casefold()
    is_language = LANGUAGE.fullmatch(code) or re.split("[-_]", code)[0] in CODE_OF
    return name.stem if is_language or code in ("src", "source") else name.name


def references(path: Path, number: int, languages: tuple[str, str]) -> list[list[str]]:
    """The references of a file to `number` sources: one list, or for a TSV one for each column, without columns whose
    header names another language. Raises ValueError when there is no such column."""
    if is_document(path) and format_of(path) not in (TEXT, TSV):
        return [one_side(path, languages, is_ref=True)]
    lines, language = text_lines(path), languages[1]
    if format_of(path) != TSV or not lines:
        return [lines]
    first = lines[0].split("\t")
    has_names = len(lines) == number + 1 and are_names(first)
    columns = list(zip_longest(*(line.split("\t") for line in lines), fillvalue=""))
    if has_names and language:
        columns = [column for column in columns if not names_another(column[0], language)]
    if not columns:
        raise ValueError(f"{path} names no column {language!r}: {shown(first)}")
    return [list(column[has_names:]) for column in columns]


def check_length(lines: Sequence[str], path: Path, number: int, src: Path) -> None:
    if len(lines) != number:
        raise ValueError(f"{src} has {number} lines but {path} has {len(lines)}")


def without_empty(columns: Sequence[Sequence[str]]) -> list[list[str | None]]:
    """Empty references as None. sacreBLEU would count an empty one as a reference of length 0, which raises the
    score. A sentence without any other reference keeps the empty ones."""
    rows = [
        [ref if ref.strip() or not any(map(str.strip, row)) else None for ref in row]
        for row in zip(*columns, strict=True)
    ]
    return [list(column) for column in zip(*rows, strict=True)]


def first_config(options: argparse.Namespace) -> BundleConfig | None:
    """The config of the first model; None for files of translations alone. Raises ValueError if it is damaged."""
    given = getattr(options, "systems", None) or options.model
    folder = next((path for one in given if (path := from_home(local(one))).is_dir()), None)
    if folder is None:
        return None
    from nmt.bundle import load_config, model_folder  # imports torch, which files of translations do not need

    return load_config(model_folder(folder))[0]


def languages_of(options: argparse.Namespace) -> tuple[str, str]:
    """The languages of the first model's direction; without a model, --from and --to, or "". --tgt overrides the
    target. Raises ValueError if the model has several directions and none is given."""
    src, tgt = options.from_ or "", options.to or ""
    if model := first_config(options):
        src, tgt = model.every_direction.chosen(options.to, options.from_)
    return src, options.tgt or tgt


def measure_for(options: argparse.Namespace, refs: References) -> Measure:
    """The measure of the first model, changed by --tgt and --tokenize. Without a model, --to or the references'
    script gives the language."""
    from nmt.metrics.measure import Measure

    model = first_config(options)
    config = model.metric if model else MetricConfig()
    if options.tokenize:
        config = replace(config, tokenize=options.tokenize)
    return Measure.of(config, languages_of(options)[1], (ref for column in refs for ref in column))


def order_note(refs: References) -> list[str]:
    """What a reader of a chrF score with several references must know."""
    if len(refs) < 2:
        return []
    return [f"of {len(refs)} references chrF takes each sentence's best, of equal ones the first, in the order given"]


def warn_of_cut(command: str, translations: Iterable[Translation], name: str = "") -> list[int]:
    """The lines whose sentence was cut before translation. Warns on stderr about them and about those longer than the
    model has learned."""
    by, found = f" by {name}" if name else "", list(translations)
    cut = _lines(one.truncated for one in found)
    for what, lines in (
        (f"too long, translated{by} without the end", cut),
        (f"translated{by}, {CROWDED}", _lines(one.crowded for one in found)),
        (f"translated{by}, {CUT}", _lines(any(part.is_part for part in one.sentences) for one in found)),
    ):
        if lines:
            more = f" and {len(lines) - 10} more" if lines[10:] else ""
            warn(command, f"{what}: line {', '.join(map(str, lines[:10]))}{more}")
    return cut


def _lines(have: Iterable[bool]) -> list[int]:
    """The numbers, from 1, of the true values."""
    return [line for line, has in enumerate(have, 1) if has]
