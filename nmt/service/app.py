"""The routes: what comes is read within limits, handed on, and answered, always in JSON but for the page and the
metrics. Errors have the shape of the interface that was asked."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from nmt.json_text import to_json
from nmt.service import deepl, libretranslate, metrics, others
from nmt.service.limits import INSPECTED
from nmt.service.openapi import specification
from nmt.service.page import page
from nmt.service.service import Service
from nmt.service.wire import JSON, RefusedError, Request, Wish, fields_of, json_of, number_field, text_field

MOST_DISCARDED = 32_000_000  # bytes of a body that is too long, which are read so that the client hears of it
CORS = {"access-control-allow-origin": "*"}
PREFLIGHT = {
    **CORS,
    "access-control-allow-methods": "GET, POST, OPTIONS",
    "access-control-allow-headers": "authorization, content-type",
    "access-control-max-age": "86400",
}
COMMON = {**CORS, "x-content-type-options": "nosniff", "cache-control": "no-store"}
GONE = 499  # a client who has closed the connection: no standard has a number for it

Handler = Callable[["Asked"], Awaitable[Any]]
Shape = Callable[[RefusedError], Any]

logger = logging.getLogger(__name__)


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
        of_header = self.request.headers.get("authorization", "").partition(" ")[2].strip()
        self.service.admit(text_field(fields, "api_key", of_header), self.client)


async def translate(asked: Asked) -> Any:
    fields = asked.fields()
    asked.admit(fields)
    wish = libretranslate.wish_of(fields)
    return libretranslate.answer(wish, await asked.service.translate(wish))


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
    wish = deepl.wish_of(fields)
    return deepl.answer(wish, await asked.service.translate(wish))


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
    key = deepl.key_of(asked.request.headers, fields)
    if not key and asked.service.keys:
        raise RefusedError(
            403, "Authorization failed. Please supply a valid DeepL-Auth-Key via the Authorization header."
        )
    asked.service.admit(key, asked.client)


async def opennmt_translate(asked: Asked) -> Any:
    asked.admit({})
    names = list(asked.service.pairs.by_name)
    texts = others.opennmt_texts(json_of(asked.request), names)
    asked.service.limits.check([text for text, _ in texts])
    pairs = [asked.service.pairs.by_name[name] for _, name in texts]
    wishes = [Wish((text,), pair.source, pair.target) for (text, _), pair in zip(texts, pairs, strict=True)]
    answers = await asyncio.gather(*map(asked.service.translate, wishes))
    return others.opennmt_answer([text for text, _ in texts], [one for (one,) in answers])


async def opennmt_models(asked: Asked) -> Any:
    return others.opennmt_models(list(asked.service.pairs.by_name))


async def hf_translate(asked: Asked) -> Any:
    asked.admit({})
    data = json_of(asked.request)
    if not isinstance(data, dict):
        raise RefusedError(400, "the body must be a JSON object with inputs")
    texts, source, target = others.hf_wish(data)
    pairs = asked.service.pairs
    target = target or next((p.target for p in pairs.by_name.values() if source in ("", p.source)), pairs.targets[0])
    if not source:
        into = [p.source for p in pairs.by_name.values() if p.target == pairs.served(target)]
        source = into[0] if len(into) == 1 else ""
    return others.hf_answer(await asked.service.translate(Wish(texts, source, target)))


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
}


def build_app(service: Service) -> Starlette:
    """An ASGI application that asks the service."""
    routes = [Route(path, _Endpoint(service, path, handlers)) for path, handlers in ROUTES.items()]
    return Starlette(
        routes=[*routes, Route("/", _Front(service)), Route("/metrics", _Metrics(service))],
        exception_handlers={HTTPException: _http_error, Exception: _server_error},
    )


class _Endpoint:
    """An ASGI application of one path."""

    def __init__(self, service: Service, path: str, handlers: Mapping[str, tuple[Handler, Shape]]) -> None:
        self.service = service
        self.path = path
        self.handlers = handlers
        self.allowed = ", ".join([*handlers, "OPTIONS"])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self.response(HttpRequest(scope, receive))
        self.service.metrics.count("nmt_requests_total", self.path, str(response.status_code))
        await response(scope, receive, send)

    async def response(self, http: HttpRequest) -> Response:
        if http.method == "OPTIONS":
            return Response(status_code=204, headers=PREFLIGHT | {"allow": self.allowed})
        method = "GET" if http.method == "HEAD" else http.method
        if method not in self.handlers:
            shape = next(iter(self.handlers.values()))[1]
            message = f"{http.method[:20]} is not allowed here; use {', '.join(self.handlers)}"
            return _refused(RefusedError(405, message), shape, {"allow": self.allowed})
        return await _answered(self.service, http, self.path, *self.handlers[method])


class _Front(_Endpoint):
    """The page, and for a POST the `translation` task."""

    def __init__(self, service: Service) -> None:
        super().__init__(service, "/", {"POST": (hf_translate, libretranslate.error)})
        self.allowed = "GET, POST, OPTIONS"

    async def response(self, http: HttpRequest) -> Response:
        if http.method not in ("GET", "HEAD"):
            return await super().response(http)
        content, policy = page(secrets.token_urlsafe(16))
        headers = {
            "content-security-policy": policy,
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
            "cache-control": "no-store",
        }
        return Response(content, 200, headers, "text/html")


class _Metrics(_Endpoint):
    def __init__(self, service: Service) -> None:
        super().__init__(service, "/metrics", {"GET": (_no_handler, libretranslate.error)})

    async def response(self, http: HttpRequest) -> Response:
        if http.method not in ("GET", "HEAD"):
            return await super().response(http)
        return Response(self.service.metrics.text(), 200, {"cache-control": "no-store"}, metrics.CONTENT_TYPE)


async def _no_handler(asked: Asked) -> Any:
    raise AssertionError("GET is answered elsewhere")


async def _answered(service: Service, http: HttpRequest, path: str, handler: Handler, shape: Shape) -> Response:
    try:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in http.scope["headers"]}
        query = http.scope["query_string"].decode("ascii", "replace")
        body = await _body(service, http, headers.get("content-length", ""))
        request = Request(query, headers.get("content-type", ""), body, headers)
        begun = time.perf_counter()
        asked = Asked(service, request, http.client.host if http.client else "")
        content = await _until_gone(http, handler(asked))
        service.metrics.observe("nmt_request_seconds", time.perf_counter() - begun, path)
        return Response(content if isinstance(content, str) else to_json(content), 200, COMMON, JSON)
    except RefusedError as refusal:
        return _refused(refusal, shape)
    except asyncio.CancelledError:
        raise
    except Exception as error:
        # Not its message, nor its causes': they may quote a text.
        places = traceback.extract_tb(error.__traceback__)
        where = f"{places[-1].filename}:{places[-1].lineno}"
        logger.error("%s: %s in %s", path, type(error).__name__, where)
        return _refused(RefusedError(500, "an error of the server"), shape)


async def _body(service: Service, http: HttpRequest, length: str) -> bytes:
    """Raises RefusedError: 413 for one that is too long, of which little is kept, and 408 for one that is slow."""
    limits = service.limits
    chunks: list[bytes] = []
    size = 0
    too_long = RefusedError(413, f"the body is longer than {limits.max_bytes} bytes")
    if length.isdigit() and int(length) > MOST_DISCARDED:
        raise too_long
    try:
        async with asyncio.timeout(limits.body_s):
            while True:
                message = await http.receive()
                if message["type"] == "http.disconnect":
                    raise RefusedError(GONE, "the client has gone")
                size += len(message.get("body", b""))
                if size <= limits.max_bytes:
                    chunks.append(message.get("body", b""))
                elif size > MOST_DISCARDED:
                    raise too_long
                if not message.get("more_body", False):
                    break
    except TimeoutError:
        raise RefusedError(408, f"the body has not come within {limits.body_s:g} s") from None
    if size > limits.max_bytes:
        raise too_long
    return b"".join(chunks)


async def _until_gone(http: HttpRequest, work: Any) -> Any:
    """What the work gives; it is cancelled when the client has gone."""
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(http.receive())  # after the body comes the end alone
    try:
        await asyncio.wait((task, gone), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise RefusedError(GONE, "the client has gone")
        return task.result()
    finally:
        task.cancel()
        gone.cancel()


def _refused(refusal: RefusedError, shape: Shape, more: dict[str, str] | None = None) -> Response:
    headers = COMMON | (more or {})
    if refusal.retry_after_s is not None:
        headers["retry-after"] = f"{max(1, round(refusal.retry_after_s))}"
    if refusal.status in (408, 413, GONE):
        headers["connection"] = "close"
    return Response(to_json(shape(refusal)), refusal.status, headers, JSON)


async def _http_error(http: HttpRequest, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    shape = deepl.error if http.url.path.startswith("/v2/") else libretranslate.error
    return _refused(RefusedError(error.status_code, error.detail), shape, dict(error.headers or {}))


async def _server_error(http: HttpRequest, error: Exception) -> Response:
    return _refused(RefusedError(500, "an error of the server"), libretranslate.error)
