"""nmt-inspect: where a model looks while it translates a sentence, as a picture."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from nmt import __version__
from nmt.cli.errors import Parser, one_line_errors

COMMAND = "nmt-inspect"


def parser() -> argparse.ArgumentParser:
    parser = Parser(prog=COMMAND, description="Draw the attention of a model while it translates one sentence.")
    parser.add_argument("model", metavar="MODEL", help="a model directory, such as runs/demo/model")
    parser.add_argument("sentence", nargs="?", help="default: the first line of stdin")
    parser.add_argument("--output", type=Path, default=Path("attention.png"), metavar="FILE", help="png, svg or pdf")
    parser.add_argument("--version", action="version", version=f"nmt {__version__}")
    return parser


def main() -> None:
    """Entry point."""
    options = parser().parse_args()
    with one_line_errors(COMMAND):
        from nmt.inspection import attention_of, draw_attention
        from nmt.translator import Translator

        translator = Translator.load(options.model)
        sentence = sys.stdin.readline() if options.sentence is None else options.sentence
        src, tgt, weights = attention_of(translator, sentence.strip())
        draw_attention(src, tgt, weights, options.output)
        print(options.output)
