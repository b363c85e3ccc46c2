"""nmt-translate: a Unix filter. One line out for every line in, in order; only translations on stdout."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nmt import __version__
from nmt.cli.errors import Parser, one_line_errors
from nmt.stream import Line, read_groups

if TYPE_CHECKING:
    from nmt.search import Search
    from nmt.translator import Translation, Translator
    from nmt.workers import Workers

COMMAND = "nmt-translate"
GROUP = 2048  # lines sorted by length together


def parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog=COMMAND,
        description="Translate stdin: one line out for every line in, in order. An empty line stays empty.",
    )
    add_model(parser)
    add_search_options(parser)
    parser.add_argument(
        "--nbest", type=positive, default=0, metavar="N", help="lines `number ||| text ||| score`, N a line"
    )
    parser.add_argument("--json", action="store_true", help="a JSON object a line: text, score, tokens, alignment")
    parser.add_argument("--version", action="version", version=f"nmt {__version__}")
    return parser


def add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model", nargs="+", metavar="MODEL", help="a model directory, such as runs/demo/model; several: an ensemble"
    )


def add_search_options(parser: argparse.ArgumentParser) -> None:
    """What all commands that translate share."""
    parser.add_argument(
        "--beam-size", type=positive, metavar="K", help="1 is greedy search; default: the model's own"
    )
    parser.add_argument(
        "--batch-size", type=positive, metavar="N", help="sentences at once; default: as many as are fast"
    )
    parser.add_argument(
        "--compute",
        choices=["auto", "float32", "bfloat16", "int8"],
        default="auto",
        help="precision of matrix products; auto is the fastest that this machine has",
    )
    parser.add_argument(
        "--shortlist", choices=["on", "off"], default="on", help="search likely pieces alone, or all (%(default)s)"
    )
    parser.add_argument(
        "--workers", type=positive, metavar="N", help="processes that share the work; default: one a core"
    )
    parser.add_argument("--threads", type=positive, metavar="N", help="of one process (1)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N (%(default)s)")


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def open_translator(options: argparse.Namespace) -> Translator:
    """The translator that the options ask for. Raises ValueError when the model is not sound."""
    from nmt.process import tune_process

    tune_process()
    import torch

    from nmt.translator import Translator

    torch.set_num_threads(options.threads or 1)
    translator = Translator.load(options.model, options.device, options.compute, options.shortlist == "on")
    if options.beam_size is not None:
        translator.search = with_beam_size(translator.search, options.beam_size)
    return translator


def with_beam_size(own: Search, beam_size: int) -> Search:
    """The model's own search with another beam."""
    from nmt.search import Beam, Greedy

    if beam_size == 1:
        return Greedy(own.max_ratio, own.max_extra)
    return replace(own if isinstance(own, Beam) else Beam(own.max_ratio, own.max_extra), beam_size=beam_size)


def main() -> None:
    """Entry point."""
    options = parser().parse_args()
    with one_line_errors(COMMAND):
        translator = open_translator(options)
        from nmt.process import trim_memory
        from nmt.workers import Workers

        if options.nbest > getattr(translator.search, "beam_size", 1):
            raise ValueError(f"--nbest {options.nbest} needs --beam-size {options.nbest} or more")
        with Workers(translator, options.workers) as workers:
            for group in read_groups(sys.stdin.fileno(), GROUP):
                for text in answers(workers, group, options):
                    sys.stdout.buffer.write(text.encode() + b"\n")
                sys.stdout.buffer.flush()
                if len(group) == GROUP:
                    trim_memory()


def answers(workers: Workers, group: list[Line], options: argparse.Namespace) -> Iterator[str]:
    """The output lines for a group of input lines; what was wrong with them goes to stderr."""
    translations = workers.translate(
        [line.text for line in group],
        nbest=options.nbest,
        alignment=options.json,
        plain=not options.json and not options.nbest,
        batch_size=options.batch_size,
    )
    for line, translation in zip(group, translations, strict=True):
        fault = "too long; its end is left out" if translation.truncated else line.fault
        if fault:
            print(f"{COMMAND}: line {line.number}: {fault}", file=sys.stderr)
        yield from formatted(line.number, translation, options)


def formatted(number: int, translation: Translation, options: argparse.Namespace) -> Iterator[str]:
    if options.json:
        yield json.dumps(as_json(translation), ensure_ascii=False)
    elif options.nbest:
        for one in translation.alternatives or (translation,):
            yield f"{number} ||| {one.text} ||| {one.score:.4f}"
    else:
        yield translation.text


def as_json(translation: Translation) -> dict[str, Any]:
    data: dict[str, Any] = {
        "text": translation.text,
        "score": translation.score,
        "tokens": translation.tokens,
        "src_tokens": translation.src_tokens,
        "alignment": translation.alignment,
    }
    if translation.alternatives:
        data["nbest"] = [as_json(one) for one in translation.alternatives]
    return data
