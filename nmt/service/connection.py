"""A connection of the HTTP server, with limits that uvicorn lacks: the time and size of a request's head, and the
number of connections. Upgrades to other protocols are declined."""

from __future__ import annotations

import asyncio
import sys
from typing import ClassVar

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from nmt.common.json_text import to_json

MAX_CONNECTIONS = 2000
MAX_HEAD_BYTES = 32_768


def bounded(head_s: float) -> type[HttpToolsProtocol]:
    """A class of connections on which each request's head must arrive within `head_s` seconds."""
    return type("BoundedConnection", (BoundedConnection,), {"head_s": head_s})


class BoundedConnection(HttpToolsProtocol):
    """A connection that limits each request's head to `head_s` seconds and MAX_HEAD_BYTES."""

    head_s: ClassVar[float]  # set by `bounded`
    timer: asyncio.TimerHandle | None = None
    head_bytes = 0  # of the headers, and of the trailers of a chunked body
    last_data = b""
    unread_bytes = 0  # since the parser last reported a whole header or a piece of a body

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > MAX_CONNECTIONS:
            self._end(503, "too many connections")
            return
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self.unread_bytes += len(data)
        self.last_data = data
        super().data_received(data)
        if max(self.head_bytes, self.unread_bytes) > MAX_HEAD_BYTES:
            self._end(431, f"the headers have more than {MAX_HEAD_BYTES} bytes")
        if not self._is_between_requests():
            self._stop_timer()
        elif self.timer is None:
            self._wait_for_head()

    def on_message_begin(self) -> None:
        self.head_bytes = 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        self.unread_bytes = 0
        self.head_bytes += len(name) + len(value)
        if self.head_bytes <= MAX_HEAD_BYTES:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self.unread_bytes = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self.unread_bytes = 0
        super().on_body(body)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        self._end(400, "this is no request of HTTP")

    def _should_upgrade(self) -> bool:
        return True

    def handle_websocket_upgrade(self) -> None:
        """Ignore the upgrade and answer over HTTP: the parser stops at an upgrade, so a new one gets the same head
        without it."""
        stopped = sys.exc_info()[1]
        assert isinstance(stopped, httptools.HttpParserUpgrade)
        method = self.scope["method"]
        if method == "CONNECT":
            self._end(405, "CONNECT is not allowed here")
            return
        kept = (b"%s: %s\r\n" % header for header in self.headers if header[0] != b"upgrade")
        head = b"%s %s HTTP/%s\r\n" % (method.encode(), self.url, self.scope["http_version"].encode())
        self.parser = httptools.HttpRequestParser(self)
        self.data_received(head + b"".join(kept) + b"\r\n" + self.last_data[stopped.args[0] :])

    def _is_between_requests(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _wait_for_head(self) -> None:
        self.timer = self.loop.call_later(self.head_s, self._too_slow)

    def _stop_timer(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    def _too_slow(self) -> None:
        self.timer = None
        if not self.transport.is_closing() and self._is_between_requests():
            self._end(408, f"the request has not come within {self.head_s:g} s")

    def _end(self, status: int, message: str) -> None:
        body = to_json({"error": message})
        self.transport.write(
            f"HTTP/1.1 {status} Refused\r\nconnection: close\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\n\r\n{body}".encode()
        )
        self.transport.close()
