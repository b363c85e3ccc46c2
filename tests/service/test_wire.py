from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmt.service import deepl, libretranslate, opennmt, wire
from nmt.service.pairs import LanguagePair, Pairs
from nmt.service.wire import HttpRequest, RefusedError, TranslatedText, TranslationRequest, fields_of, json_of, key_of

FIELDS = {"q": "Guten Morgen\nWelt ☃", "source": "de", "target": "en", "api_key": "x y"}
BOUNDARY = "----abc"
PAIRS = {"de-en": LanguagePair("de", "en", ("a",)), "en-de": LanguagePair("en", "de", ("b",))}


def multipart(fields: dict[str, str]) -> HttpRequest:
    parts = [f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in fields.items()]
    body = "".join([*parts, f"--{BOUNDARY}--\r\n"]).encode()
    return HttpRequest(content_type=f"multipart/form-data; boundary={BOUNDARY}", body=body)


ENCODED = {
    "json": HttpRequest(content_type="application/json; charset=utf-8", body=json.dumps(FIELDS).encode()),
    "form": HttpRequest(content_type="application/x-www-form-urlencoded", body=urlencode(FIELDS).encode()),
    "multipart": multipart(FIELDS),
    "query": HttpRequest(query=urlencode(FIELDS)),
}


def status_of(read) -> int:
    try:
        read()
    except RefusedError as refused:
        return refused.status
    return 200


@pytest.mark.parametrize("request_", ENCODED.values(), ids=ENCODED)
def test_four_encodings_say_the_same(request_):
    assert fields_of(request_) == FIELDS


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data", "text/plain", ""])
def test_a_request_without_a_body_has_the_fields_of_its_query(kind):
    assert fields_of(HttpRequest("type=target&auth_key=k", kind)) == {"type": "target", "auth_key": "k"}
    assert fields_of(HttpRequest("", kind, b"\r\n")) == {}
    for method in ("GET", "HEAD"):
        assert fields_of(HttpRequest("type=target", kind, b"", {}, method)) == {"type": "target"}


def test_a_get_has_the_fields_of_its_query_beside_those_of_a_body():
    """DeepL's SDK for Python sends some in the body of a GET."""
    request = HttpRequest("type=target", "application/json", b'{"auth_key": "k"}', {}, "GET")
    assert fields_of(request) == {"type": "target", "auth_key": "k"}
    request = HttpRequest("", "application/x-www-form-urlencoded", b"type=target", {}, "GET")
    assert fields_of(request) == {"type": "target"}


def test_a_field_that_is_repeated_is_a_list():
    request = HttpRequest(content_type="application/x-www-form-urlencoded", body=b"text=a&text=b&target_lang=EN")
    assert deepl.translation_request(fields_of(request)) == TranslationRequest(("a", "b"), "", "EN")


@pytest.mark.parametrize(
    "request_",
    [
        HttpRequest(content_type="application/json", body=b"{"),
        HttpRequest(content_type="application/json", body=b"[" * 100_000),
        HttpRequest(content_type="application/json", body=b'{"a":' * 50_000),
        HttpRequest(content_type="application/json", body=b'["q"]'),
        HttpRequest(content_type="application/json", body=b"\xff"),
        HttpRequest(content_type="application/x-www-form-urlencoded", body=b"q=%ff"),
        HttpRequest(content_type="application/x-www-form-urlencoded", body=b"q=a&" * 20_000),
        HttpRequest(content_type="multipart/form-data", body=b"q"),
        HttpRequest(content_type=f"multipart/form-data; boundary={BOUNDARY}", body=b"nothing of it"),
    ],
)
def test_what_cannot_be_read_is_refused(request_):
    with pytest.raises(RefusedError) as refused:
        fields_of(request_)
    assert refused.value.status == 400


@pytest.mark.parametrize("head", ['name="q"', 'name="file"; filename="a.txt"'])
def test_a_form_has_not_too_many_parts(head, monkeypatch):
    monkeypatch.setattr(wire, "MAX_FIELDS", 3)
    for parts, status in ((3, 200), (4, 400)):
        part = f"--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\na\r\n"
        body = f"{part * parts}--{BOUNDARY}--\r\n".encode()
        form = HttpRequest(content_type=f"multipart/form-data; boundary={BOUNDARY}", body=body)
        assert status_of(lambda form=form: fields_of(form)) == status


@pytest.mark.parametrize(
    ("kind", "headers", "said"),
    [
        ("application/x-www-form-urlencoded", {}, "application/json"),  # curl -d '{"q": ...}'
        ("", {}, "application/json"),
        ("text/plain;charset=UTF-8", {}, "text/plain"),  # fetch(url, {method: "POST", body: JSON.stringify(...)})
        ("application/json", {"content-encoding": "gzip"}, "Content-Encoding"),
    ],
)
def test_a_body_that_is_not_read_is_refused_with_the_reason(kind, headers, said):
    """It said that q was missing, or that the body was not UTF-8."""
    body = b' {"q": "a", "source": "de", "target": "en"}'
    for query in ("", "api_key=k"):
        with pytest.raises(RefusedError, match=said) as refused:
            fields_of(HttpRequest(query, kind, body, headers))
        assert refused.value.status == 400
    if headers:
        with pytest.raises(RefusedError, match=said):
            json_of(HttpRequest("", kind, body, headers))


@given(
    st.sampled_from(["application/json", "application/x-www-form-urlencoded", "", "text/plain"]),
    st.binary(),
    st.text(),
)
def test_any_bytes_are_read_or_refused(kind, body, query):
    assert status_of(lambda: libretranslate.translation_request(fields_of(HttpRequest(query, kind, body)))) in (
        200,
        400,
    )


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda of: (
            st.lists(of)
            | st.dictionaries(st.sampled_from(["q", "text", "src", "inputs", "target", "parameters"]), of)
        ),
    )
)
def test_any_json_is_read_or_refused(data):
    body = json.dumps(data).encode()
    for read in (
        lambda: libretranslate.translation_request(fields_of(HttpRequest("", "application/json", body))),
        lambda: deepl.translation_request(fields_of(HttpRequest("", "application/json", body))),
        lambda: opennmt.translation_requests(json_of(HttpRequest("", "application/json", body)), PAIRS),
    ):
        assert status_of(read) in (200, 400)


# What other programs send, and what they make of the answer: in their shapes, in words of our own.
MASTODON = {"q": ["<p>Ein Boot</p>", ""], "source": "auto", "target": "en", "format": "html", "api_key": None}
WEBLATE = {"q": ["Ein Boot", "Das Haus"], "source": "de", "target": "en", "api_key": ""}
SUBTITLE_EDIT = {"q": "Ein Boot.\nDas Haus.", "source": "de", "target": "en", "format": "text"}


def test_shapes_of_libretranslates_clients():
    assert libretranslate.translation_request(MASTODON) == TranslationRequest(
        ("<p>Ein Boot</p>", ""), "", "en", True, True
    )
    assert libretranslate.translation_request(WEBLATE) == TranslationRequest(("Ein Boot", "Das Haus"), "de", "en")
    assert libretranslate.translation_request(SUBTITLE_EDIT) == TranslationRequest(
        ("Ein Boot.\nDas Haus.",), "de", "en", False
    )
    assert (
        libretranslate.translation_request(
            {"q": "a", "source": "AUTO", "target": "en", "alternatives": "3"}
        ).alternatives
        == 3
    )


def test_a_list_is_answered_by_lists_and_a_text_by_a_text():
    answers = [TranslatedText("A boat", "de", 90.04, ("Boat",)), TranslatedText("", "de", 0.0)]
    request = TranslationRequest(("Ein Boot", ""), "", "en", alternatives=1)
    assert libretranslate.answer(request, answers) == {
        "translatedText": ["A boat", ""],
        "detectedLanguage": [{"confidence": 90.0, "language": "de"}, {"confidence": 0.0, "language": "de"}],
        "alternatives": [["Boat"], []],
    }
    assert libretranslate.answer(TranslationRequest(("Ein Boot",), "de", "en", False), answers[:1]) == {
        "translatedText": "A boat"
    }


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "missing q"),
        ({"q": ""}, "missing q"),
        ({"q": []}, "missing q"),
        ({"q": ["a", 1], "source": "de", "target": "en"}, "q must be a string or a list of strings"),
        ({"q": "a", "target": "en"}, "missing source"),
        ({"q": "a", "source": "de"}, "missing target"),
        ({"q": "a", "source": ["de"], "target": "en"}, "source must be a string"),
        ({"q": "a", "source": "de", "target": "en", "format": "pdf"}, "pdf format is not supported"),
        ({"q": "a", "source": "de", "target": "en", "alternatives": -1}, "alternatives must be a whole number"),
        ({"q": "a", "source": "de", "target": "en", "alternatives": True}, "alternatives must be a whole number"),
        ({"q": "a", "source": "de", "target": "en", "alternatives": "９"}, "alternatives must be a whole number"),
    ],
)
def test_what_is_wrong_is_said(fields, message):
    with pytest.raises(RefusedError, match=message):
        libretranslate.translation_request(fields)


def test_half_characters_become_the_replacement_character():
    request = HttpRequest(content_type="application/json", body=b'{"q":"a\\ud83d","source":"de","target":"en"}')
    assert libretranslate.translation_request(fields_of(request)).texts == ("a\ufffd",)
    (found,) = opennmt.translation_requests([{"src": "a\ud83d"}], PAIRS)
    assert found.texts == ("a\ufffd",)


def test_deepl_counts_characters_and_names_variants():
    request = deepl.translation_request({"text": ["Boot"], "target_lang": "EN-US", "tag_handling": "xml"})
    assert request.is_html
    (one,) = deepl.answer(request, [TranslatedText("boat", "de", 100.0)])["translations"]
    assert one["billed_characters"] == 4
    assert one["detected_source_language"] == "DE"
    names = [one["language"] for one in deepl.languages(Pairs([PAIRS["de-en"]]), as_targets=True)]
    assert names == ["EN", "EN-GB", "EN-US"]
    assert key_of(HttpRequest(headers={"authorization": "DeepL-Auth-Key k:fx"}), {}) == "k:fx"


@pytest.mark.parametrize("handling", ["xml", "html"])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ignore_tags": "x"}, "Parameter 'ignore_tags' is not supported."),
        ({"ignore_tags": ["", "x"]}, "Parameter 'ignore_tags' is not supported."),
        ({"outline_detection": "0", "splitting_tags": "par,title"}, "Parameter 'splitting_tags' is not supported."),
        ({"non_splitting_tags": ["b"]}, "Parameter 'non_splitting_tags' is not supported."),
        ({"outline_detection": "0"}, "Value for 'outline_detection' not supported."),
        ({"outline_detection": False}, "Value for 'outline_detection' not supported."),
    ],
)
def test_deepls_options_of_tags_that_are_not_followed_are_refused(handling, options, message):
    fields = {"text": ["<x>Boot</x>"], "target_lang": "EN"} | options
    with pytest.raises(RefusedError) as refused:
        deepl.translation_request(fields | {"tag_handling": handling})
    assert (refused.value.status, deepl.error(refused.value)) == (400, {"message": message})
    assert not deepl.translation_request(fields).is_html  # without tags they say nothing


def test_deepls_options_of_tags_may_say_what_is_so_anyway():
    options = {"ignore_tags": [], "splitting_tags": "", "non_splitting_tags": None, "outline_detection": "1"}
    assert deepl.translation_request({"text": "a", "target_lang": "EN", "tag_handling": "xml"} | options).is_html


def test_opennmt_names_a_model_by_number_or_pair():
    data = [{"src": "a"}, {"src": "b", "id": 1}, {"src": "c", "id": "en-de"}, {"src": "d", "id": "0"}]
    found = opennmt.translation_requests(data, PAIRS)
    assert [one.source for one in found] == ["de", "en", "en", "de"]
    for wrong in (2, -1, True, [], "de-fr", "9" * 5000):
        with pytest.raises(RefusedError, match="no such model"):
            opennmt.translation_requests([{"src": "a", "id": wrong}], PAIRS)
