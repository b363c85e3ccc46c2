"""The API's description in OpenAPI 3.1, as plain data: GET /spec."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
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
HTML = ("text/html",)
OK = {"description": "the answer"}
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
        "paths": _libretranslate(pairs, limits) | _deepl(pairs, limits) | _others(pairs),
    }


def _object(required: tuple[str, ...] = (), **properties: Schema) -> Schema:
    found: Schema = {"type": "object", "properties": properties}
    return found | ({"required": list(required)} if required else {})


def _list(items: Schema, **more: Any) -> Schema:
    return {"type": "array", "items": items} | more


def _one_of(values: Iterable[str], **more: Any) -> Schema:
    return TEXT | {"enum": list(values)} | more


ERROR = _object(("error",), error=TEXT)
DEEPL_ERROR = _object(("message",), message=TEXT)
OPENNMT_ERROR = _object(("error",), status=TEXT, error=TEXT)
ONE_OR_SEVERAL: Schema = {"anyOf": [TEXT | {"minLength": 1}, _list(TEXT, minItems=1)]}
KEY: Schema = {"type": ["string", "null"]}


def _operation(
    summary: str,
    answer: Schema,
    body: Schema | None = None,
    kinds: tuple[str, ...] = (JSON,),
    error: Schema = ERROR,
    of_file: bool = False,
) -> Schema:
    """An operation, and the body that it takes, if any, as each of several media types. One on a file by its name
    answers 404 for an unknown one."""
    sent = {} if body is None else {"requestBody": {"required": True} | _content(body, kinds)}
    errors = ERRORS | ({"404": "there is no such file, or no longer"} if of_file else {})
    refusals = {status: {"description": why} | _content(error) for status, why in errors.items()}
    found = _content(answer, sorted(set(CONTENT_TYPES.values())) if answer is FILE else (JSON,))
    return {"summary": summary} | sent | {"responses": {"200": OK | found} | refusals}


def _content(schema: Schema, kinds: Iterable[str] = (JSON,)) -> Schema:
    return {"content": {kind: {"schema": schema} for kind in kinds}}


def _in_path(pattern: str) -> Schema:
    return {"name": "name", "in": "path", "required": True, "schema": TEXT | {"pattern": pattern}}


def _file(limits: Limits) -> Schema:
    return FILE | {"description": f"at most {limits.max_file_bytes} bytes: {', '.join(suffixes())}"}


def _libretranslate(pairs: Pairs, limits: Limits) -> Schema:
    source, target = _one_of([AUTO, *pairs.sources]), _one_of(pairs.targets)
    text = _object(
        ("q", "source", "target"),
        q=ONE_OR_SEVERAL | {"description": f"a text or several, of at most {limits.max_chars} characters together"},
        source=source | {"description": "its case, and a region, do not matter"},
        target=target,
        format=_one_of(FORMATS, default="text"),
        alternatives=WHOLE | {"minimum": 0, "maximum": MOST_ALTERNATIVES, "default": 0},
        api_key=KEY,
    )
    file = _object(("file", "source", "target"), file=_file(limits), source=source, target=target, api_key=TEXT)
    one = _object(("confidence", "language"), confidence=NUMBER, language=TEXT)
    translated = _object(
        ("translatedText",),
        translatedText={"anyOf": [TEXT, _list(TEXT)]},
        detectedLanguage={"anyOf": [one, _list(one)]},
        alternatives=_list({"anyOf": [TEXT, _list(TEXT)]}),
    )
    summary = "Translate a text, or a list of them. Forms and the query are taken too."
    url = _object(("translatedFileUrl",), translatedFileUrl=TEXT | {"format": "uri"})
    fetched = _operation("A translated file, for half an hour.", FILE, of_file=True)
    question = _object(("q",), q=TEXT | {"minLength": 1}, api_key=KEY)
    languages = _list(_object(("code", "name", "targets"), code=TEXT, name=TEXT, targets=_list(TEXT)))
    said = "Which language a text is in."
    return {
        "/translate": {"post": _operation(summary, translated, text)},
        "/translate_file": {"post": _operation("Translate a file.", url, file, (MULTIPART,))},
        "/download_file/{name}": {"get": fetched | {"parameters": [_in_path(r"^[\w.-]{1,99}$")]}},
        "/detect": {"post": _operation(said, _list(one, minItems=1), question, (JSON, FORM, MULTIPART))},
        "/languages": {"get": _operation("The languages, and what each can be translated into.", languages)},
        "/frontend/settings": {"get": _operation("What a page for people needs to know.", {"type": "object"})},
        "/health": {"get": _operation("Whether the server is there for new requests.", _object(status=TEXT))},
    }


def _deepl(pairs: Pairs, limits: Limits) -> Schema:
    operation = partial(_operation, error=DEEPL_ERROR)
    source, target = (_one_of(map(str.upper, codes)) for codes in (pairs.sources, pairs.targets))
    texts = _object(
        ("text", "target_lang"),
        text=_list(TEXT, minItems=1, maxItems=limits.max_texts),
        source_lang=source,
        target_lang=target,
        tag_handling=_one_of(["xml", "html"], description="XML is treated as HTML"),
    )
    one = _object(("text",), text=TEXT, detected_source_language=TEXT, billed_characters=WHOLE)
    translated = _object(("translations",), translations=_list(one))
    file = _object(
        ("file", "target_lang"),
        file=_file(limits),
        filename=TEXT | {"description": "where the file has no name"},
        source_lang=source,
        target_lang=target,
    )
    accepted = _object(("document_id", "document_key"), document_id=TEXT, document_key=TEXT)
    status = _object(
        ("document_id", "status"),
        document_id=TEXT,
        status=_one_of(["queued", "translating", "done", "error"]),
        seconds_remaining=WHOLE,
        billed_characters=WHOLE,
        error_message=TEXT,
    )
    kind = {"name": "type", "in": "query", "schema": _one_of(["source", "target"])}
    names = _list(_object(("language", "name"), language=TEXT, name=TEXT, supports_formality=FLAG))
    languages = operation("The languages.", names) | {"parameters": [kind]}
    usage = operation("Characters translated.", _object(character_count=WHOLE, character_limit=WHOLE))
    upload = operation("Translate a document, to be asked for later.", accepted, file, (MULTIPART,))
    return {
        "/v2/translate": {"post": operation("Translate texts.", translated, texts)},
        "/v2/document": {"post": upload},
        "/v2/document/{name}": _with_key(operation("How far a document is.", status, of_file=True)),
        "/v2/document/{name}/result": _with_key(
            operation("A translated document, for half an hour.", FILE, of_file=True)
        ),
        "/v2/languages": dict.fromkeys(("get", "post"), languages),
        "/v2/usage": dict.fromkeys(("get", "post"), usage),
    }


def _with_key(operation: Schema) -> Schema:
    """By GET, with the document's key in the query, and by POST, with it in the body."""
    key = {"name": "document_key", "in": "query", "required": True, "schema": TEXT}
    name, body = _in_path(r"^[\w-]{1,99}$"), _object(("document_key",), document_key=TEXT)
    given = {"required": True} | _content(body, (JSON, FORM))
    return {
        "get": operation | {"parameters": [name, key]},
        "post": operation | {"parameters": [name], "requestBody": given},
    }


def _others(pairs: Pairs) -> Schema:
    inspected = _object(
        ("q", "source", "target"),
        q=TEXT | {"minLength": 1},
        source=_one_of(pairs.sources),
        target=_one_of(pairs.targets),
        translation=KEY | {"description": "look at this one instead of the model's own"},
        parts=_list(_one_of(INSPECTED)),
        at=WHOLE | {"minimum": 0, "maximum": MAX_INSPECTED_CHARS, "description": "of this piece alone"},
        side=_one_of(SIDES, default="tgt"),
    )
    pieces = _object(("src_pieces", "tgt_pieces"), src_pieces=_list(TEXT), tgt_pieces=_list(TEXT))
    one = _object(("src",), src=TEXT | {"minLength": 1}, id={"type": ["integer", "string", "null"]})
    answers = _list(_list(_object(("tgt",), src=TEXT, tgt=TEXT, n_best=WHOLE, pred_score=NUMBER)))
    said, texts = "Translate as OpenNMT-py's server does.", _list(one, minItems=1)
    page = {"summary": "The page for people.", "responses": {"200": {"description": "HTML"} | _content(TEXT, HTML)}}
    inputs = _object(("inputs",), inputs=ONE_OR_SEVERAL, parameters=_object(src_lang=TEXT, tgt_lang=TEXT))
    found = _list(_object(("translation_text",), translation_text=TEXT))
    return {
        "/inspect": {"post": _operation("What the model does while it translates.", pieces, inspected)},
        "/translator/translate": {"post": _operation(said, answers, texts, error=OPENNMT_ERROR)},
        "/translator/models": {"get": _operation("The models by number.", _list({"type": "object"}))},
        "/": {"get": page, "post": _operation("Hugging Face's translation task.", found, inputs)},
    }
