"""What each path is asked for, by the body and who asks, and what it answers. Knows no HTTP beyond that."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from nmt.service import deepl, libretranslate, metrics, others
from nmt.service.limits import INSPECTED
from nmt.service.openapi import specification
from nmt.service.page import page
from nmt.service.service import Service
from nmt.service.wire import (
    RefusedError,
    Request,
    TranslationRequest,
    fields_of,
    json_of,
    key_of,
    number_field,
    text_field,
)


@dataclass(frozen=True)
class Answered:
    """An answer that is no JSON."""

    text: str
    content_type: str
    headers: Mapping[str, str]


Handler = Callable[["Asked"], Awaitable[Any]]
Shape = Callable[[RefusedError], Any]


class Asked:
    """A request whose body has come, and who is asked."""

    def __init__(self, service: Service, request: Request, client: str) -> None:
        self.service = service
        self.request = request
        self.client = client

    def fields(self) -> dict[str, Any]:
        return fields_of(self.request)

    def admit(self, fields: dict[str, Any]) -> None:
        """Raises RefusedError for a request that may not be."""
        self.service.admit(key_of(self.request, fields), self.client)


async def translate(asked: Asked) -> Any:
    fields = asked.fields()
    asked.admit(fields)
    wanted = libretranslate.translation_request(fields)
    return libretranslate.answer(wanted, await asked.service.translate(wanted))


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
    return libretranslate.settings(first.source, first.target, pairs.names, limits.max_chars, has_keys)


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


def _admit_deepl(asked: Asked, fields: dict[str, Any]) -> None:
    key = deepl.key_of(asked.request.headers, fields) or key_of(asked.request, fields)
    if not key and asked.service.keys:
        raise RefusedError(
            403, "Authorization failed. Please supply a valid DeepL-Auth-Key via the Authorization header."
        )
    asked.service.admit(key, asked.client)


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


# Of each path and method what answers, and how it says that it refuses.
ROUTES: dict[str, dict[str, tuple[Handler, Shape]]] = {
    "/translate": {"POST": (translate, libretranslate.error)},
    "/detect": {"POST": (detect, libretranslate.error)},
    "/languages": {"GET": (languages, libretranslate.error)},
    "/frontend/settings": {"GET": (settings, libretranslate.error)},
    "/health": {"GET": (health, libretranslate.error)},
    "/spec": {"GET": (spec, libretranslate.error)},
    "/inspect": {"POST": (inspect, libretranslate.error)},
    "/v2/translate": {"POST": (deepl_translate, deepl.error)},
    "/v2/languages": {"GET": (deepl_languages, deepl.error), "POST": (deepl_languages, deepl.error)},
    "/v2/usage": {"GET": (deepl_usage, deepl.error), "POST": (deepl_usage, deepl.error)},
    "/translator/translate": {"POST": (opennmt_translate, others.opennmt_error)},
    "/translator/models": {"GET": (opennmt_models, others.opennmt_error)},
    "/": {"GET": (front, libretranslate.error), "POST": (hf_translate, libretranslate.error)},
    "/metrics": {"GET": (counts, libretranslate.error)},
}
