"""Upload a model directory to the hub, with the metadata that a hub reads in its card."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from nmt.bundle import CARD, CONFIG, SCORES, BundleConfig, load_bundle, load_config, model_folder
from nmt.common.shown import shown
from nmt.hub import NAME, library, reason

FENCE = "---\n"
METRICS = {"bleu": "BLEU", "chrf": "chrF", "ter": "TER"}  # the type, for the hub -> the name that is shown


def push(model: str | Path, repository: str, license: str, private: bool = False, revision: str | None = None) -> str:
    """Check a model directory, upload it, and return the URL of the commit. `license` is an identifier that the hub
    knows, such as apache-2.0. Raises ValueError."""
    if not re.fullmatch(NAME, repository):
        raise ValueError(f"{shown(repository)} is no name of the hub's; it must be as user/model")
    hub = library()
    folder = model_folder(model)
    load_bundle(folder, packed=True)
    config, checksums = load_config(folder)
    contents = {
        name: (folder / name).read_bytes() for name in sorted({*checksums, CONFIG}) if (folder / name).is_file()
    }
    scores = _scores(folder / SCORES)
    text = (
        (folder / CARD).read_text(encoding="utf-8")
        if (folder / CARD).is_file()
        else f"# {config.src} to {config.tgt}\n"
    )
    contents[CARD] = with_head(text, head(config, repository, license, scores)).encode()
    if scores:
        contents[SCORES] = (folder / SCORES).read_bytes()
    try:
        api = hub.HfApi(library_name="nmt")
        api.create_repo(repository, private=private, exist_ok=True)
        if revision:
            api.create_branch(repository, branch=revision, exist_ok=True)
        files = [hub.CommitOperationAdd(name, content) for name, content in contents.items()]
        found = api.create_commit(repository, files, commit_message="A model of nmt", revision=revision)
    except Exception as error:  # the library and its dependencies may raise anything
        raise ValueError(f"{repository} cannot be uploaded: {reason(error)}") from None
    return str(found.commit_url)


def head(config: BundleConfig, repository: str, license: str, scores: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata of a model for the hub: model-index has the scores on the validation text and their signatures."""
    results: list[Any] = [
        {
            "task": {"type": "translation", "name": f"Translation {direction}"},
            "dataset": {"type": "validation", "name": "validation text", "split": "validation"},
            "metrics": metrics,
        }
        for direction, of_direction in _by_direction(config, scores)
        if (metrics := list(_metrics(of_direction)))
    ]
    found: dict[str, Any] = {
        "language": config.every_direction.languages,
        "license": license,
        "library_name": "nmt",
        "pipeline_tag": "translation",
        "tags": ["translation", "recurrent-neural-network", f"{config.src}-{config.tgt}"],
    }
    if results:
        found["metrics"] = sorted({one["type"] for result in results for one in result["metrics"]})
        found["model-index"] = [{"name": repository.partition("/")[2], "results": results}]
    return found


def with_head(card: str, head: Mapping[str, Any]) -> str:
    """The card with its metadata replaced by `head`."""
    if card.startswith(FENCE) and "\n" + FENCE in card:
        card = card.split("\n" + FENCE, 1)[1].lstrip("\n")
    written: str = yaml.safe_dump(dict(head), sort_keys=False, allow_unicode=True)
    return FENCE + written + FENCE + "\n" + card


def _scores(path: Path) -> dict[str, Any]:
    """The content of scores.json; empty if it is not sound."""
    try:
        found = json.loads(path.read_bytes().decode())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _by_direction(config: BundleConfig, scores: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    every = scores.get("directions")
    if isinstance(every, dict) and every:
        yield from every.items()
    else:
        yield f"{config.src}-{config.tgt}", scores.get("valid")


def _metrics(scores: Any) -> Iterator[dict[str, Any]]:
    for name, label in METRICS.items():
        one = scores.get(name) if isinstance(scores, dict) else None
        if isinstance(one, dict) and isinstance(one.get("score"), int | float):
            signature = {"args": {"signature": one["signature"]}} if isinstance(one.get("signature"), str) else {}
            yield {"type": name, "name": label, "value": round(one["score"], 2), **signature}
