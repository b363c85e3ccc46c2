"""The network that a search runs: made from a trained one, for a device and a precision.

`searchable` is the entry point. nmt/model trains and does not depend on this; nmt/search searches anything with the
`step` and the state of a network here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nmt.engine.device import has_packed_products, resolve_compute, resolve_device
from nmt.engine.ensemble import Ensemble
from nmt.engine.network import PackedNetwork, SearchedNetwork, TrainedNetwork
from nmt.engine.on_gpu import GPU_DTYPES, GPUNetwork
from nmt.engine.output import Shortlist
from nmt.engine.products import COMPUTE, StoredWeights
from nmt.model.seq2seq import Seq2Seq

__all__ = ["Ensemble", "SearchedNetwork", "Shortlist", "resolve_compute", "resolve_device", "searchable"]


def searchable(models: Sequence[Seq2Seq], compute: str) -> SearchedNetwork | Ensemble:
    """The network for these models, on their device; several models of one vocabulary make an ensemble. `compute` is
    the precision of products (see products.py)."""
    found = [_searchable(model, compute) for model in models]
    return Ensemble(found) if len(found) > 1 else found[0]


def _searchable(model: Seq2Seq, compute: str) -> SearchedNetwork:
    device = model.output_bias.device
    if has_packed_products(device):
        stored = None if model.packed is None else StoredWeights(model.packed)
        return PackedNetwork(model, replace(COMPUTE[compute], stored=stored))
    return GPUNetwork(model, GPU_DTYPES[compute]) if compute in GPU_DTYPES else TrainedNetwork(model)
