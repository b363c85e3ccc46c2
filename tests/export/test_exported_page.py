"""The page of an exported folder: its scripts in Node.js, and all of it in a browser, where this machine has them."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
from pathlib import Path

import browser
import numpy as np
import pytest
import sentencepiece
import toy
from test_exported_folder import LINES, shipped

pytest.importorskip("onnx")

from nmt.bundle import save_bundle
from nmt.data.directions import Directions
from nmt.data.normalization import WITHOUT_RULE
from nmt.data.tokenizer import JOINT, TokenizerConfig
from nmt.data.tokenizer_training import train_tokenizer
from nmt.export.folder import PAGE, SCRIPTS, export_onnx, page
from nmt.search import Beam
from nmt.text.casing import marked, unmarked

HERE = Path(__file__).parent
RUNTIME = "NMT_ONNXRUNTIME_WEB"  # names the folder dist/ of the package onnxruntime-web
STUB = (HERE / "stub.mjs").read_text(encoding="utf-8")
VOCABULARY, EOS = 300, 3
TEXT = [
    f"{who} {does} {what} {where}{end}"
    for who in ("Anna", "Der alte Hund", "DIE KATZE", "Paul")
    for does in ("sucht", "sieht", "mag")
    for what in ("den Ball", "einen Apfel", "das HAUS")
    for where, end in (("im Garten", "."), ("in Zürich", "?"), ("heute", "!"))
]
SEARCHES = [
    {"settings": {"normalisation": "average", "alpha": 1.0, "patience": 1, "max_ratio": 1.5, "max_extra": 5}},
    {"settings": {"normalisation": "gnmt", "alpha": 0.6, "patience": 0.5, "max_ratio": 0.4, "max_extra": 2}},
    {"settings": {"normalisation": "none"}, "beamSize": 7},
    {"settings": {}, "beamSize": 1},
]


class Stub:
    """The network of stub.mjs, as a session of onnxruntime."""

    def get_outputs(self):
        return [type("Output", (), {"name": name}) for name in ("values", "state_0")]

    def run(self, _, inputs):
        if "src" in inputs:
            src = inputs["src"]
            return [src[:, :, None].astype(np.float32), np.zeros((len(src), 1, 1), np.float32)]
        before = inputs["state_0"][..., 0].astype(int)
        states = (before * 3 + inputs["ids"] + inputs["values"][..., 0].sum(1, keepdims=True).astype(int)) % 997
        tokens, of = np.arange(VOCABULARY), states[..., None]
        log_probs = -((of * 7919 + tokens * 104729 + of * tokens * 31) % 1000003) / 65536
        log_probs[..., EOS] = -((states * 31) % 101) / 50
        return [log_probs.astype(np.float32), of.astype(np.float32)]


@pytest.fixture(scope="module")
def folder(corpus_dir, tmp_path_factory) -> Path:
    """An exported model of two directions and marked case, for the network of the stub."""
    config = TokenizerConfig(vocab_size=330, joint=False, casing="marked", src_normalization="nfc")
    directions = Directions.of("de+fr", "en+ar", ("de-en", "fr-ar"), tags=True)
    pieces = train_tokenizer(config, *toy.lines(corpus_dir, "train"), controls=directions.tag_pieces)
    model = toy.model_config("gru")
    parent = tmp_path_factory.mktemp("page")
    bundle = toy.bundle(model, pieces, search=Beam(beam_size=4), directions=directions)
    save_bundle(parent / "model", bundle, "", {})
    export_onnx(parent / "model", parent / "out")
    description = parent / "out" / "model.json"
    about = json.loads(description.read_text()) | {"memory": ["values"], "states": ["state_0"]}
    description.write_text(json.dumps(about))
    (parent / "out" / "package.json").write_text('{"type": "module"}')
    return parent / "out"


def asked(folder, **questions):
    """What asked.mjs answers; skips the test where there is no Node.js."""
    node = shutil.which("node")
    if node is None or int(subprocess.check_output([node, "--version"])[1:].split(b".")[0]) < 20:
        pytest.skip("no Node.js of version 20 on this machine")
    command = [node, HERE / "asked.mjs", folder]
    result = subprocess.run(command, input=json.dumps(questions), capture_output=True, text=True, encoding="utf-8")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def program(folder):
    translator = shipped(folder).Translator(folder)
    translator.encoder = translator.decoder = Stub()
    return translator


def hostile(rng: random.Random, line: str) -> str:
    signs = "a \u2581\r\n\t\x00\x85\u3000\ufeff\U0001f600<s>/ﬁ½ü①Ⅷ⟦1⟧⇧⇪⇈⇊ĲßẞİΣσςu\u0308\u00a0\u200bA,b"
    made = "".join(rng.choice(signs) for _ in range(rng.randrange(1, 25)))
    place = rng.randrange(len(line))
    return rng.choice((made, line[:place] + made + line[place:], f" {line.upper()}  {line.title()} {made}"))


@pytest.mark.parametrize(
    ("kind", "rule", "protect", "plain"),
    [
        ("bpe", "nmt_nfkc", ("urls",), False),
        ("unigram", "nfkc_cf", ("urls",), False),
        ("bpe", "identity", (), False),
        ("unigram", "nmt_nfkc", (), True),
    ],
)
def test_pieces_and_case_are_those_of_python(folder, tmp_path, kind, rule, protect, plain):
    text = [f"{line} {end}" for line, end in zip(TEXT, "①ﬁ½Äßö☃éΩж" * 99, strict=False)]
    config = TokenizerConfig(310, kind, normalization=rule, character_coverage=0.99, protect=protect)
    model = train_tokenizer(config, text, text).models[JOINT] + (WITHOUT_RULE if plain else b"")
    (folder / "some.model").write_bytes(model)
    library, rng = sentencepiece.SentencePieceProcessor(model_proto=model), random.Random(7)
    texts = ["", " ", "▁▁", "Anna " * 999, *text[:20], *(hostile(rng, rng.choice(text)) for _ in range(300))]
    ids = [[rng.randrange(rng.choice((270, 310))) for _ in range(9)] for _ in range(200)]
    ids += [[library.piece_to_id(f"<0x{byte:02X}>") for byte in text.encode()] for text in texts[3:50]]
    found = asked(folder, model="some.model", texts=texts, ids=ids)
    assert found["encoded"] == [library.encode(text) for text in texts]
    assert [text.strip(" ") for text in found["decoded"]] == [library.decode(each).strip(" ") for each in ids]
    assert found["marked"] == list(map(marked, texts))
    assert found["unmarked"] == list(map(unmarked, texts))


def test_lines_and_searches_are_those_of_the_program(folder):
    translator = program(folder)
    leading = translator.about["directions"][1]["leading"]
    texts = [*LINES, "Ä" * 20_001, "\x1c12\x1f", "\u2028", "\ufeff", "iPhone ⇧", *TEXT[:40]]
    found = asked(folder, texts=texts, searches=[{"leading": leading, **each} for each in SEARCHES])
    for each, lines in zip(SEARCHES, found["found"], strict=True):
        translator.about["search"] |= each["settings"]
        expected = translator.translate(texts, each.get("beamSize"), leading)
        assert lines == expected
        assert len(set(expected)) > 40


@pytest.fixture
def opened(chromium, folder, monkeypatch):
    """The page with the stub in place of onnxruntime-web; what it asks elsewhere, or complains of, fails the test."""
    monkeypatch.syspath_prepend(str(HERE.parents[1] / "scripts"))
    from try_page import served

    with served(folder) as url, browser.watched(chromium, url, console="Content Security") as new_page:

        def open_page(routes=(), runtime=STUB, **settings):
            page = new_page(**settings)
            if runtime:
                page.route("**/ort.wasm.bundle.min.mjs", script(runtime))
            for path, handler in routes:
                page.route(f"{url}/{path}", handler)
            page.goto(f"{url}/translate.html")
            return page

        yield open_page


def script(text):
    return lambda route: route.fulfill(body=text, content_type="text/javascript")


def says(page, pattern):
    page.locator("#status").filter(has_text=re.compile(pattern)).wait_for()


def test_one_types_and_chooses_a_direction(opened, folder):
    page, translator = opened(), program(folder)
    says(page, "^Ready: German into English$")
    assert page.locator("#direction option").all_text_contents() == ["German into English", "French into Arabic"]
    assert (page.get_attribute("#text", "lang"), page.get_attribute("#text", "dir")) == ("de", "ltr")
    for number, target in enumerate(("en", "ar")):
        leading = translator.about["directions"][number]["leading"]
        page.select_option("#direction", str(number))
        page.locator("#text").fill("\n".join(TEXT[:9]))
        says(page, r"^Translated in \d+\.\d s$")
        expected = translator.translate(TEXT[:9], None, leading)
        page.wait_for_function(
            "t => document.querySelector('#translation').textContent === t", arg="\n".join(expected)
        )
        assert page.get_attribute("#translation", "lang") == target
    assert page.get_attribute("#translation", "dir") == "rtl"
    page.locator("#text").fill("Anna\n" + "Paul " * 999)
    says(page, "^Line 2 is too long: its beginning alone was translated.$")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "translation"


def test_what_goes_wrong_is_said_in_words(opened):
    says(opened(runtime=None), "^This page does not work: onnxruntime-web is not beside this page: npm install")
    page = opened([("tokenizer.src.model", lambda route: route.fulfill(body="{}"))])
    says(page, "^This page does not work: This is no SentencePiece model.$")
    missing = [("decoder.onnx", lambda route: route.fulfill(status=404))]
    says(opened(missing), r"decoder\.onnx is not beside this page \(404\)\.$")
    broken = STUB.replace("function decoded(", "function unused(")
    page = opened(runtime=broken)
    says(page, "^Ready")
    page.locator("#text").fill("Anna")
    says(page, "^It could not be translated: decoded is not defined$")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_keeps_nobody_out(opened, scheme):
    page = opened(viewport={"width": 320, "height": 640}, color_scheme=scheme)
    says(page, "^Ready")
    page.locator("#text").fill("Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen und noch mehr.")
    says(page, "^Translated")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert browser.barriers(page) == []


def test_a_foreign_script_is_not_obeyed(folder):
    text = page().decode()
    assert "unsafe-inline" not in text
    assert re.search(
        r"default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; style-src 'sha", text
    )
    assert set(re.findall(r"\w+://[\w.:]+", text)) == {"http://www.w3.org", "http://127.0.0.1:8000"}
    assert {PAGE, *SCRIPTS} <= {path.name for path in folder.iterdir()}


@pytest.mark.skipif(RUNTIME not in os.environ, reason=f"{RUNTIME} names no folder dist of onnxruntime-web")
@pytest.mark.parametrize("int8", [False, True])
def test_the_page_gives_the_lines_of_the_program(chromium, trained, tmp_path, monkeypatch, int8):
    monkeypatch.syspath_prepend(str(HERE.parents[1] / "scripts"))
    from try_page import typed

    export_onnx(trained / "model", tmp_path / "out", int8)
    (tmp_path / "out" / "node_modules" / "onnxruntime-web").mkdir(parents=True)
    (tmp_path / "out" / "node_modules" / "onnxruntime-web" / "dist").symlink_to(os.environ[RUNTIME])
    expected = shipped(tmp_path / "out").Translator(tmp_path / "out").translate(TEXT[:20])
    page = chromium.new_page()
    assert typed(page, tmp_path / "out", TEXT[:20])[0] == expected
    page.close()
