"""nmt-export: converts a model for other programs, or into one that starts faster."""

from __future__ import annotations

import argparse
from pathlib import Path

from nmt.cli.errors import Parser, command, warn
from nmt.cli.options import add_common

COMMAND = "nmt-export"


def parser() -> Parser:
    parser = Parser(
        prog=COMMAND,
        description="Write a model in another form. onnx: two graphs that onnxruntime runs, with pieces, a "
        "description, and a program and a page that translate without nmt. int8: a model directory of packed "
        "weights, smaller, for nmt alone.",
    )
    parser.add_argument("model", nargs="+", metavar="MODEL", help="a model directory, such as runs/demo/model")
    parser.add_argument("--to", choices=["onnx", "int8"], required=True, help="the form")
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER", help="where its files go")
    parser.add_argument("--int8", action="store_true", help="of onnx: products in bytes, a quarter of the size")
    add_common(parser)
    return parser


def main() -> None:
    """Entry point."""
    with command(parser()) as options:
        if options.model[1:]:
            raise ValueError("an ensemble has no form of its own; export each of its models")
        again = options.output.is_dir() and any(options.output.iterdir())  # files of an earlier export
        sizes = exported(options)
        if not options.quiet:
            warn(
                COMMAND,
                f"{options.output}{', over an earlier export' * again}: "
                + ", ".join(f"{name} {size:,}" for name, size in sizes.items())
                + " bytes",
            )


def exported(options: argparse.Namespace) -> dict[str, int]:
    """The exported files, with their sizes in bytes. Raises ValueError."""
    if options.to == "onnx":
        from nmt.export.folder import export_onnx

        return export_onnx(options.model[0], options.output, options.int8)
    from nmt.bundle import save_packed

    if options.int8:
        raise ValueError("--int8 is an option of --to onnx")
    return save_packed(options.model[0], options.output)
