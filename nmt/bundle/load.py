"""Opens a model directory. It may come from a stranger: see the package."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from nmt.bundle.config import Bundle, build_model
from nmt.bundle.files import (
    CONFIG,
    LEXICON,
    PACKED,
    TOKENIZERS,
    WEIGHTS,
    Checksums,
    blaming,
    load_config,
    model_folder,
    read,
    regular,
    verify,
)
from nmt.bundle.tensors import Expected, read_tensors
from nmt.data.lexicon import Lexicon
from nmt.data.tokenizer import SPECIAL_IDS, Tokenizer
from nmt.engine.packed import check_packed, names_in_bytes
from nmt.engine.products import BYTES, SCALES

MAX_TOKENIZER_BYTES = 200_000_000
F32, I32, I8 = "F32", "I32", "I8"  # safetensors' names


def load_bundle(folder: str | Path, device: str | torch.device = "cpu", packed: bool = False) -> Bundle:
    """Open a model directory on `device`, ready to translate. `packed` allows one with packed weights, which has only
    the weights that a search in int8 reads.

    Raises ValueError with the file and what is wrong with it.
    """
    folder = model_folder(folder)
    config, checksums = load_config(folder)
    if config.packed and not packed:
        raise ValueError(f"{folder} has packed weights, which can translate and no more; take what it was made of")
    models = {name: read(folder, name, MAX_TOKENIZER_BYTES, checksums) for name in TOKENIZERS[config.joint]}
    with blaming(folder):
        tokenizer = Tokenizer(models, config.src_normalization, config.tgt_normalization, config.text)
        tokenizer.control_ids(config.every_direction.tag_pieces)
    with blaming(folder / CONFIG), torch.device("meta"), _Uninitialised():  # no memory, whatever the config claims
        model = build_model(config.model, tokenizer)
    in_bytes = names_in_bytes(model) if config.packed else set()
    shapes = {name: (F32, tuple(p.shape)) for name, p in model.named_parameters() if name not in in_bytes}
    others: dict[str, Expected] = {BYTES: (I8, (None, None)), SCALES: (F32, (None,))} if config.packed else {}
    tensors = _load_tensors(folder, PACKED if config.packed else WEIGHTS, shapes, device, checksums, others)
    # Absent weights take no memory and are ordinary tensors: other kinds are slow to start.
    nowhere = torch.full((), torch.nan, dtype=torch.float)
    absent = {name: nowhere.expand(p.shape) for name, p in model.named_parameters() if name in in_bytes}
    model.load_state_dict({name: tensors[name] for name in shapes} | absent, assign=True)
    if config.packed:
        model.packed = {name: part for name, part in tensors.items() if name not in shapes}
        with blaming(folder / PACKED):
            check_packed(model)
    return Bundle(config, model.eval(), tokenizer, _load_lexicon(folder, tokenizer, device, checksums))


class _Uninitialised(TorchFunctionMode):
    """Skips the initialisation of weights: drawing numbers would import a second's worth of torch."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = func.__name__
        if (name.endswith("_") and not name.startswith("_")) or name == "__setitem__":  # in place
            return kwargs.get("tensor", args[0] if args else None)
        if name in ("zeros", "ones"):
            func = torch.empty
        return func(*args, **kwargs)


def _load_lexicon(
    folder: Path, tokenizer: Tokenizer, device: str | torch.device, checksums: Checksums
) -> Lexicon | None:
    path = folder / LEXICON
    if not path.exists():
        return None
    shapes = {"frequent": (I32, (None,)), "likely": (I32, (tokenizer.src_vocab_size, None))}
    tensors = _load_tensors(folder, LEXICON, shapes, device, checksums)
    for name, ids in tensors.items():
        if not ids.numel() or ids.min() < 0 or ids.max() >= tokenizer.tgt_vocab_size:
            raise ValueError(f"{path}: {name} has ids that the vocabulary lacks, or none")
    if not torch.isin(torch.tensor(SPECIAL_IDS, device=device), tensors["frequent"]).all():
        raise ValueError(f"{path}: frequent lacks a special id")
    return Lexicon(**tensors)


def _load_tensors(
    folder: Path,
    name_of_file: str,
    expected: Mapping[str, Expected],
    device: str | torch.device,
    checksums: Checksums,
    others: Mapping[str, Expected] = MappingProxyType({}),
) -> dict[str, torch.Tensor]:
    """The tensors of a file, which must be those in `expected`: name -> type, and shape with None for any size.
    `others` maps allowed ends of names likewise."""
    path = regular(folder, name_of_file)
    tensors, checksum = read_tensors(path, expected, others)
    verify(path, checksum, checksums)  # last, because the errors above are clearer
    for name, tensor in tensors.items():
        # The sum of what is finite mostly is, too, and takes a fifth of the time.
        if not tensor.sum().isfinite() and not tensor.isfinite().all():
            raise ValueError(f"{path}: {name} has numbers that are not finite")
    return {name: tensor.to(device) for name, tensor in tensors.items()}
