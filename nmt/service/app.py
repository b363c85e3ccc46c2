"""An ASGI application: reads requests within limits, passes them on and answers in JSON, except for the page, the
metrics and files. An error has the format of the requested API.

The paths are few and fixed; a framework took more time than a translation's share of a batch.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import nullcontext
from typing import Any

from nmt.common.json_text import to_json
from nmt.common.log_lines import place_of
from nmt.service.routes import COMMON, CORS, ROUTES, WITH_FILE, Asked, Handler, Response, refused, route_of
from nmt.service.service import Service
from nmt.service.wire import JSON, HttpRequest, RefusedError

MAX_DISCARDED_BYTES = 32_000_000  # of a body that is too long, read and discarded so that the client gets the error
HOST = re.compile(r"([\w.-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?", re.ASCII)
PREFLIGHT = {
    **CORS,
    "access-control-allow-methods": "GET, POST, OPTIONS",
    "access-control-allow-headers": "authorization, content-type",
    "access-control-max-age": "86400",
}
JSON_HEADERS = {**CORS, **COMMON, "content-type": JSON}
GONE = 499  # the client has closed the connection; no standard defines a status for that

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

logger = logging.getLogger(__name__)


def build_app(service: Service, prefix: str = "") -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """An ASGI application for the service. Clients find all paths under `prefix`, such as "/nmt"; a proxy may have
    removed it from a request's path."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        path, scope["root_path"] = scope["path"].removeprefix(prefix), prefix
        if prefix and not path:  # relative links of the page need the slash
            query = scope["query_string"].decode("latin-1")  # may hold a key
            route = "redirect"
            response = Response(b"", CORS | {"location": f"{prefix}/?{query}" if query else f"{prefix}/"}, 308)
        elif found := route_of(path):
            route = found[0]
            response = await _of_path(service, *found, scope, receive)
        else:
            route, response = "unknown", _refused(RefusedError(404, "Not Found"), path)
        service.metrics.count("nmt_requests_total", route, str(response.status))
        headers = [(name.encode(), value.encode("latin-1")) for name, value in response.headers.items()]
        if response.status != 204:
            headers.append((b"content-length", b"%d" % len(response.body)))
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": response.body})

    return app


async def _of_path(service: Service, path: str, name: str, scope: Scope, receive: Receive) -> Response:
    handlers = ROUTES[path]
    method = "GET" if scope["method"] == "HEAD" else scope["method"]
    allowed = {"allow": ", ".join([*handlers, "OPTIONS"])}
    if method == "OPTIONS":
        return Response(b"", PREFLIGHT | allowed, 204)
    if method not in handlers:
        message = f"{method[:20]} is not allowed here; use {', '.join(handlers)}"
        return _refused(RefusedError(405, message), path, allowed)
    try:
        return await _answered(service, path, name, handlers[method], scope, receive)
    except RefusedError as refusal:
        return _refused(refusal, path)
    except Exception as error:
        # Without its message or its causes: they may quote a text.
        logger.error("%s: %s", path, place_of(error))
        return _refused(RefusedError(500, "an error of the server"), path)


async def _answered(
    service: Service, path: str, name: str, handler: Handler, scope: Scope, receive: Receive
) -> Response:
    """The handler's response. Raises the handler's errors, and RefusedError as `_body`."""
    most = service.limits.max_bytes
    of_texts = nullcontext((most, RefusedError(413, f"the body is longer than {most} bytes")))
    with service.files.arrival() if handler in WITH_FILE else of_texts as bound:
        request = await _request(scope, receive, service.limits.body_s, *bound)
        begun = time.perf_counter()
        client = scope["client"]
        asked = Asked(service, request, client[0] if client else "", path, name)
        content = await _until_gone(receive, handler(asked))
    service.metrics.observe("nmt_request_seconds", time.perf_counter() - begun, path)
    if isinstance(content, Response):
        return content
    return Response((content if isinstance(content, str) else to_json(content)).encode(), JSON_HEADERS)


async def _request(scope: Scope, receive: Receive, seconds: float, most: int, too_much: RefusedError) -> HttpRequest:
    """The request with its body. Raises RefusedError as `_body`."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    query = scope["query_string"].decode("ascii", "replace")
    body = await _body(receive, headers.get("content-length", ""), seconds, most, too_much)
    address = _address(scope, headers.get("host", ""))
    return HttpRequest(query, headers.get("content-type", ""), body, headers, scope["method"], address)


def _address(scope: Scope, host: str) -> str:
    """The URL at which the client reached this server; if it does not say which, the server's own address."""
    if not HOST.fullmatch(host):
        host, port = scope["server"] or ("localhost", None)
        host = f"[{host}]" if ":" in host else host
        host += f":{port}" if port else ""
    return f"{scope['scheme']}://{host}{scope['root_path']}"


async def _body(receive: Receive, length: str, seconds: float, most: int, too_much: RefusedError) -> bytes:
    """A body of at most `most` bytes, within `seconds`. Raises RefusedError: `too_much` for a longer one, whose
    excess is discarded, 408 for a slow one, GONE when the client disconnects."""
    chunks: list[bytes] = []
    size = 0
    discarded = max(MAX_DISCARDED_BYTES, most)
    if length.isdigit() and int(length) > discarded:
        raise too_much
    try:
        async with asyncio.timeout(seconds):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise RefusedError(GONE, "the client has gone")
                chunk = message.get("body", b"")
                size += len(chunk)
                if size <= most:
                    chunks.append(chunk)
                elif size > discarded:
                    raise too_much
                if not message.get("more_body", False):
                    break
    except TimeoutError:
        raise RefusedError(408, f"the body has not come within {seconds:g} s") from None
    if size > most:
        raise too_much
    return b"".join(chunks)


async def _until_gone(receive: Receive, work: Awaitable[Any]) -> Any:
    """The result of the work. Cancels it and raises RefusedError when the client disconnects."""
    task = asyncio.current_task()
    assert task
    is_done = is_gone = False

    def leave(_: object) -> None:
        nonlocal is_gone
        if not is_done:
            is_gone = True
            task.cancel()

    gone = asyncio.ensure_future(receive())  # after the body only a disconnect can come
    gone.add_done_callback(leave)
    try:
        return await work
    except asyncio.CancelledError:
        if not is_gone:
            raise
        task.uncancel()
        raise RefusedError(GONE, "the client has gone") from None
    finally:
        is_done = True
        gone.cancel()


def _refused(refusal: RefusedError, path: str, more: Mapping[str, str] | None = None) -> Response:
    headers = JSON_HEADERS | dict(more or {})
    if refusal.retry_after_s is not None:
        headers["retry-after"] = f"{max(1, round(refusal.retry_after_s))}"
    if refusal.status in (408, 413, GONE):
        headers["connection"] = "close"
    return Response(to_json(refused(path, refusal)).encode(), headers, refusal.status)
