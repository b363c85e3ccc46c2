"""nmt-train: a Hydra app. `nmt-train --help` lists the choices, `nmt-train --cfg job` what they come to."""

from __future__ import annotations

import logging
import os
import sys
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf.errors import OmegaConfBaseException

from nmt.cli.errors import fail, one_line_errors
from nmt.cli.schema import register, to_run_config
from nmt.resources import resource

COMMAND = "nmt-train"


def main() -> None:
    """Entry point."""
    register()
    # Hydra prints errors of a job itself, over many lines, unless it is told to raise them.
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")
    job = hydra.main(version_base="1.3", config_path=str(resource("conf")), config_name="train")(run)
    try:
        with one_line_errors(COMMAND):
            job()
    except (HydraException, OmegaConfBaseException) as error:
        fail(COMMAND, str(error))


def run(composed: Any) -> float:
    """One training; returns its best validation BLEU, for sweepers."""
    from nmt.train import train  # torch and lightning: not for --help

    config = to_run_config(composed)
    if HydraConfig.get().mode == RunMode.MULTIRUN and config.trainer.strategy == "ddp":
        raise ValueError("trainer.strategy=ddp does not go with a sweep (-m); start its runs one by one")
    logging.getLogger("nmt").setLevel(logging.INFO)
    result = train(config)
    if int(os.environ.get("LOCAL_RANK", 0)) == 0:
        print(f"{result.model_dir}  validation BLEU {result.bleu:.2f}", file=sys.stderr)
    return result.bleu
