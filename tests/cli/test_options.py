"""What the options make of a model's own search."""

from __future__ import annotations

import argparse

import pytest

from nmt.cli.errors import Parser
from nmt.cli.options import add_search_options, chosen_search
from nmt.search import Beam, Greedy, Sample


def options(*arguments: str) -> argparse.Namespace:
    parser = Parser(prog="test")
    add_search_options(parser)
    return parser.parse_args(arguments)


OWN = Beam(
    max_ratio=1.5,
    max_extra=7,
    no_repeat_ngram=4,
    repetition_penalty=1.1,
    normalisation="gnmt",
    alpha=0.6,
    coverage=0.2,
    beam_size=3,
)


def test_another_beam_keeps_all_of_the_models_own_settings():
    greedy = chosen_search(OWN, options("--beam-size", "1"))
    assert greedy == Greedy(1.5, 7, 4, 1.1, "gnmt", 0.6, 0.2)
    assert chosen_search(greedy, options("--beam-size", "3")) == OWN
    assert chosen_search(OWN, options("--sample", "2")) == Sample(1.5, 7, 4, 1.1, samples=2)
    assert chosen_search(OWN, options()) == OWN


def test_options_may_stand_between_other_arguments(capsys):
    parser = Parser(prog="test")
    parser.add_argument("models", nargs="+")
    parser.add_argument("--to", required=True)
    parser.add_argument("-q", action="store_true")
    assert parser.parse_args(["a", "--to", "de", "b", "-q", "c"]).models == ["a", "b", "c"]
    for arguments, message in (
        (["a", "-q", "b", "-q", "--to", "de"], "-q is given twice; it counts once"),
        (["a", "-q", "b", "--too", "--to", "de"], "unrecognized arguments: --too; did you mean --to?"),
        ([], "the following arguments are required: models, --to"),
    ):
        with pytest.raises(SystemExit):
            parser.parse_args(arguments)
        assert capsys.readouterr().err.startswith(f"test: {message}")


@pytest.mark.parametrize("own", [OWN, Greedy(), Sample(samples=2)])
def test_what_may_not_repeat_can_be_told_to_any_search(own):
    found = chosen_search(own, options("--no-repeat-ngram", "3", "--repetition-penalty", "1.4"))
    assert type(found) is type(own)
    assert (found.no_repeat_ngram, found.repetition_penalty) == (3, 1.4)
    with pytest.raises(ValueError, match=r"repetition_penalty is 0\.9; it must be from 1 to 100"):
        chosen_search(own, options("--repetition-penalty", "0.9"))
