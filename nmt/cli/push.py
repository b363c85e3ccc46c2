"""nmt-push: uploads a model directory to the hub, where nmt.load("hf://user/model") finds it."""

from __future__ import annotations

from nmt.cli.errors import Parser, command
from nmt.cli.options import add_common
from nmt.common.bars import seen

COMMAND = "nmt-push"


def parser() -> Parser:
    parser = Parser(
        prog=COMMAND,
        description="Upload a model directory to the hub, with a model card that says its languages, licence and "
        "scores. HF_TOKEN or `hf auth login` says who you are.",
    )
    parser.add_argument("model", metavar="MODEL", help="a model directory, such as runs/demo/model")
    parser.add_argument("repository", metavar="USER/MODEL", help="its name there; made if it is not there")
    parser.add_argument("--license", required=True, metavar="ID", help="such as apache-2.0, cc-by-4.0, other")
    parser.add_argument("--private", action="store_true", help="if it is made, only you see it")
    parser.add_argument("--revision", metavar="BRANCH", help="where to; default: main")
    add_common(parser)
    return parser


def main() -> None:
    """Entry point."""
    with command(parser()) as options, seen(not options.quiet):
        from nmt.publishing import push

        print(push(options.model, options.repository, options.license, options.private, options.revision))
