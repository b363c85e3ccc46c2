"""The parts of an inspection: what each finds out, as plain data, and how it is shown."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from statistics import median
from typing import Any

import torch
from torch import Tensor

from nmt.common.bars import tracked
from nmt.common.suggestions import did_you_mean
from nmt.data.normalization import valid
from nmt.data.tokenizer import EOS_ID
from nmt.inspection.flow import sentence_flow, untrained
from nmt.inspection.search_tree import search_steps, translation
from nmt.inspection.sentences import tagged_sources, tgt_ids, tgt_text
from nmt.inspection.trace import FOR_EVER, LayerTrace, half_life, trace
from nmt.inspection.words import gate_words, state_words
from nmt.pictures.charts import Graph, Heatmap, Line, Lines, Node, Section, Table
from nmt.plain_data import to_dict
from nmt.translation.sources import MAX_CHARS, Source
from nmt.translation.translator import Translator
from nmt.translation.values import text_of

LONGEST = 10  # units named in the table of half-lives
ROWS = 64  # of a heat map of units; of a larger layer an even sample of them is shown
WIDE = 10  # extensions of a step that the tree shows


def inspect_sentence(
    translator: Translator,
    sentence: str,
    parts: str | Iterable[str],
    target: str | None = None,
    beside: Mapping[str, Translator] | None = None,
) -> dict[str, Any]:
    """Translate a sentence, or take `target` for its translation, and look at it -> plain data: the pieces of both
    sides, whether the end of either was too long and left out, and one entry a part (see PARTS). `beside` are other
    models, whose gradients are shown too.

    Raises TypeError for what is no text, and ValueError for no part, and when there is nothing to translate.
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
    models = {"this model": translator, **(beside or {})}
    for part in tracked(parts, "looking", len(parts), "parts"):
        match part:
            case "attention":
                found["attention"] = _numbers(translator.attention(src, tgt).float().cpu())
            case "gates":
                with torch.no_grad():
                    layers, _ = trace(translator.model, src, tgt)
                found["layers"] = {layer.name: _layer_data(layer) for layer in layers}
                found["words"] = _words(to_dict(translator.model.config.cell)["name"], layers)
            case "gradients":
                found["gradients"] = {}
                for name, other in models.items():
                    of_other, ids, _ = _pair(other, sentence, found["tgt"])
                    found["gradients"][name] = {
                        "trained": sentence_flow(other.model, of_other.ids, ids),
                        "untrained": sentence_flow(untrained(other), of_other.ids, ids),
                    }
            case "search":
                found["search"] = _search_data(translator, src)
    return found


def _known(parts: list[str]) -> list[str]:
    """Raises ValueError for what is no part."""
    for part in parts:
        if part not in PARTS:
            raise ValueError(f"{part!r} is no part; choose of: {', '.join(PARTS)}{did_you_mean(str(part), PARTS)}")
    return parts


def _pair(translator: Translator, sentence: str, target: str | None) -> tuple[Source, list[int], bool]:
    """The source, the ids of the target, and whether the end of either is left out."""
    (source,) = tagged_sources(translator, [sentence])
    if len(source.ids) == 1 + len(translator.language_ids()):
        raise ValueError("the sentence is empty")
    if target is not None:
        (tgt,), (cut,) = tgt_ids(translator, [source], [target])
        return source, tgt, source.is_cut or cut
    return source, translation(translator, source.ids), source.is_cut


def _numbers(tensor: Tensor) -> Any:
    return torch.round(tensor.double(), decimals=5).tolist()


def _layer_data(layer: LayerTrace) -> dict[str, Any]:
    return {
        "of_source": layer.of_source,
        **{what: {k: _numbers(v) for k, v in getattr(layer, what).items()} for what in ("gates", "states", "kept")},
        "half_life": {name: _numbers(half_life(kept)) for name, kept in layer.kept.items()},
    }


def _words(cell: str, layers: Sequence[LayerTrace]) -> dict[str, dict[str, Sequence[str]]]:
    """Of the gates and the states that are there, what they are called and what they do."""
    gates = dict.fromkeys(gate for layer in layers for gate in layer.gates)
    states = dict.fromkeys(state for layer in layers for state in layer.states)
    return {
        "gates": {gate: gate_words(cell, gate) for gate in gates},
        "states": {state: state_words(state) for state in states},
    }


def _search_data(translator: Translator, src: list[int]) -> list[list[dict[str, Any]]]:
    pieces = translator.tokenizer.tgt_pieces
    steps = search_steps(translator, src)
    return [[{**asdict(one), "pieces": pieces(list(one.ids))} for one in step] for step in steps]


def sections(found: Mapping[str, Any]) -> list[Section]:
    """What `inspect_sentence` found, as it is shown."""
    return [show(found) for part, show in PARTS.items() if KEYS[part] in found]


def show_attention(found: Mapping[str, Any]) -> Section:
    """A heat map a head."""
    heads = found["attention"]
    if not any(map(any, heads[0])):
        return Section("Attention", ["The model has no attention (attention=none)."])
    text = "Where the decoder looks in the source (across) while it makes each target piece (downwards)."
    maps = [
        Heatmap(
            f"attention, head {i + 1}" if len(heads) > 1 else "attention",
            found["tgt_pieces"],
            found["src_pieces"],
            weights,
            label="weight",
            row_label="target pieces",
            column_label="source pieces",
        )
        for i, weights in enumerate(heads)
    ]
    return Section("Attention", [text], maps)


def show_gates(found: Mapping[str, Any]) -> Section:
    """Heat maps of units over time, and the units that remember longest."""
    charts: list[Any] = []
    tables: list[Any] = []
    words = found["words"]
    for name, layer in found["layers"].items():
        side = "source" if layer["of_source"] else "target"
        steps = found["src_pieces"] if layer["of_source"] else ["<s>", *found["tgt_pieces"][:-1]]
        order = unit_order(torch.tensor(list(layer["states"].values())[-1]))
        for what in ("gates", "kept", "states"):
            for key, values in layer[what].items():
                if what == "kept" and values in layer["gates"].values():
                    continue  # an LSTM's forget gate is there already
                title, note = _kept_words(key) if what == "kept" else words[what][key]
                titled = f"{name}: {title}" if what == "kept" else f"{name}: {title} {key}"
                charts.append(units_map(titled, torch.tensor(values), steps, order, f"{side} pieces read", note))
        tables += [half_life_table(name, key, lives) for key, lives in layer["half_life"].items()]
    text = (
        "Each row is a unit, each column what the layer read at that step; the units are sorted so that like stands "
        "by like, in the same order in every picture of a layer. Gates and states are those of the cell's equations. "
        "The share kept is an LSTM's forget gate and a GRU's update gate. After its half-life, in tokens, half of "
        "what a unit holds is left; it is measured on this sentence alone."
    )
    return Section("Gates and states", [text], [*charts, *tables])


def _kept_words(state: str) -> tuple[str, str]:
    return f"share of {state} that is kept", "how much of it a step leaves where it was"


def unit_order(states: Tensor) -> list[int]:
    """States (T,H) -> units by their weight in the first principal component over time."""
    centred = (states - states.mean(0)).double()
    _, _, components = torch.linalg.svd(centred, full_matrices=False)
    order: list[int] = components[0].argsort().tolist()
    return order


def units_map(
    title: str, values: Tensor, steps: Sequence[str], order: Sequence[int], steps_label: str, note: str
) -> Heatmap:
    """Values (T,H) as a heat map with units downwards."""
    units = list(order) if len(order) == values.shape[1] else list(range(values.shape[1]))
    if len(units) > ROWS:
        units = [units[i * len(units) // ROWS] for i in range(ROWS)]
    centred = bool((values < 0).any())
    high = max(1.0, float(values.abs().max()))
    shown = values[:, units].T.tolist()
    names = [f"unit {unit}" for unit in units]
    low = -high if centred else 0.0
    note = f"{note[:1].upper()}{note[1:]}." if note else ""
    label = "units" if len(units) == values.shape[1] else f"{len(units)} of {values.shape[1]} units"
    return Heatmap(
        title, names, steps, shown, low, high, "value", label, centred, True, column_label=steps_label, note=note
    )


def half_life_table(layer: str, state: str, lives: Sequence[float]) -> Table:
    longest = sorted(range(len(lives)), key=lambda unit: -lives[unit])[:LONGEST]
    title = f"{layer}: units whose {state} remembers longest (median of all: {_tokens(median(lives), 2)} tokens)"
    rows = [(str(unit), _tokens(lives[unit], 3)) for unit in longest]
    return Table(title, ("unit", "half-life in tokens"), rows)


def _tokens(life: float, digits: int) -> str:
    return "no end of" if life > 0.99 * FOR_EVER else f"{life:.{digits}g}"


def show_gradients(found: Mapping[str, Any]) -> Section:
    charts = []
    for side in ("encoder", "decoder"):
        lines = [
            Line(f"{name}, {when}", range(len(of[when][side])), of[when][side], dashed=when == "untrained")
            for name, of in found["gradients"].items()
            for when in ("trained", "untrained")
        ]
        charts.append(Lines(f"gradient in the {side}", "distance in tokens", "norm of the gradient", lines, log=True))
    text = (
        "How strongly the loss depends on the state so many tokens before. In the decoder: the loss of one target "
        "token, the geometric mean over many of them. In the encoder: the loss of the whole sentence, over the "
        "distance from the last token that a layer reads, the geometric mean over its layers; with attention every "
        "token has its own way to the loss."
    )
    return Section("Gradient flow", [text], charts)


def show_search(found: Mapping[str, Any]) -> Section:
    """The tree of the search, a column a step, best extensions on top."""
    steps = found["search"]
    chosen = next((tuple(one["ids"]) for step in steps for one in step if one["fate"] == "chosen"), ())
    nodes = [Node("0", "<s>", -1, 0, "the start", "good")]
    edges = []
    for column, step in enumerate(steps):
        for row, one in enumerate(step[:WIDE]):
            ids = tuple(one["ids"])
            kind = {"lost": "bad", "ends": "input"}.get(one["fate"], "plain")
            kind = "good" if ids == chosen[: len(ids)] else kind
            detail = (
                f"{' '.join(one['pieces'])}\nlog-probability {one['log_prob']:.3f}\n{one['fate']}: {one['reason']}"
            )
            nodes.append(Node(_key(ids), one["pieces"][-1], column, -row, detail, kind))
            edges.append((_key(one["parent"]), _key(ids)))
    known = {node.name for node in nodes}
    edges = [edge for edge in edges if set(edge) <= known]
    deep = max(len(step[:WIDE]) for step in steps)
    tree = Graph("search", nodes, edges, 1.2 * (len(steps) + 2), 0.42 * deep + 1)
    text = (
        "A column is a step, its rows the extensions that the search considered, best first: green the translation "
        "that was chosen, grey what lived on, yellow what ended and was kept, red what was lost. Hovering tells why."
    )
    return Section("Search", [text], [tree])


def _key(ids: Sequence[int]) -> str:
    """A name for a node, which is short however long the translation is."""
    return hashlib.sha256("-".join(map(str, ids)).encode()).hexdigest()[:16] if ids else "0"


PARTS = {
    "attention": show_attention,
    "gates": show_gates,
    "gradients": show_gradients,
    "search": show_search,
}
KEYS = {"attention": "attention", "gates": "layers", "gradients": "gradients", "search": "search"}
