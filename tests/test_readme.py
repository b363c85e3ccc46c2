"""What the README shows is so."""

from __future__ import annotations

import ast
import re
import sys
import textwrap
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from nmt.cells import CELLS
from nmt.cli.schema import register, to_run_config
from nmt.model.recurrent import Recurrent
from nmt.resources import resource

README = Path(__file__).parents[1] / "README.md"
B, T, E, H = 2, 4, 3, 5


@pytest.fixture
def new_cell(tmp_path, monkeypatch):
    """The file that "Add a cell" prints, as it is printed, beside the cells of the project."""
    part = README.read_text(encoding="utf-8").split("## Add a cell\n")[1].split("\n## ")[0]
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


def test_the_cell_that_the_readme_adds_is_complete_and_does_what_its_docstring_says(new_cell):
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


def test_the_cell_that_the_readme_adds_is_a_choice_and_trains(new_cell, tmp_path):
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
