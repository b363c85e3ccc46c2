"""The settings of a run that is measured."""

from __future__ import annotations

from hydra import compose, initialize_config_dir
from hydra.errors import HydraException

from nmt.cli.schema import register, to_run_config
from nmt.common.resources import resource
from nmt.config import RunConfig


def load_config(overrides: list[str]) -> RunConfig:
    """By overrides as of nmt-train. Raises ValueError for what Hydra does not take."""
    register()
    with initialize_config_dir(version_base="1.3", config_dir=str(resource("conf"))):
        try:
            return to_run_config(compose("train", overrides=[*overrides, "run=bench"]))
        except HydraException as error:
            raise ValueError(str(error)) from None
