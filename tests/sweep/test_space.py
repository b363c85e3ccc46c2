"""What a search may choose from."""

from __future__ import annotations

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from nmt.sweep.overrides import in_words, quoted
from nmt.sweep.space import Choice, Range, WholeRange, find_space, read_space

ODD = ["a b", "it's", "x,y=[1]", "a\\", "a\\'b", "true", '"q"', "", "a\\\\", "null", "1e3", "chrf++", "inf", "../x"]


def test_a_space_is_read(tmp_path):
    path = tmp_path / "space.yaml"
    path.write_text(
        "cell: [rnn, gru]\na.b: [1, 2.5, true, null]\nc: {low: 1, high: 3}\nd: {low: 1, high: 3.0, log: true}\n"
        "e: {low: 0, high: 1, step: 0.25}\n"
    )
    assert read_space(path) == {
        "cell": Choice(("rnn", "gru")),
        "a.b": Choice((1, 2.5, True, None)),
        "c": WholeRange(1, 3),
        "d": Range(1.0, 3.0, log=True),
        "e": Range(0.0, 1.0, 0.25),
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1]", "a must have two choices or more, all different"),
        ("a: [1, 1]", "a must have two choices or more, all different"),
        ("a: [1, [2]]", "a has [2]; each choice must be a word, a number, true, false or null"),
        ("a: 3", "a is 3; it must be a list, or have low and high"),
        ("a: {low: 3}", "a.high is missing"),
        ("a: {low: 3, high: 2}", "a.low is 3 and high 2; low must be less"),
        ("a: {low: 0, high: 2, log: true}", "a.log goes with numbers above 0 and without a step"),
        ("a: {low: 0, high: 2, step: 5}", "a.step is 5; it must be above 0 and within low and high"),
        ("a: {low: 0, hihg: 2}", "a.hihg is unknown; a has: low, high, step, log; did you mean high?"),
        ("a: {low: 0, high: .inf}", "a.low is 0.0 and high inf; low must be less"),
        ("[1, 2]", "it must map settings to their choices"),
        ("a: !!python/object/apply:os.system [ls]", "it is no YAML"),
        ("[" * 5000, "is no space"),
        ("x" * 1_000_001, "it has more than 1,000,000 bytes"),
    ],
)
def test_what_is_no_space_is_said_in_a_line(tmp_path, text, message):
    (tmp_path / "space.yaml").write_text(text)
    with pytest.raises(ValueError, match="is no space") as error:
        read_space(tmp_path / "space.yaml")
    assert message in str(error.value)


def test_a_space_is_one_of_ours_or_a_file(tmp_path):
    assert {find_space(name).name for name in ("default", "architecture")} == {
        "tune_default.yaml",
        "tune_architecture.yaml",
    }
    with pytest.raises(ValueError, match="no space 'defualt'; did you mean default\\? give a file, or choose"):
        find_space("defualt")


@pytest.mark.parametrize("value", [*ODD, 1, 0.00012, 1e-9, True, None, -3])
def test_a_value_is_to_hydra_what_it_is(value):
    (override,) = OverridesParser.create().parse_overrides([f"key={in_words(value)}"])
    found = override.value()
    assert (str(found) if isinstance(value, str) else found) == value
    assert isinstance(value, str) or type(found) is type(value)


@pytest.mark.parametrize("text", ODD)
def test_a_quoted_text_is_that_text_whatever_stands_in_it(text):
    (override,) = OverridesParser.create().parse_overrides([f"key={quoted(text)}"])
    assert str(override.value()) == text
