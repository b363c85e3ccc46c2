"""LibreTranslate's API: POST /translate, /translate_file and /detect, GET /download_file, /languages, /health and
/frontend/settings.

Its clients send JSON, forms of either kind, or everything in the query. Errors are {"error": text}. Language codes
are case-insensitive, and `de-DE` falls back to `de`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nmt.service.limits import Limits
from nmt.service.pairs import Pairs
from nmt.service.wire import (
    FileRequest,
    RefusedError,
    TranslatedText,
    TranslationRequest,
    Upload,
    number_field,
    text_field,
    texts_field,
)

AUTO = "auto"
FORMATS = ("text", "html")
MOST_ALTERNATIVES = 100


def translation_request(fields: Mapping[str, Any]) -> TranslationRequest:
    """The request of POST /translate. Raises RefusedError."""
    texts, is_list = texts_field(fields, "q")
    source, target = text_field(fields, "source"), text_field(fields, "target")
    kind = text_field(fields, "format", "text")
    if kind not in FORMATS:
        raise RefusedError(400, f"{kind[:20]} format is not supported")
    alternatives = number_field(fields, "alternatives", MOST_ALTERNATIVES)
    return TranslationRequest(texts, _said(source), target, is_list, kind == "html", alternatives)


def file_request(fields: Mapping[str, Any], upload: Upload | None) -> FileRequest:
    """The request of POST /translate_file. Raises RefusedError."""
    if upload is None:
        raise RefusedError(400, "Invalid request: missing file parameter")
    return FileRequest(upload, _said(text_field(fields, "source")), text_field(fields, "target"))


def _said(source: str) -> str:
    return "" if source.lower() == AUTO else source


def answer(wanted: TranslationRequest, answers: Sequence[TranslatedText]) -> dict[str, Any]:
    """The response of POST /translate: lists for a list of texts, single values for a single text."""
    found: dict[str, list[Any]] = {"translatedText": [one.text for one in answers]}
    if not wanted.source:
        found["detectedLanguage"] = [detected(one.source, one.confidence) for one in answers]
    if wanted.alternatives:
        found["alternatives"] = [list(one.alternatives) for one in answers]
    return dict(found) if wanted.is_list else {key: values[0] for key, values in found.items()}


def detected(language: str, confidence: float) -> dict[str, Any]:
    return {"confidence": round(confidence, 1), "language": language}


def languages(pairs: Pairs) -> list[dict[str, Any]]:
    """The response of GET /languages. Mastodon and Weblate need `targets` in every entry."""
    return [{"code": code, "name": name, "targets": pairs.targets_of(code)} for code, name in pairs.names.items()]


def file_answer(address: str, name: str) -> dict[str, str]:
    """The response of POST /translate_file."""
    return {"translatedFileUrl": f"{address}/download_file/{name}"}


def settings(pairs: Pairs, limits: Limits, has_keys: bool, suffixes: Sequence[str]) -> dict[str, Any]:
    """The response of GET /frontend/settings."""
    first = next(iter(pairs.by_name.values()))
    return {
        "apiKeys": has_keys,
        "charLimit": limits.max_chars,
        "frontendTimeout": 500,
        "keyRequired": has_keys,
        "language": {
            "source": {"code": first.source, "name": pairs.names[first.source]},
            "target": {"code": first.target, "name": pairs.names[first.target]},
        },
        "suggestions": False,
        "supportedFilesFormat": list(suffixes),
    }


def error(refusal: RefusedError) -> dict[str, Any]:
    return {"error": refusal.message}
