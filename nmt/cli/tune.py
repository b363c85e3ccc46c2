"""nmt-tune: searches for the best settings of nmt-train; several commands may share the search.

nmt-evaluate --tune is different: it finds how a finished model's beam should rank.
"""

from __future__ import annotations

from nmt.cli.errors import Parser, command
from nmt.cli.options import add_common, positive, up_to
from nmt.common.bars import seen
from nmt.common.shown import shown

COMMAND = "nmt-tune"
MAX_TRIALS = 100_000
FAILED = 1  # exit code if all trials failed


def parser() -> Parser:
    parser = Parser(
        prog=COMMAND,
        description="Search for the best settings of nmt-train. Each trial is a training, ended early if it is worse "
        "than others were. Give the same command again, here or on a machine that shares the folder, to work on the "
        "same study in parallel, or to resume it.",
        epilog="How a finished model should search is found by nmt-evaluate --tune.",
    )
    add = parser.add_argument
    add("overrides", nargs="*", metavar="KEY=VALUE", help="of nmt-train, for all trials; run= names the study")
    add(
        "--space",
        default="default",
        metavar="FILE",
        help="the settings to search: a YAML file, or default or architecture, which come with nmt (%(default)s); "
        "those that are overridden are not searched",
    )
    add("--trials", type=up_to(MAX_TRIALS), default=20, metavar="N", help="in total (%(default)s)")
    add("--sampler", choices=["tpe", "random"], default="tpe", help="chooses the next trial (%(default)s)")
    add(
        "--pruner",
        choices=["median", "hyperband", "none"],
        default="median",
        help="ends bad trials after a validation; median: those worse than the median of the others at that epoch, "
        "once five are complete (%(default)s)",
    )
    add("--prune-after", type=positive, default=1, metavar="N", help="epochs that every trial gets (%(default)s)")
    add("--seed", type=positive, default=1, metavar="N", help="of the search (%(default)s)")
    add("--config-dir", metavar="DIR", help="a folder with choices of your own, as for nmt-train")
    add_common(parser)
    return parser


def main() -> None:
    """Entry point."""
    with command(parser()) as options, seen(not options.quiet):
        from nmt.cli.trials import searched  # imports Optuna and Lightning: not for --help

        outcomes, lines = searched(options)
        print(shown("\n".join(lines), None, lines=True))
        if all(one.failed for one in outcomes):
            raise SystemExit(FAILED)
