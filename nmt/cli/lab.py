"""nmt-lab: experiments with recurrent cells, each a Hydra config, conf/lab_*.yaml."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import hydra
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from nmt import __version__
from nmt.cli.errors import fail, one_line_errors
from nmt.cli.schema import register, to_plain
from nmt.cli.streams import prepare_streams
from nmt.cli.train import show_log
from nmt.resources import resource

COMMAND = "nmt-lab"
ABOUT = {
    "memory": "adding problem, temporal order, copying, Reber's grammar, timing: score against lag",
    "gradients": "how gradients vanish and explode over distance, untrained and trained, clipped or not",
    "translation": "real translation: cells, attentions and decoders at equal parameters, with significance",
    "report": "one page of all that was run: what is the difference between an RNN and an LSTM?",
}
VARIED = {"cell": "cells", "attention": "attentions", "decoder": "decoders"}  # what "translation" has lists of
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
    arguments = sys.argv[1:]
    if arguments in (["--help"], ["-h"]):
        print(USAGE)
        return
    if "--version" in arguments:
        print(f"nmt {__version__}")
        return
    if not arguments or arguments[0] not in ABOUT:
        given = f"{arguments[0]!r} is no experiment" if arguments else "no experiment is given"
        fail(COMMAND, f"{given}; choose one of: {', '.join(ABOUT)} (see --help)")
    experiment = arguments[0]
    for key, _, value in (argument.partition("=") for argument in arguments[1:]):
        if experiment == "translation" and key in VARIED:
            fail(COMMAND, f"{key}={value} is one of several here; say {VARIED[key]}=[{value}]")
    sys.argv = [sys.argv[0], *arguments[1:]]
    register()
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")
    job = hydra.main(version_base="1.3", config_path=str(resource("conf")), config_name=f"lab_{experiment}")(
        lambda composed: run(experiment, composed)
    )
    try:
        job()
    except (HydraException, OmegaConfBaseException) as error:
        fail(COMMAND, str(error))


def run(experiment: str, composed: Any) -> None:
    with one_line_errors(COMMAND):
        from nmt.lab import configured, page_of
        from nmt.pictures.page import to_text

        show_log()
        config, work = configured(experiment, to_plain(composed))
        sections = work(config)
        page = page_of(experiment, sections, Path(config.lab_dir))
        print(to_text(sections))
        print(page)
