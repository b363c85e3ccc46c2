"""What a stranger's model or file holds, in what commands print: numbers that are none, and control characters."""

from __future__ import annotations

import json
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file

from nmt.bundle import CONFIG, WEIGHTS, seal
from nmt.cli import translate
from nmt.common.files import sha256
from nmt.common.shown import HIDDEN, MOST


@pytest.fixture
def refused(run_here):
    """What a command says that refuses its arguments."""

    def run(name, *arguments) -> str:
        (line,) = run_here(name, *arguments, code=2).err.splitlines()
        return line

    return run


def strictly(text: str):
    def refuse(name: str):
        raise AssertionError(f"{name} is no JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.fixture
def overflowing(bundle_dir):
    """A model whose numbers overflow."""
    weights = {name: 3.4e38 * torch.ones_like(tensor) for name, tensor in load_file(bundle_dir / WEIGHTS).items()}
    save_file(weights, bundle_dir / WEIGHTS)
    config = json.loads((bundle_dir / CONFIG).read_text())
    sums = config["checksums"] | {WEIGHTS: [sha256(bundle_dir / WEIGHTS)]}
    (bundle_dir / CONFIG).write_text(json.dumps(seal(config, sums)))
    return bundle_dir


def test_json_is_json_where_numbers_overflow(overflowing, tmp_path, monkeypatch, run_here):
    (tmp_path / "src").write_text("Anna mag den Ball.\nDer Hund.\n")
    files = ["--src", tmp_path / "src", "--ref", tmp_path / "src"]
    found = run_here("nmt-inspect", overflowing, "Anna.", "--json").out
    strictly(found)
    assert "null" in found
    for extra in ([], ["--tune"]):
        arguments = [overflowing, *files, "--json", "--output", tmp_path / "out", "--workers", 1, *extra]
        strictly(run_here("nmt-evaluate", *arguments).out)
    strictly((tmp_path / "out" / "scores.json").read_text())
    (tmp_path / "other").write_text("a\nb\n")
    strictly(run_here("nmt-compare", tmp_path / "src", tmp_path / "other", *files, "--json").out)
    with (tmp_path / "src").open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        lines = translated(monkeypatch, overflowing, "--json", "--nbest", 2, "--beam-size", 2)
    assert [strictly(line)["score"] for line in lines] == [None, None]


def translated(monkeypatch, *arguments) -> list[str]:
    import io

    class Out:
        buffer = io.BytesIO()

        def flush(self) -> None: ...

    monkeypatch.setattr(sys, "stdout", Out())
    monkeypatch.setattr(sys, "argv", ["nmt-translate", *map(str, arguments)])
    translate.main()
    return Out.buffer.getvalue().decode().splitlines()


ESCAPES = "\x1b]0;owned\x07\x1b[2J\x9b2J\u202e"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({ESCAPES: 1}, "is unknown"),
        ({"src": [ESCAPES]}, r"\x1b]0;owned"),
        ({"x" * 900_000: 1}, "x" * 200),
    ],
    ids=["key", "value", "long"],
)
def test_a_stranger_s_config_is_refused_in_a_line_that_a_terminal_does_not_obey(bundle_dir, refused, entry, message):
    config = json.loads((bundle_dir / CONFIG).read_text())
    (bundle_dir / CONFIG).write_text(json.dumps(seal(config | entry, config["checksums"])))
    line = refused("nmt-translate", bundle_dir)
    assert not HIDDEN.search(line)
    assert len(line) < MOST + 20
    assert message in line


def test_the_name_of_a_stranger_s_tensor_is_shown_not_obeyed(bundle_dir, refused):
    weights = load_file(bundle_dir / WEIGHTS)
    save_file(weights | {ESCAPES: torch.zeros(1)}, bundle_dir / WEIGHTS)
    line = refused("nmt-translate", bundle_dir)
    assert r"has, against the config, the weight \x1b]0;owned\x07\x1b[2J\x9b2J\u202e" in line


def test_names_of_files_and_options_are_shown_not_obeyed(tmp_path, refused):
    for name, *arguments in (
        ("nmt-translate", tmp_path / ESCAPES),
        ("nmt-translate", "x", f"--{ESCAPES}"),
        ("nmt-translate", "x", "--beam-size", ESCAPES),
        ("nmt-inspect", "x", "--src", tmp_path / ESCAPES),
        ("nmt-inspect", "x", "--src", tmp_path / "\udcff"),
    ):
        line = refused(name, *arguments)
        assert not HIDDEN.search(line)
        assert line.encode()


def test_what_stands_in_compared_files_is_shown_not_obeyed(tmp_path, run_here):
    texts = {"src": f"{ESCAPES}\n", "ref": f"a {ESCAPES}\n", "one": f"b {ESCAPES}\n", f"two{ESCAPES}": "c\u2028 d\n"}
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    src, ref, *systems = (tmp_path / name for name in texts)
    for extra in ([], ["--json"]):
        out = run_here("nmt-compare", *systems, "--src", src, "--ref", ref, *extra).out
        assert not HIDDEN.search(out.replace("\n", ""))
        assert "owned" in out
