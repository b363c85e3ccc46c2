"""nmt-translate-corpus: files in, a folder of parts out, exactly once, whichever processes die."""

from __future__ import annotations

import argparse
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from nmt.cli.errors import Parser, command, fail, warn, words_of
from nmt.cli.options import add_common, add_model, add_search_options, positive
from nmt.cli.translate import add_form_options, translator_and_form
from nmt.common.bars import bar, clock, is_seen, seen
from nmt.common.signals import Signals

if TYPE_CHECKING:
    from nmt.distribution.corpus_translation import Summary
    from nmt.distribution.folder import Record

COMMAND = "nmt-translate-corpus"
INCOMPLETE = 1  # exit code: lines failed, or the machine did
MAX_WARNINGS = 20  # about lines; the records of the parts have all of them
EVERY_S = 30.0  # between lines of progress if stderr is not a terminal


def parser() -> Parser:
    parser = Parser(
        prog=COMMAND,
        description="Translate files into a folder of parts, each of which is complete or absent. The same command "
        "resumes where it was killed, and several commands can share a folder.",
    )
    add = parser.add_argument
    add_model(parser)
    add(
        "--input",
        nargs="+",
        required=True,
        metavar="FILE",
        help="text, .tsv or .parquet; text and TSV also as .gz or .zst; or a quoted pattern, for all that match",
    )
    add("--output", required=True, metavar="FOLDER", help="of the parts; it may exist already")
    add("--join", metavar="FILE", help="at the end write all parts, in order, as one file")
    add("--column", metavar="NAME", help="the column of a table to translate, by name, or number from 1")
    add(
        "--format",
        choices=["text", "tsv", "parquet"],
        help="of the output: translations only, or the input with another column; default: as the input",
    )
    add("--compress", choices=["gz", "zst"], help="compress the parts, if they are text or TSV")
    add("--name", help="of the new column; default: the code of the target language")
    add("--lines-per-part", type=positive, metavar="N", help="of input; a kill costs each worker one part (20480)")
    add("--part", type=share, default=(0, 1), metavar="K/N", help="do one share of N, K from 0 on, as in a job array")
    add("--engine", choices=["processes", "dask", "ray"], default="processes", help="of workers (%(default)s)")
    add(
        "--scheduler",
        "--address",
        dest="address",
        metavar="ADDRESS",
        help="of Dask, such as tls://host:8786, or of Ray, such as auto; default: start the engine here",
    )
    add_form_options(parser)
    add_search_options(parser)
    add_common(parser)
    return parser


def share(text: str) -> tuple[int, int]:
    which, of = map(int, text.split("/"))
    if of < 1:
        raise ValueError
    if not 0 <= which < of:
        raise argparse.ArgumentTypeError(f"{text} is no share; of {of} they are 0/{of} to {of - 1}/{of}")
    return which, of


def main() -> None:
    """Entry point."""
    with command(parser()) as options, Signals():
        translator, form = translator_and_form(options)
        from nmt.distribution.corpus_translation import translate_corpus
        from nmt.distribution.plan import LINES, Layout

        lines = options.lines_per_part or LINES
        layout = Layout(options.column, options.format, options.compress or "", options.name, lines)
        with seen(not options.quiet), ExitStack() as shown:
            progress = ProgressReport(shown, options.quiet)
            try:
                summary = translate_corpus(
                    translator,
                    options.input,
                    options.output,
                    form=form,
                    layout=layout,
                    engine=options.engine,
                    workers=options.workers,
                    address=options.address,
                    share=options.part,
                    join_to=options.join,
                    begin=progress.begin,
                    report=progress.done,
                )
            except OSError as error:
                fail(COMMAND, words_of(error), INCOMPLETE)
        tell(summary, Path(options.output), options.quiet)


def tell(summary: Summary, folder: Path, quiet: bool) -> None:
    """Print a summary on stderr, unless `quiet`. Exit code 1 if lines have failed."""
    now, seconds = summary.lines - summary.before, max(summary.seconds, 1e-9)
    parts = f"{summary.parts:,} part{'s' * (summary.parts != 1)}"
    before = f", {summary.before:,} of them before" if summary.before else ""
    if not quiet:
        warn(
            COMMAND,
            f"{summary.lines:,} lines in {parts}{before}; {seconds:.0f} s, {now / seconds:,.0f} lines/s; "
            f"by parts: {folder / 'summary.tsv'}",
        )
    if summary.failed:
        what = f"{summary.failed:,} lines cannot be translated and are empty; {folder / 'failed.jsonl'} names them"
        fail(COMMAND, what, INCOMPLETE)


class ProgressReport:
    """Progress, as a bar on a terminal or as lines elsewhere, and warnings about input."""

    def __init__(self, shown: ExitStack, quiet: bool) -> None:
        """The bar stays until `shown` is closed."""
        self.shown, self.quiet = shown, quiet
        self.lines = self.before = self.warned = self.total = 0
        self.start = self.told = time.monotonic()

    def begin(self, lines: int) -> None:
        """Start with the number of this command's lines."""
        self.total, self.start = lines, time.monotonic()
        self.update = self.shown.enter_context(bar("translating", lines))

    def done(self, record: Record, before: bool) -> None:
        self.lines += record.lines
        self.update(record.lines)
        if before:
            self.before += record.lines
        else:
            self.warn_of(record)
            self.tell()

    def warn_of(self, record: Record) -> None:
        lines = sorted((number, what) for what, numbers in record.faults.items() for number in numbers)
        for number, what in lines[: max(MAX_WARNINGS - self.warned, 0)]:
            warn(COMMAND, f"line {number}: {what}")
        if self.warned <= MAX_WARNINGS < self.warned + len(lines):
            warn(COMMAND, "further such lines are only in the folder done/ of the output")
        self.warned += len(lines)

    def tell(self) -> None:
        now = time.monotonic()
        if not self.quiet and not is_seen() and now - self.told >= EVERY_S:
            speed = max((self.lines - self.before) / (now - self.start), 1e-9)
            left = clock((self.total - self.lines) / speed)
            self.told = now
            warn(COMMAND, f"{self.lines:,} of {self.total:,} lines, {speed:,.0f} lines/s, {left} left")
