"""The model directory: what people exchange.

    config.json  model.safetensors  tokenizer.model (or tokenizer.src.model, tokenizer.tgt.model)  README.md
    lexicon.safetensors (which pieces translate which: search may go without)

It may come from a stranger. Loading runs no code, allocates nothing that the files do not hold, and holds every
weight to the name, shape and type that the config says.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch.overrides import TorchFunctionMode

from nmt import __version__
from nmt.config import from_dict, to_dict
from nmt.data.lexicon import Lexicon
from nmt.data.tokenizer import BOS_ID, JOINT, PAD_ID, SPECIAL_IDS, SRC, TGT, UNK_ID, Tokenizer
from nmt.files import replacing, write_atomically
from nmt.model.seq2seq import ModelConfig, Seq2Seq
from nmt.search import Search

FORMAT = 1
CONFIG, WEIGHTS, CARD, SCORES = "config.json", "model.safetensors", "README.md", "scores.json"
LEXICON = "lexicon.safetensors"
MAX_CONFIG_BYTES = 1_000_000
F32, I32 = "F32", "I32"  # safetensors' names


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
    lexicon: Lexicon | None


def build_model(config: ModelConfig, tokenizer: Tokenizer) -> Seq2Seq:
    """A fresh model for a tokenizer's vocabularies."""
    return Seq2Seq(config, tokenizer.src_vocab_size, tokenizer.tgt_vocab_size, banned=(PAD_ID, UNK_ID, BOS_ID))


def save_bundle(
    folder: Path,
    weights: Mapping[str, torch.Tensor],
    tokenizer: Tokenizer,
    lexicon: Lexicon | None,
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
    if lexicon:
        _save_tensors(folder / LEXICON, vars(lexicon))
    _save_tensors(folder / WEIGHTS, weights)


def save_search(folder: str | Path, search: Search) -> Path:
    """Make `search` what a model directory does when not told otherwise; nothing else in it changes. The file
    written. Raises ValueError when there is no sound config."""
    path = Path(folder) / CONFIG
    config = replace(_load_config(path), search=search)
    write_atomically(path, (json.dumps(to_dict(config), indent=2) + "\n").encode())
    return path


def _save_tensors(path: Path, tensors: Mapping[str, torch.Tensor]) -> None:
    with replacing(path) as file:
        save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, file.name)


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
    with torch.device("meta"), _Uninitialised():  # shapes only: no memory, whatever the config claims
        try:
            model = build_model(config.model, tokenizer)
        except ValueError as error:
            raise ValueError(f"{folder / CONFIG}: {error}") from None
    shapes = {name: (F32, tuple(p.shape)) for name, p in model.named_parameters()}
    model.load_state_dict(_load_tensors(folder / WEIGHTS, shapes, device), assign=True)
    return Bundle(config, model.eval(), tokenizer, _load_lexicon(folder / LEXICON, tokenizer, device))


class _Uninitialised(TorchFunctionMode):
    """Weights that have no numbers need none: to draw them would import a second's worth of torch."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = func.__name__
        if (name.endswith("_") and not name.startswith("_")) or name == "__setitem__":  # in place
            return kwargs.get("tensor", args[0] if args else None)
        if name in ("zeros", "ones"):
            func = torch.empty
        return func(*args, **kwargs)


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


def _load_lexicon(path: Path, tokenizer: Tokenizer, device: str | torch.device) -> Lexicon | None:
    if not path.exists():
        return None
    shapes = {"frequent": (I32, (None,)), "likely": (I32, (tokenizer.src_vocab_size, None))}
    tensors = _load_tensors(path, shapes, device)
    for name, ids in tensors.items():
        if not ids.numel() or ids.min() < 0 or ids.max() >= tokenizer.tgt_vocab_size:
            raise ValueError(f"{path}: {name} has ids that the vocabulary lacks, or none")
    if not torch.isin(torch.tensor(SPECIAL_IDS, device=device), tensors["frequent"]).all():
        raise ValueError(f"{path}: frequent lacks a special id")
    return Lexicon(**tensors)


def _load_tensors(
    path: Path, expected: Mapping[str, tuple[str, tuple[int | None, ...]]], device: str | torch.device
) -> dict[str, torch.Tensor]:
    """The tensors of a file, which must be those expected: name -> type, and shape with None for any size."""
    try:
        with safe_open(path, framework="pt", device=str(device)) as file:
            names = set(file.keys())
            for wrong, what in (
                ((expected.keys() - names), "lacks"),
                (names - expected.keys(), "has, against the config,"),
            ):
                if wrong:
                    raise ValueError(f"{path} {what} the weight {min(wrong)}")
            for name, (dtype, shape) in expected.items():
                found = file.get_slice(name)
                sizes = found.get_shape()
                fits = len(sizes) == len(shape) and all(b in (None, a) for a, b in zip(sizes, shape, strict=True))
                if not fits or found.get_dtype() != dtype:
                    raise ValueError(
                        f"{path}: {name} is {found.get_dtype()} {list(sizes)}; the config says {dtype} {list(shape)}"
                    )
            return {name: file.get_tensor(name) for name in expected}
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from None
