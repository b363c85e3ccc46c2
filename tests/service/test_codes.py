"""A real process whose pairs go one way, in several variants, asked by whatever codes clients use."""

from __future__ import annotations

import httpx2
import pytest
from conftest import serving

from nmt.search import with_beam_size

KEY = "open-sesame"


@pytest.fixture(scope="module")
def server(tmp_path_factory, model_dirs):
    """It needs a key, which its client sends in a header."""
    keys = tmp_path_factory.mktemp("keys") / "keys"
    keys.write_text(f"{KEY}\nlimited-sesame 3\n")
    ways = {"fr:de": "en-de", "de:en-GB": "de-en", "en-US:de": "en-de"}
    pairs = [argument for way, model in ways.items() for argument in ("--pair", f"{way}={model_dirs[model]}")]
    with serving(*pairs, "--workers", "1", "--keys", str(keys), "--cache", "10", "--beam-size", "1") as served:
        served.client.headers["authorization"] = f"Bearer {KEY}"
        yield served


@pytest.fixture(scope="module")
def client(server):
    """One without a key."""
    with httpx2.Client(base_url=server.url) as client:
        yield client


@pytest.fixture(scope="module")
def translator(translator):
    translator = translator.toward(translator.direction)
    translator.search = with_beam_size(translator.search, 1)
    return translator


def test_a_language_is_detected_among_those_that_have_a_pair(server, translator):
    answer = server.ask(q=["Hund", "This is not a dog."], source="auto", target="en").json()
    assert [one["language"] for one in answer["detectedLanguage"]] == ["de", "en-GB"]
    assert answer["translatedText"] == [translator.translate("Hund")[0].text, "This is not a dog."]
    found = server.client.post("/detect", json={"q": "Ce n'est pas mon chien."}).json()
    assert found[0]["language"] == "fr"


def test_every_interface_finds_a_variant(server, translator):
    (best,) = (one.text for one in translator.translate("Der Hund"))
    assert server.ask(q="Der Hund", source="de", target="en").json() == {"translatedText": best}
    assert server.ask(q="A dog", source="en-GB", target="de").status_code == 200
    for target in ("EN", "EN-US"):
        fields = {"text": ["Der Hund"], "source_lang": "DE", "target_lang": target}
        (one,) = server.client.post("/v2/translate", json=fields | {"auth_key": KEY}).json()["translations"]
        assert one["text"] == best
    ((found,),) = server.client.post("/translator/translate", json=[{"src": "Der Hund", "id": 1}]).json()
    assert found["tgt"] == best
    assert found["pred_score"] == pytest.approx(translator.translate("Der Hund")[0].score, abs=1e-3)
    inspected = server.client.post("/inspect", json={"q": "Der Hund", "source": "de", "target": "en"})
    assert inspected.status_code == 200


BODIES = {
    "/translate": {"q": "Der Hund", "source": "de", "target": "en"},
    "/detect": {"q": "Der Hund"},
    "/inspect": {"q": "Der Hund", "source": "de", "target": "en"},
    "/v2/translate": {"text": ["Der Hund"], "target_lang": "EN"},
    "/v2/usage": {},
    "/translator/translate": [{"src": "Der Hund"}],
    "/": {"inputs": "Der Hund", "parameters": {"src_lang": "de"}},
}


@pytest.mark.parametrize("path", BODIES)
def test_every_route_takes_a_key_wherever_it_stands(client, path):
    body = BODIES[path]
    assert client.post(path, json=body).status_code in (400, 403)
    assert client.post(path, json=body, params={"api_key": "other"}).status_code == 403
    assert client.post(path, json=body, headers={"authorization": "other"}).status_code == 403
    assert client.post(path, json=body, params={"api_key": KEY}).status_code == 200
    if isinstance(body, dict):
        assert client.post(path, json=body | {"api_key": KEY}).status_code == 200
    for header in (KEY, f"Bearer {KEY}", f"DeepL-Auth-Key  {KEY}"):
        assert client.post(path, json=body, headers={"authorization": header}).status_code == 200


def test_a_key_may_have_a_rate_and_no_key_is_told(server, client):
    fields = {"q": "Ein Boot", "source": "de", "target": "en"}

    def status(key):
        return client.post("/translate", json=fields | {"api_key": key}).status_code

    assert [status(key) for key in (None, "x")] == [400, 403]
    cached = server.metric("nmt_cached_total")
    assert [status("limited-sesame") for _ in range(4)] == [200] * 3 + [429]
    assert server.metric("nmt_cached_total") == cached + 2
    assert status(KEY) == 200
    assert server.ask(q="Ein Boot", alternatives=2).json()["alternatives"] == []  # of one hypothesis
    assert not any("sesame" in line for line in server.lines)
