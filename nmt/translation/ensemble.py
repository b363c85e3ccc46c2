"""Loading of models that are searched together, on a device and in a precision that suit them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from nmt.bundle import Bundle, load_bundle, load_config
from nmt.engine import resolve_device
from nmt.model.seq2seq import Seq2Seq


class LoadedModels(NamedTuple):
    first: Bundle
    others: list[Seq2Seq]  # with the same tokenizer and directions
    device: torch.device
    compute: str


def load_ensemble(folders: Sequence[Path], device: str, compute: str) -> LoadedModels:
    """Load models. Raises ValueError when none is given, one is invalid, they differ in tokenizer or directions, or
    this machine lacks the device or precision."""
    if not folders:
        raise ValueError("no model directory is given")
    if packed := [folder for folder in folders if load_config(folder)[0].packed]:
        device, compute = _for_packed(packed[0], device, compute)
    where = torch.device(resolve_device(device))
    first, *others = bundles = [load_bundle(folder, where, packed=True) for folder in folders]
    directions = first.config.every_direction
    for folder, bundle in zip(folders, bundles, strict=True):
        if bundle.tokenizer.content != first.tokenizer.content:
            raise ValueError(f"{folder} has other pieces than {folders[0]}; an ensemble shares its tokenizer")
        if (own := bundle.config.every_direction) != directions:
            raise ValueError(f"{folder} translates {own}, {folders[0]} {directions}; an ensemble shares them")
    return LoadedModels(first, [bundle.model for bundle in others], where, compute)


def _for_packed(folder: Path, device: str, compute: str) -> tuple[str, str]:
    """The device and precision of a model with packed weights. Raises ValueError when others are asked for."""
    for asked, able in ((device, "cpu"), (compute, "int8")):
        if asked not in ("auto", able):
            raise ValueError(
                f"{folder} has packed weights, for int8 on a CPU; {asked} needs the "
                "model directory that it was made of"
            )
    return "cpu", "int8"
