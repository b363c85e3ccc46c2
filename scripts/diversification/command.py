"""The command line of scripts/diversify."""

from __future__ import annotations

import argparse
import subprocess
from pathlib import Path

from diversification.recipe import Recipe, link_sources, link_text
from diversification.report import card_of, planned
from diversification.runner import STAGES, Runner, by_module, known
from nmt.cli.errors import Parser, command, fail
from nmt.common.files import write_atomically
from nmt.common.signals import Signals

COMMAND = "diversify"
CARD = "card.md"


def parser(usage: str) -> Parser:
    parser = Parser(prog=COMMAND, description=usage, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("src", metavar="SRC")
    parser.add_argument("tgt", metavar="TGT")
    parser.add_argument("overrides", nargs="*", metavar="OVERRIDE", help="of every training")
    parser.add_argument("--last", nargs="+", default=[], metavar="OVERRIDE", help="of the last model alone")
    parser.add_argument(
        "--risk",
        nargs="+",
        default=[],
        metavar="OVERRIDE",
        help="the last model goes on with the real text, with these beside those of --last",
    )
    parser.add_argument("--models", type=int, default=2, metavar="N", help="of either direction (%(default)s)")
    parser.add_argument("--work", type=Path, default=Path("runs/diversified"), metavar="FOLDER", help="(%(default)s)")
    parser.add_argument("--plan", choices=["yes", "only", "no"], default="yes", help="told first (%(default)s)")
    return parser


def main(usage: str) -> None:
    with command(parser(usage)) as options, Signals():
        folder, src, tgt = options.folder.resolve(), options.src, options.tgt
        for name in (f"{split}.{language}" for split in ("train", "valid") for language in (src, tgt)):
            if not (folder / name).exists():
                fail(COMMAND, f"there is no {folder / name}")
        recipe = Recipe(folder, src, tgt, options.overrides, options.last, options.risk, options.models, options.work)
        check_settings(recipe)
        link_text(recipe)
        if options.plan != "no":
            print(planned(recipe), flush=True)
        if options.plan != "only":
            carry_out(recipe)


def check_settings(recipe: Recipe) -> None:
    """Report a typo now, not after hours."""
    overrides = *recipe.overrides, *recipe.last, *recipe.risk  # without init, which does not exist yet
    training = by_module(recipe.training(recipe.src, recipe.tgt, "last", *overrides))
    if code := subprocess.run([*training, "--cfg", "job"], stdout=subprocess.DEVNULL, check=False).returncode:
        raise SystemExit(code)


def carry_out(recipe: Recipe) -> None:
    runner = Runner(recipe.work, known(recipe.work / STAGES))
    for stage in recipe.stages():
        if not runner.run(stage):
            raise SystemExit(1)  # the work of finished commands is kept
        if stage.kind == "translation":
            link_sources(recipe)
    card = card_of(recipe, runner.taken)
    write_atomically(recipe.work / CARD, f"{card}\n".encode())
    print(card)
