"""A real process whose pairs go one way, in several variants, asked by whatever codes clients use."""

from __future__ import annotations

import pytest
from conftest import serving

KEY = "open-sesame"


@pytest.fixture(scope="module")
def server(tmp_path_factory, model_dirs):
    """It needs a key, which its client sends in a header."""
    keys = tmp_path_factory.mktemp("keys") / "keys"
    keys.write_text(KEY)
    ways = {"fr:de": "en-de", "de:en-GB": "de-en", "en-US:de": "en-de"}
    pairs = [argument for way, model in ways.items() for argument in ("--pair", f"{way}={model_dirs[model]}")]
    with serving(*pairs, "--workers", "1", "--keys", str(keys)) as served:
        served.client.headers["authorization"] = f"Bearer {KEY}"
        yield served


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
    inspected = server.client.post("/inspect", json={"q": "Der Hund", "source": "de", "target": "en"})
    assert inspected.status_code == 200
