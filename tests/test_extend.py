"""The parts in docs/extend.md work as printed: a cell in a checkout, and one part of every kind in a package."""

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
from nmt.cells import CELLS
from nmt.cli import schema, train
from nmt.cli.app import built
from nmt.cli.train import run_config
from nmt.common.resources import resource
from nmt.composition import TABLES, choices_of
from nmt.config import OptimConfig
from nmt.data.corpora import CORPORA, FileCorpus
from nmt.data.pair_files import READERS
from nmt.engine import resolve_compute, searchable
from nmt.metrics.measure import Measure
from nmt.model import attention, wirings
from nmt.model.recurrent import Recurrent
from nmt.training import keywords, optim

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "extend.md").read_text(encoding="utf-8")
B, T, E, H = 2, 4, 3, 5
CHOSEN = {  # every part of the page but its reader
    "cell": "ugrnn",
    "attention": "scaled_dot",
    "decoder": "luong",
    "optim": "square",
    "metric": "bleu_lc",
    "search": "likeliest",
    "data": "reversed",
}


def part_of_page(title: str) -> str:
    return PAGE.split(f"## {title}\n")[1].split("\n## ")[0]


def printed_in_step(number: int) -> str:
    """The code printed in a step of "Add a cell"."""
    part = re.split(r"^\d\. ", part_of_page("Add a cell"), flags=re.MULTILINE)[number]
    return textwrap.dedent("".join(re.findall(r"^(?: {7}.*)?\n", part, re.MULTILINE)))


def project_of_page() -> str:
    """The pyproject.toml of "A package of your own"."""
    return "".join(re.findall(r"^ {4}(.*\n)", part_of_page("A package of your own"), re.MULTILINE))


def module_of_page() -> str:
    """The code of all parts."""
    return "\n\n".join([printed_in_step(1), *re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)])


@pytest.fixture
def _store():
    """Afterwards Hydra's store has no choices that the test added."""
    schema.register()
    repo = ConfigStore.instance().repo
    before = [(store, {group: dict(store.get(group, {})) for group in TABLES}) for store in (repo, repo["schema"])]
    GlobalHydra.instance().clear()
    yield
    for store, choices in before:
        store.update(choices)
    schema._register_choice.cache_clear()


@pytest.fixture
def package(tmp_path, monkeypatch, _store):
    """The installed package of the page, with a cell that fails."""
    (tmp_path / "my_parts.py").write_text(module_of_page(), encoding="utf-8")
    (tmp_path / "broken_cells.py").write_text("raise RuntimeError('a fault of its own')\n", encoding="utf-8")
    groups = tomllib.loads(project_of_page())["project"]["entry-points"]
    groups["nmt.cells"]["broken"] = "broken_cells:Cell"
    metadata = tmp_path / "my_parts-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: my-parts\nVersion: 1.0\n")
    lines = [line for group, names in groups.items() for line in (f"[{group}]", *map(" = ".join, names.items()))]
    (metadata / "entry_points.txt").write_text("\n".join([*lines, ""]))
    monkeypatch.syspath_prepend(str(tmp_path))
    tables = [*TABLES.values(), READERS]
    before = [dict(table) for table in tables]
    assert sorted(table.group for table in tables) == sorted(groups)
    yield tmp_path
    for table, found in zip(tables, before, strict=True):
        table.clear()
        table.update(found)
    for name in ("my_parts", "broken_cells"):
        sys.modules.pop(name, None)


@pytest.fixture
def new_cell(tmp_path, monkeypatch, _store):
    """The new cell, added to the project's cells."""
    cell_source, path = printed_in_step(1), tmp_path / "ugrnn.py"
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
    schema.register()
    with initialize_config_dir(version_base="1.3", config_dir=str(resource("conf"))):
        own = f"hydra.searchpath=[file://{tmp_path / 'conf'}]"
        cell = run_config(compose("train", overrides=["run=x", "cell=ugrnn", own]), []).model.cell
    layer = Recurrent(cell, E, H)
    outputs = layer(torch.randn(B, T, E))
    outputs.sum().backward()
    assert outputs.shape == (B, T, H)
    assert all(parameter.grad.any() for parameter in layer.parameters())


def test_a_cell_of_the_table_is_a_choice_without_a_file(new_cell):
    schema.register()
    with initialize_config_dir(version_base="1.3", config_dir=str(resource("conf"))):
        composed = compose("train", overrides=["run=x", "cell=ugrnn"])
    assert run_config(composed, []).model.cell == CELLS["ugrnn"]()


def test_the_project_that_the_docs_print_can_be_built(tmp_path):
    pytest.importorskip("setuptools", "70.1", reason="pip fetches it to build with")
    (tmp_path / "pyproject.toml").write_text(project_of_page(), encoding="utf-8")
    (tmp_path / "my_parts.py").write_text(module_of_page(), encoding="utf-8")
    build = "from setuptools.build_meta import build_wheel; build_wheel('.')"
    subprocess.run([sys.executable, "-c", build], cwd=tmp_path, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("my_parts-1.0-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert "my_parts.py" in archive.namelist()
        entry_points = archive.read("my_parts-1.0.dist-info/entry_points.txt").decode()
    assert {f"[{table.group}]" for table in (*TABLES.values(), READERS)} <= set(entry_points.splitlines())
    assert {"ugrnn = my_parts:UGRNN", ".psv = my_parts:psv_rows"} <= set(entry_points.splitlines())


@pytest.mark.usefixtures("no_pictures")
def test_every_part_of_a_package_is_chosen_on_the_command_line_by_its_name(package, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    sizes = ["data.size=200", "tokenizer.vocab_size=275", "model.embedding_size=16", "model.hidden_size=24"]
    trainer = [f"trainer.{one}" for one in ("max_epochs=1", "accelerator=cpu", "tensorboard=false", "num_samples=0")]
    chosen = [f"{group}={name}" for group, name in CHOSEN.items()]
    monkeypatch.setattr(sys, "argv", ["nmt-train", "run=mine", *chosen, *sizes, *trainer])
    train.main()
    assert "best validation BLEU, lower case" in capsys.readouterr().err
    translator = nmt.load("runs/mine/model", "cpu")
    config, network = translator.model.config, translator.model
    assert {type(one).__module__ for one in (config.cell, network.decoder.attention, network.decoder.wiring)} == {
        "my_parts"
    }
    assert (type(translator.search).__name__, translator.metric.name) == ("Likeliest", "bleu_lc")
    assert translator.translate("a b c", plain=True)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path != str(package)])
    for group in set(CHOSEN) - {"optim", "data"}:  # a model holds no name of these
        found = TABLES[group].pop(CHOSEN[group])
        with pytest.raises(
            ValueError, match=f"name is {CHOSEN[group]!r}; choose one of: .*, or install the package "
        ):
            nmt.load("runs/mine/model")
        TABLES[group][CHOSEN[group]] = found


@pytest.mark.usefixtures("package")
def test_the_choices_of_packages_are_listed_and_one_that_fails_is_told(bundle_dir):
    assert all(name in choices_of(group) for group, name in CHOSEN.items())
    nmt.load(bundle_dir, "cpu")
    assert not {"my_parts", "broken_cells"} & set(sys.modules)
    message = (
        "^cell is 'broken', but nmt.cells: broken = broken_cells:Cell of my-parts cannot be imported: RuntimeError"
    )
    with pytest.raises(ValueError, match=f"{message}: a fault of its own$"):
        built(["cell=broken", "run=x"], lambda composed, _: composed)
    chosen = [f"{group}={name}" for group, name in CHOSEN.items()]
    with initialize_config_dir(version_base="1.3", config_dir=str(resource("conf"))):
        typed = run_config(compose("train", overrides=["run=x", *chosen, "model.cell.depth=2"]), [])
    named = {**CHOSEN, "cell": {"name": "ugrnn", "depth": 2}}
    called = keywords.run_config(named.pop("data"), None, None, "x", named)
    for one in ("model", "optim", "search", "metric", "data"):
        assert getattr(typed, one) == getattr(called, one)
    assert (typed.optim.schedule, typed.optim.learning_rate) == ("square", 0.003)


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


@pytest.mark.usefixtures("package")
def test_the_attention_and_the_decoder_of_the_page_train_and_are_searched():
    same_when_searched("scaled_dot", attention="scaled_dot", heads=2)
    same_when_searched("luong", decoder="luong", num_layers=2)


@pytest.mark.usefixtures("_store")
def test_an_attention_and_a_decoder_of_the_tables_are_choices_without_files(monkeypatch):
    monkeypatch.setitem(attention.ATTENTIONS, "mine", type("Mine", (attention.DotAttention,), {}))
    monkeypatch.setitem(wirings.DECODERS, "mine", type("Mine", (wirings.GNMT,), {}))
    schema.register()
    with initialize_config_dir(version_base="1.3", config_dir=str(resource("conf"))):
        typed = run_config(compose("train", overrides=["run=x", "attention=mine", "decoder=mine"]), []).model
    called = keywords.run_config(None, None, None, "x", {"attention": {"name": "mine"}, "decoder": "mine"}).model
    assert (typed.attention, typed.decoder) == (called.attention, called.decoder)
    assert (typed.attention.name, typed.decoder.name, typed.attention.size) == ("mine", "mine", None)


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

    monkeypatch.setitem(wirings.DECODERS, "deep_output", DeepOutput)
    same_when_searched("deep_output", decoder="deep_output")


@pytest.mark.usefixtures("package")
def test_the_schedule_of_the_page_is_followed():
    config = OptimConfig(learning_rate=1.0, schedule="square", warmup_steps=10)
    assert [optim.learning_rate_factor(config, step, 110) for step in (9, 60, 110)] == pytest.approx([1, 0.25, 0])


@pytest.mark.usefixtures("package")
def test_the_metric_of_the_page_scores_and_chooses():
    made = Measure("bleu_lc")
    scores = made.scores(["The DOG sees the House today"], [["the dog sees the house today"]])
    assert scores["bleu_lc"].score == pytest.approx(100)
    assert "case:lc" in scores["bleu_lc"].signature
    assert made.selection_key(scores, 1.0)[0] == pytest.approx(100)
    assert scores["bleu"].score < 50


@pytest.mark.usefixtures("package")
def test_the_reader_of_the_page_reads_training_text(tmp_path):
    (tmp_path / "train.psv").write_text('ein Hund|a dog\n"a | b"|c\n', encoding="utf-8")
    corpus = FileCorpus("de", "en", dir=str(tmp_path))
    assert [(pair.src, pair.tgt) for pair in corpus.pairs("train")] == [("ein Hund", "a dog"), ("a | b", "c")]
    assert corpus.has("train.psv")
    with pytest.raises(
        ValueError, match=r" has no valid.de \+ valid.en or .*, nor valid with .*, \.txt\.zip, \.psv$"
    ):
        corpus.files("valid")


@pytest.mark.usefixtures("package")
def test_the_corpus_of_the_page_has_what_it_says():
    pairs = [(pair.src.split(), pair.tgt.split()) for pair in CORPORA["reversed"](size=20).pairs("train")]
    assert len(pairs) == 20
    assert all(src == tgt[::-1] for src, tgt in pairs)
