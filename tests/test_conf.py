"""All combinations of files in conf/ compose into a config that the code accepts."""

from __future__ import annotations

import copy
import itertools
import re
from dataclasses import replace
from pathlib import Path

import pytest
import toy
from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

from nmt.automatic import AUTOMATIC
from nmt.cells import CELLS
from nmt.cli.schema import register, run_name
from nmt.cli.train import run_config
from nmt.common.resources import resource
from nmt.data.corpora import Corpus
from nmt.model.attention import ATTENTIONS
from nmt.model.seq2seq import Seq2Seq
from nmt.model.wirings import DECODERS
from nmt.plain_data import CHOICES, to_dict
from nmt.search import SEARCHES
from nmt.training.auto_settings import decided

CONF = resource("conf")
GIVEN = {
    **{name: ["data.dir=x", "data.src=de", "data.tgt=en"] for name in ("files", "iwslt14", "tatoeba")},
    "hub": ["data.dataset=x", "data.src=de", "data.tgt=en"],
}


OF_FILES = {path.stem: toy.cell_of(path) for path in sorted(CONF.glob("cell/*.yaml"))}
PAIRS = list(itertools.product(sorted(ATTENTIONS), sorted(DECODERS)))


def choices(group: str) -> list[str]:
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


@pytest.fixture(autouse=True, scope="module")
def _hydra():
    register()
    GlobalHydra.instance().clear()
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        yield


def config_of(*overrides: str):
    return run_config(compose("train", overrides=["run=x", *overrides]), [])


def test_a_composition_copies_what_it_loads_and_not_all_that_is_registered():
    """Otherwise `nmt-train --help` takes seconds: each of its 130 groups would cost a copy."""
    store = ConfigStore.instance()
    assert copy.deepcopy(store) is store
    first = compose("train", overrides=["run=x"])
    first.trainer.max_epochs = "changed"
    assert compose("train", overrides=["run=x"]).trainer.max_epochs != "changed"


@pytest.mark.parametrize(("group", "known"), [("search", SEARCHES), ("attention", ATTENTIONS), ("decoder", DECODERS)])
def test_a_file_for_every_name_and_a_name_for_every_file(group, known):
    assert choices(group) == sorted(known)


def test_every_cell_has_a_file_of_its_name_and_further_files_are_cells_with_settings():
    assert all(OF_FILES[name] == CELLS[name]() for name in CELLS)
    assert len(set(OF_FILES.values())) == len(OF_FILES)
    assert all(type(cell) in CELLS.values() for cell in OF_FILES.values())


def test_every_kind_of_corpus_has_a_file():
    assert set(CHOICES[Corpus]) <= set(choices("data"))


@pytest.mark.parametrize(
    ("cell", "attention", "decoder"), [(cell, *PAIRS[i % len(PAIRS)]) for i, cell in enumerate(OF_FILES)]
)
def test_choices_go_together(cell, attention, decoder):
    config = config_of(f"cell={cell}", f"attention={attention}", f"decoder={decoder}", "model.attention.heads=2")
    assert config.model.cell == OF_FILES[cell]
    assert (config.model.attention.name, config.model.attention.heads) == (attention, 2)
    assert config.model.decoder.name == decoder


def must_be_given() -> list[tuple[str, str, str]]:
    """The group, the choice, and the dotted key of every `???` in conf/."""
    found = []
    for path in sorted(CONF.glob("*/*.yaml")):
        data = OmegaConf.load(path)
        is_global = path.read_text(encoding="utf-8").startswith("# @package _global_")
        prefix = "" if is_global else f"{path.parent.name}."
        found += [(path.parent.name, path.stem, prefix + key) for key in OmegaConf.missing_keys(data)]
    return found


@pytest.mark.parametrize(("group", "choice", "key"), must_be_given())
def test_what_conf_says_must_be_given_has_no_default_that_stands_in_for_it(group, choice, key):
    given = [override for override in GIVEN[choice] if not override.startswith(f"{key}=")]
    assert len(given) == len(GIVEN[choice]) - 1
    with pytest.raises(ValueError, match=rf"^{key} must be given: {key}=[A-Z]+$"):
        config_of(f"{group}={choice}", *given)


def test_all_that_is_missing_is_named_at_once_with_what_to_give():
    with pytest.raises(
        ValueError, match="^data.dataset, data.src, data.tgt must be given: data.dataset=NAME data.src=de"
    ):
        config_of("data=hub")
    with pytest.raises(ValueError, match="data.dir is empty"):
        config_of("data=files", "data.dir=", "data.src=de", "data.tgt=en").data.files("train")
    with pytest.raises(ValueError, match="data.dataset is empty"):
        next(config_of("data=hub", "data.dataset=", "data.src=de", "data.tgt=en").data.rows("train"))


def test_an_experiment_gives_way_to_the_command_line():
    config = config_of("experiment=demo", "cell=gru", "optim.learning_rate=0.5", "model.hidden_size=10")
    assert isinstance(config.model.cell, CELLS["gru"])
    assert config.optim.learning_rate == 0.5
    assert config.model.hidden_size == 10


@pytest.mark.parametrize(
    ("overrides", "pairs", "settings"),
    [
        (["data=multi30k"], 29_000, (8000, 1.0, 0.3, 0.0, 0.0, 200, 0.0, 10, 4096, 1)),
        (["experiment=bench_equal"], 29_000, (8000, 1.0, 0.3, 0.0, 0.0, 200, 0.0, 10, 4096, 1)),
        (["experiment=multi30k"], 29_000, (4000, 1.0, 0.2, 0.0, 0.0, 200, 0.0, 10, 2048, 1)),
        (["experiment=tatoeba", *GIVEN["tatoeba"]], 164_000, (8000, 1.0, 0.3, 0.0, 0.0, 200, 0.0, 12, 3072, 1)),
        (["experiment=iwslt14", *GIVEN["iwslt14"]], 160_000, (10_000, 1.0, 0.3, 0.0, 0.0, 200, 0.0, 20, 4096, 1)),
        (["experiment=demo"], 20_000, (1000, 1.0, 0.2, 0.0, 0.0, 200, 0.0, 3, 2048, 1)),
    ],
)
def test_presets_and_large_texts_have_the_settings_they_have_always_had(overrides, pairs, settings):
    config = config_of(*overrides)
    text = toy.prepared_text(pairs, 15, config.data, config.tokenizer)
    plain = to_dict(decided(config, text)[0])
    keys = [key for key in AUTOMATIC if key != "data.valid"]
    assert tuple(plain[group][name] for group, name in (key.split(".") for key in keys)) == settings


def test_the_deepest_preset_takes_a_step():
    model = config_of("experiment=wmt14_rnmt", "model.hidden_size=8", "model.attention.size=8").model
    assert (model.encoder.num_layers, model.decoder.num_layers, model.attention.heads) == (6, 8, 4)
    network = Seq2Seq(replace(model, embedding_size=6, features_size=None), toy.VOCAB, toy.VOCAB)
    src, src_len = toy.sources([5, 2, 3])
    loss, _ = network.loss(src, src_len, src, src, src_len, smoothing=0.1)
    loss.backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_hydras_plus_smuggles_nothing_in():
    with pytest.raises(ValueError, match="model.dropuot is unknown; model has: .*dropout"):
        config_of("+model.dropuot=0.5")
    with pytest.raises(ValueError, match="data._target_ is unknown"):
        config_of("+data._target_=os.system")


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        ([], "default"),
        (["seed=2", "cell=gru"], "cell-gru_seed-2"),
        (["data.dir=text", "run=x", "runs_dir=y"], "data.dir-text"),
        (["data.dir=../text/de en"], "data.dir-..-text-de-en-[0-9a-f]{8}"),
        (["+experiment=demo", "~trainer"], "experiment-demo_trainer-[0-9a-f]{8}"),
    ],
)
def test_a_run_is_named_after_its_overrides(overrides, name):
    assert re.fullmatch(name, run_name(overrides))


def test_other_overrides_have_another_name():
    values = ["p/q", "p-q", "p q", "p,q", "-p/q", "p/q/", "p-q-", "p=q", "", "-", "\udcff", "\udcfe"]
    assert len({run_name([f"data.dir={value}", "seed=1"]) for value in values}) == len(values)


def test_long_names_are_cut_and_stay_apart():
    first, second = (run_name([f"data.dir={'x' * 300}{i}"]) for i in (1, 2))
    assert first != second
    assert len(first) < 140


def test_a_choice_names_what_it_is(tmp_path: Path):
    assert all(path.read_text().strip() for path in CONF.rglob("*.yaml"))
    assert not [path for path in CONF.rglob("*") if path.is_file() and path.suffix != ".yaml"]
