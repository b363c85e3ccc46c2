"""A real process and real clients."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import httpx2
import pytest

from nmt.formats import read_document
from nmt.formats.document import DocumentOptions
from nmt.formats.inline import lines_of, with_lines

MARKER = "Zauberwort"
FILE = {"source": "de", "target": "en"}
TEXTS = ["Der Hund sieht den Ball.", "Anna mag kein Boot.", "Paul sucht das Haus und die Stadt.", "Die Frau hört."]


@pytest.fixture(scope="module")
def expected(translator):
    return lambda texts: [one.text for one in translator.translate(texts)]


def test_four_encodings_with_a_prefix_or_without_give_the_translation(server, expected):
    fields = {"q": TEXTS[0], "source": "de", "target": "en"}
    post = server.client.post
    answers = [
        post("/translate", json=fields),
        post("/nmt/translate", json=fields),
        post("/translate", data=fields),
        post("/translate", files={name: (None, value) for name, value in fields.items()}),
        post(f"/translate?{urlencode(fields)}"),
    ]
    assert [answer.status_code for answer in answers] == [200] * 5
    assert [answer.json() for answer in answers] == [{"translatedText": expected(TEXTS[:1])[0]}] * 5


def test_translate_web_pages(server, expected):
    """The extension sends a form from a page of its own, and reads what was detected."""
    form = {"q": TEXTS[0], "source": "auto", "target": "en", "format": "text", "api_key": ""}
    answer = server.client.post("/translate", data=form, headers={"origin": "moz-extension://a"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.json()["translatedText"] == expected(TEXTS[:1])[0]
    assert answer.json()["detectedLanguage"]["language"] == "de"


def test_lists_lines_and_alternatives(server, translator, expected):
    best = expected(TEXTS)
    assert server.ask(q=["", *TEXTS, " "]).json()["translatedText"] == ["", *best, " "]
    assert server.ask(q=f"{TEXTS[0]}\n\n {TEXTS[1]}\n").json()["translatedText"] == f"{best[0]}\n\n {best[1]}\n"
    found = server.ask(q=TEXTS[0], alternatives=2).json()
    (one,) = translator.translate([TEXTS[0]], nbest=3)
    assert found["translatedText"] == one.text
    assert found["alternatives"] == list(dict.fromkeys(o.text for o in one.alternatives[1:] if o.text != one.text))


def test_auto_finds_the_language_of_each_text(server, expected):
    found = server.ask(q=[TEXTS[0], "The dog sees the ball.", "12:30"], source="auto").json()
    assert [one["language"] for one in found["detectedLanguage"]] == ["de", "en", "de"]
    assert found["translatedText"] == [expected(TEXTS[:1])[0], "The dog sees the ball.", "12:30"]
    (first, *_) = server.client.post("/detect", data={"q": "Das ist ein Hund."}).json()
    assert first["language"] == "de"
    assert first["confidence"] > 50


def test_languages_say_their_targets(server):
    assert server.client.get("/languages").json() == [
        {"code": "de", "name": "German", "targets": ["de", "en"]},
        {"code": "en", "name": "English", "targets": ["de", "en"]},
    ]
    assert server.client.get("/frontend/settings").json()["language"]["target"]["code"] == "en"
    assert server.client.get("/health").json() == {"status": "ok"}
    assert server.ask(q=TEXTS[0], source="DE-at", target="en_US").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "content", "status"),
    [
        ("POST", "/translate", b'{"q": "a", "source": "xx", "target": "en"}', 400),
        ("POST", "/translate", b'{"q": "a", "source": "de", "target": "fr"}', 400),
        ("POST", "/translate", b'{"q": "a" "source": "de"}', 400),
        ("POST", "/translate", b"[" * 100_000, 400),
        ("GET", "/translate", None, 405),
        ("PATCH", "/detect", None, 405),
        ("GET", "/nothing", None, 404),
        ("POST", "/suggest", b"{}", 404),
    ],
)
def test_every_error_is_json(server, method, path, content, status):
    answer = server.client.request(method, path, content=content, headers={"content-type": "application/json"})
    assert answer.status_code == status
    assert answer.json()["error"]


def test_any_page_may_ask_but_with_no_cookies(server):
    answer = server.client.options("/translate", headers={"origin": "https://example.org"})
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in server.ask(q="a").headers


def test_what_is_too_much_is_refused(server):
    assert server.ask(q=["a"] * 1501).status_code == 400
    assert "character limit" in server.ask(q="a" * 50_001).json()["error"]
    assert server.client.post("/translate", content=b"q=" + b"a" * 10_000_000).status_code == 413


def test_other_interfaces(server, expected):
    (best,) = expected(TEXTS[:1])
    post = server.client.post
    form = {"text": [TEXTS[0], TEXTS[0]], "target_lang": "EN-GB", "source_lang": "DE"}
    assert [one["text"] for one in post("/v2/translate", data=form).json()["translations"]] == [best, best]
    assert post("/v2/translate", json={"text": TEXTS[:1], "target_lang": "XX"}).json()["message"]
    (answers,) = post("/translator/translate", json=[{"src": TEXTS[0], "id": 0}]).json()
    assert answers[0]["tgt"] == best
    assert post("/", json={"inputs": TEXTS[0], "parameters": {"tgt_lang": "en"}}).json() == [
        {"translation_text": best}
    ]
    (reverse,) = post("/", json={"inputs": "A dog runs.", "parameters": {"src_lang": "en", "tgt_lang": "de"}}).json()
    for code in ("en", "EN", "en_XX"):
        assert post("/", json={"inputs": "A dog runs.", "parameters": {"src_lang": code}}).json() == [reverse]


def test_a_get_may_say_that_it_has_json(server):
    headers = {"content-type": "application/json"}
    found = server.client.get("/v2/languages?type=target", headers=headers).json()
    assert {one["language"] for one in found} >= {"DE", "EN-US"}
    for method in ("GET", "POST"):
        assert "character_count" in server.client.request(method, "/v2/usage", headers=headers).json()


def test_libretranslatepy(server, expected):
    client = pytest.importorskip("libretranslatepy").LibreTranslateAPI(f"{server.url}/")
    assert client.translate(TEXTS[0], "de", "en") == expected(TEXTS[:1])[0]
    assert client.detect("Das ist der Hund")[0]["language"] == "de"
    assert client.languages()[0]["code"] == "de"


def test_a_file_is_what_nmt_translate_makes_of_it(server, translator, expected, monkeypatch):
    page = f"<h1>{TEXTS[0]}</h1><p>Der <b>Hund</b> hört %s. <a href='x'>Anna</a> {TEXTS[1]} {TEXTS[2] * 9}</p>"
    monkeypatch.setattr(translator, "rules", translator.rules.keeping(["placeholders"]))
    document = read_document("html", page.encode(), "", DocumentOptions("de", "en"))
    lines = lines_of(document.segments)
    known = {line: one.text for line, one in zip(lines, translator.translate(lines, tags=True), strict=True)}
    cue = f"1\n00:01 --> 00:02\n{' '.join(TEXTS * 4)}\n"  # so long that its sentences are translated one by one
    (divided,) = translator.translate([" ".join(TEXTS * 4)], tags=True, split="sentences")
    for name, content, right in (
        ("a.srt", cue.encode(), f"1\n00:01 --> 00:02\n{divided.text}\n".encode()),
        ("a.html", page.encode(), document.with_targets(with_lines(document.segments, known))),
        ("a.txt", "\n".join(TEXTS).encode(), "\n".join(expected(TEXTS)).encode()),
    ):
        answer = server.client.post(
            "/translate_file", data=FILE | {"source": "auto"}, files={"file": (name, content)}
        )
        found = server.client.get(answer.json()["translatedFileUrl"])
        assert found.content == right
        assert found.headers["content-disposition"].startswith("attachment")


def test_deep_translator(server, expected):
    module = pytest.importorskip("deep_translator")
    client = module.LibreTranslator(source="de", target="en", custom_url=f"{server.url}/", api_key="any")
    assert client.translate(TEXTS[0]) == expected(TEXTS[:1])[0]


def test_deepl(server, expected):
    deepl = pytest.importorskip("deepl")
    client = deepl.DeepLClient("any", server_url=server.url, send_platform_info=False)
    results = client.translate_text(TEXTS, source_lang="DE", target_lang="EN-US")
    assert [one.text for one in results] == expected(TEXTS)
    assert client.translate_text(TEXTS[0], target_lang="EN-GB").detected_source_lang == "DE"
    assert {one.code for one in client.get_target_languages()} >= {"DE", "EN-US"}
    assert client.get_usage().character.valid
    with pytest.raises(deepl.DeepLException, match="not supported"):
        client.translate_text(TEXTS[0], target_lang="JA")


def test_deepl_translates_a_document(server, expected, tmp_path, monkeypatch):
    deepl = pytest.importorskip("deepl")
    monkeypatch.setattr("time.sleep", lambda _, sleep=time.sleep: sleep(0.05))  # it asks every 5 s
    client = deepl.DeepLClient("any", server_url=server.url, send_platform_info=False)
    given, made = tmp_path / f"{MARKER}.txt", tmp_path / "made.txt"
    given.write_text("\n".join(TEXTS))
    status = client.translate_document_from_filepath(given, made, source_lang="DE", target_lang="EN-US")
    assert (status.done, status.billed_characters) == (True, sum(map(len, TEXTS)))
    assert made.read_text() == "\n".join(expected(TEXTS))
    client.translate_document_from_filepath(given, made, target_lang="EN-GB")
    assert made.read_text() == "\n".join(expected(TEXTS))
    given = given.rename(tmp_path / f"{MARKER}.srt")
    with pytest.raises(deepl.DeepLException, match="the file has no cue"):
        client.translate_document_from_filepath(given, tmp_path / "made.srt", target_lang="EN-US")
    assert not any(MARKER in line for line in server.lines)


def test_64_clients_get_each_its_own_answer(server, translator):
    from toy import OBJECTS, SUBJECTS, VERBS

    every = [f"{s} {v} {o}" for s in SUBJECTS for v in VERBS for o in OBJECTS]
    texts = [[f"{every[(20 * client + i) % len(every)]} {client}." for i in range(20)] for client in range(64)]
    flat = [text for own in texts for text in own]
    best = dict(zip(flat, (one.text for one in translator.translate(flat)), strict=True))

    def ask(own):
        return httpx2.post(
            f"{server.url}/translate", json={"q": own, "source": "de", "target": "en"}, timeout=60
        ).json()

    with ThreadPoolExecutor(64) as clients:
        found = list(clients.map(ask, texts))
    assert [one["translatedText"] for one in found] == [[best[text] for text in own] for own in texts]
    assert max(len(line) for line in server.lines) < 200


def test_metrics_count_and_say_no_text(server):
    server.ask(q=MARKER)
    server.ask(q=MARKER, source=MARKER)
    server.client.get(f"/{MARKER}")
    server.client.post("/translate_file", data=FILE, files={"file": (f"{MARKER}.txt", MARKER.encode())})
    server.client.post("/translate_file", data=FILE, files={"file": (f"{MARKER}.srt", MARKER.encode())})
    server.client.get(f"/download_file/{MARKER}")
    text, lines = server.client.get("/metrics").text, server.lines[1:]  # the first says where it listens
    assert 'nmt_requests_total{route="/translate",status="200"}' in text
    assert server.metric("nmt_tokens_total") > 0
    assert server.metric("nmt_batch_segments_count") > 0
    assert not any(word in "".join([text, *lines]) for word in (MARKER, "127.0.0.1"))


def test_the_specification_is_of_version_3_1(server):
    spec = server.client.get("/spec").json()
    assert spec["openapi"].startswith("3.1")
    assert "/translate" in spec["paths"]


def test_a_look_inside(server, translator):
    fields = {"q": TEXTS[0], "source": "de", "target": "en", "parts": ["attention", "gates", "search"]}
    found = server.client.post("/inspect", json=fields).json()
    assert len(found["attention"]) == 2
    assert found["layers"]
    assert found["search"]
    assert server.client.post("/inspect", json=fields | {"q": "a" * 2000}).status_code == 400
    for text in ("\u0019", "\u200b", " "):  # the first two are not blank, and no pieces
        assert server.client.post("/inspect", json=fields | {"q": text}).status_code == 400
