"""The additions in docs/extend.md work as printed: a cell, here and from a package, and an entry of every table."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import textwrap
import tomllib
import zipfile
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from runpy import run_path

import pytest
import torch
import toy
from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra

import nmt
from nmt.cells import CELLS, Cell
from nmt.cli.app import built
from nmt.cli.schema import register
from nmt.cli.train import run_config
from nmt.common.resources import resource
from nmt.config import OptimConfig
from nmt.data import pair_files
from nmt.data.corpora import FileCorpus
from nmt.engine import resolve_compute, searchable
from nmt.metrics import measure
from nmt.metrics.measure import Measure
from nmt.model import attention, wirings
from nmt.model.recurrent import Recurrent
from nmt.plain_data import from_dict, names_of
from nmt.training import keywords, optim

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "extend.md").read_text(encoding="utf-8")
B, T, E, H = 2, 4, 3, 5


def part_of_page(title: str) -> str:
    return PAGE.split(f"## {title}\n")[1].split("\n## ")[0]


def printed_in_step(number: int) -> str:
    """The code printed in a step of "Add a cell"."""
    part = re.split(r"^\d\. ", part_of_page("Add a cell"), flags=re.MULTILINE)[number]
    return textwrap.dedent("".join(re.findall(r"^(?: {7}.*)?\n", part, re.MULTILINE)))


@pytest.fixture
def cell_source() -> str:
    return printed_in_step(1)


@pytest.fixture
def new_cell(tmp_path, monkeypatch, cell_source):
    """The new cell, added to the project's cells."""
    path = tmp_path / "ugrnn.py"
    path.write_text(cell_source, encoding="utf-8")
    spec = spec_from_file_location("ugrnn", path)
    module = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "ugrnn", module)
    spec.loader.exec_module(module)
    monkeypatch.setitem(CELLS, "ugrnn", module.UGRNN)
    return cell_source, module


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
    x, u = torch.randn(B, 2 * H), torch.randn(B, 2 * H)
    by_hand = run_path(str(ROOT / "tests" / "model" / "equations.py"))
    exec(compile(printed_in_step(4), "step 4", "exec"), by_hand)
    a, b = ({"z": part[:, :H].numpy(), "n": part[:, H:].numpy()} for part in (x, u))
    (found,) = module.UGRNN().pointwise(x + u, gates[:, :0], (h,), {})
    torch.testing.assert_close(found, torch.from_numpy(by_hand["ugrnn"](a, b, (h.numpy(),), {})[0]))


def test_the_cell_that_the_docs_add_is_a_choice_and_trains(new_cell, tmp_path):
    (tmp_path / "conf" / "cell").mkdir(parents=True)
    like = (resource("conf") / "cell" / "gru.yaml").read_text(encoding="utf-8")
    printed = printed_in_step(3).strip() + "\n"
    assert printed == like.replace("gru", "ugrnn")
    (tmp_path / "conf" / "cell" / "ugrnn.yaml").write_text(printed, encoding="utf-8")
    register()
    GlobalHydra.instance().clear()
    with initialize_config_dir(version_base="1.3", config_dir=str(resource("conf"))):
        own = f"hydra.searchpath=[file://{tmp_path / 'conf'}]"
        cell = run_config(compose("train", overrides=["run=x", "cell=ugrnn", own]), []).model.cell
    layer = Recurrent(cell, E, H)
    outputs = layer(torch.randn(B, T, E))
    outputs.sum().backward()
    assert outputs.shape == (B, T, H)
    assert all(parameter.grad.any() for parameter in layer.parameters())


def test_a_cell_of_the_table_is_a_choice_without_a_file(new_cell):
    register()
    GlobalHydra.instance().clear()
    with initialize_config_dir(version_base="1.3", config_dir=str(resource("conf"))):
        composed = compose("train", overrides=["run=x", "cell=ugrnn"])
    assert run_config(composed, []).model.cell == CELLS["ugrnn"]()


def project_of_page() -> str:
    """The pyproject.toml of "A cell in a package of your own"."""
    return "".join(re.findall(r"^ {4}(.*\n)", part_of_page("A cell in a package of your own"), re.MULTILINE))


def test_the_project_that_the_docs_print_can_be_built(tmp_path, cell_source):
    pytest.importorskip("setuptools", "70.1", reason="pip fetches it to build with")
    (tmp_path / "pyproject.toml").write_text(project_of_page(), encoding="utf-8")
    (tmp_path / "my_cells.py").write_text(cell_source, encoding="utf-8")
    build = "from setuptools.build_meta import build_wheel; build_wheel('.')"
    subprocess.run([sys.executable, "-c", build], cwd=tmp_path, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("my_cells-1.0-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert "my_cells.py" in archive.namelist()
        entry_points = archive.read("my_cells-1.0.dist-info/entry_points.txt").decode().split()
    assert entry_points == ["[nmt.cells]", "ugrnn", "=", "my_cells:UGRNN"]


PARTS = """
from nmt.model.attention import GeneralAttention
from nmt.model.wirings import GNMT

class Sharp(GeneralAttention):
    def score(self, query, keys):
        return 2 * super().score(query, keys)

class Deep(GNMT):
    pass
"""


@pytest.fixture
def package(tmp_path, monkeypatch, cell_source):
    """An installed package with the cell and the entry point printed on the page, and another package that fails."""
    (tmp_path / "my_cells.py").write_text(cell_source, encoding="utf-8")
    (tmp_path / "broken_cells.py").write_text("raise RuntimeError('a fault of its own')\n", encoding="utf-8")
    (tmp_path / "my_parts.py").write_text(PARTS, encoding="utf-8")
    entry_points = tomllib.loads(project_of_page())["project"]["entry-points"]["nmt.cells"]
    metadata = tmp_path / "my_cells-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: my-cells\nVersion: 1.0\n")
    entries = [f"ugrnn = {entry_points['ugrnn']}", "broken = broken_cells:Cell", "other = my_cells:torch"]
    parts = ["[nmt.attentions]", "sharp = my_parts:Sharp", "[nmt.decoders]", "deep = my_parts:Deep"]
    (metadata / "entry_points.txt").write_text("\n".join(["[nmt.cells]", *entries, *parts, ""]))
    monkeypatch.syspath_prepend(str(tmp_path))
    tables = CELLS, attention.ATTENTIONS, wirings.DECODERS
    before = [dict(table) for table in tables]
    yield tmp_path
    for table, found in zip(tables, before, strict=True):
        table.clear()
        table.update(found)
    for name in ("my_cells", "broken_cells", "my_parts"):
        sys.modules.pop(name, None)


def test_a_package_adds_a_cell_and_is_imported_by_those_alone_who_name_it(
    package, trained, corpus_dir, tmp_path, monkeypatch
):
    nmt.load(trained / "model")
    assert not {"my_cells", "broken_cells", "my_parts"} & set(sys.modules)
    model = {"embedding_size": 16, "hidden_size": 24}
    trainer = {"max_epochs": 1, "max_tokens": 256, "accelerator": "cpu", "tensorboard": False}
    settings = {"cell": "ugrnn", "tokenizer": {"vocab_size": 320}, "model": model, "trainer": trainer}
    settings |= {"attention": "sharp", "decoder": "deep"}
    made = nmt.train(corpus_dir, "de", "en", run=tmp_path / "run", quiet=True, **settings)
    network = made.load().model
    assert type(network.config.cell).__module__ == "my_cells"
    assert {type(network.decoder.attention).__name__, type(network.decoder.wiring).__name__} == {"Sharp", "Deep"}
    assert made.load().translate("Anna sieht das Haus.", plain=True)
    assert "broken_cells" not in sys.modules
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path != str(package)])
    for table, name in ((CELLS, "ugrnn"), (attention.ATTENTIONS, "sharp"), (wirings.DECODERS, "deep")):
        found = table.pop(name)
        with pytest.raises(ValueError, match=f"name is {name!r}; choose one of: .*, or install the package that"):
            nmt.load(made.model_dir)
        table[name] = found


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("broken", "nmt.cells: broken = broken_cells:Cell of my-cells cannot be imported: RuntimeError: a fault of"),
        ("other", "nmt.cells: other = my_cells:torch of my-cells is no subclass of Cell"),
    ],
)
@pytest.mark.usefixtures("package")
def test_a_package_that_is_wrong_is_named(name, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        from_dict(Cell, {"name": name})


def test_a_name_that_is_taken_is_told(package):
    other = package / "other-2.0.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 2.0\n")
    (other / "entry_points.txt").write_text("[nmt.cells]\nugrnn = my_cells:UGRNN\ngru = my_cells:UGRNN\n")
    with pytest.raises(
        ValueError, match="UGRNN of my-cells has a name that nmt.cells: .* of other has, too; only one"
    ):
        from_dict(Cell, {"name": "ugrnn"})
    with pytest.warns(
        UserWarning, match="^nmt.cells: gru = .* of other is not used, because nmt has 'gru' itself; it"
    ):
        assert {"gru", "ugrnn"} <= set(names_of(Cell))


@pytest.mark.usefixtures("package")
def test_the_command_line_has_the_cells_of_packages_and_tells_who_chooses_one_that_fails():
    register()
    for name, message in (("broken", "broken = .* cannot be imported"), ("other", "is no subclass of Cell")):
        with pytest.raises(ValueError, match=message):
            built([f"cell={name}", "run=x"], lambda composed, _: composed)
    GlobalHydra.instance().clear()
    with initialize_config_dir(version_base="1.3", config_dir=str(resource("conf"))):
        chosen = ["cell=ugrnn", "model.cell.depth=2", "attention=sharp", "decoder=deep"]
        model = run_config(compose("train", overrides=["run=x", *chosen]), []).model
    assert (type(model.cell).__name__, model.cell.depth) == ("UGRNN", 2)
    assert (model.attention.name, model.decoder.name) == ("sharp", "deep")
    for group, name in (("attention", "sharp"), ("decoder", "deep")):
        del ConfigStore.instance().repo[group][f"{name}.yaml"]


def added(title: str, module, monkeypatch, *tables: str):
    """Run the page's code in the module that it extends. The module's tables are restored afterwards."""
    (code,) = re.findall(r"```python\n(.*?)```", part_of_page(title), re.DOTALL)
    found = [getattr(module, table) for table in tables]
    before = [set(table) for table in found]
    exec(compile(code, title, "exec"), dict(vars(module)))
    for table, known in zip(found, before, strict=True):
        for name in set(table) - known:
            monkeypatch.setitem(table, name, table.pop(name))


def same_when_searched(config: str, **wiring):
    """Checks that step-by-step search gives the same features as training does at once."""
    model = toy.model("gru", **wiring).float().eval()
    src, src_len = toy.sources([6, 5, 3])
    tgt = torch.randint(toy.FIRST_ID, toy.VOCAB, (3, 4))
    with torch.inference_mode():
        features, weights = model(src, src_len, tgt)
        assert weights.sum(-1).allclose(torch.ones(()))
        log_probs = torch.log_softmax(features @ model.output_table.T + model.output_bias, -1)
        network = searchable([model], resolve_compute("float32", torch.device("cpu")))
        state = network.start(src, src_len)
        for t in range(tgt.shape[1]):
            found, state = network.step(tgt[:, t], state)
            allowed = [i for i in range(toy.VOCAB) if i not in model.banned]
            torch.testing.assert_close(
                found[:, allowed].softmax(-1), log_probs[:, t, allowed].softmax(-1), rtol=1e-4, atol=1e-5
            )
    model.train()(src, src_len, tgt)[0].sum().backward()
    assert config in repr(model.config)


def test_the_attention_that_the_docs_add_trains_and_is_searched(monkeypatch):
    added("An attention", attention, monkeypatch, "ATTENTIONS")
    same_when_searched("scaled_dot", attention="scaled_dot", heads=2)


def test_the_decoder_that_the_docs_add_trains_and_is_searched(monkeypatch):
    added("A decoder", wirings, monkeypatch, "DECODERS")
    same_when_searched("luong", decoder="luong", num_layers=2)


def test_an_attention_and_a_decoder_of_the_tables_are_choices_without_files(monkeypatch):
    monkeypatch.setitem(attention.ATTENTIONS, "mine", type("Mine", (attention.DotAttention,), {}))
    monkeypatch.setitem(wirings.DECODERS, "mine", type("Mine", (wirings.GNMT,), {})())
    register()
    GlobalHydra.instance().clear()
    with initialize_config_dir(version_base="1.3", config_dir=str(resource("conf"))):
        typed = run_config(compose("train", overrides=["run=x", "attention=mine", "decoder=mine"]), []).model
    called = keywords.run_config(None, None, None, "x", {"attention": {"name": "mine"}, "decoder": "mine"}).model
    assert (typed.attention, typed.decoder) == (called.attention, called.decoder)
    assert (typed.attention.name, typed.decoder.name, typed.attention.size) == ("mine", "mine", None)
    for group in ("attention", "decoder"):
        del ConfigStore.instance().repo[group]["mine.yaml"]


@pytest.mark.parametrize("kind", [attention.GeneralAttention, attention.AdditiveAttention])
def test_an_attention_with_another_context_is_searched_as_it_is_trained(kind, monkeypatch):
    """The kernels for search, and the readout that sees values instead of contexts, compute a mean of the values."""

    class Squashed(kind):
        def mean(self, scores, memory):
            context, weights = super().mean(3 * scores, memory)
            return context.tanh(), weights

    monkeypatch.setitem(attention.ATTENTIONS, "squashed", Squashed)
    same_when_searched("squashed", attention="squashed")


def test_a_decoder_made_from_another_is_trained_and_searched_by_its_own_step(monkeypatch):
    class DeepOutput(wirings.GNMT):
        def sizes(self, inputs, hidden, features, context):
            return inputs, hidden + context, hidden + context + inputs

        def step(self, parts, x, state, memory, masks):
            first = parts.layer(0).step(x, state.layers[0], masks.layers[0])
            h = parts.layer(0).output(first)
            context, weights, coverage = wirings.attend(parts, h, memory, state)
            features = parts.features([h, context, x], masks.features)
            return features, wirings.DecoderState((first,), coverage=coverage), weights

    monkeypatch.setitem(wirings.DECODERS, "deep_output", DeepOutput())
    same_when_searched("deep_output", decoder="deep_output")


def test_the_schedule_that_the_docs_add_is_followed(monkeypatch):
    added("A learning-rate schedule", optim, monkeypatch, "SCHEDULES")
    config = OptimConfig(learning_rate=1.0, schedule="square", warmup_steps=10)
    assert [optim.learning_rate_factor(config, step, 110) for step in (9, 60, 110)] == pytest.approx([1, 0.25, 0])


def test_the_metric_that_the_docs_add_scores_and_chooses(monkeypatch):
    added("A metric", measure, monkeypatch, "METRICS")
    made = Measure("bleu_lc")
    scores = made.scores(["The DOG sees the House today"], [["the dog sees the house today"]])
    assert scores["bleu_lc"].score == pytest.approx(100)
    assert "case:lc" in scores["bleu_lc"].signature
    assert made.selection_key(scores, 1.0)[0] == pytest.approx(100)
    assert scores["bleu"].score < 50


def test_the_reader_that_the_docs_add_reads_training_text(tmp_path, monkeypatch):
    added("A reader of files", pair_files, monkeypatch, "READERS")
    (tmp_path / "train.psv").write_text('ein Hund|a dog\n"a | b"|c\n', encoding="utf-8")
    corpus = FileCorpus("de", "en", dir=str(tmp_path))
    assert [(pair.src, pair.tgt) for pair in corpus.pairs("train")] == [("ein Hund", "a dog"), ("a | b", "c")]
