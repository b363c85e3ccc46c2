"""The pages of nmt-inspect and nmt-lab in a real browser: wide and narrow, dark, by keyboard, and for a screen
reader."""

from __future__ import annotations

import browser
import pytest

from nmt.pictures.charts import Curve, Diagram, Heatmap, LineChart, Node, Section, Table
from nmt.pictures.page import to_html

WEIGHTS = Heatmap("weights", ["▁a", "</s>"], ["▁x", "y", "▁c"], [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]], label="weight")
GATE = Heatmap(
    "layer: input gate i",
    ["unit 0", "unit 1", "unit 2"],
    ["▁x", "y"],
    [[0.5, -0.5], [1, 0], [0, -1]],
    -1,
    row_label="units",
    column_label="pieces",
    centred=True,
    dense=True,
    note="How much of what is new is written.",
)
LINES = LineChart("norms", "distance", "norm", [Curve("a", [0, 1], [1.0, 0.1]), Curve("b", [0], [0.5])])
NODES = [Node("1", "<s>", 0, 0, "the start", "good"), Node("2", "dog", 9, -1, kind="bad")]
TREE = Diagram("tree", NODES, [("1", "2")], 9, 2)
TABLE = Table("numbers", ("unit", "life"), [("3", "4")])
SECTIONS = [Section("Maps", ["Words."], [WEIGHTS, GATE, LINES]), Section("More", [], [TREE, TABLE])]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    found = tmp_path_factory.mktemp("pictures") / "page.html"
    found.write_text(to_html("A page", SECTIONS), encoding="utf-8")
    return found


@pytest.fixture
def opened(chromium, path):
    """The page, ready; whatever it asks for, or complains of, fails the test."""
    with browser.watched(chromium, "file:") as new_page:

        def open_page(**settings):
            page = new_page(**settings)
            page.goto(path.as_uri())
            page.wait_for_selector("html[data-ready]")
            return page

        yield open_page


def lefts(page) -> list[float]:
    return page.evaluate("[...document.querySelectorAll('figure')].map((one) => one.getBoundingClientRect().left)")


def test_two_columns_where_there_is_room_and_one_on_a_narrow_screen(opened):
    first, second, third, wide = lefts(opened(viewport={"width": 1300, "height": 900}))
    assert first == third == wide < second
    page = opened(viewport={"width": 320, "height": 640})
    assert len(set(lefts(page))) == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    for one in page.locator("summary").all():
        one.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_people_out(opened, scheme):
    page = opened(color_scheme=scheme)
    for one in page.locator("summary").all():
        one.click()
    assert browser.barriers(page) == []


@pytest.mark.parametrize(("scheme", "is_dark"), [("light", False), ("dark", True)])
def test_drawings_are_as_dark_as_the_page(opened, scheme, is_dark):
    page = opened(color_scheme=scheme)
    colours = page.evaluate(
        """() => [getComputedStyle(document.body).backgroundColor,
        ...["text", "path[style*='stroke: var(--series-0)']", "g[style*='fill: var(--good)'] rect"].map((one) => {
          const style = getComputedStyle(document.querySelector(`.drawing ${one}`));
          return one.includes("stroke") ? style.stroke : style.fill; })]"""
    )
    ground, ink, line, box = (sum(map(int, colour.strip("rgb()").split(","))) for colour in colours)
    assert (ground < ink) is is_dark
    assert (ground < line) is is_dark
    assert (box < ink) is is_dark


def test_pointing_shows_the_number_there(opened):
    page = opened()
    tip, cells = page.locator("#tip"), page.locator("image").first
    box = cells.bounding_box()
    cells.hover(position={"x": box["width"] - 2, "y": box["height"] - 2})
    assert tip.text_content() == "</s> · ▁c\n0.6"
    page.locator(".drawing text", has_text="dog").hover()
    assert tip.text_content() == "dog"
    page.mouse.move(1, 1)
    assert tip.is_hidden()


def test_arrow_keys_go_through_the_numbers(opened):
    page = opened()
    said, drawings = page.locator("#said"), page.locator(".drawing")
    drawings.nth(0).focus()
    for key in ("ArrowRight", "ArrowDown", "End"):
        page.keyboard.press(key)
    assert said.text_content() == "</s> · ▁c\n0.6" == page.locator("#tip").text_content()
    page.keyboard.press("ArrowUp")
    assert said.text_content() == "▁a · ▁c\n0.3"
    page.keyboard.press("Escape")
    assert page.locator("#tip").is_hidden()
    drawings.nth(2).focus()
    page.keyboard.press("End")
    assert said.text_content() == "b\ndistance: 0\nnorm: 0.5"


def test_every_chart_says_what_it_is_and_has_its_numbers_as_a_table(opened):
    page = opened()
    names = [one.get_attribute("aria-label") for one in page.locator(".drawing[role=img]").all()]
    assert names == [
        "weights. Heat map of weight: 2 rows downwards, 3 columns across; from 0.1 to 0.6.",
        "layer: input gate i. Heat map of values: 3 units downwards, 2 pieces across; from -1 to 1.",
        "norms. norm over distance: a from 1 at 0 to 0.1 at 1; b from 0.5 at 0 to 0.5 at 0.",
        "tree. Diagram of 2 boxes with 1 arrows between them.",
    ]
    assert page.locator("figcaption").all_text_contents() == ["How much of what is new is written."]
    for one in page.locator("summary").all():
        one.click()
    page.locator("details table").nth(3).wait_for()  # the browser tells later that one was opened
    tables = [
        [row.locator("th, td").all_text_contents() for row in table.locator("tr").all()]
        for table in page.locator("details table").all()
    ]
    assert tables == [
        [["", "▁x", "y", "▁c"], ["▁a", "0.1", "0.2", "0.3"], ["</s>", "0.4", "0.5", "0.6"]],
        [["", "▁x", "y"], ["unit 0", "0.5", "-0.5"], ["unit 1", "1", "0"], ["unit 2", "0", "-1"]],
        [["line", "distance", "norm"], ["a", "0", "1"], ["a", "1", "0.1"], ["b", "0", "0.5"]],
        [["box", "what it is", "arrows from"], ["<s>", "the start", ""], ["dog", "", "<s>"]],
    ]
