"""What each path is asked for, by the body and who asks, and what it answers. Knows no HTTP beyond that."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from nmt.service import deepl, documents, libretranslate, metrics, others
from nmt.service.files import Job, in_thread
from nmt.service.limits import INSPECTED
from nmt.service.openapi import specification
from nmt.service.page import page
from nmt.service.service import Service
from nmt.service.wire import (
    RefusedError,
    Request,
    TranslationRequest,
    Upload,
    fields_of,
    form_of,
    json_of,
    key_of,
    number_field,
    text_field,
)


@dataclass(frozen=True)
class Answered:
    """An answer that is no JSON."""

    content: str | bytes
    content_type: str
    headers: Mapping[str, str]


Handler = Callable[["Asked"], Awaitable[Any]]
Shape = Callable[[RefusedError], Any]


class Route(NamedTuple):
    """What answers, and how it says that it refuses."""

    handler: Handler
    shape: Shape
    takes_file: bool = False


class Asked:
    """A request whose body has come, and who is asked. `name` stands in the path for {name}."""

    def __init__(self, service: Service, request: Request, client: str, name: str = "") -> None:
        self.service = service
        self.request = request
        self.client = client
        self.name = name

    def fields(self) -> dict[str, Any]:
        return fields_of(self.request)

    async def form(self) -> tuple[dict[str, Any], Upload | None]:
        """The fields, and a file that may be long."""
        return await in_thread(form_of, self.request)

    def admit(self, fields: dict[str, Any]) -> None:
        """Raises RefusedError for a request that may not be."""
        self.service.admit(key_of(self.request, fields), self.client)


async def translate(asked: Asked) -> Any:
    fields = asked.fields()
    asked.admit(fields)
    wanted = libretranslate.translation_request(fields)
    return libretranslate.answer(wanted, await asked.service.translate(wanted))


async def translate_file(asked: Asked) -> Any:
    fields, upload = await asked.form()
    asked.admit(fields)
    wanted = libretranslate.file_request(fields, upload)
    asked.service.check_room()
    job = await asked.service.files.translated(wanted)
    return libretranslate.file_answer(asked.request.origin, job.name)


async def download_file(asked: Asked) -> Answered:
    return _fetched(asked.service.files.kept.get(asked.name, ""))


def _fetched(job: Job) -> Answered:
    job.is_fetched = True
    return Answered(job.content, documents.CONTENT_TYPES[job.suffix], job.headers)


async def detect(asked: Asked) -> Any:
    fields = asked.fields()
    asked.admit(fields)
    found = asked.service.detect(text_field(fields, "q"))
    return [libretranslate.detected(*one) for one in found if one[1] >= 1] or [libretranslate.detected(*found[0])]


async def languages(asked: Asked) -> Any:
    pairs = asked.service.pairs
    return libretranslate.languages(pairs.targets_of(), pairs.names)


async def settings(asked: Asked) -> Any:
    pairs, limits = asked.service.pairs, asked.service.limits
    first = next(iter(pairs.by_name.values()))
    has_keys = asked.service.keys is not None
    return libretranslate.settings(
        first.source, first.target, pairs.names, limits.max_chars, has_keys, documents.suffixes()
    )


async def health(asked: Asked) -> Any:
    if asked.service.is_draining:
        raise RefusedError(503, "the server is about to end")
    return {"status": "ok"}


async def spec(asked: Asked) -> Any:
    return specification(asked.service.pairs, asked.service.limits)


async def inspect(asked: Asked) -> Any:
    fields = asked.fields()
    asked.admit(fields)
    parts = fields.get("parts", ["attention"])
    if not isinstance(parts, list) or not all(part in ("attention", "gates", "search") for part in parts):
        raise RefusedError(400, "Invalid request: parts must be a list of attention, gates, search")
    source, target = text_field(fields, "source"), text_field(fields, "target")
    translation = text_field(fields, "translation", "") or None
    side = text_field(fields, "side", "tgt")
    if side not in ("src", "tgt"):
        raise RefusedError(400, "Invalid request: side must be src or tgt")
    piece = None if fields.get("at") is None else (side, number_field(fields, "at", INSPECTED))
    return await asked.service.inspect(text_field(fields, "q"), source, target, translation, parts, piece)


async def deepl_translate(asked: Asked) -> Any:
    fields = asked.fields()
    _admit_deepl(asked, fields)
    wanted = deepl.translation_request(fields)
    return deepl.answer(wanted, await asked.service.translate(wanted))


async def deepl_languages(asked: Asked) -> Any:
    fields = asked.fields()
    _admit_deepl(asked, fields)
    kind = text_field(fields, "type", "source")
    if kind not in ("source", "target"):
        raise RefusedError(400, "Value for 'type' not supported.")
    pairs = asked.service.pairs
    return deepl.languages(pairs.targets if kind == "target" else pairs.sources, pairs.names, kind == "target")


async def deepl_usage(asked: Asked) -> Any:
    _admit_deepl(asked, asked.fields())
    return deepl.usage(asked.service.characters)


async def deepl_upload(asked: Asked) -> Any:
    fields, upload = await asked.form()
    _admit_deepl(asked, fields)
    wanted = deepl.document_request(fields, upload)
    asked.service.check_room()
    job = await asked.service.files.accept(wanted)
    return {"document_id": job.name, "document_key": job.key}


async def deepl_document(asked: Asked) -> Any:
    job = _job(asked)
    job.is_fetched |= job.refusal is not None  # there is no more to be had
    return deepl.document_status(job, asked.service.files.seconds_left(job))


async def deepl_result(asked: Asked) -> Answered:
    job = _job(asked)
    if job.refusal:
        raise RefusedError(400, job.refusal.message)
    if job.done is None:
        raise RefusedError(503, "the document is not translated yet", asked.service.files.seconds_left(job))
    return _fetched(job)


def _job(asked: Asked) -> Job:
    """The document that a client asks for again, while the server ends, too. Raises RefusedError."""
    fields = asked.fields()
    asked.service.rate_of(_deepl_key(asked, fields))
    return asked.service.files.kept.get(asked.name, text_field(fields, "document_key"))


def _admit_deepl(asked: Asked, fields: dict[str, Any]) -> None:
    asked.service.admit(_deepl_key(asked, fields), asked.client)


def _deepl_key(asked: Asked, fields: dict[str, Any]) -> str:
    key = deepl.key_of(asked.request.headers, fields) or key_of(asked.request, fields)
    if not key and asked.service.keys:
        raise RefusedError(
            403, "Authorization failed. Please supply a valid DeepL-Auth-Key via the Authorization header."
        )
    return key


async def opennmt_translate(asked: Asked) -> Any:
    data = json_of(asked.request)
    asked.admit(data if isinstance(data, dict) else {})
    names = list(asked.service.pairs.by_name)
    texts = others.opennmt_texts(data, names)
    asked.service.limits.check([text for text, _ in texts])
    pairs = [asked.service.pairs.by_name[name] for _, name in texts]
    wanted = [
        TranslationRequest((text,), pair.source, pair.target) for (text, _), pair in zip(texts, pairs, strict=True)
    ]
    answers = await asyncio.gather(*map(asked.service.translate, wanted))
    return others.opennmt_answer([text for text, _ in texts], [one for (one,) in answers])


async def opennmt_models(asked: Asked) -> Any:
    return others.opennmt_models(list(asked.service.pairs.by_name))


async def hf_translate(asked: Asked) -> Any:
    data = json_of(asked.request)
    asked.admit(data if isinstance(data, dict) else {})
    if not isinstance(data, dict):
        raise RefusedError(400, "the body must be a JSON object with inputs")
    texts, source, target = others.hf_request(data)
    source, target = asked.service.pairs.usual(source, target)
    return others.hf_answer(await asked.service.translate(TranslationRequest(texts, source, target)))


async def front(asked: Asked) -> Answered:
    content, policy = page(secrets.token_urlsafe(16))
    headers = {
        "content-security-policy": policy,
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
    }
    return Answered(content, "text/html; charset=utf-8", headers)


async def counts(asked: Asked) -> Answered:
    return Answered(asked.service.metrics.text(), metrics.CONTENT_TYPE, {"cache-control": "no-store"})


# Of each path and method what answers. {name} is one part of a path, whatever it is.
ROUTES: dict[str, dict[str, Route]] = {
    "/translate": {"POST": Route(translate, libretranslate.error)},
    "/translate_file": {"POST": Route(translate_file, libretranslate.error, takes_file=True)},
    "/download_file/{name}": {"GET": Route(download_file, libretranslate.error)},
    "/detect": {"POST": Route(detect, libretranslate.error)},
    "/languages": {"GET": Route(languages, libretranslate.error)},
    "/frontend/settings": {"GET": Route(settings, libretranslate.error)},
    "/health": {"GET": Route(health, libretranslate.error)},
    "/spec": {"GET": Route(spec, libretranslate.error)},
    "/inspect": {"POST": Route(inspect, libretranslate.error)},
    "/v2/translate": {"POST": Route(deepl_translate, deepl.error)},
    "/v2/document": {"POST": Route(deepl_upload, deepl.error, takes_file=True)},
    "/v2/document/{name}": dict.fromkeys(("GET", "POST"), Route(deepl_document, deepl.error)),
    "/v2/document/{name}/result": dict.fromkeys(("GET", "POST"), Route(deepl_result, deepl.error)),
    "/v2/languages": {"GET": Route(deepl_languages, deepl.error), "POST": Route(deepl_languages, deepl.error)},
    "/v2/usage": {"GET": Route(deepl_usage, deepl.error), "POST": Route(deepl_usage, deepl.error)},
    "/translator/translate": {"POST": Route(opennmt_translate, others.opennmt_error)},
    "/translator/models": {"GET": Route(opennmt_models, others.opennmt_error)},
    "/": {"GET": Route(front, libretranslate.error), "POST": Route(hf_translate, libretranslate.error)},
    "/metrics": {"GET": Route(counts, libretranslate.error)},
}
_NAMED = [(re.compile(path.replace("{name}", "([^/]+)")), path) for path in ROUTES if "{name}" in path]


def route_of(path: str) -> tuple[str, str] | None:
    """The path in ROUTES, and what stands there for {name}; None for one that is not there."""
    for one in (path, path.rstrip("/")):
        if one in ROUTES and "{name}" not in one:
            return one, ""
        for pattern, route in _NAMED:
            if found := pattern.fullmatch(one):
                return route, found[1]
    return None
