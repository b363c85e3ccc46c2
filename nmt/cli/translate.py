"""nmt-translate: a Unix filter. One line out for every line in, in order; only translations on stdout."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from nmt import __version__
from nmt.cli.errors import Parser, one_line_errors, warn
from nmt.cli.options import (
    MAX_WIDTH,
    REPETITION,
    SAMPLING,
    add_model,
    add_search_options,
    open_translator,
    up_to,
)
from nmt.cli.streams import prepare_streams
from nmt.json_text import to_json
from nmt.signals import Signals
from nmt.stream import Line, read_groups

if TYPE_CHECKING:
    from nmt.translation import Translation
    from nmt.workers import Workers

COMMAND = "nmt-translate"
GROUP = 2048  # lines sorted by length together


def parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog=COMMAND,
        description="Translate stdin: one line out for every line in, in order. A blank line gives an empty one, and "
        "a line without a letter is its own translation.",
    )
    add_model(parser)
    add_search_options(parser)
    parser.add_argument(
        "--nbest",
        type=up_to(MAX_WIDTH),
        default=0,
        metavar="N",
        help="lines `number ||| text ||| score`, up to N for a line, the best first; the number is that of the line, "
        "from 1 (Moses and Marian count from 0, and have a field more, of features); what is not searched, such as a "
        "blank line, has one, of score 0",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="a JSON object a line: text, score (which ranks: the log-probability by the length, as the model's "
        "search says; of samples the log-probability; with --mbr the utility), log_prob, estimated (whether both are "
        "no more than that, since a shortlist leaves pieces out; --score is exact), tokens, alignment",
    )
    pairs = parser.add_mutually_exclusive_group()
    pairs.add_argument(
        "--prefix",
        action="store_true",
        help="a line is `source TAB beginning`; the translation begins so, and the rest is searched",
    )
    pairs.add_argument(
        "--score",
        action="store_true",
        help="a line is `source TAB translation`; print its log-probability (natural logarithm, end included), in "
        "float32 over all pieces; with --json also of each piece",
    )
    parser.add_argument("--version", action="version", version=f"nmt {__version__}")
    return parser


def main() -> None:
    """Entry point."""
    prepare_streams()
    with one_line_errors(COMMAND), Signals() as signals:
        options = parser().parse_args()
        if options.score:
            refuse_search(options)
        translator = open_translator(options)
        from nmt.process import trim_memory
        from nmt.workers import Workers

        if options.nbest > translator.search.width:
            raise ValueError(
                f"--nbest {options.nbest} needs --beam-size {options.nbest} or --sample {options.nbest}, or more"
            )
        with Workers(translator, options.workers) as workers:
            for group in read_groups(sys.stdin.fileno(), GROUP):
                finished = "".join(f"{text}\n" for text in answers(workers, group, options)).encode()
                with signals.held():  # a signal cuts no line
                    sys.stdout.buffer.write(finished)
                    sys.stdout.buffer.flush()
                if group[-1].number // GROUP > (group[0].number - 1) // GROUP:
                    trim_memory()


def refuse_search(options: argparse.Namespace) -> None:
    """Raises ValueError for an option that --score would not look at."""
    searching = ("beam_size", "sample", "mbr", "utility", *SAMPLING, *REPETITION)
    names = [name for name in searching if getattr(options, name) is not None] + ["nbest"] * bool(options.nbest)
    if names:
        raise ValueError(f"--score searches nothing; leave --{names[0].replace('_', '-')} out")


def answers(workers: Workers, group: list[Line], options: argparse.Namespace) -> Iterator[str]:
    """The output lines for a group of input lines; what was wrong with them goes to stderr."""
    lines = [pair(line, options) for line in group]
    srcs, tgts = [line.text for line, _ in lines], [tgt for _, tgt in lines]
    if options.score:
        translations = workers.score(srcs, tgts, batch_size=options.batch_size)
    else:
        translations = workers.translate(
            srcs,
            nbest=options.nbest,
            alignment=options.json,
            plain=not options.json and not options.nbest,
            batch_size=options.batch_size,
            prefixes=tgts if options.prefix else None,
        )
    for (line, _), translation in zip(lines, translations, strict=True):
        fault = "too long; its end is left out" if translation.truncated else line.fault
        if fault:
            warn(COMMAND, f"line {line.number}: {fault}")
        yield from formatted(line.number, translation, options)


def pair(line: Line, options: argparse.Namespace) -> tuple[Line, str]:
    """The source, and what is given of the target."""
    if not options.score and not options.prefix:
        return line, ""
    src, tab, tgt = line.text.partition("\t")
    fault = line.fault if tab or options.prefix else "no TAB; its translation is taken for empty"
    return Line(line.number, src, fault), tgt


def formatted(number: int, translation: Translation, options: argparse.Namespace) -> Iterator[str]:
    if options.json:
        yield to_json(as_json(translation))
    elif options.score:
        yield f"{translation.log_prob:.4f}"
    elif options.nbest:
        for one in translation.alternatives or (translation,):
            yield f"{number} ||| {one.text} ||| {one.score:.4f}"
    else:
        yield translation.text


def as_json(translation: Translation) -> dict[str, Any]:
    data: dict[str, Any] = {
        "text": translation.text,
        "score": translation.score,
        "log_prob": translation.log_prob,
        "estimated": translation.estimated,
        "tokens": translation.tokens,
        "src_tokens": translation.src_tokens,
        "alignment": translation.alignment,
    }
    if translation.token_log_probs:
        del data["alignment"]
        data["token_log_probs"] = translation.token_log_probs
    if translation.alternatives:
        data["nbest"] = [as_json(one) for one in translation.alternatives]
    return data
