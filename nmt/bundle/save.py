"""Writes and changes model directories so that they are complete at any time."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

from nmt.bundle.config import FORMAT, Bundle
from nmt.bundle.files import (
    CARD,
    CONFIG,
    LEXICON,
    MAX_CONFIG_BYTES,
    PACKED,
    SCORES,
    WEIGHTS,
    load_config,
    model_folder,
    read,
    seal,
)
from nmt.bundle.load import MAX_TOKENIZER_BYTES, load_bundle
from nmt.common.files import check_output, check_writable, sha256, write_atomically, write_folder
from nmt.common.json_text import to_json
from nmt.engine.packed import pack
from nmt.hub import is_remote
from nmt.plain_data import to_dict
from nmt.search import Search


def save_bundle(folder: Path, bundle: Bundle, card: str, scores: Mapping[str, Any]) -> None:
    """Write a model directory, or another model into one. It is complete at any time, even if this is interrupted."""
    folder.mkdir(parents=True, exist_ok=True)
    config = to_dict(bundle.config)
    contents = dict(bundle.tokenizer.models) | {WEIGHTS: _serialised(dict(bundle.model.named_parameters()))}
    if bundle.lexicon:
        contents[LEXICON] = _serialised(vars(bundle.lexicon))
    else:
        (folder / LEXICON).unlink(missing_ok=True)  # of the previous model
    after = {name: [hashlib.sha256(content).hexdigest()] for name, content in contents.items()}
    before = {name: [sha256(folder / name)] for name in contents if (folder / name).is_file()}
    allowed = {name: sums + before.get(name, []) for name, sums in after.items()}
    write_atomically(folder / CONFIG, _json(seal(config, allowed)))
    for name, content in contents.items():
        if before.get(name) != after[name]:
            write_atomically(folder / name, content)
    write_atomically(folder / CARD, card.encode())
    write_atomically(folder / SCORES, _json(scores))
    write_atomically(folder / CONFIG, _json(seal(config, after)))


def save_packed(folder: str | Path, output: Path) -> dict[str, int]:
    """Write another model directory, with this one's weights packed for a search in int8; returns its files with
    their sizes. Raises ValueError if this one is damaged or `output` has other files."""
    folder = model_folder(folder)
    bundle, (config, checksums) = load_bundle(folder), load_config(folder)
    check_output(output, PACKED)
    kept = [name for name in checksums if name not in (WEIGHTS, CONFIG)]
    contents = {name: read(folder, name, MAX_TOKENIZER_BYTES, checksums) for name in kept}
    contents[PACKED] = _serialised(pack(bundle.model))
    sums = {name: [hashlib.sha256(content).hexdigest()] for name, content in contents.items()}
    beside = {name: read(folder, name, MAX_CONFIG_BYTES) for name in (CARD, SCORES) if (folder / name).exists()}
    sealed = seal(to_dict(replace(config, packed="int8", format=FORMAT)), sums)
    return write_folder(output, contents | beside | {CONFIG: _json(sealed)})


def check_search_can_be_saved(folder: str | Path) -> None:
    """Raises ValueError if the directory is on the hub, and OSError if it cannot be written."""
    if is_remote(folder):
        raise ValueError(f"{folder} is on the hub; a copy of it can be changed here")
    check_writable(Path(folder))


def save_search(folder: str | Path, search: Search) -> Path:
    """Make `search` the default of a model directory and change nothing else in it. Returns the file written. Raises
    ValueError if the config is missing or damaged, or the directory is on the hub."""
    check_search_can_be_saved(folder)
    config, checksums = load_config(Path(folder))
    data = to_dict(replace(config, search=search, format=FORMAT))
    write_atomically(Path(folder) / CONFIG, _json(seal(data, checksums)))
    return Path(folder) / CONFIG


def _serialised(tensors: Mapping[str, torch.Tensor]) -> bytes:
    return save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()})


def _json(data: Mapping[str, Any]) -> bytes:
    return (to_json(data, 2, ascii_only=True) + "\n").encode()
