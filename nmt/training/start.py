"""Fine-tuning: a training that starts from a model directory has its pieces and its architecture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from nmt.bundle import Bundle
from nmt.config import to_dict
from nmt.data.normalization import Normalization
from nmt.data.tokenizer import TokenizerConfig
from nmt.training.folder import flat

FREE = ("dropout", ".sampling")  # the ends of keys that change training alone


def own_settings(bundle: Bundle) -> dict[str, Any]:
    """The part of a run's config, as plain data, that the model brings with it."""
    tokenizer = bundle.tokenizer
    src, tgt = (name if name in get_args(Normalization) else None for name in tokenizer.normalizations)
    of_text = {"normalization": src} if src == tgt else {"src_normalization": src, "tgt_normalization": tgt}
    pieces = to_dict(TokenizerConfig(tokenizer.tgt_vocab_size, tokenizer.kind, tokenizer.joint))
    return {"model": to_dict(bundle.config.model), "tokenizer": pieces | of_text}


def check_start(init: str, own: Mapping[str, Any], config: Mapping[str, Any]) -> None:
    """Raises ValueError when a run's config, as plain data, asks for another model than the one it starts from."""
    now = flat({group: config[group] for group in own})
    for key, value in flat(dict(own)).items():
        unasked = key.endswith("normalization") and now.get(key) is None  # the model's, whatever it is
        if not unasked and not key.endswith(FREE) and now.get(key) != value:
            raise ValueError(f"{key}={now.get(key)} does not go with init={init}, which has its own; leave it out")


def with_own(own: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """A part of a run's config with the settings of the model it starts from, but for those that change training
    alone."""
    kept = {}
    for key, value in own.items():
        if isinstance(value, Mapping):
            kept[key] = with_own(value, config.get(key, {}))
        else:
            kept[key] = config.get(key, value) if f".{key}".endswith(FREE) else value
    return kept
