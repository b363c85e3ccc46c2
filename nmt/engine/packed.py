"""Models stored in int8: the weights of a search's products after quantisation, and the few other numbers.

A product's weight combines rows and columns of several of the model's weights, and a scale is for a whole row. So the
products are stored, each under its name in the network that a search runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import nn

from nmt import native
from nmt.engine.attention import linears_of
from nmt.engine.network import PackedNetwork
from nmt.engine.products import COMPUTE, StoredWeights
from nmt.engine.recurrent import has_table
from nmt.kernels.trace import matrix_names
from nmt.model.recurrent import Recurrent
from nmt.model.seq2seq import Seq2Seq

BOS = 2  # any piece that every vocabulary has


def names_in_bytes(model: Seq2Seq) -> set[str]:
    """The weights that a search in int8 needs only as products. Not those of first layers with a table, where a
    piece's contribution to the gates is computed in float32 and looked up, and no embedding tables."""
    kept = [id(layer) for layer in _looked_up(model)]
    found: set[str] = set()
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear) and not name.startswith("decoder.attention."):
            found.add(f"{name}.weight")
        elif isinstance(module, Recurrent):
            found |= {f"{name}.weight_hh"} if module.weight_hh is not None else set()
            found |= {f"{name}.weight_ih"} if id(module) not in kept else set()
            found |= {f"{name}.extra.{own}" for own in matrix_names(module.cell)}
    return found | {f"decoder.attention.{part}.weight" for part in linears_of(model.decoder.attention)}


def _looked_up(model: Seq2Seq) -> list[Recurrent]:
    """The layers that have a table (see PackedNetwork)."""
    first, decoder = model.encoder.directions()[0], model.decoder.layer(0)
    src_pieces = len(model.src_table.weight)
    found = first if has_table(src_pieces, first[0].rows.all) else []
    embeds_once = model.decoder.wiring.embeds_once
    return [*found, decoder] if embeds_once and has_table(len(model.output_bias), decoder.rows.all) else found


def pack(model: Seq2Seq) -> dict[str, torch.Tensor]:
    """The weights of a model for a search in int8, by name: those of the products, and all other numbers.

    Raises ValueError if the kernels for them are not compiled.
    """
    in_bytes = names_in_bytes(model)
    return _used(model, {}) | {name: part.detach() for name, part in model.named_parameters() if name not in in_bytes}


def check_packed(model: Seq2Seq) -> None:
    """Raises ValueError if a model's packed weights are not those that its config needs, or cannot be used here."""
    assert model.packed is not None
    if others := model.packed.keys() - _used(model, model.packed).keys():
        raise ValueError(f"it has, against the config, the weight {min(others)}")


def _used(model: Seq2Seq, given: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The weights of every product of a search; each step uses the same."""
    if not native.is_here():
        raise ValueError(
            "packed weights need the kernels of nmt/native, which are not compiled here, or not for this CPU"
        )
    stored = StoredWeights(given)
    network = PackedNetwork(model, replace(COMPUTE["int8"], stored=stored))
    ids = torch.tensor([BOS])
    with torch.inference_mode():
        memory = network.encode(torch.tensor([[BOS, BOS]]), torch.tensor([2]))
        state = network.decoder.initial_state(memory)
        if (table := network.decoder.layers[0].table) is not None:
            table.learn(ids)
        network.decoder.step(network.embed_tgt(ids), state, memory)
    return stored.used
