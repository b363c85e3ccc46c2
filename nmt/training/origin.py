"""A model's origin: the same values, on the same machine, make the same model."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch

from nmt import __version__
from nmt.common.json_text import digest_of
from nmt.config import RunConfig
from nmt.data.tokenizer import SENTENCEPIECE_VERSION
from nmt.metrics.measure import Measure
from nmt.plain_data import to_dict
from nmt.training.folder import PLACES


def origin(config: RunConfig, measures: Iterable[Measure], text: dict[str, str]) -> dict[str, Any]:
    """Seed, versions, commit, the selection metric's signature, and the SHA-256 of the effective config and of each
    split's text, for JSON. `measures` are those of the directions."""
    signatures = dict.fromkeys(measure.signature() for measure in measures)
    return {
        "seed": config.seed,
        "config_sha256": digest_of(recipe(config)),
        "text_sha256": text,
        "metric": {"name": config.metric.name, "signature": ", ".join(signatures)},
        "git_commit": own_commit(),
        "versions": {
            "nmt": __version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "lightning": lightning.__version__,
            "sentencepiece": SENTENCEPIECE_VERSION,
            "numpy": np.__version__,
        },
        "machine": f"{platform.system()} {platform.machine()}",
    }


def recipe(config: RunConfig) -> dict[str, Any]:
    """The config without this machine's paths, and with nothing left for the text to decide."""
    data = to_dict(config)
    for key in (*PLACES, "auto"):
        del data[key]
    data["data"].pop("dir", None)
    return dict(data)


@cache  # what it was at the start is what runs
def own_commit() -> str | None:
    return git_commit(Path(__file__).parents[2])


def git_commit(folder: Path) -> str | None:
    """The commit of the checkout with the root `folder`, with "+" if it has changes; None if there is none."""
    if not (folder / ".git").exists():
        return None
    commands = ["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"]
    try:
        commit, changes = (
            subprocess.run(["git", "-C", folder, *command], capture_output=True, text=True, check=True).stdout.strip()
            for command in commands
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return commit + ("+" if changes else "")
