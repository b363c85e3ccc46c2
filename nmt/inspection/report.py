"""Everything found out about one sentence and its translation, as plain data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from nmt.common.bars import tracked
from nmt.common.stream import valid
from nmt.common.suggestions import did_you_mean
from nmt.data.tokenizer import EOS_ID
from nmt.inspection.cell_terms import gate_term, state_term
from nmt.inspection.flow import sentence_flow, untrained
from nmt.inspection.search_tree import search_steps, translation
from nmt.inspection.sentences import tagged_sources, tgt_ids, tgt_text
from nmt.inspection.trace import LayerTrace, half_life, trace
from nmt.plain_data import to_dict
from nmt.translation.sources import MAX_CHARS, Source
from nmt.translation.translator import Translator
from nmt.translation.values import text_of

PARTS = ("attention", "gates", "gradients", "search")


def inspect_sentence(
    translator: Translator,
    sentence: str,
    parts: str | Iterable[str],
    target: str | None = None,
    beside: Mapping[str, Translator] = {},
) -> dict[str, Any]:
    """Translate a sentence, or take `target` as its translation, and inspect it -> plain data: the pieces of both
    sides, whether the end of either was too long and left out, and one entry per part (see PARTS). `beside` are other
    models whose gradients are shown too.

    Raises TypeError for a non-text argument, and ValueError for an unknown part or with nothing to translate.
    """
    parts = _known([parts] if isinstance(parts, str) else list(parts))
    sentence = valid(text_of("sentence", sentence))
    target = None if target is None else text_of("target", target)
    source, tgt, truncated = _pair(translator, sentence, target)
    src = source.ids
    found: dict[str, Any] = {
        "src": sentence[:MAX_CHARS],
        "tgt": tgt_text(translator, source, tgt),
        "src_pieces": translator.tokenizer.src_pieces(src),
        "tgt_pieces": translator.tokenizer.tgt_pieces([*tgt, EOS_ID]),
        "truncated": truncated,
    }
    for part in tracked(parts, "looking", len(parts), "parts"):
        match part:
            case "attention":
                found["attention"] = _numbers(translator.attention(src, tgt).float().cpu())
            case "gates":
                with torch.no_grad():
                    layers, _ = trace(translator.model, src, tgt)
                found["layers"] = {layer.name: layer_data(layer) for layer in layers}
                found["words"] = cell_terms(to_dict(translator.model.config.cell)["name"], layers)
            case "gradients":
                models = {"this model": translator, **beside}
                found["gradients"] = {name: _gradients(one, sentence, found["tgt"]) for name, one in models.items()}
            case "search":
                found["search"] = _search_data(translator, src)
    return found


def _known(parts: list[str]) -> list[str]:
    """Raises ValueError for an unknown part."""
    for part in parts:
        if part not in PARTS:
            raise ValueError(f"{part!r} is no part; choose of: {', '.join(PARTS)}{did_you_mean(str(part), PARTS)}")
    return parts


def _pair(translator: Translator, sentence: str, target: str | None) -> tuple[Source, list[int], bool]:
    """The source, the ids of the target, and whether the end of either was left out."""
    (source,) = tagged_sources(translator, [sentence])
    if len(source.ids) == 1 + len(translator.language_ids()):
        raise ValueError("the sentence is empty")
    if target is not None:
        (tgt,), (cut,) = tgt_ids(translator, [source], [target])
        return source, tgt, source.is_cut or cut
    return source, translation(translator, source.ids), source.is_cut


def _numbers(tensor: Tensor) -> Any:
    return torch.round(tensor.double(), decimals=5).tolist()


def layer_data(layer: LayerTrace) -> dict[str, Any]:
    return {
        "of_source": layer.of_source,
        **{what: {k: _numbers(v) for k, v in getattr(layer, what).items()} for what in ("gates", "states", "kept")},
        "half_life": {name: _numbers(half_life(kept)) for name, kept in layer.kept.items()},
    }


def cell_terms(cell: str, layers: Sequence[LayerTrace]) -> dict[str, dict[str, Sequence[str]]]:
    """The names and descriptions of the gates and states in these layers."""
    gates = dict.fromkeys(gate for layer in layers for gate in layer.gates)
    states = dict.fromkeys(state for layer in layers for state in layer.states)
    return {
        "gates": {gate: gate_term(cell, gate) for gate in gates},
        "states": {state: state_term(state) for state in states},
    }


def _gradients(translator: Translator, sentence: str, target: str) -> dict[str, dict[str, list[float]]]:
    source, tgt, _ = _pair(translator, sentence, target)
    return {
        "trained": sentence_flow(translator.model, source.ids, tgt),
        "untrained": sentence_flow(untrained(translator), source.ids, tgt),
    }


def _search_data(translator: Translator, src: list[int]) -> list[list[dict[str, Any]]]:
    piece = translator.tokenizer.tgt_pieces(range(translator.tokenizer.tgt_vocab_size))  # there are many to name
    steps = search_steps(translator, src)
    return [[{**vars(one), "pieces": [piece[i] for i in one.ids]} for one in step] for step in steps]
