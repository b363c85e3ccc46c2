"""nmt-inspect: shows what a model does while it translates, as pictures, an HTML page, numbers or an alignment."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nmt.answers import TOO_LONG
from nmt.cli.errors import Parser, command, warn
from nmt.cli.options import add_common, add_direction
from nmt.common.bars import bar, map_counted, seen, tracked
from nmt.common.files import output_at
from nmt.common.json_text import to_json
from nmt.common.stream import REPLACED, read_groups, valid
from nmt.data.readers import read_lines
from nmt.hub import is_remote

if TYPE_CHECKING:
    from nmt.translation.translator import Translator

COMMAND = "nmt-inspect"
PARTS = ("attention", "gates", "gradients", "search")
HARD = "hard"


def parser() -> Parser:
    parser = Parser(
        prog=COMMAND,
        description="Show what a model does while it translates a sentence: where it attends, its gates and states "
        "over time, how long its units remember, how far back its gradients reach, and what the search considered.",
    )
    add = parser.add_argument
    add("model", metavar="MODEL", help="a model directory, such as runs/demo/model")
    add_direction(parser)
    add("sentence", nargs="?", help="default: of --src, or the first line of stdin")
    add("--src", type=Path, metavar="FILE", help="take the sentence from a file, one a line")
    add("--ref", type=Path, metavar="FILE", help="look at these translations instead of the model's")
    add("--line", type=int, metavar="N", help="which line of the files (1)")
    add("--output", type=Path, metavar="FILE", help="html has everything; png, svg, pdf (default: attention.png)")
    add("--show", nargs="+", choices=PARTS, metavar="PART", help=f"{', '.join(PARTS)}; default: attention, html: all")
    add("--beside", nargs="+", default=[], metavar="MODEL", help="other models for the picture of the gradients")
    add("--json", action="store_true", help="print the numbers instead of drawing them")
    add(
        "--alignment",
        nargs="?",
        const=HARD,
        metavar="WEIGHT",
        help="print word alignments in Pharaoh format, a line a sentence; with a WEIGHT the pairs of at least that "
        "attention, each with its own",
    )
    add_common(parser)
    return parser


def main() -> None:
    """Entry point."""
    with command(parser()) as options:
        check(options)
        if options.sentence is None and not options.src and os.isatty(sys.stdin.fileno()) and not options.quiet:
            warn(COMMAND, "waiting for a sentence")
        srcs, refs = sentences(options)
        from nmt.translation.translator import Translator

        # The precision of training: the fast path's rounding would be visible in every picture.
        translator = Translator.load(options.model, compute="float32", shortlist=False)
        translator.direction = translator.directions.chosen(options.to, options.from_)
        with seen(not options.quiet and not (options.alignment is not None and os.isatty(1))):
            if options.alignment is not None:
                print_alignments(translator, srcs, refs, options.alignment)
            else:
                look(translator, srcs, refs, options)


def check(options: argparse.Namespace) -> None:
    """Raises ValueError for options without effect, and for a model given as a sentence."""
    if options.json and options.output:
        raise ValueError("--json prints the numbers and writes no file; leave --output out")
    others = {name: getattr(options, name) for name in ("json", "show", "output", "beside")}
    for name, given in (others | {"line": options.line is not None}).items():
        if given and options.alignment is not None:
            raise ValueError(f"--alignment prints the words of all lines and no more; leave --{name} out")
    if options.sentence and is_model(options.sentence):
        raise ValueError(
            f"{options.sentence} is a model, not a sentence; one model is looked at, and --beside takes others"
        )


def is_model(text: str) -> bool:
    """Whether a text, not empty, names a model directory, local or on the hub."""
    from nmt.bundle import CONFIG

    if is_remote(text):
        return len(text.split()) == 1
    try:
        return (Path(text) / CONFIG).is_file()
    except OSError:  # too long for a name
        return False


def sentences(options: argparse.Namespace) -> tuple[list[str], list[str] | None]:
    """The sources, and their translations if given. Raises ValueError for files that do not match."""
    if options.sentence is not None and options.src:
        raise ValueError("give a sentence or --src, not both")
    if options.sentence is not None:
        srcs = [valid(options.sentence)]
        if srcs != [options.sentence]:
            warn(COMMAND, REPLACED)
    else:
        srcs = list(read_lines(options.src)) if options.src else [first_line()]
    refs = list(read_lines(options.ref)) if options.ref else None
    if refs is not None and len(refs) != len(srcs):
        raise ValueError(f"there are {len(srcs)} sentences but {options.ref} has {len(refs)} lines")
    return [src.strip() for src in srcs], refs


def first_line() -> str:
    """The first line of stdin, as nmt-translate would read it."""
    for line, *_ in read_groups(sys.stdin.fileno(), 1):
        if line.fault:
            warn(COMMAND, line.fault)
        return line.text
    return ""


def look(translator: Translator, srcs: list[str], refs: list[str] | None, options: argparse.Namespace) -> None:
    from nmt.inspection import inspect_sentence, sections
    from nmt.translation.translator import Translator

    line = 1 if options.line is None else options.line
    if not 1 <= line <= len(srcs):
        raise ValueError(f"--line is {line}, but there are {len(srcs)} lines")
    output = options.output or Path("attention.png")
    everything = options.json or output.suffix.lower() in (".html", ".htm")
    parts = options.show or (PARTS if everything else PARTS[:1])
    if options.beside and "gradients" not in parts:
        raise ValueError("--beside is for the gradients; add --show gradients, --json or --output FILE.html")
    beside = {name: Translator.load(name, compute="float32", shortlist=False) for name in options.beside}
    for name, other in beside.items():
        try:
            other.direction = other.directions.chosen(options.to, options.from_)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    ref = None if refs is None else refs[line - 1]
    found = inspect_sentence(translator, srcs[line - 1], parts, ref, beside)
    if found["truncated"]:
        warn(COMMAND, f"line {line}: {TOO_LONG}")
    if options.json:
        print(to_json(found))
        return
    from nmt.pictures.charts import Table
    from nmt.pictures.draw import save
    from nmt.pictures.page import to_html

    shown = sections(found)
    if everything:
        text = to_html(f"{found['src']} → {found['tgt']}", shown)
        with output_at(output) as file:
            file.write(text.encode())
    else:
        charts: list[Any] = [chart for section in shown for chart in section.charts if not isinstance(chart, Table)]
        if not charts:
            raise ValueError("the model has no attention to show (attention=none)")
        save(charts, output)
    print(output)


def print_alignments(translator: Translator, srcs: list[str], refs: list[str] | None, weight: str) -> None:
    from nmt.inspection.alignment import align, pharaoh

    threshold, tgts = None if weight == HARD else number(weight), refs
    if tgts is None:
        with bar("translating", len(srcs)) as done:
            tgts = [one.text for one in translator.translate(srcs, each=partial(map_counted, done))]
    cut: list[int] = []
    for line, found in enumerate(tracked(align(translator, srcs, tgts), "aligning", len(srcs)), 1):
        print(pharaoh(found.weights, threshold))
        cut += [line] * found.is_cut
    for line in cut:
        warn(COMMAND, f"line {line}: {TOO_LONG}")


def number(text: str) -> float:
    with suppress(ValueError):
        if 0 <= float(text) <= 1:
            return float(text)
    raise ValueError(f"--alignment is {text!r}; it takes a weight between 0 and 1, or nothing")
