"""Charts and words of an inspection agree with each other, and with what was found."""

from __future__ import annotations

import pytest
import torch
import toy
from test_trace import T, calls_of

from nmt.cells import CELLS
from nmt.data.tokenizer import EOS_ID
from nmt.inspection.charts import WIDE, half_life_table, show_gates, show_search, unit_order
from nmt.inspection.report import cell_terms, layer_data
from nmt.inspection.trace import half_life, layer_trace, trace
from nmt.pictures.charts import Table
from nmt.pictures.page import to_html


@pytest.fixture(scope="module")
def mlstm():
    """16 units, 2 heads, and matrices of 2 x 8 x 8 entries."""
    torch.manual_seed(1)
    layers, _ = trace(toy.model("mlstm", hidden_size=16), [5, 7, 4, 9, EOS_ID], [6, 4, 8])
    found = {
        "layers": {layers[-1].name: layer_data(layers[-1])},
        "words": cell_terms("mlstm", layers[-1:]),
        "tgt_pieces": ["a", "b", "c", "</s>"],
    }
    return layers[-1], show_gates(found)


def test_units_are_in_one_order_in_every_picture_of_a_layer(mlstm):
    layer, section = mlstm
    units = [f"unit {unit}" for unit in unit_order(layer.states["h"])]
    assert units != [f"unit {unit}" for unit in range(16)]
    rows = {chart.title.split()[-1]: chart.rows for chart in section.charts if not isinstance(chart, Table)}
    for key in ("o", "h"):
        assert rows[key] == units


def test_what_is_not_of_units_is_not_called_so(mlstm):
    _, section = mlstm
    charts = {chart.title.split(": ")[1]: chart for chart in section.charts if not isinstance(chart, Table)}
    for chart in charts.values():
        assert chart.low == (-chart.high if chart.centred else 0)
        assert chart.centred == (min(map(min, chart.values)) < 0)
    for title in ("input gate i", "forget gate f", "scale m"):
        assert charts[title].rows == ["head 0", "head 1"]
        assert charts[title].row_label == "heads"
    matrix = charts["memory C"]
    assert matrix.rows == [f"entry {2 * i}" for i in range(64)]
    assert matrix.row_label == "64 of 128 entries"
    (table,) = [chart for chart in section.charts if isinstance(chart, Table) and "of C" in chart.title]
    assert "entries of C that remember longest" in table.title
    assert table.header[0] == "entry"
    assert any("head" in paragraph and "entries" in paragraph for paragraph in section.text)


def test_a_layer_of_units_alone_is_told_of_no_heads():
    _, watched, _, _ = calls_of("gru")
    layer = layer_trace(watched, "layer")
    found = {"layers": {"layer": layer_data(layer)}, "words": cell_terms("gru", [layer]), "src_pieces": ["a"] * T}
    assert len(show_gates(found).text) == 1


def test_what_is_kept_whole_has_no_half_life():
    _, watched, _, _ = calls_of(CELLS["lstm_odyssey"](forget_gate=False))
    (kept,) = layer_trace(watched, "layer").kept.values()
    table = half_life_table("layer", "c", half_life(kept).tolist(), kept.shape[1])
    assert "units whose c remembers longest (median of all: no end of tokens)" in table.title
    assert {life for _, life in table.rows} == {"no end of"}


def test_the_tree_holds_the_chosen_translation_wherever_it_stood():
    """Also where WIDE or more others of a step were better."""
    chosen = [5, 6, 7]
    steps = []
    for n in range(len(chosen)):
        others = [[*chosen[:n], 100 + k] for k in range(WIDE + 2)]
        every = [*others, chosen[: n + 1], [*chosen[:n], 200]]
        step = {"pieces": ["a"], "log_prob": -1.0, "reason": "", "parent": chosen[:n]}
        steps.append([step | {"ids": ids, "fate": "lost"} for ids in every])
        steps[-1][WIDE + 2]["fate"] = "chosen" if n == len(chosen) - 1 else "lives"
    section = show_search({"search": steps})
    (tree,) = section.charts
    assert sum(node.kind == "good" for node in tree.nodes) == 1 + len(chosen)
    assert len(tree.nodes) == 1 + len(chosen) * (WIDE + 1)
    assert len({(node.x, node.y) for node in tree.nodes}) == len(tree.nodes)
    assert f"the best {WIDE} extensions" in section.text[0]


def test_the_tree_of_a_long_translation_is_drawn():
    """Its nodes' names are cut nowhere, as labels are."""
    ids = [300 + n for n in range(90)]
    step = {"pieces": ["a"], "log_prob": -1.0, "fate": "chosen", "reason": "best"}
    steps = [[step | {"ids": ids[: n + 1], "parent": ids[:n]}] for n in range(len(ids))]
    section = show_search({"search": steps})
    assert "<svg" in to_html("long", [section])
    assert len(section.charts[0].edges) == len(ids)
