"""The model directory: what people exchange.

    config.json  model.safetensors  tokenizer.model (or tokenizer.src.model, tokenizer.tgt.model)  README.md

It may come from a stranger. Loading runs no code, allocates nothing that the files do not hold, and holds every
weight to the name, shape and type that the config says.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from nmt import __version__
from nmt.config import from_dict, to_dict
from nmt.data.tokenizer import BOS_ID, JOINT, PAD_ID, SRC, TGT, UNK_ID, Tokenizer
from nmt.model.seq2seq import ModelConfig, Seq2Seq
from nmt.search import Search

FORMAT = 1
CONFIG, WEIGHTS, CARD, SCORES = "config.json", "model.safetensors", "README.md", "scores.json"
MAX_CONFIG_BYTES = 1_000_000


@dataclass(frozen=True)
class BundleConfig:
    """config.json."""

    format: int
    nmt_version: str
    src: str  # the languages
    tgt: str
    joint: bool  # vocabulary
    model: ModelConfig
    search: Search  # what nmt-translate does when not told otherwise


@dataclass(frozen=True)
class Bundle:
    config: BundleConfig
    model: Seq2Seq
    tokenizer: Tokenizer


def build_model(config: ModelConfig, tokenizer: Tokenizer) -> Seq2Seq:
    """A fresh model for a tokenizer's vocabularies."""
    return Seq2Seq(config, tokenizer.src_vocab_size, tokenizer.tgt_vocab_size, banned=(PAD_ID, UNK_ID, BOS_ID))


def save_bundle(
    folder: Path,
    weights: Mapping[str, torch.Tensor],
    tokenizer: Tokenizer,
    model: ModelConfig,
    search: Search,
    languages: tuple[str, str],
    card: str,
    scores: Mapping[str, Any],
) -> None:
    """Write a model directory. Each file appears whole or not at all, the weights last."""
    config = BundleConfig(FORMAT, __version__, *languages, tokenizer.joint, model, search)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in tokenizer.models.items():
        write_atomically(folder / name, content)
    write_atomically(folder / CONFIG, (json.dumps(to_dict(config), indent=2) + "\n").encode())
    write_atomically(folder / CARD, card.encode())
    write_atomically(folder / SCORES, (json.dumps(scores, indent=2) + "\n").encode())
    draft = folder / f".{WEIGHTS}.{os.getpid()}"
    try:
        save_file({name: weight.detach().cpu().contiguous() for name, weight in weights.items()}, draft)
        draft.chmod(0o644)
        draft.replace(folder / WEIGHTS)
    finally:
        draft.unlink(missing_ok=True)


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file by one that is complete and on the disk."""
    descriptor, draft = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(draft).chmod(0o644)
        Path(draft).replace(path)
    finally:
        Path(draft).unlink(missing_ok=True)


def load_bundle(folder: str | Path, device: str | torch.device = "cpu") -> Bundle:
    """Open a model directory on `device`, ready to translate.

    Raises ValueError that names the file and what is wrong with it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{folder} is no model directory: there is no such folder")
    config = _load_config(folder / CONFIG)
    names = (JOINT,) if config.joint else (SRC, TGT)
    tokenizer = Tokenizer({name: _read(folder / name) for name in names})
    with torch.device("meta"):  # shapes only: no memory, whatever the config claims
        try:
            model = build_model(config.model, tokenizer)
        except ValueError as error:
            raise ValueError(f"{folder / CONFIG}: {error}") from None
    weights = _load_weights(folder / WEIGHTS, {n: p.shape for n, p in model.named_parameters()}, device)
    model.load_state_dict(weights, assign=True)
    return Bundle(config, model.eval(), tokenizer)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None


def _load_config(path: Path) -> BundleConfig:
    content = _read(path)
    if len(content) > MAX_CONFIG_BYTES:
        raise ValueError(f"{path} has {len(content)} bytes; a config has {MAX_CONFIG_BYTES} at most")
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        raise ValueError(f"{path} is not JSON") from None
    if isinstance(data, dict) and data.get("format") != FORMAT:
        raise ValueError(f"{path}: format is {data.get('format')!r}; this version reads format {FORMAT}")
    try:
        return from_dict(BundleConfig, data)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _load_weights(
    path: Path, shapes: Mapping[str, torch.Size], device: str | torch.device
) -> dict[str, torch.Tensor]:
    try:
        with safe_open(path, framework="pt", device=str(device)) as file:
            names = set(file.keys())
            for wrong, what in ((set(shapes) - names, "lacks"), (names - set(shapes), "has, against the config,")):
                if wrong:
                    raise ValueError(f"{path} {what} the weight {min(wrong)}")
            for name, shape in shapes.items():
                weight = file.get_slice(name)
                if tuple(weight.get_shape()) != tuple(shape) or weight.get_dtype() != "F32":
                    raise ValueError(
                        f"{path}: {name} is {weight.get_dtype()} {list(weight.get_shape())}; "
                        f"the config says F32 {list(shape)}"
                    )
            return {name: file.get_tensor(name) for name in shapes}
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from None
