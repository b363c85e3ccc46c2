"""The API's description in OpenAPI 3.1, as plain data: GET /spec."""

from __future__ import annotations

from typing import Any

from nmt import __version__
from nmt.service.documents import CONTENT_TYPES, suffixes
from nmt.service.libretranslate import AUTO, FORMATS, MOST_ALTERNATIVES
from nmt.service.limits import MAX_INSPECTED_CHARS, Limits
from nmt.service.messages import INSPECTED, SIDES
from nmt.service.pairs import Pairs
from nmt.service.wire import FORM, JSON, MULTIPART

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
WHOLE: Schema = {"type": "integer"}
FLAG: Schema = {"type": "boolean"}
FILE: Schema = {"type": "string", "format": "binary"}
ERRORS = {
    "400": "what is asked for is not there, or too much",
    "403": "the key is not known",
    "408": "the body came too slowly",
    "413": "the body is too long",
    "429": "too many requests; Retry-After says when",
    "500": "a text cannot be translated",
    "503": "the server is about to end, or took too long; Retry-After says when",
}


def specification(pairs: Pairs, limits: Limits, address: str) -> Schema:
    """The description for a server with these language pairs at a URL."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "nmt",
            "version": __version__,
            "description": f"Translation of {', '.join(pairs.by_name)}, in the words of several services' clients: "
            "LibreTranslate's, DeepL's (/v2), OpenNMT-py's (/translator) and Hugging Face's (/).",
        },
        "servers": [{"url": address}],
        "paths": {
            "/translate": {"post": _translate(pairs, limits)},
            "/translate_file": {"post": _translate_file(pairs, limits)},
            "/download_file/{name}": {"get": _download_file()},
            "/detect": {"post": _detect()},
            "/languages": {"get": _get("The languages, and what each can be translated into.", _list(_language()))},
            "/frontend/settings": {"get": _get("What a page for people needs to know.", {"type": "object"})},
            "/health": {"get": _get("Whether the server is there for new requests.", _object(status=TEXT))},
            "/inspect": {"post": _inspect(pairs)},
            "/v2/translate": {"post": _deepl_translate(pairs, limits)},
            "/v2/document": {"post": _deepl_upload(pairs, limits)},
            "/v2/document/{name}": _deepl_document(),
            "/v2/document/{name}/result": _deepl_result(),
            "/v2/languages": dict.fromkeys(("get", "post"), _deepl_languages()),
            "/v2/usage": dict.fromkeys(("get", "post"), _deepl_usage()),
            "/translator/translate": {"post": _opennmt()},
            "/translator/models": {"get": _get("The models by number.", _list({"type": "object"}))},
            "/": {"get": _page(), "post": _hf()},
        },
    }


def _object(required: tuple[str, ...] = (), **properties: Schema) -> Schema:
    found: Schema = {"type": "object", "properties": properties}
    return found | ({"required": list(required)} if required else {})


def _list(items: Schema, **more: Any) -> Schema:
    return {"type": "array", "items": items} | more


ERROR = _object(("error",), error=TEXT)
DEEPL_ERROR = _object(("message",), message=TEXT)
ONE_OR_SEVERAL: Schema = {"anyOf": [TEXT | {"minLength": 1}, _list(TEXT, minItems=1)]}


def _get(summary: str, schema: Schema, error: Schema = ERROR) -> Schema:
    return {"summary": summary, "responses": _responses(schema, error)}


def _responses(schema: Schema, error: Schema) -> Schema:
    found = {"200": {"description": "the answer", "content": {JSON: {"schema": schema}}}}
    return found | {
        status: {"description": why, "content": {JSON: {"schema": error}}} for status, why in ERRORS.items()
    }


def _post(summary: str, body: Schema, schema: Schema, kinds: tuple[str, ...], error: Schema) -> Schema:
    content = {kind: {"schema": body} for kind in kinds}
    return {
        "summary": summary,
        "requestBody": {"required": True, "content": content},
        "responses": _responses(schema, error),
    }


def _translate(pairs: Pairs, limits: Limits) -> Schema:
    body = _object(
        ("q", "source", "target"),
        q=ONE_OR_SEVERAL | {"description": f"a text or several, of at most {limits.max_chars} characters together"},
        source=TEXT | {"enum": [AUTO, *pairs.sources], "description": "its case, and a region, do not matter"},
        target=TEXT | {"enum": pairs.targets},
        format=TEXT | {"enum": list(FORMATS), "default": "text"},
        alternatives=WHOLE | {"minimum": 0, "maximum": MOST_ALTERNATIVES, "default": 0},
        api_key={"type": ["string", "null"]},
    )
    detected = _object(confidence=NUMBER, language=TEXT)
    answer = _object(
        ("translatedText",),
        translatedText={"anyOf": [TEXT, _list(TEXT)]},
        detectedLanguage={"anyOf": [detected, _list(detected)]},
        alternatives=_list({"anyOf": [TEXT, _list(TEXT)]}),
    )
    summary = "Translate a text, or a list of them. Forms and the query are taken too."
    return _post(summary, body, answer, (JSON,), ERROR)


def _translate_file(pairs: Pairs, limits: Limits) -> Schema:
    body = _object(
        ("file", "source", "target"),
        file=FILE | {"description": f"at most {limits.max_file_bytes} bytes: {', '.join(suffixes())}"},
        source=TEXT | {"enum": [AUTO, *pairs.sources]},
        target=TEXT | {"enum": pairs.targets},
        api_key=TEXT,
    )
    answer = _object(("translatedFileUrl",), translatedFileUrl=TEXT | {"format": "uri"})
    return _post("Translate a file.", body, answer, (MULTIPART,), ERROR)


def _download_file() -> Schema:
    return _got_file("A translated file, for half an hour.", ERROR) | {"parameters": [_in_path(r"^[\w.-]{1,99}$")]}


def _got_file(summary: str, error: Schema) -> Schema:
    found = _get(summary, {}, error)
    found["responses"]["200"]["content"] = {kind: {"schema": FILE} for kind in sorted(set(CONTENT_TYPES.values()))}
    return _or_nothing(found, error)


def _in_path(pattern: str) -> Schema:
    return {"name": "name", "in": "path", "required": True, "schema": TEXT | {"pattern": pattern}}


def _or_nothing(operation: Schema, error: Schema) -> Schema:
    """An operation that answers 404 for an unknown name."""
    missing = {"description": "there is no such file, or no longer", "content": {JSON: {"schema": error}}}
    return operation | {"responses": operation["responses"] | {"404": missing}}


def _detect() -> Schema:
    body = _object(("q",), q=TEXT | {"minLength": 1}, api_key={"type": ["string", "null"]})
    answer = _list(_object(("confidence", "language"), confidence=NUMBER, language=TEXT), minItems=1)
    return _post("Which language a text is in.", body, answer, (JSON, FORM, MULTIPART), ERROR)


def _language() -> Schema:
    return _object(("code", "name", "targets"), code=TEXT, name=TEXT, targets=_list(TEXT))


def _inspect(pairs: Pairs) -> Schema:
    body = _object(
        ("q", "source", "target"),
        q=TEXT | {"minLength": 1},
        source=TEXT | {"enum": pairs.sources},
        target=TEXT | {"enum": pairs.targets},
        translation={"type": ["string", "null"], "description": "look at this one instead of the model's own"},
        parts=_list(TEXT | {"enum": list(INSPECTED)}),
        at=WHOLE | {"minimum": 0, "maximum": MAX_INSPECTED_CHARS, "description": "of this piece alone"},
        side=TEXT | {"enum": list(SIDES), "default": "tgt"},
    )
    answer = _object(("src_pieces", "tgt_pieces"), src_pieces=_list(TEXT), tgt_pieces=_list(TEXT))
    return _post("What the model does while it translates.", body, answer, (JSON,), ERROR)


def _deepl_translate(pairs: Pairs, limits: Limits) -> Schema:
    body = _object(
        ("text", "target_lang"),
        text=_list(TEXT, minItems=1, maxItems=limits.max_texts),
        source_lang=TEXT | {"enum": [code.upper() for code in pairs.sources]},
        target_lang=TEXT | {"enum": [code.upper() for code in pairs.targets]},
        tag_handling=TEXT | {"enum": ["xml", "html"], "description": "XML is treated as HTML"},
    )
    one = _object(("text",), text=TEXT, detected_source_language=TEXT, billed_characters=WHOLE)
    answer = _object(("translations",), translations=_list(one))
    return _post("Translate texts.", body, answer, (JSON,), DEEPL_ERROR)


def _deepl_upload(pairs: Pairs, limits: Limits) -> Schema:
    body = _object(
        ("file", "target_lang"),
        file=FILE | {"description": f"at most {limits.max_file_bytes} bytes: {', '.join(suffixes())}"},
        filename=TEXT | {"description": "where the file has no name"},
        source_lang=TEXT | {"enum": [code.upper() for code in pairs.sources]},
        target_lang=TEXT | {"enum": [code.upper() for code in pairs.targets]},
    )
    answer = _object(("document_id", "document_key"), document_id=TEXT, document_key=TEXT)
    return _post("Translate a document, to be asked for later.", body, answer, (MULTIPART,), DEEPL_ERROR)


def _deepl_document() -> Schema:
    answer = _object(
        ("document_id", "status"),
        document_id=TEXT,
        status=TEXT | {"enum": ["queued", "translating", "done", "error"]},
        seconds_remaining=WHOLE,
        billed_characters=WHOLE,
        error_message=TEXT,
    )
    return _with_key(_or_nothing(_get("How far a document is.", answer, DEEPL_ERROR), DEEPL_ERROR))


def _deepl_result() -> Schema:
    return _with_key(_got_file("A translated document, for half an hour.", DEEPL_ERROR))


def _with_key(operation: Schema) -> Schema:
    """By GET, with the document's key in the query, and by POST, with it in the body."""
    key = {"name": "document_key", "in": "query", "required": True, "schema": TEXT}
    name, body = _in_path(r"^[\w-]{1,99}$"), _object(("document_key",), document_key=TEXT)
    given = {"required": True, "content": {kind: {"schema": body} for kind in (JSON, FORM)}}
    return {
        "get": operation | {"parameters": [name, key]},
        "post": operation | {"parameters": [name], "requestBody": given},
    }


def _deepl_languages() -> Schema:
    kind = {"name": "type", "in": "query", "schema": TEXT | {"enum": ["source", "target"]}}
    answer = _list(_object(("language", "name"), language=TEXT, name=TEXT, supports_formality=FLAG))
    return _get("The languages.", answer, DEEPL_ERROR) | {"parameters": [kind]}


def _deepl_usage() -> Schema:
    answer = _object(character_count=WHOLE, character_limit=WHOLE)
    return _get("Characters translated.", answer, DEEPL_ERROR)


def _opennmt() -> Schema:
    body = _list(
        _object(("src",), src=TEXT | {"minLength": 1}, id={"type": ["integer", "string", "null"]}), minItems=1
    )
    answer = _list(_list(_object(("tgt",), src=TEXT, tgt=TEXT, n_best=WHOLE, pred_score=NUMBER)))
    error = _object(("error",), status=TEXT, error=TEXT)
    return _post("Translate as OpenNMT-py's server does.", body, answer, (JSON,), error)


def _page() -> Schema:
    content = {"text/html": {"schema": TEXT}}
    return {"summary": "The page for people.", "responses": {"200": {"description": "HTML", "content": content}}}


def _hf() -> Schema:
    body = _object(("inputs",), inputs=ONE_OR_SEVERAL, parameters=_object(src_lang=TEXT, tgt_lang=TEXT))
    answer = _list(_object(("translation_text",), translation_text=TEXT))
    return _post("Hugging Face's translation task.", body, answer, (JSON,), ERROR)
