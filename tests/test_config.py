from __future__ import annotations

import json
import re
import typing
from dataclasses import dataclass, is_dataclass

import pytest
import toy
from hypothesis import given
from hypothesis import strategies as st

from nmt.composition import defaults, flat
from nmt.config import RunConfig
from nmt.model.seq2seq import ModelConfig
from nmt.plain_data import CHOICES, check_types, from_dict, to_dict, typed_fields

RUN = {
    "run": "x",
    "runs_dir": "runs",
    "cache_dir": "cache",
    "seed": 1,
    "data": {"name": "files", "src": "de", "tgt": "en", "dir": "text"},
    "tokenizer": {"vocab_size": 300},
    "model": to_dict(toy.model_config()),
    "optim": {"learning_rate": 0.1, "schedule": "linear"},
    "search": {"name": "beam"},
    "trainer": {"max_epochs": 1, "max_tokens": 100},
}


def changed(path, value):
    """RUN with one dotted key set, or deleted if value is `...`."""
    top = {**RUN}
    node, (*parents, last) = top, path.split(".")
    for parent in parents:
        node[parent] = {**node.get(parent, {})}
        node = node[parent]
    if value is ...:
        del node[last]
    else:
        node[last] = value
    return top


def test_plain_data_and_config_turn_into_each_other():
    config = from_dict(RunConfig, RUN)
    assert from_dict(RunConfig, to_dict(config)) == config
    assert to_dict(config)["data"]["cleaning"]["max_ratio"] == 9.0


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("model.dropuot", 0.5, "model.dropuot is unknown; model has: cell, encoder"),
        ("seed", ..., "seed is missing"),
        ("run", "a/" + "ü" * 150, "run has a name of 300 bytes; it may have 255 at most"),
        ("optim.learning_rate", ..., "optim.learning_rate is missing"),
        ("model.cell.name", "lstn", "model.cell.name is 'lstn'; choose one of: gru, .*lstm, "),
        ("model.cell", {"name": "gru", "forget_bias": 1.0}, "model.cell.forget_bias is unknown"),
        ("model.cell", "gru", "model.cell is 'gru'; it must be a mapping"),
        ("tokenizer", "bpe", "tokenizer is 'bpe'; it must be a mapping"),
        ("model.cell", {}, "model.cell.name is None; choose one of"),
        ("model.cell", {"name": ["gru"]}, "model.cell.name is ..gru..; choose one of"),
        ("model.attention.name", "luong", "model.attention.name is 'luong'; choose one of: additive"),
        ("model.decoder.name", "x", "model.decoder.name is 'x'; choose one of: bahdanau, gnmt, input_feeding"),
        ("model.dropout", 1.5, "model.dropout is 1.5; it must be from 0 to 0.95"),
        ("model.dropout", "a", "model.dropout is 'a'; it must be of type float, or auto$"),
        ("model.hidden_size", 4.5, "model.hidden_size is 4.5; it must be of type int$"),
        ("model.hidden_size", True, "model.hidden_size is True; it must be of type int"),
        ("model.encoder.num_layers", 0, "model.encoder.num_layers is 0; it must be from 1 to 32"),
        ("model.decoder.num_layers", 0, "model.decoder.num_layers is 0; it must be from 1 to 32"),
        (
            "model.features_size",
            5,
            r"model.features_size is 5, but the output layer shares an embedding of 6 \(tie=all\); choose tie=none",
        ),
        ("model.tie", "some", "model.tie is 'some'; choose one of: all, target, none"),
        ("model.tie", ["all"], "model.tie is ..all..; choose one of"),
        ("optim.schedule", "step", "optim.schedule is 'step'; choose one of: constant, cosine"),
        ("tokenizer.vocab_size", 10, "tokenizer.vocab_size is 10; it must be from 261"),
        (
            "tokenizer.normalization",
            "nfd",
            "tokenizer.normalization is 'nfd'; choose one of: nfc, identity, nmt_nfkc",
        ),
        (
            "data.cleaning.decontaminate",
            1,
            "data.cleaning.decontaminate is 1; choose one of: True, pair, src, tgt, Fal",
        ),
        ("data.cleaning.decontaminate", "both", "data.cleaning.decontaminate is 'both'; choose one of"),
        ("tokenizer.joint", False, "model.tie is 'all' but tokenizer.joint is false"),
        ("search.beam_size", 0, "search.beam_size is 0"),
        ("trainer.max_epochs", None, "trainer.max_epochs is None; it must be of type int"),
        ("run", 1.1, "run is 1.1; it must be of type str, in quotes: 'run=\"...\"'"),
        ("trainer.devices", 0, "trainer.devices is 0; it must be from 1"),
        ("run", "../x", "run is '../x'; it must name a folder under runs_dir"),
        ("run", "", "run is ''"),
        ("run", "./", "run is './'; it must name a folder under runs_dir"),
        ("run", True, "run is True; it must be of type str, in quotes: 'run=\"...\"'$"),
        ("model.dropout", True, "model.dropout is True; it must be of type float, or auto$"),
        ("optim.freeze_steps", 3, "optim.freeze_steps is 3, but freeze names no part"),
        ("optim.freeze", "encoder", "optim.freeze is 'encoder'; it must be a list$"),
        ("optim.freeze", [1], r"optim.freeze\[0\] is 1; it must be of type str$"),
        ("init_vocabulary", "swap", "init_vocabulary is swap, but there is no init="),
        ("run", "/x", "run is '/x'; it must name a folder under runs_dir"),
        ("run", "~/x", "run is '~/x'; it must name a folder under runs_dir"),
        ("run", "a" * 256, "run has a name of 256 bytes; it may have 255 at most"),
        ("data._target_", "os.system", "data._target_ is unknown"),
    ],
)
def test_what_is_wrong_is_named_with_what_would_be_right(path, value, message):
    with pytest.raises(ValueError, match=message):
        from_dict(RunConfig, changed(path, value))


@pytest.mark.parametrize("run", ["a" * 255, "a..b", "b/" + "a" * 255, "\ud800"])
def test_a_run_has_any_name_that_a_folder_may_have(run):
    assert from_dict(RunConfig, RUN | {"run": run}).run == run


def test_the_folders_of_a_run_may_be_in_ones_home(monkeypatch):
    monkeypatch.setenv("HOME", "/homes/anna")
    config = from_dict(RunConfig, RUN | {"runs_dir": "~/runs", "cache_dir": "~/cache"})
    assert (config.runs_dir, config.cache_dir) == ("/homes/anna/runs", "/homes/anna/cache")


def test_what_is_automatic_is_added_to_what_was():
    run = changed("tokenizer.vocab_size", "auto") | {"auto": ["trainer.max_epochs"]}
    config = from_dict(RunConfig, run)
    assert (config.auto, config.tokenizer.vocab_size) == (("trainer.max_epochs", "tokenizer.vocab_size"), 8000)


@pytest.mark.parametrize("value", [True, False])
def test_decontamination_is_on_or_off_as_in_older_configs(value):
    run = RUN | {"data": RUN["data"] | {"cleaning": {"decontaminate": value}}}
    assert from_dict(RunConfig, run).data.cleaning.decontaminate is value


def test_one_normalization_for_both_sides_is_read_as_in_older_configs():
    for name in ("nmt_nfkc", "identity"):
        run = changed("tokenizer.normalization", name)
        assert from_dict(RunConfig, run).tokenizer.normalizations == (name, name)
    with pytest.raises(ValueError, match="tokenizer.src_normalization is 'nfkc' and tgt_normalization 'nmt_nfkc'"):
        from_dict(
            RunConfig,
            changed("tokenizer", {"vocab_size": 300, "normalization": "nmt_nfkc", "src_normalization": "nfkc"}),
        )


def test_an_int_serves_as_a_float():
    assert repr(from_dict(ModelConfig, RUN["model"] | {"dropout": 0}).dropout) == "0.0"


def test_a_value_of_one_of_two_types_is_of_either_and_is_not_left_out():
    @dataclass(frozen=True)
    class Part:
        size: int | str

    assert [from_dict(Part, {"size": size}).size for size in (1, "all")] == [1, "all"]
    with pytest.raises(ValueError, match="size is None; it must be of type int"):
        from_dict(Part, {"size": None})


def test_types_are_checked_of_what_there_is():
    check_types(RunConfig, {"seed": -1, "model": {"dropout": 7}})
    with pytest.raises(ValueError, match="model.dropout is 'a'; it must be of type float"):
        check_types(RunConfig, {"model": {"dropout": "a"}})


@pytest.mark.parametrize("data", [None, [], "x", 3])
def test_what_is_no_mapping_is_no_config(data):
    with pytest.raises(ValueError, match="it must be a mapping"):
        from_dict(RunConfig, data)


def test_a_search_asks_for_no_attention_that_the_model_lacks():
    run = changed("search", {"name": "beam", "coverage": 0.2})
    assert from_dict(RunConfig, run).search.sees_attention
    run["model"] = to_dict(toy.model_config(attention="none"))
    with pytest.raises(ValueError, match=r"search.coverage is above 0, but the model has no attention"):
        from_dict(RunConfig, run)
    assert from_dict(RunConfig, run | {"search": {"name": "beam"}})


FULL = to_dict(from_dict(RunConfig, RUN))
LEAVES = sorted(flat(FULL))
NODES = sorted({leaf.rpartition(".")[0] for leaf in LEAVES})
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def with_value(node, key, value):
    """A copy of FULL with one key changed or added in the part with this dotted name."""
    data = json.loads(json.dumps(FULL))
    part = data
    for name in filter(None, node.split(".")):
        part = part[name]
    part[key] = value
    return data


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


def parts(cls, data):
    """Every part of a config, with its dataclass, its kind (of the same, chosen by name) and its plain data."""
    kind = CHOICES[cls][data["name"]] if cls in CHOICES else cls
    yield cls, kind, data
    for field, of in typed_fields(kind).values():
        if is_dataclass(of):
            yield from parts(of, data[field.name])


CHOSEN = [(base, {"name": name} | defaults(cls)) for base, table in CHOICES.items() for name, cls in table.items()]


def test_every_number_has_a_least_and_a_greatest_value():
    for cls, kind, data in (part for whole in [(RunConfig, FULL), *CHOSEN] for part in parts(*whole)):
        for name, (_, of) in typed_fields(kind).items():
            is_open = name == "valid" or (name == "seed" and kind is not RunConfig)
            for value in () if not {int, float} & {of, *typing.get_args(of)} else (-(10**6), 10**13):
                if value < 0 or not is_open:
                    with pytest.raises(ValueError, match=rf"^{name} is {value}(\.0)?; it must "):
                        from_dict(cls, data | {name: value})


NO_NUMBERS = [
    *(10**400, -(10**400)),  # too large for a float
    10**5000,  # too long to be printed
    *(float("nan"), float("inf"), float("-inf")),
    nested(100_000),  # too deep to be printed
]


@pytest.mark.parametrize("path", LEAVES)
def test_what_is_no_number_of_this_machine_is_refused_in_a_short_line_that_names_it(path):
    node, _, key = path.rpartition(".")
    for value in NO_NUMBERS:
        with pytest.raises(ValueError, match=rf"^{path}(\[0\])? is ") as refusal:
            from_dict(RunConfig, with_value(node, key, value))
        assert len(str(refusal.value)) < 500


@given(st.sampled_from(LEAVES), st.integers(0, 9) | st.floats(0, 1) | st.sampled_from(["gru", "none", "all"]) | JSON)
def test_any_value_is_taken_as_it_is_or_refused_by_its_name(path, value):
    node, _, key = path.rpartition(".")
    try:
        config = from_dict(RunConfig, with_value(node, key, value))
    except ValueError as error:
        refusal = str(error)
    else:
        refusal = ""
    if refusal:
        assert path.partition(".")[0] in refusal
        return
    assert flat(to_dict(config))[path] == value
    assert from_dict(RunConfig, json.loads(json.dumps(to_dict(config)))) == config


@given(st.sampled_from(NODES), st.text(), JSON)
def test_any_other_key_is_refused(node, key, value):
    path = f"{node}.{key}" if node else key
    if path in LEAVES or path in NODES:
        return
    with pytest.raises(ValueError, match=re.escape(f"{path} is unknown")):
        from_dict(RunConfig, with_value(node, key, value))
