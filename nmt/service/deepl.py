"""DeepL's API, version 2: /v2/translate, /v2/document, /v2/languages, /v2/usage. DeepL's SDKs use it if their
`server_url` is this server.

Language codes are in upper case; a variant such as EN-US means the language itself if it has no model of its own.
Errors are {"message": text}.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from nmt.service.files import Job
from nmt.service.pairs import Pairs
from nmt.service.wire import (
    FileRequest,
    RefusedError,
    TranslatedText,
    TranslationRequest,
    Upload,
    text_field,
    texts_field,
)

NO_KEY = "Authorization failed. Please supply a valid DeepL-Auth-Key via the Authorization header."
UNLIMITED = 1_000_000_000_000  # characters: DeepL's own value for no limit
VARIANTS = {"en": ("EN-GB", "EN-US"), "pt": ("PT-BR", "PT-PT"), "zh": ("ZH-HANS", "ZH-HANT")}
HANDLING = ("", "xml", "html")  # XML is treated as HTML, by the names of its tags
OF_TAGS = ("ignore_tags", "splitting_tags", "non_splitting_tags")
OFF = (False, "0", "false")  # and 0, which is False


def translation_request(fields: Mapping[str, Any]) -> TranslationRequest:
    """The request of POST /v2/translate. Raises RefusedError."""
    texts, _ = texts_field(fields, "text")
    target = text_field(fields, "target_lang")
    handling = text_field(fields, "tag_handling", "")
    if handling not in HANDLING:
        raise RefusedError(400, "Value for 'tag_handling' not supported.")
    _check_glossary(fields)
    if handling:
        _check_tags(fields)
    return TranslationRequest(texts, text_field(fields, "source_lang", ""), target, is_html=bool(handling))


def _check_glossary(fields: Mapping[str, Any]) -> None:
    if fields.get("glossary_id"):
        raise RefusedError(400, "Glossaries are not supported.")


def _check_tags(fields: Mapping[str, Any]) -> None:
    """Raises RefusedError for unsupported options of tags. Without `tag_handling` there are no tags, and such options
    are ignored."""
    for name in OF_TAGS:
        names = fields.get(name)
        if any(names) if isinstance(names, list) else names:
            raise RefusedError(400, f"Parameter '{name}' is not supported.")
    outline = fields.get("outline_detection")
    if (outline.lower() if isinstance(outline, str) else outline) in OFF:
        raise RefusedError(400, "Value for 'outline_detection' not supported.")


def answer(wanted: TranslationRequest, answers: Sequence[TranslatedText]) -> dict[str, Any]:
    """The response of POST /v2/translate. The Python SDK requires `billed_characters`."""
    return {
        "translations": [
            {
                "detected_source_language": one.source.upper(),
                "text": one.text,
                "billed_characters": len(text),
                "model_type_used": "latency_optimized",
            }
            for text, one in zip(wanted.texts, answers, strict=True)
        ]
    }


def document_request(fields: Mapping[str, Any], upload: Upload | None) -> FileRequest:
    """The request of POST /v2/document. Raises RefusedError."""
    if upload is None:
        raise RefusedError(400, "Invalid request: missing file parameter")
    _check_glossary(fields)
    name = text_field(fields, "filename", upload.name)
    wanted, own = text_field(fields, "output_format", "").lower(), PurePath(name).suffix.lower().removeprefix(".")
    if wanted not in ("", own):
        raise RefusedError(400, "Value for 'output_format' not supported.")
    target = text_field(fields, "target_lang")
    return FileRequest(Upload(name, upload.content), text_field(fields, "source_lang", ""), target)


def document_status(job: Job, seconds_left: int) -> dict[str, Any]:
    """The response of /v2/document/{name}."""
    found: dict[str, Any] = {"document_id": job.name}
    if job.refusal:
        return found | {"status": "error", "error_message": job.refusal.message}
    if job.done is None:
        return found | {"status": "translating" if job.translated else "queued", "seconds_remaining": seconds_left}
    return found | {"status": "done", "billed_characters": job.characters}


def languages(pairs: Pairs, as_targets: bool) -> list[dict[str, Any]]:
    """The response of GET /v2/languages: sources, or targets with their variants."""
    if not as_targets:
        return [{"language": code.upper(), "name": pairs.names[code]} for code in pairs.sources]
    return [
        {"language": variant, "name": pairs.names[code], "supports_formality": False}
        for code in pairs.targets
        for variant in (code.upper(), *VARIANTS.get(code, ()))
    ]


def usage(characters: int) -> dict[str, Any]:
    return {"character_count": characters, "character_limit": UNLIMITED}


def error(refusal: RefusedError) -> dict[str, Any]:
    return {"message": refusal.message}
