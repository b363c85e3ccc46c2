"""Fine-tuning: training from a model directory, with its architecture and its pieces or new ones, and parts of the
model that stay frozen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args

import torch
from torch import nn

from nmt.automatic import without_auto
from nmt.bundle import Bundle, load_bundle
from nmt.composition import Data, flat, groups_of
from nmt.data.corpora import Corpus
from nmt.data.normalization import Normalization
from nmt.data.tokenizer import Tokenizer, TokenizerConfig
from nmt.data.transfer import origins
from nmt.model.seq2seq import ModelConfig, Seq2Seq
from nmt.plain_data import from_dict, to_dict

FREE = ("dropout", ".sampling", "_share")  # endings of keys that affect only training
# The parts of a config that a model may bring.
PARTS: dict[str, type] = {"model": ModelConfig, "tokenizer": TokenizerConfig}


def own_settings(bundle: Bundle, vocabulary: str = "keep") -> dict[str, Any]:
    """The part of a run's config, as plain data, that the model brings: its architecture and, if its vocabulary is
    kept, its tokenizer."""
    tokenizer = bundle.tokenizer
    if vocabulary != "keep":
        return {"model": to_dict(bundle.config.model)}
    src, tgt = (name if name in get_args(Normalization) else None for name in tokenizer.normalizations)
    of_text = {"normalization": src} if src == tgt else {"src_normalization": src, "tgt_normalization": tgt}
    rules = tokenizer.rules
    own = TokenizerConfig(
        tokenizer.tgt_vocab_size,
        tokenizer.kind,
        tokenizer.joint,
        protect=rules.protect,
        keep=rules.keep[0] if rules.keep else None,
        casing=rules.casing,
    )
    pieces = to_dict(own)
    return {"model": to_dict(bundle.config.model), "tokenizer": pieces | of_text}


def check_start(init: str, own: Mapping[str, Any], config: Mapping[str, Any]) -> None:
    """Raises ValueError when a run's config, as plain data, asks for a model other than the one it starts from."""
    now = flat({group: config[group] for group in own})
    for key, value in flat(dict(own)).items():
        unasked = key.endswith("normalization") and now.get(key) is None  # then it is the model's
        if not unasked and not key.endswith(FREE) and now.get(key) != value:
            raise ValueError(f"{key}={now.get(key)} does not go with init={init}, which has its own; leave it out")


def check_tags(init: str, start: Bundle, data: Corpus) -> None:
    """Raises ValueError when a model, whose pieces are kept, has other tags than the data need."""
    if start.config.tags and not data.tags:
        raise ValueError(f"init={init} begins each source with a tag; data.tags must be true too")
    try:
        start.tokenizer.control_ids(data.every_direction.tag_pieces)
    except ValueError as error:
        raise ValueError(f"init={init}: {error}; init_vocabulary=swap learns new ones") from None


def is_decided(key: str, own: Mapping[str, Any]) -> bool:
    """Whether the model that a run starts from fixes a group, or a setting by its dotted key."""
    return key.partition(".")[0] in groups_of(own) and not key.endswith(FREE)


def with_own(own: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """A part of a run's config with the settings of the model it starts from, except those that affect only
    training."""
    kept = {}
    for key, value in own.items():
        if isinstance(value, Mapping):
            kept[key] = with_own(value, config.get(key, {}))
        else:
            kept[key] = config.get(key, value) if f".{key}".endswith(FREE) else value
    return kept


def with_start(config: Data, compose: Callable[[Data, bool], Data]) -> Data:
    """A run's config, as plain data, with the settings of the model that it starts from, if any.

    `compose` adds the requested settings to the model's. With True it adds only those that the user typed, which must
    agree with the model. With False it adds those of an experiment and of the data too; the model overrides these.
    Raises ValueError.
    """
    if not config["init"]:
        return config
    own = own_settings(load_bundle(config["init"]), config["init_vocabulary"])
    typed, whole = compose(own, True), compose(own, False)
    check_start(config["init"], own, typed)
    for group in own:  # settings unknown to the model are not its own
        from_dict(PARTS[group], without_auto(typed)[group], group)
    return config | with_own(own, whole)


@torch.no_grad()
def initialise_from(start: Bundle, model: Seq2Seq, tokenizer: Tokenizer) -> None:
    """Give a fresh model the weights of another with the same architecture. With other pieces, a piece that both have
    keeps its weights, and a piece that the other spells as several gets their mean (Gee et al., 2022,
    arXiv:2402.09977). New pieces that are not text keep their initial weights."""
    if tokenizer.content == start.tokenizer.content:
        model.load_state_dict(start.model.state_dict())
        return
    theirs = dict(start.model.named_parameters())
    rows = [origins(*two) for two in zip(tokenizer.samplers, start.tokenizer.samplers, strict=True)]
    for name, parameter in model.named_parameters():
        if not _has_a_row_a_piece(name):
            parameter.copy_(theirs[name])
            continue
        for row, ids in enumerate(rows[not name.startswith("src_")]):
            if ids:
                parameter[row] = theirs[name][ids].mean(0)


def shared_pieces(start: Tokenizer, tokenizer: Tokenizer) -> tuple[int, int]:
    """How many target pieces a tokenizer shares with another, and how many it has."""
    sides = [{one.tgt.id_to_piece(i) for i in range(one.tgt_vocab_size)} for one in (start, tokenizer)]
    return len(sides[0] & sides[1]), tokenizer.tgt_vocab_size


def _has_a_row_a_piece(name: str) -> bool:
    return "embedding" in name or name.startswith("output_")


def frozen_parameters(model: nn.Module, parts: Sequence[str]) -> list[nn.Parameter]:
    """The weights of the parts. Raises ValueError for a part that the model lacks, or when nothing would be left to
    train."""
    named = dict(model.named_parameters())
    chosen: set[str] = set()
    for part in parts:
        found = {name for name in named if _is_of(part, name)}
        if not found:
            known = {name.split(".")[0] for name in named} | {".".join(name.split(".")[:2]) for name in named}
            known = {"embedding", "output", *known} - {name for name in known if name.endswith(".weight")}
            raise ValueError(f"optim.freeze has {part!r}; the model has: {', '.join(sorted(known))}")
        chosen |= found
    if len(chosen) == len(named):
        raise ValueError("optim.freeze names all of the model; nothing would be learned")
    return [parameter for name, parameter in named.items() if name in chosen]


def _is_of(part: str, name: str) -> bool:
    if part == "embedding":
        return "embedding" in name
    return name == part or name.startswith((f"{part}.", f"{part}_") if part == "output" else f"{part}.")
