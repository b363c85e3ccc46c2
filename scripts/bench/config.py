"""The settings of a run that is measured."""

from __future__ import annotations

from nmt.cli.app import built
from nmt.cli.train import run_config
from nmt.config import RunConfig


def load_config(overrides: list[str]) -> RunConfig:
    """By overrides as of nmt-train. Raises ValueError for what Hydra does not take."""
    return built([*overrides, "run=bench"], run_config)
