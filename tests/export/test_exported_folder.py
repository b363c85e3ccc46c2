"""A folder that translates without nmt gives the lines that nmt gives."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys

import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

import toy

import nmt
from nmt.bundle import save_bundle, save_search
from nmt.cli.export import main
from nmt.data.directions import Directions
from nmt.data.tokenizer import TokenizerConfig
from nmt.data.tokenizer_training import train_tokenizer
from nmt.export.folder import export_onnx
from nmt.search import Beam, Greedy, Sample

LINES = [
    "Der Hund sieht den Ball.",
    "",
    "12 - 7",
    "1" * 700,
    "  Anna   mag ﬁne Bälle ½ u\u0308ber",
    "Paul",
    "DIE KATZE sucht die Stadt." * 30,
    " \t ",
]


def shipped(folder):
    """The program of a folder, as it lies there."""
    spec = importlib.util.spec_from_file_location("shipped", folder / "translate.py")
    program = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(folder))
    try:
        spec.loader.exec_module(program)
    finally:
        sys.path.remove(str(folder))
        sys.modules.pop("casing", None)
    return program


def expected(folder, **options):
    translator = nmt.load(folder, compute="float32", shortlist=False)
    return [one.text for one in translator.translate(LINES, **options)]


@pytest.fixture
def little_dir(tmp_path, tokenizer):
    """A model directory that is soon exported."""
    save_bundle(tmp_path / "little", toy.bundle(toy.model_config("rnn", "bahdanau", "none"), tokenizer), "", {})
    return tmp_path / "little"


def test_a_program_without_nmt_gives_the_same_lines(bundle_dir, tmp_path):
    save_search(bundle_dir, Beam(beam_size=4, normalisation="gnmt", alpha=0.6, patience=0.5, max_ratio=1.5))
    export_onnx(bundle_dir, tmp_path / "out")
    about = json.loads((tmp_path / "out" / "model.json").read_text())
    assert (about["opset"], about["needs"], about["search"]["beam_size"]) == (18, {"onnxruntime": "1.14"}, 4)
    assert about["shapes"]["decoder"]["inputs"]["ids"] == ["B", "K"]
    assert "nmt." not in (tmp_path / "out" / "translate.py").read_text(encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    found = subprocess.run(
        [sys.executable, tmp_path / "out" / "translate.py"],
        input="\n".join(LINES),
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=environment,
        check=True,
    )
    assert found.stdout == "".join(f"{line}\n" for line in expected(bundle_dir))
    program = shipped(tmp_path / "out").Translator(tmp_path / "out")
    assert program.translate(LINES, 1) == expected(bundle_dir, search=Greedy(max_ratio=1.5))


def test_the_program_ends_quietly_where_nobody_reads_and_says_what_it_cannot(little_dir, tmp_path):
    export_onnx(little_dir, tmp_path / "out")
    command = [sys.executable, tmp_path / "out" / "translate.py", "--beam-size"]
    reader, writer = os.pipe()
    os.close(reader)
    unread = subprocess.run([*command, "1"], input=b"Anna\n", stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert (unread.returncode, unread.stderr) == (-signal.SIGPIPE, b"")
    refused = subprocess.run([*command, "0"], input="Anna\n", capture_output=True, text=True)
    assert refused.returncode == 2
    assert refused.stderr.endswith("--beam-size and --threads are 1 or more\n")
    bare = subprocess.run([sys.executable, "-S", command[1]], input="", capture_output=True, text=True)
    assert (bare.returncode, bare.stderr) == (
        1, "translate.py needs numpy: pip install numpy onnxruntime sentencepiece\n"
    )  # fmt: skip


def test_an_earlier_export_is_written_over_in_words(little_dir, tmp_path, monkeypatch, capsys):
    said = []
    for more in ([], ["--int8"]):
        monkeypatch.setattr(
            sys, "argv", ["nmt-export", str(little_dir), "--to=onnx", f"--output={tmp_path / 'out'}", *more]
        )
        main()
        said.append(capsys.readouterr().err.partition("encoder")[0])
    assert said == [f"nmt-export: {tmp_path / 'out'}: ", f"nmt-export: {tmp_path / 'out'}, over an earlier export: "]


def test_case_directions_and_two_vocabularies_go_along(corpus_dir, tmp_path):
    config = TokenizerConfig(vocab_size=330, joint=False, casing="marked", src_normalization="nfc")
    directions = Directions.of("de+fr", "en+nl", ("de-en", "fr-nl"), tags=True)
    pieces = train_tokenizer(config, *toy.lines(corpus_dir, "train"), controls=directions.tag_pieces)
    model = toy.model_config("gru", "bahdanau", "dot", tie="target")
    others = {"copy_letterless": False, "directions": directions}
    save_bundle(tmp_path / "model", toy.bundle(model, pieces, search=Beam(beam_size=3), **others), "", {})
    export_onnx(tmp_path / "model", tmp_path / "out")
    program = shipped(tmp_path / "out")
    translator = program.Translator(tmp_path / "out")
    assert translator.about["text"]["casing"] == "marked"
    with pytest.raises(SystemExit, match="choose one of: --from de --to en, --from fr --to nl"):
        program.direction(translator.about, None, None)
    leading = program.direction(translator.about, "nl", None)
    assert leading
    assert translator.translate(LINES, None, leading) == expected(tmp_path / "model", to="nl")


@pytest.mark.parametrize(
    ("search", "reason"),
    [
        (Sample(), "draws samples"),
        (Beam(coverage=0.2), "has coverage 0.2"),
        (Greedy(no_repeat_ngram=3), "has no_repeat_ngram 3"),
    ],
)
def test_a_search_that_cannot_go_along_is_refused(bundle_dir, tmp_path, search, reason):
    save_search(bundle_dir, search)
    with pytest.raises(ValueError, match=reason):
        export_onnx(bundle_dir, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_protected_text_an_ensemble_and_a_folder_of_something_else_are_refused(
    corpus_dir, bundle_dir, tmp_path, run_here
):
    pieces = train_tokenizer(TokenizerConfig(vocab_size=360, protect=("urls",)), *toy.lines(corpus_dir, "train"))
    save_bundle(tmp_path / "kept", toy.bundle(toy.model_config(), pieces), "", {})
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("")
    for arguments, reason in (
        ([tmp_path / "kept", "--output", tmp_path / "out"], "copies protected text by symbols"),
        ([bundle_dir, bundle_dir, "--output", tmp_path / "out"], "an ensemble has no form of its own"),
        ([bundle_dir, "--output", tmp_path / "full"], "has other files, such as thesis.txt"),
    ):
        error = run_here("nmt-export", *arguments, "--to", "onnx", code=2).err
        assert error.count("\n") == 1
        assert reason in error
