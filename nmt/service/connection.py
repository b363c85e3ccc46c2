"""A connection of the HTTP server, with bounds that uvicorn's lacks: how long the head of a request may take to come,
how large it may be, and how many connections there may be. An offer to speak another protocol is declined."""

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
    """The kind of connection whose requests' heads come within so many seconds."""
    return type("BoundedConnection", (BoundedConnection,), {"head_s": head_s})


class BoundedConnection(HttpToolsProtocol):
    """A connection whose requests' heads come within `head_s` seconds and MAX_HEAD_BYTES."""

    head_s: ClassVar[float]  # told by `bounded`
    timer: asyncio.TimerHandle | None = None
    head_bytes = 0  # of the headers, and of those behind a body in chunks
    fed = b""
    unread_bytes = 0  # since the parser has last told of a whole header or of a piece of a body

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
        self.fed = data
        super().data_received(data)
        if max(self.head_bytes, self.unread_bytes) > MAX_HEAD_BYTES:
            self._end(431, f"the headers have more than {MAX_HEAD_BYTES} bytes")
        if not self._is_between_requests():
            self._stop()
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
        self._stop()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        self._end(400, "this is no request of HTTP")

    def _should_upgrade(self) -> bool:
        return True

    def handle_websocket_upgrade(self) -> None:
        """Answer an offer to speak another protocol in this one, as if it had not been made: the parser stops at
        it, and so another one begins with the same head."""
        stopped = sys.exc_info()[1]
        assert isinstance(stopped, httptools.HttpParserUpgrade)
        method = self.scope["method"]
        if method == "CONNECT":
            self._end(405, "CONNECT is not allowed here")
            return
        kept = (b"%s: %s\r\n" % header for header in self.headers if header[0] != b"upgrade")
        head = b"%s %s HTTP/%s\r\n" % (method.encode(), self.url, self.scope["http_version"].encode())
        self.parser = httptools.HttpRequestParser(self)
        self.data_received(head + b"".join(kept) + b"\r\n" + self.fed[stopped.args[0] :])

    def _is_between_requests(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _wait_for_head(self) -> None:
        self.timer = self.loop.call_later(self.head_s, self._too_slow)

    def _stop(self) -> None:
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
