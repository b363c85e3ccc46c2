"""Charts come out as files of every format, and as a page that needs nothing but itself."""

from __future__ import annotations

import base64
import errno
import itertools
import json
import math
import os
import re
import zlib
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from nmt.common.shown import HIDDEN
from nmt.pictures.charts import Curve, Diagram, Heatmap, LineChart, Node, Section, Table
from nmt.pictures.draw import PIXELS, save, svg
from nmt.pictures.fonts import families
from nmt.pictures.layout import COLOURS, LINE, LOOKS, diagram, heatmap
from nmt.pictures.marks import Boxes, Paths, Texts
from nmt.pictures.page import drawings, to_html, to_markdown, to_text

MAP = Heatmap("weights", ["▁a", "</s>"], ["▁שלום", "$x$", "▁c"], [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])
LINES = LineChart(
    "norms", "distance", "norm", [Curve("a, x", [0, 1], [1.0, 0.1]), Curve("b", [0], [0.5], [0.4], [0.6])], True
)
GRAPH = Diagram("tree", [Node("1", "<s>", 0, 0, "the start"), Node("2", "dog", 1, -1)], [("1", "2")], 3, 2)
TABLE = Table("numbers", ("unit", "life"), [("3", "<b>4</b> | 5")])
SECTIONS = [
    Section("First & last", ["Words <script>alert(1)</script>."], [MAP, LINES]),
    Section("Then", [], [GRAPH, TABLE]),
]


class Page(HTMLParser):
    """Counts tags, and collects whatever an attribute could fetch."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("src", "href", "xlink:href", "srcset", "data")]


@pytest.mark.parametrize(("suffix", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_the_suffix_gives_the_format(suffix, start, tmp_path):
    save([MAP, LINES, GRAPH], tmp_path / f"a.{suffix}")
    assert (tmp_path / f"a.{suffix}").read_bytes().startswith(start)


def test_a_picture_that_cannot_be_written_leaves_the_one_before(tmp_path, monkeypatch):
    def full(self, file, **_):
        file.write(b"half") if hasattr(file, "write") else file.write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "a.png"
    path.write_bytes(b"the one before")
    monkeypatch.setattr("nmt.pictures.draw.Figure.savefig", full)
    with pytest.raises(OSError, match=r"No space left on device: .*a\.png"):
        save([GRAPH], path)
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("a.png", b"the one before")]


@pytest.mark.parametrize(
    ("number", "width", "shape"), [(4, 4, (1, 4)), (7, 4, (3, 3)), (7, 11, (2, 4)), (7, 20, (1, 7))]
)
def test_many_charts_stand_in_columns_where_these_are_narrow(number, width, shape, tmp_path):
    save([replace(GRAPH, width=width, height=1)] * number, tmp_path / "a.png")
    pixels = [int.from_bytes((tmp_path / "a.png").read_bytes()[start : start + 4]) for start in (16, 20)]
    assert pixels == [120 * inches * count for inches, count in zip((width, 1), shape, strict=True)]


def test_a_tree_of_any_length_becomes_a_picture(tmp_path):
    save([replace(GRAPH, width=700, height=1)], tmp_path / "a.png")
    assert int.from_bytes((tmp_path / "a.png").read_bytes()[16:20]) == PIXELS


def test_another_suffix_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"a.xyz ends in '.xyz'; html has everything, a picture is one of: .*png"):
        save([MAP], tmp_path / "a.xyz")


def test_the_same_chart_gives_the_same_svg_with_its_text_as_text():
    drawing = svg(MAP).svg
    assert drawing == svg(MAP).svg
    assert "fill: #ffffff" in drawing  # also where a reader's ground is dark
    for text in (*MAP.rows[:1], *MAP.columns, "weights"):
        assert text in drawing


def test_each_number_has_its_place():
    (left, top), (right, bottom) = svg(MAP).spots
    assert 0 < left < right < 1
    assert 0 < top < bottom < 1
    (x0, y0), (x1, y1), _ = svg(LINES).spots
    assert x0 < x1
    assert y0 < y1  # downwards


@pytest.mark.parametrize(("norms", "shown"), [([0.15, 0.43], "0.3"), ([0.05, 0.5], "0.2"), ([1e-4, 1.0], "0.01")])
def test_a_logarithmic_axis_has_two_numbers_or_more(norms, shown):
    drawing = svg(LineChart("norms", "distance", "norm", [Curve("a", [6, 7], norms)], log=True)).svg
    numbers = [float(text) for text in re.findall(r">([\d.e-]+)</text>", drawing)]
    assert len({number for number in numbers if number < 2}) > 1
    assert f">{shown}</text>" in drawing


@pytest.mark.parametrize("ends", [[0.0], [0.0, 0.0, math.inf]])
def test_a_zero_does_not_stretch_a_logarithmic_axis(ends):
    norms = [1.0, 0.1, *ends]
    drawing, spots, _ = svg(LineChart("norms", "distance", "norm", [Curve("a", range(len(norms)), norms)], log=True))
    assert min(float(text) for text in re.findall(r">([\d.e-]+)</text>", drawing) if text != "0") > 0.01
    assert all(0 < x < 1 and 0 < y < 1 for x, y in spots)
    assert spots[2][1] > spots[1][1]


def test_nothing_but_zeros_is_drawn_without_a_warning(recwarn):
    svg(LineChart("norms", "distance", "norm", [Curve("a", [0, 1], [0.0, 0.0])], log=True))
    assert not recwarn.list


def test_lines_of_one_colour_have_different_markers_and_steps_whole_numbers():
    curves = [Curve(f"lstm, clipped at {clip}", range(20), [1.0] * 20) for clip in (5, 1)]
    drawing = svg(LineChart("norms", "distance", "norm", curves)).svg
    _, _, *markers = set(re.findall(r'<path id="(m\w+)"', drawing))  # without those of the axes
    assert len(markers) == 2
    assert not re.search(r">\d+\.\d</text>", drawing)


def test_an_arrow_ends_at_the_edge_of_its_box():
    nodes = [Node("1", "a", 0, 0), Node("2", "a long name", 5, 0, kind="good")]
    marks = diagram(Diagram("tree", nodes, [("1", "2")], 6, 2)).marks
    ((tip, *_),) = next(mark.paths for mark in marks if isinstance(mark, Paths) and not mark.are_curved)
    ((left, top, _, height),) = next(
        mark.boxes for mark in marks if isinstance(mark, Boxes) and mark.look == LOOKS["good"]
    )
    assert tip == pytest.approx((left, top + height / 2))


def test_what_was_chosen_and_what_was_lost_differ_without_their_colours():
    kinds = ("good", "bad", "plain")
    drawing = svg(Diagram("tree", [Node(kind, kind, i, 0, kind=kind) for i, kind in enumerate(kinds)], [], 6, 2)).svg
    styles = [re.search(rf'style="fill: {COLOURS[kind]}; ([^"]*)"', drawing)[1] for kind in kinds]
    assert len(set(styles)) == 3


def test_long_names_have_room_beside_the_numbers():
    left = [svg(replace(MAP, rows=["a" * length, "b"])).spots[0][0] for length in (1, 15, 30)]
    assert left[0] + 0.1 < left[1] < left[2] - 0.1


def test_of_many_names_only_as_many_are_shown_as_have_room():
    names = [f"piece {i}" for i in range(400)]
    marks = heatmap(replace(MAP, columns=names, values=[[0.5] * 400] * 2)).marks
    places = [x for mark in marks if isinstance(mark, Texts) for x, _, text in mark.placed if text in names]
    assert len(places) > 50
    assert min(b - a for a, b in itertools.pairwise(places)) >= LINE


def test_a_page_fetches_nothing_and_runs_nothing_that_its_text_says():
    text = to_html("A <title>", SECTIONS)
    page = Page(text)
    assert all(link.startswith(("#", "data:")) for link in page.links)
    assert not re.search(r"url\(\s*['\"]?(?!#)", text)
    assert page.tags.count("svg") == page.tags.count("figure") == 3
    assert page.tags.count("section") == 2
    assert page.tags.count("script") == 2  # the numbers and the page's own
    assert len(json.loads(unpacked(text))) == 3


def unpacked(page: str) -> str:
    """The numbers of a page, as JSON."""
    (packed,) = re.findall(r'id="data">(.*?)</script>', page)
    return zlib.decompress(base64.b64decode(packed)).decode()


def test_markdown_links_its_pictures(tmp_path):
    text = to_markdown("A page", SECTIONS, drawings(SECTIONS), tmp_path)
    linked = re.findall(r"!\[.*?\]\((.*?)\)", text)
    assert linked == ["first-last-weights.svg", "first-last-norms.svg", "then.svg"]
    assert sorted(linked) == sorted(path.name for path in tmp_path.iterdir())
    for name, title in zip(linked, ("weights", "norms", "tree"), strict=True):
        assert f">{title}</text>" in (tmp_path / name).read_text(encoding="utf-8")
    assert "| 3 | <b>4</b> \\| 5 |" in text


def test_a_terminal_gets_words_and_aligned_tables():
    lines = to_text(SECTIONS).splitlines()
    assert lines[:3] == ["First & last", "", "Words <script>alert(1)</script>."]
    assert lines[-2:] == ["unit  life", "3     <b>4</b> | 5"]


def test_fonts_are_looked_for_only_where_the_first_lacks_a_character():
    assert families("Straße ▁שלום مرحبا") == ["DejaVu Sans"]
    assert not any(name.startswith("Last Resort") for name in families("हिन्दी 注意"))


HOSTILE = "\x1b[2J\x07<&\x9b\u202e\ufffe\ud800" + "x" * 900_000
HOSTILE_CHARTS = [
    Heatmap(HOSTILE, [HOSTILE, "b"], ["a", HOSTILE], [[0.1, 0.2], [0.3, 0.4]], label=HOSTILE, row_label=HOSTILE),
    LineChart(f"lines {HOSTILE}", HOSTILE, HOSTILE, [Curve(HOSTILE, [0, 1], [1.0, 0.1])], x_names=[HOSTILE, "b"]),
    Diagram(f"graph {HOSTILE}", [Node("1", HOSTILE, 0, 0, HOSTILE), Node("2", "dog", 1, -1)], [("1", "2")], 3, 2),
]


@pytest.mark.filterwarnings("ignore:constrained_layout not applied")
def test_what_a_stranger_names_is_escaped_and_cut_in_every_picture(tmp_path):
    for chart in HOSTILE_CHARTS:
        drawing = svg(chart).svg
        ElementTree.fromstring(drawing)  # XML allows no control characters
        assert len(drawing) < 100_000
        assert r"\x1b[2J" in drawing
        assert not HIDDEN.search(drawing.replace("\n", ""))
    for suffix in ("png", "svg", "pdf"):
        save(HOSTILE_CHARTS, tmp_path / f"a.{suffix}")
    ElementTree.parse(tmp_path / "a.svg")


@pytest.mark.filterwarnings("ignore:constrained_layout not applied")
def test_what_a_stranger_names_is_escaped_on_a_page_and_a_terminal(tmp_path):
    table = Table(HOSTILE, (HOSTILE, "b"), [(HOSTILE, "c")])
    sections = [Section(HOSTILE[:9], [HOSTILE[:9], "a paragraph " * 99], [*HOSTILE_CHARTS, table])]
    drawn = drawings(sections)
    pages = to_html(HOSTILE, sections, drawn), to_markdown(HOSTILE, sections, drawn, tmp_path), to_text(sections)
    for text in pages:
        assert not HIDDEN.search(text.replace("\n", ""))
        assert len(text) < 200_000
        assert r"\x1b[2J" in text
        assert " ".join(text.split()).count("a paragraph") == 99  # a paragraph is not cut
    for of_chart in json.loads(unpacked(pages[0])):
        assert len(json.dumps(of_chart)) < 10_000
        assert not HIDDEN.search(json.dumps(of_chart, ensure_ascii=False))
