"""Model directories of packed weights: the same bytes of translations, and nothing that they do not hold."""

from __future__ import annotations

import json
import pickle

import pytest
import safetensors.torch
import toy

import nmt
from nmt import native
from nmt.bundle import PACKED, WEIGHTS, load_bundle, save_bundle, save_packed, seal
from nmt.common.files import sha256
from nmt.engine.packed import names_in_bytes, pack
from nmt.model.attention import ATTENTIONS, GeneralAttention
from nmt.model.encoder import EncoderConfig
from nmt.search import Beam, Sample

pytestmark = pytest.mark.skipif(not native.is_here(), reason="needs the kernels in C")
LINES = ["Der Hund sieht den Ball.", "Anna mag kein Boot.", "", "Paul 12", "Eine Katze sucht die Stadt. " * 4]

KINDS = {
    "lstm": ("lstm", "gnmt", "additive", {}),
    "gru": ("gru", "input_feeding", "general", {"num_layers": 2}),
    "rnn": ("rnn", "input_feeding", "location", {}),
    "gru_reset_before, depth 2": ("gru_reset_before, depth 2", "bahdanau", "additive", {"coverage": True}),
    "mlstm": ("mlstm", "gnmt", "dot", {"context_gate": True, "heads": 2}),
    "lstm_fgr": ("lstm_fgr", "gnmt", "additive", {"encoder": EncoderConfig(num_layers=2, transparent=True)}),
    "ssru": ("ssru", "gnmt", "additive", {"tie": "none", "features_size": 5}),
}


def packed_of(kind, folder, tokenizer, lexicon):
    cell, decoder, attention, settings = KINDS[kind]
    config = toy.model_config(cell, decoder, attention, **{"embedding_size": 20, "hidden_size": 24, **settings})
    save_bundle(folder / "model", toy.bundle(config, tokenizer, lexicon), "# card", {"nll": 1})
    save_packed(folder / "model", folder / "packed")
    return folder / "model", folder / "packed"


@pytest.mark.parametrize("kind", KINDS)
def test_a_packed_model_translates_to_the_same_bytes(kind, tmp_path, tokenizer, lexicon):
    whole, packed = packed_of(kind, tmp_path, tokenizer, lexicon)
    assert {path.name for path in packed.iterdir()} == {path.name for path in whole.iterdir()} - {WEIGHTS} | {PACKED}
    assert (packed / PACKED).stat().st_size < (whole / WEIGHTS).stat().st_size
    for shortlist in (None, False):
        one, other = (nmt.load(folder, compute="int8", shortlist=shortlist) for folder in (whole, packed))
        for search in (Beam(), Sample(samples=2)):
            assert one.translate(LINES, search, nbest=2) == other.translate(LINES, search, nbest=2)


def test_it_aligns_pickles_and_searches_with_others_but_does_not_score(tmp_path, tokenizer, lexicon):
    whole, packed = packed_of("lstm", tmp_path, tokenizer, lexicon)
    translator = nmt.load(packed)
    exact = nmt.load(whole, compute="float32").attention([20, 30, 3], [40, 50]).mean(0)
    assert (translator.attention([20, 30, 3], [40, 50])[0] - exact).abs().max() < 0.05
    assert translator.translate(LINES[:1], alignment=True)[0].alignment
    assert pickle.loads(pickle.dumps(translator)).translate(LINES) == translator.translate(LINES)
    both = nmt.load([packed, whole], compute="int8").translate(LINES)
    assert both == nmt.load([whole, whole], compute="int8").translate(LINES)
    for call in (lambda: translator.score(LINES[0], "A"), lambda: translator.translate(LINES[0], prefixes=["The"])):
        with pytest.raises(ValueError, match="weights are packed, so it can neither score"):
            call()


def test_an_attention_of_ones_own_keeps_its_numbers(monkeypatch):
    key = "decoder.attention.key.weight"
    assert key in names_in_bytes(toy.model(attention="general"))
    keys = GeneralAttention.keys
    own = type("Own", (GeneralAttention,), {"keys": lambda self, values: 2 * keys(self, values)})
    monkeypatch.setitem(ATTENTIONS, "general", own)
    assert key not in names_in_bytes(toy.model(attention="general"))
    assert "decoder.layers.0.extra.reset" in names_in_bytes(toy.model("gru_reset_before"))


def test_it_is_made_where_the_kernels_are(monkeypatch):
    monkeypatch.setattr(native, "kernels", lambda: None)
    with pytest.raises(
        ValueError, match="packed weights need the kernels of nmt/native, which are not compiled here"
    ):
        pack(toy.model().float())


def test_what_it_lacks_is_asked_for_in_vain(tmp_path, tokenizer, lexicon, run_here):
    whole, packed = packed_of("gru", tmp_path, tokenizer, lexicon)
    with pytest.raises(ValueError, match="has packed weights, for int8 on a CPU; float32 needs the model directory"):
        nmt.load(packed, compute="float32")
    with pytest.raises(ValueError, match="can translate and no more"):
        load_bundle(packed)
    for arguments, reason in (
        ([packed, "--output", tmp_path / "again"], "can translate and no more"),
        ([whole, "--output", whole], "has other files, such as"),
        ([whole, "--output", tmp_path / "x", "--int8"], "--int8 is an option of --to onnx"),
    ):
        error = run_here("nmt-export", *arguments, "--to", "int8", code=2).err
        assert error.count("\n") == 1
        assert reason in error


def test_a_hostile_one_is_refused(tmp_path, tokenizer, lexicon):
    """One that lacks a product, has one of another shape, or more than there are."""
    _, packed = packed_of("lstm", tmp_path, tokenizer, lexicon)
    sound = safetensors.torch.load_file(packed / PACKED)
    name = "decoder.0.hidden.0.bytes"
    for wrong, reason in (
        ({one: part for one, part in sound.items() if one != name}, f"lack {name}"),
        (sound | {name: sound[name][:, 1:].contiguous()}, f"{name} is"),
        (sound | {"more.bytes": sound[name].clone()}, "has, against the config, the weight more.bytes"),
        (sound | {name: sound[name].float()}, f"{name} is F32"),
    ):
        safetensors.torch.save_file(wrong, packed / PACKED)
        config = json.loads((packed / "config.json").read_text())
        sums = config["checksums"] | {PACKED: [sha256(packed / PACKED)]}
        (packed / "config.json").write_text(json.dumps(seal(config, sums)))
        with pytest.raises(ValueError, match=reason):
            nmt.load(packed)
