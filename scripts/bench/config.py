"""The settings of a measured run."""

from __future__ import annotations

from nmt.cli.app import built
from nmt.cli.train import run_config
from nmt.config import RunConfig


def load_config(overrides: list[str]) -> RunConfig:
    """A config from nmt-train's overrides. Raises ValueError for overrides that Hydra rejects."""
    return built([*overrides, "run=bench"], run_config)
