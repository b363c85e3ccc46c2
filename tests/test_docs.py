"""What the README and docs/ show is so: files that they link, commands that they print, the cell that they add."""

from __future__ import annotations

import ast
import re
import shlex
import sys
import textwrap
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from nmt.cells import CELLS
from nmt.cli.schema import register, to_plain, to_run_config
from nmt.config import RunConfig, from_dict
from nmt.model.recurrent import Recurrent
from nmt.resources import resource

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BY_HYDRA = {"nmt-train": "train", "nmt-lab": "lab_"}
B, T, E, H = 2, 4, 3, 5


@pytest.fixture
def new_cell(tmp_path, monkeypatch):
    """The file that "Add a cell" prints, as it is printed, beside the cells of the project."""
    part = (ROOT / "docs" / "extend.md").read_text(encoding="utf-8").split("## Add a cell\n")[1].split("\n## ")[0]
    code = textwrap.dedent(
        "".join(re.findall(r"^(?: {7}.*)?\n", part.split("1. ")[1].split("\n2. ")[0], re.MULTILINE))
    )
    path = tmp_path / "ugrnn.py"
    path.write_text(code, encoding="utf-8")
    spec = spec_from_file_location("ugrnn", path)
    module = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "ugrnn", module)
    spec.loader.exec_module(module)
    monkeypatch.setitem(CELLS, "ugrnn", module.UGRNN)
    return code, module


def test_the_cell_that_the_docs_add_is_complete_and_does_what_its_docstring_says(new_cell):
    code, module = new_cell
    tree = ast.parse(code)
    (function,) = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    assert ast.get_docstring(tree)
    assert all(argument.annotation for argument in function.args.args[1:])
    assert function.returns
    assert "h' = (1 - z) ⊙ n + z ⊙ h" in module.UGRNN.__doc__
    (gates, h) = torch.randn(B, 2 * H), torch.randn(B, H)
    z, n = gates[:, :H].sigmoid(), gates[:, H:].tanh()
    (found,) = module.UGRNN().pointwise(gates, gates[:, :0], (h,), {})
    torch.testing.assert_close(found, (1 - z) * n + z * h)


def test_the_cell_that_the_docs_add_is_a_choice_and_trains(new_cell, tmp_path):
    (tmp_path / "conf" / "cell").mkdir(parents=True)
    like = (resource("conf") / "cell" / "gru.yaml").read_text(encoding="utf-8")
    assert len(like.splitlines()) == 3
    (tmp_path / "conf" / "cell" / "ugrnn.yaml").write_text(like.replace("gru", "ugrnn"), encoding="utf-8")
    register()
    GlobalHydra.instance().clear()
    with initialize_config_dir(version_base="1.3", config_dir=str(resource("conf"))):
        own = f"hydra.searchpath=[file://{tmp_path / 'conf'}]"
        cell = to_run_config(compose("train", overrides=["run=x", "cell=ugrnn", own])).model.cell
    layer = Recurrent(cell, E, H)
    outputs = layer(torch.randn(B, T, E))
    outputs.sum().backward()
    assert outputs.shape == (B, T, H)
    assert all(parameter.grad.any() for parameter in layer.parameters())


def links(page: Path) -> list[Path]:
    """The files of the project that a page links."""
    found = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    return [(page.parent / target).resolve() for target in found]


def test_every_link_leads_somewhere_and_every_page_is_linked():
    linked = {page: links(page) for page in PAGES}
    assert {
        page.name: missing for page, all_ in linked.items() if (missing := [p for p in all_ if not p.exists()])
    } == {}
    assert set(PAGES) - {PAGES[0]} <= {target for targets in linked.values() for target in targets}


def test_the_readme_is_read_in_five_minutes():
    assert len(PAGES[0].read_bytes()) <= 7_000


def commands(page: Path) -> Iterator[list[str]]:
    """The words of each of nmt's commands in the page's blocks of code: no pipes, files of streams, or variables."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    fenced = "".join(re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    lines = re.findall(r"^(?:    |\t)+(.*)", text, re.MULTILINE) + fenced.splitlines()
    for line in lines:
        for command in re.split(r"[;|]| && ", line) if re.search(r"\bnmt-\w", line) else ():
            if start := re.search(r"(?:^|\s)(nmt-[\w-]+ .*)", command):
                lexer = shlex.shlex(re.split(r" (?:2?>|<)", start[1])[0], posix=True, punctuation_chars=False)
                lexer.whitespace_split = True
                words = list(lexer)
                if "..." not in words:
                    values = (re.sub(r"^\$[a-z]+$", "1", word) for word in words)
                    yield [word for word in values if not word.startswith("$")]


def has_launchers() -> bool:
    """Whether Hydra's launchers are installed, which are an extra."""
    try:
        return all(find_spec(f"hydra_plugins.hydra_{name}_launcher") for name in ("joblib", "submitit"))
    except ModuleNotFoundError:
        return False


SHOWN = sorted({(page.name, *words) for page in PAGES for words in commands(page)})


@pytest.mark.parametrize("shown", SHOWN, ids=" ".join)
def test_a_command_that_is_shown_has_the_options_that_it_is_given(shown):
    _, command, *words = shown
    if command not in BY_HYDRA:
        options = (
            import_module(f"nmt.cli.{command.removeprefix('nmt-').replace('-', '_')}").parser().parse_args(words)
        )
        if command != "nmt-tune":
            return
        command, words = "nmt-train", options.overrides
    name = BY_HYDRA[command] + (words.pop(0) if command == "nmt-lab" else "")
    overrides = [re.sub(r"=([^\[,]*),.*", r"=\1", word) for word in words if not word.startswith("-")]
    if not has_launchers():
        overrides = [override for override in overrides if not override.startswith("hydra")]
    register()
    GlobalHydra.instance().clear()
    with initialize_config_dir(version_base="1.3", config_dir=str(resource("conf"))):
        if command == "nmt-lab":
            compose(name, overrides)
        else:
            from_dict(RunConfig, to_plain(compose(name, ["run=x", *overrides])))


def test_commands_are_found():
    assert len(SHOWN) > 40
    assert ("README.md", "nmt-train", "-m", "cell=rnn,gru,lstm", "seed=1,2") in SHOWN
    assert {"nmt-tune", "nmt-serve"} <= {command for _, command, *_ in SHOWN}
