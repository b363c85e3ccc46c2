"""The model directory: a saved model is loaded unchanged, and an altered one is refused."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import pickle
import shutil
import struct
import subprocess
import sys
import tracemalloc
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import sentencepiece
import torch
import toy
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

import nmt
from nmt.bundle import (
    LEXICON,
    WEIGHTS,
    files,
    load,
    load_bundle,
    load_config,
    save,
    save_bundle,
    save_packed,
    save_search,
    seal,
)
from nmt.data.lexicon import Lexicon
from nmt.data.tokenizer import BOS_ID, EOS_ID, PAD_ID, UNK_ID, TokenizerConfig
from nmt.data.tokenizer_training import train_tokenizer
from nmt.metrics.config import MetricConfig
from nmt.plain_data import to_dict
from nmt.search import Beam, Greedy
from nmt.translation import ensemble
from nmt.translation.sources import MAX_PIECES
from nmt.translation.translator import Translator

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["gru", "lstm", "beam"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def edit_config(folder, edit=lambda config: None):
    """Edit like an attacker who can compute checksums."""
    path = folder / "config.json"
    data = json.loads(path.read_text())
    edit(data)
    sums = {file.name: [hashlib.sha256(file.read_bytes()).hexdigest()] for file in folder.iterdir()}
    path.write_text(json.dumps(seal(data, sums)))


def edit_weights(folder, edit):
    path = folder / "model.safetensors"
    weights = load_file(path)
    edit(weights)
    save_file(weights, path)
    edit_config(folder)


def test_what_is_saved_comes_back(bundle_dir, tokenizer):
    bundle = load_bundle(bundle_dir)
    again = load_file(bundle_dir / "model.safetensors")
    assert {name: p.tolist() for name, p in bundle.model.named_parameters()} == {
        name: weight.tolist() for name, weight in again.items()
    }
    assert bundle.tokenizer.models == tokenizer.models
    assert not bundle.model.training
    assert (bundle_dir / "README.md").read_text() == "# card"
    assert (bundle_dir / "scores.json").read_text() == "{}\n"
    assert bundle.model.banned == [PAD_ID, UNK_ID, BOS_ID]
    assert (bundle.config.src, bundle.config.tgt) == ("de", "en")


@pytest.mark.parametrize("joint", [True, False])
@pytest.mark.parametrize(
    "settings", [{}, {"tgt_normalization": "identity", "casing": "marked"}, {"normalization": "nmt_nfkc"}]
)
def test_what_is_done_to_either_sides_text_comes_back(tmp_path, corpus_dir, joint, settings):
    tokenizer = train_tokenizer(TokenizerConfig(300, joint=joint, **settings), *toy.lines(corpus_dir, "train"))
    config = toy.model_config("gru", tie="target")
    save_bundle(tmp_path / "run" / "model", toy.bundle(config, tokenizer), "# card", {})
    save_search(tmp_path / "run" / "model", Beam(beam_size=2))
    again = load_bundle(tmp_path / "run" / "model").tokenizer
    assert again.content == tokenizer.content
    assert again.normalizations == tokenizer.normalizations
    assert again.rules == tokenizer.rules
    for text in ("1½ m² ，", "cafe\u0301"):
        assert again.encode_src([text]) == tokenizer.encode_src([text])
        assert again.encode_tgt([text]) == tokenizer.encode_tgt([text])


def test_a_model_of_before_does_to_text_what_its_sentencepiece_model_says(old_bundle_dir):
    """On both sides, and also after a change of its search settings."""
    processor = sentencepiece.SentencePieceProcessor(model_file=str(old_bundle_dir / "tokenizer.model"))
    for _ in range(2):
        tokenizer = load_bundle(old_bundle_dir).tokenizer
        for text in ("Anna 1½ m² ，", "cafe\u0301", "กำลัง"):
            ids = processor.encode(text)
            assert tokenizer.encode_src([text]) == [[*ids, EOS_ID]]
            assert tokenizer.encode_tgt([text]) == [[BOS_ID, *ids, EOS_ID]]
        save_search(old_bundle_dir, Beam(beam_size=3))


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.model"])
def test_a_missing_or_truncated_file_is_named(bundle_dir, name):
    path = bundle_dir / name
    content = path.read_bytes()
    for size in (0, 10, len(content) // 2, len(content) - 2):
        path.write_bytes(content[:size])
        with pytest.raises(ValueError, match=name):
            load_bundle(bundle_dir)
    path.unlink()
    with pytest.raises(ValueError, match=name):
        load_bundle(bundle_dir)


def test_no_folder_is_no_model(tmp_path):
    with pytest.raises(ValueError, match="nothing is no model directory"):
        load_bundle(tmp_path / "nothing")


def test_a_model_is_one_wherever_it_is_and_whatever_is_in_it(bundle_dir):
    """In a run that has no model yet, and with another model inside."""
    folder = bundle_dir.rename(bundle_dir.parent / "other")
    for name in files.RUN_FILES:
        (folder.parent / name).touch()
    shutil.copytree(folder, folder / "model")
    assert files.model_folder(folder) == folder


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda c: c.update(format=99), "format is 99; this version reads 1 and 2"),
        (lambda c: c.update(format=True), "format is True; this version reads 1 and 2"),
        (lambda c: c.update(code="import os"), "code is unknown"),
        (lambda c: c["model"].update(_target_="os.system"), "model._target_ is unknown"),
        (lambda c: c["model"]["cell"].update(name="os.system"), "model.cell.name is 'os.system'; choose one of"),
        (lambda c: c["model"].update(hidden_size=12), "the config says F32"),
        (lambda c: c["model"].update(tie="none"), "lacks the weight output_weight"),
        (
            lambda c: c["model"]["encoder"].update(num_layers=1),
            "has, against the config, the weight encoder.layers.1",
        ),
        (lambda c: c["model"]["attention"].update(heads=3), "attention.heads is 3; it must divide"),
        (lambda c: c["search"].update(beam_size=10**9), "search.beam_size is 1000000000"),
        (lambda c: c.update(tgt_normalization="nfkc"), "tgt_normalization is 'nfkc'; choose one of: nfc, identity"),
        (lambda c: c.update(tags=True, directions=[f"{c['src']}-{c['tgt']}"]), "the tokenizer has no piece <2"),
        (lambda c: c.update(scripts={"de": "Latin"}), "scripts has 'Latin'; it must be a code of ISO 15924, such as"),
        (lambda c: c.update(scripts={"de": 3}), "scripts.de is 3; it must be of type str"),
        (lambda c: c.update(scripts="Latn"), "scripts is 'Latn'; it must be a mapping, such as scripts.NAME='Latn'"),
        (
            lambda c: (c["model"]["attention"].update(name="none"), c["search"].update(coverage=0.1)),
            r"search\.coverage is above 0, but the model has no attention \(attention=none\)",
        ),
        (lambda c: c.update(directions=["x"]), r"config\.json: directions has 'x'; it must be two codes, such as"),
        (lambda c: c.update(directions=["de-fr"]), "src is .de. and tgt .en., but directions translate de-fr"),
        (lambda c: c.update(joint=False), "tokenizer.src.model cannot be read"),
    ],
)
def test_a_config_that_does_not_belong_is_refused(bundle_dir, edit, message):
    edit_config(bundle_dir, edit)
    with pytest.raises(ValueError, match=message):
        load_bundle(bundle_dir)


def test_a_model_of_the_format_before_is_read_and_written_as_one_of_today(bundle_dir):
    """Format 1 had no checksums, and lacks the settings added later."""
    now = load_bundle(bundle_dir)
    path = bundle_dir / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps(config | {"format": 1}))
    with pytest.raises(ValueError, match="checksums is unknown"):
        load_config(bundle_dir)
    kept = ("nmt_version", "src", "tgt", "joint", "model", "search")
    path.write_text(json.dumps({"format": 1} | {key: config[key] for key in kept}))
    (before, _), bundle = load_config(bundle_dir), load_bundle(bundle_dir)
    assert (before.format, before.copy_letterless) == (1, True)
    assert all(one.equal(other) for one, other in zip(bundle.model.parameters(), now.model.parameters(), strict=True))
    save_packed(bundle_dir, bundle_dir.parent / "packed")
    assert load_bundle(bundle_dir.parent / "packed", packed=True).config.format == 2
    save_search(bundle_dir, replace(before.search, max_extra=11))
    assert json.loads(path.read_text())["format"] == 2
    assert load_bundle(bundle_dir).config.search.max_extra == 11
    (bundle_dir / "tokenizer.model").write_bytes(b"other")
    with pytest.raises(ValueError, match="tokenizer.model is damaged"):
        load_bundle(bundle_dir)


@pytest.mark.parametrize("number", ["1" + "0" * 400, "-1" + "0" * 4000, "1e400", "NaN", "[" * 940 + "]" * 940])
@pytest.mark.parametrize("key", ["dropout", "hidden_size", "format"])
def test_a_number_of_any_size_is_refused_in_a_short_line(bundle_dir, key, number):
    path = bundle_dir / "config.json"
    data = json.loads(path.read_text())
    (data if key == "format" else data["model"])[key] = "HERE"
    path.write_text(json.dumps(data).replace('"HERE"', number))
    with pytest.raises(ValueError, match=rf"config\.json: (model\.)?{key} is .*; ") as refusal:
        load_bundle(bundle_dir)
    assert len(str(refusal.value)) < 500 + len(str(path))


@pytest.mark.parametrize("content", ["", "[" * 100_000, '{"format": 1', "\xff"])
def test_a_config_that_is_no_json_is_refused(bundle_dir, content):
    (bundle_dir / "config.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(ValueError, match=r"config\.json is not JSON$"):
        load_bundle(bundle_dir)


@pytest.mark.parametrize("content", ["[]", "null", "3"])
def test_a_config_that_is_no_mapping_is_refused(bundle_dir, content):
    (bundle_dir / "config.json").write_text(content)
    with pytest.raises(ValueError, match=r"config\.json: the config is .*; it must be a mapping$"):
        load_bundle(bundle_dir)


def test_a_file_that_a_disk_does_not_give_is_named(bundle_dir, monkeypatch):
    def broken(path):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(Path, "read_bytes", broken)
    with pytest.raises(ValueError, match=r"config\.json cannot be read: Input/output error$"):
        load_config(bundle_dir)


def test_a_config_of_more_than_a_million_bytes_is_not_read(bundle_dir):
    path = bundle_dir / "config.json"
    content = path.read_bytes()
    path.write_bytes(content + b" " * (1_000_000 - len(content)))
    load_config(bundle_dir)
    path.write_bytes(content + b" " * (1_000_001 - len(content)))
    with pytest.raises(ValueError, match=r"config\.json has 1000001 bytes; it may have 1000000 at most$"):
        load_config(bundle_dir)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda w: w.pop("output_bias"), "lacks the weight output_bias"),
        (lambda w: w.update(spare=torch.zeros(1)), "has, against the config, the weight spare"),
        (lambda w: w.update(output_bias=torch.zeros(3)), r"output_bias is F32 \[3\]; the config says F32 \[320\]"),
        (lambda w: w.update(output_bias=w["output_bias"].double()), r"output_bias is F64 \[320\]"),
        (lambda w: w["output_bias"][7:8].fill_(float("nan")), "output_bias has numbers that are not finite"),
        (lambda w: w["output_bias"][7:8].fill_(float("-inf")), "output_bias has numbers that are not finite"),
    ],
)
def test_weights_that_do_not_belong_are_refused(bundle_dir, edit, message):
    edit_weights(bundle_dir, edit)
    with pytest.raises(ValueError, match=message):
        load_bundle(bundle_dir)


def test_a_claim_of_huge_sizes_costs_no_memory(bundle_dir):
    edit_config(bundle_dir, lambda c: c["model"].update(hidden_size=65536))
    tracemalloc.start()
    with pytest.raises(ValueError, match="the config says"):
        load_bundle(bundle_dir)
    assert tracemalloc.get_traced_memory()[1] < 50_000_000
    tracemalloc.stop()


def test_a_header_that_claims_more_than_the_file_holds_is_refused(bundle_dir):
    path = bundle_dir / "model.safetensors"
    content = path.read_bytes()
    path.write_bytes(struct.pack("<Q", 2**40) + content[8:])
    with pytest.raises(ValueError, match="model.safetensors cannot be read"):
        load_bundle(bundle_dir)


def test_no_pickle_is_ever_opened(bundle_dir, tmp_path):
    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "boom"), "w"))

    for name in ("model.safetensors", "config.json", "tokenizer.model"):
        content = (bundle_dir / name).read_bytes()
        (bundle_dir / name).write_bytes(pickle.dumps(Bomb()))
        with pytest.raises(ValueError, match=name):
            load_bundle(bundle_dir)
        (bundle_dir / name).write_bytes(content)
    assert not (tmp_path / "boom").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"frequent": None}, "lacks the weight frequent"),
        ({"likely": torch.zeros(3, 5, dtype=torch.int32)}, r"is I32 \[3, 5\]; the config says I32 \[320, None\]"),
        ({"likely": torch.zeros(320, 5)}, r"likely is F32 \[320, 5\]"),
        ({"likely": torch.full((320, 5), 320, dtype=torch.int32)}, "likely has ids that the vocabulary lacks"),
        ({"likely": torch.full((320, 5), -1, dtype=torch.int32)}, "likely has ids that the vocabulary lacks"),
        ({"likely": torch.zeros(320, 0, dtype=torch.int32)}, "or none"),
        ({"frequent": torch.tensor([0, 1, 2], dtype=torch.int32)}, "frequent lacks a special id"),
    ],
)
def test_a_lexicon_that_does_not_fit_is_refused(bundle_dir, lexicon, change, message):
    tensors = {name: tensor for name, tensor in (vars(lexicon) | change).items() if tensor is not None}
    save_file(tensors, bundle_dir / LEXICON)
    edit_config(bundle_dir)
    with pytest.raises(ValueError, match=message):
        load_bundle(bundle_dir)


def test_a_lexicon_has_a_row_for_each_source_piece_and_the_ids_of_target_pieces(tmp_path):
    lexicon = Lexicon(torch.arange(4, dtype=torch.int32), torch.full((5, 2), 8, dtype=torch.int32))
    save_file(vars(lexicon), tmp_path / LEXICON)
    sums = {LEXICON: [hashlib.sha256((tmp_path / LEXICON).read_bytes()).hexdigest()]}
    for src, tgt, message in (
        (5, 9, ""),
        (5, 8, "likely has ids that the vocabulary lacks"),
        (9, 9, "likely is I32"),
    ):
        tokenizer = SimpleNamespace(src_vocab_size=src, tgt_vocab_size=tgt)
        with pytest.raises(ValueError, match=message) if message else nullcontext():
            assert load._load_lexicon(tmp_path, tokenizer, "cpu", sums).likely.equal(lexicon.likely)


def test_weights_whose_sum_is_too_large_are_finite(bundle_dir):
    edit_weights(bundle_dir, lambda weights: weights["output_bias"].fill_(3e38))
    assert (load_bundle(bundle_dir).model.output_bias == 3e38).all()


def test_a_model_directory_may_go_without_a_lexicon(bundle_dir):
    assert load_bundle(bundle_dir).lexicon is not None
    (bundle_dir / LEXICON).unlink()
    assert load_bundle(bundle_dir).lexicon is None


def test_loading_draws_no_weights(bundle_dir):
    code = f"import sys, nmt; nmt.load({str(bundle_dir)!r}, 'cpu'); print('torch._dynamo' in sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout == "False\n"  # its import would take a second, only to initialize tensors without memory


def test_another_search_is_kept_and_nothing_else_changes(bundle_dir):
    before = {path.name: path.read_bytes() for path in bundle_dir.iterdir()}
    own = load_bundle(bundle_dir).config
    search = Beam(beam_size=7, normalisation="gnmt", alpha=0.3, coverage=0.1)
    assert save_search(bundle_dir, search) == bundle_dir / "config.json"
    assert load_bundle(bundle_dir).config == replace(own, search=search)
    after = {path.name: path.read_bytes() for path in bundle_dir.iterdir()}
    assert {name for name in after if before[name] != after.get(name)} == {"config.json"}
    assert before.keys() == after.keys()


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.model", LEXICON])
def test_a_flipped_bit_is_found_wherever_it_is(bundle_dir, name):
    path = bundle_dir / name
    content = path.read_bytes()
    places = range(0, len(content), 7 if name == "config.json" else len(content) // 20)
    for place in places:
        flipped = bytearray(content)
        flipped[place] ^= 1 << (place % 8)
        if name == "config.json" and _same_json(flipped, content):
            continue
        path.write_bytes(flipped)
        with pytest.raises(ValueError, match=name):
            load_bundle(bundle_dir)


def _same_json(one, other):
    try:
        return json.loads(one) == json.loads(other)
    except ValueError:
        return False


FILES = ["config.json", WEIGHTS, LEXICON, "tokenizer.model"]


@pytest.mark.parametrize("compute", ["float32", "bfloat16", "int8"])
def test_files_that_change_under_a_loaded_model_change_no_translation(bundle_dir, compute):
    """Like copying over them."""
    texts = ["Der Hund sieht den Ball.", "Anna mag kein Boot.", "Paul."]
    translator = nmt.load(bundle_dir, "cpu", compute)

    def results():
        return translator.translate(texts), translator.score(texts, texts[::-1])

    before = results()
    for name in FILES:
        path = bundle_dir / name
        with path.open("r+b") as file:
            file.write(bytes(path.stat().st_size))
        assert results() == before, name
    for name in FILES:
        os.truncate(bundle_dir / name, 0)
    assert results() == before


@pytest.mark.parametrize("name", [WEIGHTS, LEXICON, "tokenizer.model"])
def test_what_was_checked_is_what_is_used(bundle_dir, monkeypatch, name):
    """A file changes right after its checksum is computed."""
    text = "Der Hund sieht den Ball."
    before = nmt.load(bundle_dir, "cpu").translate([text])
    verify, path = files.verify, bundle_dir / name

    def then_changed(checked, found, checksums):
        verify(checked, found, checksums)
        if checked == path:
            with path.open("r+b") as file:
                file.seek(path.stat().st_size // 2)
                file.write(bytes(path.stat().st_size // 3))

    for module in (files, load):
        monkeypatch.setattr(module, "verify", then_changed)
    assert nmt.load(bundle_dir, "cpu").translate([text]) == before


def test_the_tokenizer_of_another_model_is_refused(bundle_dir, corpus_dir):
    other = train_tokenizer(TokenizerConfig(320), *(side[:90] for side in toy.lines(corpus_dir, "train")))
    (bundle_dir / "tokenizer.model").write_bytes(other.models["tokenizer.model"])
    with pytest.raises(ValueError, match="tokenizer.model is damaged, or of another model"):
        load_bundle(bundle_dir)


def test_a_tokenizer_that_is_none_is_refused(bundle_dir):
    (bundle_dir / "tokenizer.model").write_bytes(b"no model")
    edit_config(bundle_dir)
    with pytest.raises(ValueError, match=f"{bundle_dir}: tokenizer.model is no SentencePiece model"):
        load_bundle(bundle_dir)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.model", LEXICON])
def test_only_files_of_the_folder_itself_are_opened(bundle_dir, tmp_path, name):
    path = bundle_dir / name
    outside = path.rename(tmp_path / "outside")
    path.symlink_to(outside)
    with pytest.raises(ValueError, match=f"{name} is a link out of the model directory"):
        load_bundle(bundle_dir)
    path.unlink()
    os.mkfifo(path)  # reading it would block forever
    with pytest.raises(ValueError, match=f"{name} is no file"):
        load_bundle(bundle_dir)
    path.unlink()
    outside.rename(path)
    link = tmp_path / "link"
    link.symlink_to(bundle_dir)  # a link to the whole directory: the user's choice
    assert load_bundle(link)
    save_search(link, Beam(beam_size=3))
    assert load_bundle(bundle_dir).config.search == Beam(beam_size=3)


@pytest.mark.parametrize("reader", [load, ensemble])
def test_a_link_that_is_switched_while_it_is_read_gives_the_model_that_it_led_to(
    bundle_dir, tmp_path, tokenizer, monkeypatch, reader
):
    save_bundle(tmp_path / "new", toy.bundle(toy.model_config("gru"), tokenizer), "# card", {})
    link = tmp_path / "link"
    link.symlink_to(bundle_dir)

    def switched(folder):
        found = load_config(folder)
        link.unlink()
        link.symlink_to(tmp_path / "new")
        return found

    monkeypatch.setattr(reader, "load_config", switched)
    translator = nmt.load(link, device="cpu")
    assert translator.model.config == load_bundle(bundle_dir).model.config
    assert translator.origin[0] == [str(bundle_dir)]  # which a pickle opens


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32-le"])
def test_a_config_is_utf_8_and_nothing_else(bundle_dir, encoding):
    path = bundle_dir / "config.json"
    path.write_bytes(path.read_text().encode(encoding))
    with pytest.raises(ValueError, match=r"config\.json is not JSON"):
        load_bundle(bundle_dir)


@pytest.mark.parametrize("sums", [{}, {"checksums": 3}, {"checksums": {"config.json": 3}}], ids=str)
def test_a_model_without_checksums_is_refused(bundle_dir, sums):
    path = bundle_dir / "config.json"
    data = json.loads(path.read_text())
    del data["checksums"]
    path.write_text(json.dumps(data | sums))
    with pytest.raises(ValueError, match="checksums must map each file to a list"):
        load_bundle(bundle_dir)


def test_a_directory_is_whole_at_any_moment_of_being_replaced(bundle_dir, tokenizer, lexicon, monkeypatch):
    bundle = load_bundle(bundle_dir)
    for parameter in bundle.model.parameters():
        parameter.data += 1
    seen = []
    write = save.write_atomically

    def watched(path, content):
        load_bundle(bundle_dir)
        write(path, content)
        seen.append((path.name, load_bundle(bundle_dir).model.output_bias[0].item()))

    monkeypatch.setattr(save, "write_atomically", watched)
    save_bundle(bundle_dir, bundle, "# card", {})
    assert seen[-1][1] == seen[0][1] + 1
    assert WEIGHTS in dict(seen)
    sums = json.loads((bundle_dir / "config.json").read_text())["checksums"]
    assert all(len(one) == 1 for one in sums.values())


def test_a_model_knows_its_languages_and_what_it_was_chosen_by(bundle_dir, tokenizer, lexicon):
    config, metric = load_bundle(bundle_dir).config.model, MetricConfig("chrf", "char")
    save_bundle(bundle_dir, toy.bundle(config, tokenizer, languages=("de", "zh"), metric=metric), "# card", {})
    translator = Translator.load(bundle_dir, "cpu")
    assert (translator.languages, translator.metric) == (("de", "zh"), metric)
    save_search(bundle_dir, Greedy())
    assert load_bundle(bundle_dir).config.metric == metric


def test_a_model_directory_from_before_there_was_a_metric_has_the_default(bundle_dir):
    edit_config(bundle_dir, lambda config: config.pop("metric"))
    assert load_bundle(bundle_dir).config.metric == MetricConfig()
    edit_config(bundle_dir, lambda config: config.update(metric={"name": "rouge"}))
    with pytest.raises(ValueError, match=r"config\.json: metric\.name is 'rouge'; choose one of: bleu, chrf"):
        load_bundle(bundle_dir)


def test_a_model_knows_how_long_its_training_sentences_were(trained, bundle_dir):
    known, unknown = nmt.load(trained / "model", "cpu"), nmt.load(bundle_dir, "cpu")
    assert 5 < known.src_pieces < 40
    assert unknown.src_pieces == MAX_PIECES
    edit_config(bundle_dir, lambda config: config.pop("src_pieces"))
    assert load_bundle(bundle_dir).config.src_pieces is None
    edit_config(bundle_dir, lambda config: config.update(src_pieces=0))
    with pytest.raises(ValueError, match=r"config\.json: src_pieces is 0; it must be from 1"):
        load_bundle(bundle_dir)


@pytest.fixture(scope="module")
def sound(tmp_path_factory, tokenizer, lexicon):
    """A valid model directory, and a copy to change."""
    folder = tmp_path_factory.mktemp("sound")
    config = toy.model_config("gru")
    save_bundle(folder / "model", toy.bundle(config, tokenizer, lexicon), "# card", {})
    return folder / "model", folder / "changed"


def opened(folder):
    """The bundle, or None if it is refused with a one-line message that names one of its files."""
    try:
        return load_bundle(folder)
    except ValueError as error:
        refusal = str(error)
    assert refusal.startswith(str(folder))
    return None


@given(st.sampled_from(["config.json", WEIGHTS, LEXICON, "tokenizer.model"]), st.data())
def test_whatever_bytes_a_file_has_it_is_refused_or_the_same(sound, name, data):
    folder, changed = sound
    shutil.copytree(folder, changed, dirs_exist_ok=True)
    content = (folder / name).read_bytes()
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, min(len(content), start + 40)))
    other = content[:start] + data.draw(st.binary(max_size=40)) + content[end:]
    (changed / name).write_bytes(other)
    bundle = opened(changed)
    assert (
        bundle is None or other == content or (name == "config.json" and bundle.config == load_bundle(folder).config)
    )


@given(st.data(), JSON)
def test_whatever_a_config_says_it_is_refused_or_meant(sound, data, value):
    """With matching checksums, as an attacker would make them."""
    folder, changed = sound
    shutil.copytree(folder, changed, dirs_exist_ok=True)

    def edit(config):
        node, key = config, data.draw(st.sampled_from(sorted(config)))
        while node[key] and isinstance(node[key], dict) and data.draw(st.booleans()):
            node = node[key]
            key = data.draw(st.sampled_from(sorted(node)))
        node[data.draw(st.just(key) | st.text())] = value

    edit_config(changed, edit)
    bundle = opened(changed)
    if bundle:
        written = json.loads((changed / "config.json").read_text())
        assert holds(to_dict(bundle.config), {key: written[key] for key in written if key != "checksums"})


def holds(config, written):
    """Whether a config equals the written values, with defaults for the others."""
    if isinstance(written, dict) and isinstance(config, dict):
        return written.keys() <= config.keys() and all(holds(config[key], written[key]) for key in written)
    return config == written


def test_the_empty_name_of_a_model_is_told_and_is_not_this_folder(bundle_dir, monkeypatch):
    """An unset shell variable gives an empty name."""
    monkeypatch.chdir(bundle_dir)
    with pytest.raises(ValueError, match="the name of a model directory is empty"):
        load_bundle("")
    load_bundle(".")
