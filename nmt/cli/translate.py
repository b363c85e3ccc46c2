"""nmt-translate: a Unix filter. One line out for every line in, in order; only translations on stdout."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from nmt.answers import GROUP, Form, answers
from nmt.cli.documents import (
    COMMAND,
    STDOUT,
    add_file_options,
    groups_of_lines,
    kind_of,
    output,
    translate_document,
    warn_of_markup,
)
from nmt.cli.errors import Parser, command, warn
from nmt.cli.options import (
    MAX_WIDTH,
    REPETITION,
    SAMPLING,
    add_common,
    add_model,
    add_search_options,
    open_translator,
    up_to,
)
from nmt.cli.remarks import Remarks
from nmt.common.bars import Done, bar, is_seen, seen
from nmt.common.shown import shown
from nmt.common.signals import Signals
from nmt.common.stream import lines_left
from nmt.formats import TEXT

if TYPE_CHECKING:
    from nmt.translation.translator import Translator


def parser() -> Parser:
    parser = Parser(
        prog=COMMAND,
        description="Translate stdin: one line out for every line in, in order. A blank line gives an empty one, and "
        "a line without a letter is its own translation. Or translate a file, which keeps all but its text: -i, -o.",
    )
    add_model(parser)
    add_file_options(parser)
    add_search_options(parser)
    add_form_options(parser)
    parser.add_argument(
        "--languages", action="store_true", help="print what the model translates, a direction a line, and end"
    )
    add_common(parser)
    return parser


def add_form_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for the form of lines."""
    parser.add_argument(
        "--nbest",
        type=up_to(MAX_WIDTH),
        default=0,
        metavar="N",
        help="print lines `number ||| text ||| score`, up to N for an input line, the best first (samples as drawn). "
        "The number is that of the line, from 1 (Moses and Marian count from 0, and have a field of features, too). "
        "A line that is not searched, such as a blank one, has one, of score 0",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="print a JSON object for each line: text, score (what ranks: the normalised log-probability; of samples "
        "the log-probability; with --mbr the utility; of several sentences the mean), log_prob, estimated (whether "
        "both are estimates, because a shortlist leaves pieces out; --score is exact), tokens, alignment; with "
        "--split also sentences",
    )
    parser.add_argument(
        "--tags",
        action=argparse.BooleanOptionalAction,
        help='take XML and HTML tags (<b>, </b>, <x id="1"/>) out of the text, and put them back by the attention, '
        "each once and nested as before; &lt; and the like are translated as the characters that they stand for; "
        "default: as the model was trained, mostly off",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="report on stderr, line by line and in total, which tags, URLs, e-mail addresses, placeholders and "
        "numbers a translation lacks; with --json also under `lost`",
    )
    pairs = parser.add_mutually_exclusive_group()
    pairs.add_argument(
        "--prefix",
        action="store_true",
        help="lines are `source TAB beginning`: the translation begins so, and the rest is searched",
    )
    pairs.add_argument(
        "--score",
        action="store_true",
        help="lines are `source TAB translation`: print the translation's log-probability (natural logarithm, end "
        "included), in float32 over all pieces; with --json also of each piece",
    )


def main() -> None:
    """Entry point."""
    with command(parser()) as options, Signals() as signals:
        if options.languages:
            print("\n".join(map(shown, languages(options.model[0]))))
            return
        kind = kind_of(options)
        if kind != TEXT:
            options.keep.append("placeholders")  # kept like tags: documents often hold strings of a program
        translator, form = translator_and_form(options)
        from nmt.common.process import trim_memory
        from nmt.translation.workers import Workers

        if kind != TEXT:
            with seen(not options.quiet), Workers(translator, options.workers) as workers:
                translate_document(kind, options, workers, form)
            return
        with (
            following(options) as done,
            Workers(translator, options.workers, done) as workers,
            groups_of_lines(options.input) as groups,
            output(options.output) as file,
            Remarks(COMMAND, "line", options.split != "none") as remarks,  # no advice for an explicit "none"
        ):
            for group in groups:
                if group[0].number == 1:
                    warn_of_markup([line.text for line in group])
                found = list(answers(workers, group, form))
                for line, answer in zip(group, found, strict=True):
                    remarks.tell(line.number, [answer])
                finished = "".join(f"{text}\n" for answer in found for text in answer.lines).encode()
                with signals.held():  # a signal must not cut a line
                    file.write(finished)
                    file.flush()
                if group[-1].number // GROUP > (group[0].number - 1) // GROUP:
                    trim_memory()
            if options.check and not options.score:
                warn(COMMAND, remarks.check.summary)


@contextmanager
def following(options: argparse.Namespace) -> Iterator[Done]:
    """A bar that counts lines; not shown if lines are typed or translations are read on the terminal."""
    is_typed = options.input is None and os.isatty(sys.stdin.fileno())
    to_stdout = options.output in (None, STDOUT)
    if is_typed and not options.quiet:
        warn(COMMAND, "waiting for lines to translate; Ctrl-D ends")
    wanted = not options.quiet and not is_typed and not (to_stdout and os.isatty(1))
    with seen(wanted), bar("translating", number_of_lines(options.input) if is_seen() else None) as done:
        yield done


def number_of_lines(path: Path | None) -> int | None:
    """The number of lines of the input, if it is known in advance."""
    if path is None:
        return lines_left(sys.stdin.fileno())
    if path.suffix == ".gz" or not path.is_file():  # to open and close a pipe would end its writer
        return None
    with suppress(OSError), path.open("rb") as file:  # errors are reported when the file is read
        return lines_left(file.fileno())
    return None


def translator_and_form(options: argparse.Namespace) -> tuple[Translator, Form]:
    """The translator and the form of its output. Raises ValueError for contradictory options or an invalid model."""
    if options.score:
        refuse_search(options)
    if options.prefix and options.split == "sentences":
        raise ValueError("--prefix is how a whole translation begins; leave --split out")
    translator = open_translator(options)
    if options.nbest > translator.search.width:
        raise ValueError(
            f"--nbest {options.nbest} needs --beam-size {options.nbest} or --sample {options.nbest}, or more"
        )
    return translator, Form(**{field.name: getattr(options, field.name) for field in fields(Form)})


def languages(model: str) -> Iterator[str]:
    """A model's directions, with the scripts of the languages. Raises ValueError for an invalid model."""
    from nmt.bundle import load_config, model_folder

    config, _ = load_config(model_folder(model))
    named = {one: f"{one} ({config.scripts[one]})" for one in config.scripts}
    for one in config.every_direction.every:
        yield f"{one}  {named.get(one.src, one.src)} to {named.get(one.tgt, one.tgt)}"


def refuse_search(options: argparse.Namespace) -> None:
    """Raises ValueError for an option that has no effect with --score."""
    searching = ("beam_size", "sample", "mbr", "utility", "split", *SAMPLING, *REPETITION)
    names = [name for name in searching if getattr(options, name) not in (None, "none")]
    names += ["nbest"] * bool(options.nbest)
    if names:
        raise ValueError(f"--score searches nothing; leave --{names[0].replace('_', '-')} out")
