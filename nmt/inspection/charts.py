"""The results of an inspection (report.py) as charts and words."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import torch
from torch import Tensor

from nmt.inspection.search_tree import WIDE
from nmt.inspection.trace import FOR_EVER
from nmt.pictures.charts import Curve, Diagram, Heatmap, LineChart, Node, Section, Table

LONGEST = 10  # rows of the table of half-lives
ROWS = 64  # of a heat map; a larger layer shows an even sample of its units


def sections(found: Mapping[str, Any]) -> list[Section]:
    """The results of `inspect_sentence`, for display."""
    shown = {"attention": show_attention, "layers": show_gates, "gradients": show_gradients, "search": show_search}
    return [show(found) for key, show in shown.items() if key in found]


def show_attention(found: Mapping[str, Any]) -> Section:
    """One heat map per head."""
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
    """Heat maps of gates, states and the share of them kept, and tables of the longest memories."""
    maps: list[Heatmap] = []
    tables: list[Table] = []
    for name, layer in found["layers"].items():
        maps += layer_maps(name, layer, found)
        units = len(layer["states"]["h"][0])
        tables += [half_life_table(name, key, lives, units) for key, lives in layer["half_life"].items()]
    text = [
        "Each row is a unit, each column what the layer read at that step; the units are sorted so that like stands "
        "by like, in the same order in every picture of a layer. Gates and states are those of the cell's equations. "
        "The share kept is an LSTM's forget gate and a GRU's update gate. After its half-life, in tokens, half of "
        "what a unit holds is left; it is measured on this sentence alone."
    ]
    if not all(map(is_of_units, found["layers"].values())):
        text.append(
            "A gate with one number for each head has a row for each head, and a memory that is a matrix for each of "
            "its entries; both stand in the order of their numbers."
        )
    return Section("Gates and states", text, [*maps, *tables])


def is_of_units(layer: Mapping[str, Any]) -> bool:
    """Whether each gate and each part of the state has one number for each unit, as h does."""
    return len({len(values[0]) for what in ("gates", "states") for values in layer[what].values()}) == 1


def layer_maps(name: str, layer: Mapping[str, Any], found: Mapping[str, Any]) -> list[Heatmap]:
    steps = found["src_pieces"] if layer["of_source"] else ["<s>", *found["tgt_pieces"][:-1]]
    steps_label = f"{'source' if layer['of_source'] else 'target'} pieces read"
    order = unit_order(torch.tensor(layer["states"]["h"]))
    titled: list[tuple[str, str, Any]] = []  # each with a note
    for key, values in layer["gates"].items():
        title, note = found["words"]["gates"][key]
        titled.append((f"{title} {key}", note, values))
    for key, values in layer["kept"].items():
        if values not in layer["gates"].values():  # an LSTM's forget gate is shown already
            titled.append((f"share of {key} that is kept", "how much of it a step leaves where it was", values))
    for key, values in layer["states"].items():
        title, note = found["words"]["states"][key]
        titled.append((f"{title} {key}", note, values))
    return [
        time_map(f"{name}: {title}", torch.tensor(values), steps, order, steps_label, note)
        for title, note, values in titled
    ]


def unit_order(h: Tensor) -> list[int]:
    """h (T,H) -> units ordered by their weight in the first principal component over time."""
    centred = (h - h.mean(0)).double()
    _, _, components = torch.linalg.svd(centred, full_matrices=False)
    order: list[int] = components[0].argsort().tolist()
    return order


def row_names(width: int, units: int) -> tuple[str, str]:
    """Singular and plural names for the `width` numbers of a gate or state, in a layer with this many units."""
    if width == units:
        return "unit", "units"
    return ("head", "heads") if width < units else ("entry", "entries")  # entries of a matrix


def time_map(
    title: str, values: Tensor, steps: Sequence[str], order: Sequence[int], steps_label: str, note: str
) -> Heatmap:
    """Values (T,W) as a heat map, with units downwards in their `order`, or heads or entries."""
    width = values.shape[1]
    one, many = row_names(width, len(order))
    rows = list(order) if one == "unit" else list(range(width))
    if width > ROWS:
        rows = [rows[i * width // ROWS] for i in range(ROWS)]
    centred = bool((values < 0).any())
    high = max(1.0, float(values.abs().max()))
    return Heatmap(
        title,
        [f"{one} {row}" for row in rows],
        steps,
        values[:, rows].T.tolist(),
        low=-high if centred else 0.0,
        high=high,
        label="value",
        row_label=many if len(rows) == width else f"{len(rows)} of {width} {many}",
        centred=centred,
        dense=True,
        column_label=steps_label,
        note=f"{note[:1].upper()}{note[1:]}." if note else "",
    )


def half_life_table(layer: str, state: str, lives: Sequence[float], units: int) -> Table:
    longest = sorted(range(len(lives)), key=lambda row: -lives[row])[:LONGEST]
    one, many = row_names(len(lives), units)
    which = f"entries of {state} that remember" if one == "entry" else f"{many} whose {state} remembers"
    title = f"{layer}: {which} longest (median of all: {_tokens(median(lives), 2)} tokens)"
    return Table(title, (one, "half-life in tokens"), [(str(row), _tokens(lives[row], 3)) for row in longest])


def _tokens(life: float, digits: int) -> str:
    return "no end of" if life > 0.99 * FOR_EVER else f"{life:.{digits}g}"


def show_gradients(found: Mapping[str, Any]) -> Section:
    charts = []
    for side in ("encoder", "decoder"):
        lines = [
            Curve(f"{name}, {when}", range(len(of[when][side])), of[when][side], dashed=when == "untrained")
            for name, of in found["gradients"].items()
            for when in ("trained", "untrained")
        ]
        charts.append(
            LineChart(f"gradient in the {side}", "distance in tokens", "norm of the gradient", lines, log=True)
        )
    text = (
        "How strongly the loss depends on the state so many tokens before. In the decoder: the loss of one target "
        "token, the geometric mean over many of them. In the encoder: the loss of the whole sentence, over the "
        "distance from the last token that a layer reads, the geometric mean over its layers; with attention every "
        "token has its own way to the loss."
    )
    return Section("Gradient flow", [text], charts)


def show_search(found: Mapping[str, Any]) -> Section:
    """The tree of the search: one column per step, best extensions on top."""
    steps = found["search"]
    chosen: Sequence[int] = next((one["ids"] for step in steps for one in step if one["fate"] == "chosen"), [])
    nodes = [Node(_key(()), "<s>", -1, 0, "the start", "good")]
    edges = []
    for column, step in enumerate(steps):
        for place, one in enumerate(step):
            ids, fate = one["ids"], one["fate"]
            is_chosen = list(ids) == list(chosen[: len(ids)])
            if place >= WIDE and not is_chosen:
                continue
            kind = "good" if is_chosen else {"lost": "bad", "ends": "input"}.get(fate, "plain")
            detail = f"{' '.join(one['pieces'])}\nlog-probability {one['log_prob']:.3f}\n{fate}: {one['reason']}"
            row = min(place, WIDE)  # the chosen one may rank below WIDE; it then stands below them
            nodes.append(Node(_key(ids), one["pieces"][-1], column, -row, detail, kind))
            edges.append((_key(one["parent"]), _key(ids)))
    known = {node.name for node in nodes}
    edges = [edge for edge in edges if set(edge) <= known]
    height = 1 - min(node.y for node in nodes)  # rows
    tree = Diagram("search", nodes, edges, 1.2 * (len(steps) + 2), 0.42 * height + 1)
    text = (
        f"A column is a step, its rows the best {WIDE} extensions that the search considered, best first, and always "
        "that of the translation that was chosen, which is green with a thick border; grey is what lived on, yellow "
        "what ended and was kept, red with a dashed border what was lost. Hovering tells why."
    )
    return Section("Search", [text], [tree])


def _key(ids: Sequence[int]) -> str:
    """A node's name, short even if the translation is long."""
    return hashlib.sha256("-".join(map(str, ids)).encode()).hexdigest()[:16]
