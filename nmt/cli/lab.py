"""nmt-lab: experiments with recurrent cells, each with a Hydra config, conf/lab_*.yaml."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from nmt import __version__
from nmt.cli.errors import one_line_errors
from nmt.cli.streams import prepare_streams
from nmt.common.bars import seen
from nmt.common.log_lines import show_log
from nmt.common.signals import Signals
from nmt.common.suggestions import did_you_mean

COMMAND = "nmt-lab"
ABOUT = {
    "memory": "adding problem, temporal order, copying, Reber's grammar, timing: score against lag",
    "gradients": "how gradients vanish and explode over distance, untrained and trained, clipped or not",
    "translation": "real translation: cells, attentions and decoders at equal parameters, with significance",
    "report": "one page of all that was run: what is the difference between an RNN and an LSTM?",
}
VARIED = {"cell": "cells", "attention": "attentions", "decoder": "decoders"}  # lists in "translation"
USAGE = "\n".join(
    [
        f"usage: {COMMAND} EXPERIMENT [KEY=VALUE ...]",
        "",
        *(f"  {name:12} {about}" for name, about in ABOUT.items()),
        "",
        f"`{COMMAND} EXPERIMENT --cfg job` prints its settings; the same command continues an interrupted one.",
        f"  {COMMAND} memory cells=[rnn,lstm] seeds=5",
    ]
)


def main() -> None:
    """Entry point."""
    prepare_streams()
    with one_line_errors(COMMAND):
        arguments = sys.argv[1:]
        if arguments in (["--help"], ["-h"], ["--version"]):
            print(f"nmt {__version__}" if arguments == ["--version"] else USAGE)
            return
        if arguments[:1] == ["-sc"]:
            arguments = to_complete(arguments)
        experiment, overrides = "".join(arguments[:1]), arguments[1:]
        if experiment not in ABOUT:
            given = f"{experiment!r} is no experiment" if arguments else "no experiment is given"
            near = did_you_mean(experiment, ABOUT) or ";"
            raise ValueError(f"{given}{near} choose one of: {', '.join(ABOUT)} (see --help)")
        for key, _, value in (override.partition("=") for override in overrides):
            if experiment == "translation" and key in VARIED:
                raise ValueError(f"{key}={value} is one of several here; say {VARIED[key]}=[{value}]")
        sys.argv = [sys.argv[0], *overrides]
        from nmt.cli.app import run_app

        run_app(COMMAND, f"lab_{experiment}", lambda composed, quiet, _: run(experiment, composed, quiet))


def to_complete(arguments: list[str]) -> list[str]:
    """The arguments for Hydra's shell completion, with the experiment taken out of the line. Without an experiment,
    prints the experiments and exits."""
    command, _, line = os.environ.get("COMP_LINE", "").partition(" ")
    experiment, blank, rest = line.lstrip().partition(" ")
    if "query=bash" in arguments and not (blank and experiment in ABOUT):
        print(*ABOUT)
        raise SystemExit
    os.environ["COMP_LINE"] = f"{command} {rest}"
    return [experiment or next(iter(ABOUT)), *arguments]


def run(experiment: str, composed: Any, quiet: bool = False) -> None:
    with one_line_errors(COMMAND):
        from nmt.cli.schema import to_plain
        from nmt.common.extras import check_installed
        from nmt.lab import configured, page_of
        from nmt.pictures.page import to_text

        show_log(quiet)
        config, work = configured(experiment, to_plain(composed))
        check_installed("matplotlib")  # draws the page in the end
        with seen(not quiet), Signals():  # the exception that a signal raises ends an experiment's processes
            sections = work(config)
        page = page_of(experiment, sections, Path(config.lab_dir))
        print(to_text(sections))
        print(page)
