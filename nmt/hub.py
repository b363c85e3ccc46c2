"""Models on a hub: once fetched, hf://USER/MODEL is a model directory like any other.

huggingface_hub fetches it into its own cache, and handles private models (HF_TOKEN, `hf auth login`) and other
servers (HF_ENDPOINT). Only the files of a model directory are fetched, and nmt/bundle trusts them no more than those
of any stranger.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from nmt.common.bars import is_seen
from nmt.common.shown import shown

FILES = ("config.json", "*.safetensors", "tokenizer*.model", "README.md", "scores.json")
NAME = r"[\w.-]+/[\w.-]+"  # of a model on the hub
_ADDRESS = re.compile(rf"hf:/{{1,2}}({NAME})(?:@([\w./-]+))?/?")  # a Path has lost one of the slashes
REASON_CHARS = 300
UNAUTHORIZED = 401  # HTTP status


def is_remote(model: str | Path) -> bool:
    return str(model).startswith("hf:/")


def local(model: str | Path) -> str | Path:
    """The local path of a model directory; one on the hub is fetched first. Each process asks the hub only once, so
    everything that it reads is of one revision. Raises ValueError."""
    return _fetched(str(model)) if is_remote(model) else model


@cache
def _fetched(model: str) -> Path:
    name, revision = repository(model)
    hub = library()
    try:
        return Path(hub.snapshot_download(name, revision=revision, allow_patterns=list(FILES)))
    except Exception as error:  # the library and its dependencies may raise anything
        raise ValueError(f"{shown(model)} cannot be fetched: {reason(error)}") from None


def repository(model: str) -> tuple[str, str | None]:
    """USER/MODEL and the revision of hf://USER/MODEL or hf://USER/MODEL@REVISION. Raises ValueError."""
    found = _ADDRESS.fullmatch(model)
    if not found:
        raise ValueError(
            f"{shown(model)} is no model of the hub; it must be as hf://user/model or hf://user/model@rev"
        )
    return found[1], found[2]


def library() -> Any:
    import huggingface_hub
    from huggingface_hub.utils.tqdm import disable_progress_bars, enable_progress_bars

    (enable_progress_bars if is_seen() else disable_progress_bars)()
    return huggingface_hub


def reason(error: Exception) -> str:
    """The cause in words: a known one, or the first line of the library's message."""
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    known = {
        GatedRepoError: "its owner has to grant access",
        RepositoryNotFoundError: "there is no such model, or it is private and HF_TOKEN does not open it",
        RevisionNotFoundError: "it has no such revision",
    }
    for kind, words in known.items():
        if isinstance(error, kind):
            return words
    if getattr(getattr(error, "response", None), "status_code", None) == UNAUTHORIZED:
        return "the hub does not know who you are: set HF_TOKEN, or call `hf auth login`"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return shown((lines or [type(error).__name__])[0], REASON_CHARS)
